from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from cnnexp.figures import confusion_matrix, figure_rgb, png_bytes


def figure(title: str = "x"):
    return confusion_matrix(np.array([[5, 1], [0, 4]]), ["a", "b"], title=title)


def test_equal_figures_give_equal_bytes_without_date_or_version():
    first = png_bytes(figure())
    assert first == png_bytes(figure())
    assert first != png_bytes(figure("y"))
    assert Image.open(BytesIO(first)).info.keys() <= {"dpi"}


def test_png_is_opaque_and_as_large_as_asked():
    shown = figure()
    picture = Image.open(BytesIO(png_bytes(shown, dpi=50)))
    assert picture.size == tuple(int(side * 50) for side in shown.get_size_inches())
    assert np.asarray(picture.convert("RGBA"))[..., 3].min() == 255
    assert np.asarray(picture.convert("RGB"))[0, 0].tolist() == [255, 255, 255]


def test_pixels_are_those_of_the_png_and_the_figure_keeps_its_resolution():
    shown = figure()
    dpi = shown.dpi
    pixels = figure_rgb(shown, dpi=90)
    assert shown.dpi == dpi
    assert pixels.dtype == np.uint8
    assert (pixels == np.asarray(Image.open(BytesIO(png_bytes(shown, dpi=90))).convert("RGB"))).all()


@pytest.mark.slow
@pytest.mark.parametrize("outside", [{"figure.facecolor": "black", "text.color": "white"}, {"savefig.bbox": "tight"}])
def test_a_style_set_outside_changes_nothing_and_is_left_alone(outside):
    plain = png_bytes(figure())
    with mpl.rc_context(outside):
        before = dict(mpl.rcParams)
        assert png_bytes(figure()) == plain
        assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_drawing_never_imports_pyplot():
    code = (
        "import sys, numpy, cnnexp.figures as figures\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "picture = figures.confusion_matrix(numpy.eye(2), ['a', 'b'], title='x')\n"
        "assert figures.png_bytes(picture).startswith(b'\\x89PNG')\n"
        "heavy = {'matplotlib.pyplot', 'tensorflow', 'keras', 'mlflow', 'pandas'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("[]", "", 0)


def test_every_public_name_is_there():
    import cnnexp.figures as figures

    assert all(callable(getattr(figures, name)) for name in figures.__all__)
    assert list(figures.__all__) == sorted(figures.__all__)
