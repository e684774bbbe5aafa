from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnexp.evaluation import load_model
from cnnexp.prediction import UNSURE_BELOW, Picture, accuracy, ask, expected_by, read_pictures_for
from tests.conftest import Trained
from tests.prediction.made import answer


def test_the_likeliest_and_the_next() -> None:
    one = answer(0.1, 0.2, 0.7)
    assert (one.digit, one.runner_up) == ("2", "1")
    assert (one.probability, one.runner_up_probability) == pytest.approx((0.7, 0.2))
    assert answer(0.5, 0.5).digit == "0"


@pytest.mark.parametrize(("probability", "unsure"), [(0.89, True), (0.91, False)])
def test_unsure(probability: float, unsure: bool) -> None:
    assert UNSURE_BELOW == 0.9
    assert answer(probability, 1 - probability).unsure is unsure


def test_right_only_where_a_folder_says() -> None:
    assert [answer(0.9, 0.1, label=label).right for label in ("0", "1", None)] == [True, False, None]
    assert accuracy([answer(1, label="0"), answer(1, label="1"), answer(1)]) == (1, 2)
    assert accuracy([answer(1)]) is None


@pytest.mark.slow
def test_several_networks_are_averaged_and_counted(trained: Trained, twin: Trained, best: Trained) -> None:
    """`trained` and `twin` are one recipe: they agree with each other, and are two votes of three."""
    images = np.random.default_rng(0).integers(0, 256, (7, 28, 28, 1), dtype=np.uint8)
    pictures = [Picture(Path(f"{i}.png"), None, np.zeros((1, 1, 3), np.uint8), image) for i, image in enumerate(images)]
    records = [trained.record, twin.record, best.record]
    logits = np.stack([load_model(record)(images).numpy() for record in records]).astype(np.float64)
    single = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    for i, found in enumerate(ask(records, pictures)):
        assert found.picture is pictures[i]
        assert found.probabilities == pytest.approx(single[:, i].mean(axis=0), abs=1e-5)
        expected = [0] * 10
        for choice in single[:, i].argmax(axis=1):
            expected[choice] += 1
        assert found.votes.tolist() == expected
        assert found.votes.max() >= 2


@pytest.mark.slow
def test_digits_of_mnist_as_files_are_read_as_in_the_test(trained: Trained, tmp_path: Path) -> None:
    """The network's own test digits, saved as pictures: it answers as it did when it was measured."""
    from PIL import Image

    from cnnexp.data import load_digits

    test = load_digits(trained.record.config.data).test
    for number in range(0, 500, 10):
        folder = tmp_path / str(test.labels[number])
        folder.mkdir(exist_ok=True)
        Image.fromarray(test.images[number, ..., 0]).save(folder / f"{number:03d}.png")
    found = ask([trained.record], read_pictures_for(expected_by([trained.record]), [str(tmp_path)]))
    known = trained.record.predictions("test")["probabilities"].argmax(axis=1)
    same = [found_.digit == str(known[int(found_.picture.path.stem)]) for found_ in found]
    assert len(same) == 50
    assert sum(same) >= 48
