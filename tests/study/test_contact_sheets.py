"""Which digits and runs the sheets show, where the runs did not keep the same digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from cnnexp.analysis.sweeps import SweptRun
from cnnexp.runs.files import write_arrays
from cnnexp.runs.record import RunRecord
from cnnexp.study.contact_sheets import LAYERS, ROWS, contact_sheets
from tests.study.made import TINY, record

Pair = tuple[SweptRun, RunRecord]


def pair(runs: Path, name: str, *digests: int, layers: int = 1) -> Pair:
    """A run that kept these digits: each of the class of its last decimal, its maps as bright as its digest."""
    kept = RunRecord(runs / record(runs, *TINY, name=name))
    numbers = np.array(digests)
    images = np.zeros((len(numbers), 8, 8, 1), np.uint8)
    digits = {"images": images, "labels": numbers % 10, "digests": numbers.astype(np.uint64)}
    write_arrays(kept.folder / "probes" / "digits.npz", digits)
    maps = np.broadcast_to(numbers[:, None, None, None], (len(numbers), 4, 4, 1)).astype(np.float16)
    write_arrays(kept.folder / "probes" / "epoch_002.npz", {f"maps/conv_{number}": maps for number in range(layers)})
    return SweptRun(kept.id, name, {}, 0.5, 0.5, 1.0, 1, 1, 500, "a"), kept


def sheets(*pairs: Pair) -> dict[str, Figure]:
    return dict(contact_sheets(pairs))


def cells(figure: Figure) -> list[float]:
    """The brightness of each map, row by row."""
    arrays = [image.get_array() for image in figure.axes[0].images]
    return [float(array.max()) for array in arrays if array is not None and array.shape == (4, 4)]


def told(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_rows_show_the_same_digits_wherever_they_stand(tmp_path: Path) -> None:
    some = pair(tmp_path, "some", 1, 2, 7, 8)
    every = pair(tmp_path, "every", *range(10))
    sheet = sheets(some, every)["contact_sheet_conv_0"]
    assert cells(sheet) == [7, 2, 8, 7, 2, 8]
    assert "conv_0: the same digits through every run" in told(sheet)


def test_a_run_that_kept_other_digits_is_left_out_by_name(tmp_path: Path) -> None:
    alike = [pair(tmp_path, name, 7, 2, 8) for name in ("one", "two")]
    sheet = sheets(pair(tmp_path, "elsewhere", 17, 12, 18), *alike)["contact_sheet_conv_0"]
    assert cells(sheet) == [7, 2, 8, 7, 2, 8]
    assert "conv_0: the same digits through 2 of 3 runs" in told(sheet)
    assert "left out, as the digits kept of it are others: elsewhere" in told(sheet)
    assert sheets(alike[0], pair(tmp_path, "other data", 17, 12, 18)) == {}


@pytest.mark.slow
def test_many_runs_and_layers_are_cut_and_it_says_so(tmp_path: Path) -> None:
    many = [pair(tmp_path, str(number), 7, layers=LAYERS + 2) for number in range(ROWS + 1)]
    found = sheets(*many)
    assert list(found) == [f"contact_sheet_conv_{number}" for number in range(LAYERS)]
    sheet = found["contact_sheet_conv_0"]
    assert "conv_0: the same digits through the best 16 of 17 runs" in told(sheet)
    assert "without a sheet: conv_4, conv_5" in told(sheet)
