"""The whole page: one file with its style, script and pictures inside."""

from __future__ import annotations

import shlex
from pathlib import Path

from cnnexp.analysis.comparison import Comparison
from cnnexp.analysis.differences import without_secrets
from cnnexp.report.disagreement import disagreement_section, pixels_of, wanted_digits
from cnnexp.report.html import Child, Markup, join, tag
from cnnexp.report.maps import first_shown, maps_section
from cnnexp.report.network import cost_section, curves_section, layers_section
from cnnexp.report.overview import runs_section, settings_section, verdict_section
from cnnexp.report.seen import what_layers_saw
from cnnexp.report.words import headline, named

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
PARTS = {
    "runs": "runs",
    "said": "what can be said",
    "differs": "what differs",
    "layers": "networks",
    "curves": "learning",
    "cost": "cost",
    "maps": "layers",
    "disagree": "disagreement",
}


def report_page(comparison: Comparison) -> str:
    """The report as HTML. It reads the records and, for the pixels of single digits, the data that they name."""
    records = [run.record for run in comparison.readers]
    seen = what_layers_saw(comparison.runs)
    pixels = pixels_of(wanted_digits(comparison), records)
    title = headline(comparison)
    sections = [
        runs_section(comparison),
        verdict_section(comparison),
        settings_section(comparison),
        layers_section(comparison),
        curves_section(comparison),
        cost_section(comparison),
        maps_section(seen),
        disagreement_section(comparison, pixels),
    ]
    digit = first_shown(seen) if seen else 0
    body = tag(
        "body",
        _header(comparison, title),
        tag("main", sections),
        _footer(comparison),
        style=f"--digit: {digit}",
    )
    return "<!DOCTYPE html>\n" + tag("html", _head(title), body, lang="en") + "\n"


def _head(title: str) -> Markup:
    folder = Path(__file__).parent
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · cnnexp"),
        tag("style", Markup(style)),
        tag("script", Markup(script)),
    )


def _header(comparison: Comparison, title: str) -> Markup:
    runs = [tag("li", named(run)) for run in comparison.runs]
    shared = comparison.shared
    told = f"{len(comparison.runs)} runs" + (f", held side by side on the same {shared.name}" if shared else "")
    parts = [tag("a", name, href=f"#{id_}") for id_, name in PARTS.items() if shared or id_ != "cost"]
    return tag(
        "header",
        tag("h1", title),
        tag("p", told, class_="lead"),
        tag("ul", runs, class_="legend"),
        tag("nav", parts, aria_label="Parts of this report"),
    )


def _footer(comparison: Comparison) -> Markup:
    command = shlex.join(["cnnexp", "compare", *(run.record.id for run in comparison.runs)])
    runs: list[Child] = [
        tag("li", named(run), tag("code", without_secrets(run.record.header["command"]))) for run in comparison.runs
    ]
    return tag(
        "footer",
        tag("h2", "How it was made"),
        tag("p", "This report: ", tag("code", command)),
        tag("ul", join(runs), class_="commands"),
    )
