"""What MLflow's page of a run says of it."""

from __future__ import annotations

from cnnexp.runs.description import describe
from cnnexp.runs.record import RunRecord


def test_it_begins_with_the_accuracy_and_its_interval(finished: RunRecord) -> None:
    first = describe(finished).splitlines()[0]
    assert first.startswith("**test accuracy 98.00% (95 % interval 96.36% to 98.91%)** on 500 digits · 3 of 3 epochs")


def test_the_layers_stand_in_columns_as_in_a_terminal(finished: RunRecord) -> None:
    text = describe(finished)
    _, table, _ = text.partition("### Network")[2].split("```", 2)
    lines = [line for line in table.strip().splitlines() if line.strip("─")]
    assert lines[0].split()[:3] == ["layer", "input", "output"]
    conv_1 = next(line for line in lines if line.startswith("conv_1 "))
    assert conv_1.index("28×28×32") == lines[0].index("output")
    assert "```\ncnnexp train" in text
