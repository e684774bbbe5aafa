"""What a key is and does in one config: where it was set, which layers it reaches, the formula it enters."""

from __future__ import annotations

from cnnexp.explaining.explanation import Explanation, Row, explain, rows_of
from cnnexp.explaining.facts import Facts, facts_of

__all__ = ["Explanation", "Facts", "Row", "explain", "facts_of", "rows_of"]
