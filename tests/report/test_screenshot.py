"""What Chromium shows of a figure is what matplotlib draws of it."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from bnexp import compare

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def pixels(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Greys of patches that are larger than what smoothing changes."""
    return np.asarray(image.convert("L").resize(size).reduce(4), dtype=float)


def test_the_svg_looks_like_the_png(tmp_path: Path) -> None:
    rows = "\n".join(f"{seed},{1 + seed % 3},{2 + seed % 4}" for seed in range(9))
    (tmp_path / "seeds.csv").write_text(f"seed,a,b\n{rows}\n")
    chart = compare("seeds.csv").figure()
    for text in chart.findobj(Text):  # its shapes are those of the fonts that are there
        text.set_visible(False)
    drawn = Image.open(io.BytesIO(chart.png(dpi=96)))
    chart.save(tmp_path / "figure.svg")
    window = "--window-size=" + ",".join(map(str, drawn.size))
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", window)
    shot = tmp_path / "shot.png"
    subprocess.run(
        [str(CHROMIUM), *flags, f"--screenshot={shot}", (tmp_path / "figure.svg").as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    expected, seen = (pixels(image, drawn.size) for image in (drawn, Image.open(shot)))
    drawn_at_all = np.abs(255 - expected).mean()
    assert np.abs(seen - expected).mean() < 0.1 * drawn_at_all
