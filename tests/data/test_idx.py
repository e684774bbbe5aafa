from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from cnnexp.data.idx import has_idx_files, idx_header, read_idx, read_idx_folder
from cnnexp.errors import DataError


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("sign", ["-", "."])
def test_both_spellings_plain_and_compressed(small, write_idx, sign, end):
    folder = write_idx(small, sign, end)
    assert has_idx_files(folder)
    found = read_idx_folder(folder, "")
    assert found.files[0].name == f"train-images{sign}idx3-ubyte{end}"
    for read, written in zip(found.arrays, small, strict=True):
        assert np.array_equal(read, written)


def test_compressed_content_under_a_plain_name_is_read(small, write_idx):
    folder = write_idx(small)
    file = folder / "train-labels-idx1-ubyte"
    file.write_bytes(gzip.compress(file.read_bytes()))
    assert np.array_equal(read_idx(file, 1), small[1])


def test_the_header_of_the_first_mnist_file():
    """Magic 2051, 60,000 images, 28 rows, 28 columns: as its description says."""
    header = idx_header(np.broadcast_to(np.uint8(0), (60000, 28, 28)))
    assert header == b"".join(number.to_bytes(4, "big") for number in (2051, 60000, 28, 28))


def refused(place: Path, message: str) -> pytest.RaisesExc[DataError]:
    return pytest.raises(DataError, match=f"^{re.escape(str(place))}.*{message}")


def test_no_folder(tmp_path):
    with refused(tmp_path / "nowhere", "no such folder, expected a folder with IDX files\n    the cure"):
        read_idx_folder(tmp_path / "nowhere", "the cure")


def test_a_missing_file_is_named(small, write_idx):
    folder = write_idx(small)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    message = r"got no t10k-labels-idx1-ubyte, expected train-images-idx3-ubyte.*plain or \.gz\)\n    the cure"
    with refused(folder, message):
        read_idx_folder(folder, "the cure")


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (2, "got 0000 as its first bytes, expected 00000803, an IDX file of unsigned bytes with 3 axes"),
        (12, "got a header of 12 bytes, expected 16 bytes of header"),
        (100, r"got 100 bytes, expected 1216, as its header says \(40 x 6 x 5\)"),
    ],
)
def test_a_file_that_is_cut_off(small, write_idx, kept, message):
    file = write_idx(small) / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:kept])
    with refused(file, message):
        read_idx(file, 3)


def test_a_file_that_is_too_long(small, write_idx):
    file = write_idx(small) / "train-labels-idx1-ubyte"
    file.write_bytes(file.read_bytes() + b"\n")
    with refused(file, r"got 49 bytes, expected 48, as its header says \(40\)"):
        read_idx(file, 1)


def test_a_file_of_another_kind(small, write_idx):
    file = write_idx(small) / "train-labels-idx1-ubyte"
    with refused(file, "got 00000801 as its first bytes, expected 00000803"):
        read_idx(file, 3)


@pytest.mark.parametrize("damage", ["cut off", "changed"])
def test_damaged_gzip(small, write_idx, damage):
    file = write_idx(small, end=".gz") / "train-images-idx3-ubyte.gz"
    content = file.read_bytes()
    file.write_bytes(content[:-20] if damage == "cut off" else content[:40] + bytes(40) + content[80:])
    with refused(file, r"got broken gzip data \(.*expected a whole gzip file\n.*get it again"):
        read_idx(file, 3)


def test_a_file_that_cannot_be_read(tmp_path):
    with refused(tmp_path, "got Is a directory, expected a file that can be read"):
        read_idx(tmp_path, 3)


def test_labels_of_another_length(small, write_idx):
    folder = write_idx((small[0], small[1][:39], small[2], small[3]))
    with refused(folder / "train-labels-idx1-ubyte", "got 39 labels, expected 40, one for each image"):
        read_idx_folder(folder, "")


def test_images_of_another_size(small, write_idx):
    folder = write_idx((small[0], small[1], small[2][:, :, :4], small[3]))
    message = "got images of 6 x 4, expected images of 6 x 5, as in train-images-idx3-ubyte"
    with refused(folder / "t10k-images-idx3-ubyte", message):
        read_idx_folder(folder, "")


def test_no_images(small, write_idx):
    folder = write_idx((small[0][:0], small[1][:0], small[2], small[3]))
    with refused(folder / "train-images-idx3-ubyte", "got no images, expected at least one"):
        read_idx_folder(folder, "")
