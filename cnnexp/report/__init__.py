"""The report of a comparison: one HTML file that needs nothing else, neither a server nor another machine."""

from __future__ import annotations

from cnnexp.report.page import report_page

__all__ = ["report_page"]
