"""What Chromium shows of a figure is what matplotlib draws of it."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bnexp import compare

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def pixels(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Greys of patches that are larger than what fonts and smoothing change."""
    small = image.convert("L").resize(size).reduce(6)
    return np.asarray(small, dtype=float)


def test_the_svg_looks_like_the_png(tmp_path: Path) -> None:
    rows = "\n".join(f"{seed},{1 + seed % 3},{2 + seed % 4}" for seed in range(9))
    (tmp_path / "seeds.csv").write_text(f"seed,a,b\n{rows}\n")
    chart = compare("seeds.csv").figure()
    drawn = Image.open(io.BytesIO(chart.png(dpi=96)))
    chart.save(tmp_path / "figure.svg")
    window = "--window-size=" + ",".join(map(str, drawn.size))
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", window)
    shot = tmp_path / "shot.png"
    subprocess.run(
        [str(CHROMIUM), *flags, f"--screenshot={shot}", (tmp_path / "figure.svg").as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    expected = pixels(drawn, drawn.size)
    seen = pixels(Image.open(shot), drawn.size)
    assert np.abs(seen - expected).mean() < 2 < np.abs(255 - expected).mean()
