"""Records as text and as JSON: what train prints at its end, show and runs at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnexp.analysis.scores import standard_error
from cnnexp.config.reading import shown
from cnnexp.errors import printable
from cnnexp.runs.record import RunRecord

LARGE_LOSS = 1e4


def ending_lines(record: RunRecord) -> str:
    """The short result table of a run that has ended, and how to look at it."""
    return "\n".join(["", *result_table(record), "", *found_lines(record), *where_to_look(record)])


def found_lines(record: RunRecord) -> list[str]:
    """What the run's own signals say went wrong or could go better, each with one override to try; often nothing."""
    from cnnexp.analysis.findings import finding_lines, findings

    lines = finding_lines(findings(record))
    return [*lines, ""] if lines else []


def result_table(record: RunRecord) -> list[str]:
    """Accuracy and loss of the kept weights; test accuracy with its standard error."""
    metrics, sizes = record.metrics, record.data["sizes"]
    rows = []
    for name, split, size in (("test", "test", sizes["test"]), ("validation", "val", sizes["validation"])):
        accuracy = metrics.get(f"accuracy/{split}") if split == "test" else metrics.get("best/accuracy_val")
        loss = metrics.get(f"loss/{split}") if split == "test" else metrics.get("best/loss_val")
        if accuracy is not None and loss is not None:
            error = standard_error(accuracy, size)
            rows.append([name, f"{accuracy:.2%} ± {error:.2%}", loss_text(loss), f"{size:,} digits"])
    kept = int(metrics.get("best/epoch", record.epochs_done))
    told = f"weights of epoch {kept} of {record.epochs_done}, {record.seconds:.1f} s in all"
    return [*(table(["", "accuracy ± standard error", "loss", "measured on"], rows) if rows else []), told]


def where_to_look(record: RunRecord, *, shown_here: bool = False) -> list[str]:
    """The commands and, where MLflow has it, the link. shown_here: below the report itself."""
    lines = [f"pictures  {shown(record.folder / 'figures')}"] if (record.folder / "figures").is_dir() else []
    if not shown_here:
        lines.append(f"report    cnnexp show {record.id}")
    if can_go_on(record):
        lines.append(f"go on     cnnexp resume {record.id}")
    mlflow = record.mlflow
    if "run_id" in mlflow:
        from cnnexp.runs.links import run_link
        from cnnexp.runs.server import address_of

        run_id = str(mlflow["run_id"])
        link = run_link(address_of(str(mlflow["uri"]), run_id), str(mlflow["experiment_id"]), run_id)
        lines += [f"look      cnnexp ui {record.id}", f"          {link}"]
    elif record.config.tracking.enabled:
        lines.append(f"publish   cnnexp sync {record.id}")
    return lines


def can_go_on(record: RunRecord) -> bool:
    """Whether `resume` has something to do for a run that has ended: not where it diverged, or a search gave it up."""
    return record.ending is not None and record.ending.outcome in ("killed", "failed")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns padded to their widest cell as a terminal shows it, the first to the left, the others too; no lines."""
    from rich.cells import cell_len

    cells = [[printable(cell) for cell in row] for row in [header, *rows]]
    widths = [max(cell_len(row[i]) for row in cells) for i in range(len(header))]
    return ["  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells]  # fmt: skip


def counted(number: int, noun: str) -> str:
    """Such as "1 epoch" and "1,200 epochs"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def loss_text(loss: float) -> str:
    """`0.1021`; a loss that has run away by its size: `1.23e+30`."""
    return f"{loss:.4f}" if loss < LARGE_LOSS else f"{loss:.4g}"


def as_json(record: RunRecord) -> dict[str, Any]:
    """One run as plain values: id, name, status, outcome, overrides, identity, metrics, where its files are."""
    ending = record.ending
    return {
        "id": record.id,
        "name": record.name,
        "status": record.status,
        "outcome": ending.outcome if ending else None,
        "message": ending.message if ending else "",
        "created": record.created,
        "seconds": round(record.seconds, 3),
        "epochs": record.epochs_done,
        "overrides": list(record.overrides),
        "command": record.header["command"],
        "identity": record.header["identity"],
        "data": record.data,
        "metrics": record.metrics,
        "folder": str(record.folder),
        "mlflow": record.mlflow,
    }
