from __future__ import annotations

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from cnnexp.study.words import as_word

PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text("abc \\'\",:[]{}=한0.-", max_size=8),
)  # fmt: skip
NAME = st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True)
VALUE: st.SearchStrategy[Any] = st.recursive(
    PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAME, inner, max_size=3)), max_leaves=6
)


@given(VALUE)
def test_hydra_reads_the_word_as_the_value_that_it_was(value: Any) -> None:
    override = OverridesParser.create().parse_override(f"key={as_word(value)}")
    assert not override.is_sweep_override()
    assert override.value() == value
    assert type(override.value()) is type(value) or isinstance(value, list | dict | str)
