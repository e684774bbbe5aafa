"""Formulas as they are printed, computed: what a reader would do with pencil and paper."""

from __future__ import annotations

import math
import re
from typing import Any

KNOWN = {name: getattr(math, name) for name in ("exp", "sqrt", "erf", "cos", "floor", "ceil", "pi")} | {
    "ln": math.log, "max": max, "min": min, "abs": abs,
}  # fmt: skip


def value_of(formula: str, **numbers: float) -> dict[str, Any]:
    """Names after all assignments of a formula: `y = …` or `m ← …;  w ← …`, one after the other."""
    names: dict[str, Any] = dict(numbers)
    for part in formula.split(";"):
        name, expression = re.split(r"=|←", part, maxsplit=1)
        names[name.strip()] = eval(as_python(expression), {"__builtins__": {}}, {**KNOWN, **names})
    return names


def as_python(expression: str) -> str:
    text = expression.replace("·", "*").replace("²", "**2").replace("^", "**").replace("π", "pi").strip()
    text = re.sub(r"\|(\w)\|", r"abs(\1)", text)
    return re.sub(r"^(.*) for (.*), else (.*)$", r"(\1) if (\2) else (\3)", text)
