"""What an MLflow run page says of a run, in Markdown: how it went, what it is, how it was started, how to rerun it."""

from __future__ import annotations

from cnnexp.runs.journal import RUNNING
from cnnexp.runs.record import RunRecord
from cnnexp.shapes import layer_table, render_table
from cnnexp.shares import interval

LONGEST = 6000


def describe(record: RunRecord) -> str:
    """The report of a run. Its first line is all that MLflow shows until a person asks for more."""
    parts = [_headline(record), _message(record), _found(record), _layers(record), _data(record), _commands(record)]
    return "\n\n".join(part for part in parts if part)[:LONGEST]


def _headline(record: RunRecord) -> str:
    ending = record.ending
    state = ending.outcome.replace("_", " ") if ending else RUNNING.lower()
    planned = record.config.training.epochs
    told = [_accuracy(record), f"{record.epochs_done} of {planned} epochs, {state}", f"{record.seconds:.0f} s"]
    kept = record.result.get("best/epoch")
    told.append(f"weights of epoch {kept:.0f}" if kept is not None else "")
    return " · ".join(part for part in told if part)


def _accuracy(record: RunRecord) -> str:
    """Accuracy with its 95 % interval, on the largest claim that was measured: test, else validation."""
    for split, name in (("test", "test"), ("val", "validation")):
        accuracy, digits = record.metrics.get(f"accuracy/{split}"), record.data.get("sizes", {}).get(name)
        if accuracy is not None and digits:
            return f"**{name} accuracy {interval(accuracy, digits)}** on {digits:,} digits"
    return ""


def _message(record: RunRecord) -> str:
    message = record.ending.message if record.ending else ""
    return f"> {message.splitlines()[0]}" if message else ""


def _found(record: RunRecord) -> str:
    """What its own signals said when it ended, each with its evidence and one override to try."""
    lines = [f"* {finding}" for event in record.of_kind("found")[-1:] for finding in event["findings"]]
    return "\n".join(["### What its own signals say", "", *lines]) if lines else ""


def _layers(record: RunRecord) -> str:
    height, width, channels = record.data["image_shape"]
    table = layer_table(record.config.model, (height, width, channels), len(record.class_names))
    return f"### Network: {table.parameters:,} parameters\n\n```\n{render_table(table)}\n```"


def _data(record: RunRecord) -> str:
    sizes = ", ".join(f"{number:,} {name}" for name, number in record.data.get("sizes", {}).items())
    return f"### Data\n\n{record.data['source']} (digest `{record.data['digest']}`): {sizes}"


def _commands(record: RunRecord) -> str:
    return (
        f"### How it was started, and how to run it again\n\n```\n{record.header['command']}\n```\n\n"
        f"### To look closer\n\n```\ncnnexp show {record.id}\n```"
    )
