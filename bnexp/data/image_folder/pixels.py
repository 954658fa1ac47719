"""One image file as a viewer shows it, resized to a square of 8-bit values.

What is carried over: orientation, palette, transparency (on white), depths of up to 16 bits, CMYK
and other colour spaces, colour profiles and gamma. What cannot be is refused: animations and
several pages, values without an agreed range, other files under an image's name.
"""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # none runs another program
MOST_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485
_GREY_STEPS = {"1": 255, "L;2": 85, "L;4": 17}  # of PNG's shallow greys, on 8 bits
_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # of sRGB, and its white


def read_image(file: Path, size: int, channels: int) -> np.ndarray:
    """Bilinear with antialiasing, to a square whatever the proportions; uint8 (C, H, W).

    Raises OSError or ValueError, and whatever else Pillow's decoders do, with the reason.
    """
    with Image.open(file, formats=FORMATS) as image:
        seen = as_seen(image).convert("RGB" if channels == 3 else "L")
    pixels = np.asarray(seen.resize((size, size), Image.Resampling.BILINEAR))
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)


def as_seen(image: Image.Image) -> Image.Image:
    """An opened image as RGB or L. ValueError where viewers do not agree on how it looks."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # whose others are aids to the first
        raise ValueError(f"holds {frames} images; keep one of them")
    deep = image.mode == "F" or image.mode.startswith("I")
    levels = _levels(image) if deep else 255
    _mend_transparency(image, deep)
    inverted = deep and _tag(image, 262) == 0  # TIFF's "white is zero", which Pillow passes over
    gamma = _gamma(image)
    image = ImageOps.exif_transpose(image)
    if deep:
        values = np.asarray(image).astype(np.int64)
        values = np.clip((values * 255 + levels // 2) // levels, 0, 255)
        shown = Image.fromarray((255 - values if inverted else values).astype(np.uint8))
        shown.info = image.info
        image = shown
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    image = _in_srgb(image)
    if gamma is not None:
        image = image.point([round(255 * (v / 255) ** gamma) for v in range(256)] * len(image.mode))
    if alpha is None:
        return image
    return Image.composite(image, Image.new(image.mode, image.size, "white"), alpha)


def _levels(image: Image.Image) -> int:
    """The largest value of an image of more than 8 bits."""
    bits = _tag(image, 258)  # TIFF's bits per sample
    bits = bits[0] if isinstance(bits, tuple) else bits
    unsigned = _tag(image, 339) in (None, 1, (1,))
    if image.mode.startswith("I;16") and unsigned:
        return 2 ** (bits or 16) - 1
    if image.mode == "I" and image.format in ("PNG", "PPM"):  # 16 bits, by older Pillows
        return 2**16 - 1
    raise ValueError(f"values of mode {image.mode} have no agreed range; save 8 or 16 bits")


def _mend_transparency(image: Image.Image, deep: bool) -> None:
    """Scale the transparent value of a PNG as its pixels were scaled."""
    value, raw = image.info.get("transparency"), _raw_mode(image)
    if value is None or isinstance(value, bytes):
        return
    if deep or "16" in raw:
        raise ValueError("16 bits with a transparent value; save 8 bits, or an alpha channel")
    if raw in _GREY_STEPS and value <= 255 // _GREY_STEPS[raw]:
        image.info["transparency"] = _GREY_STEPS[raw] * value


def _raw_mode(image: Image.Image) -> str:
    """How the values lie in the file, such as "L;4"."""
    if image.format != "PNG" or not image.tile:  # type: ignore[attr-defined]
        return ""
    return str(image.tile[0][3])  # type: ignore[attr-defined]


def _tag(image: Image.Image, number: int) -> Any:
    """A tag of a TIFF file, None where there is none."""
    return image.tag_v2.get(number) if image.format == "TIFF" else None  # type: ignore[attr-defined]


def _gamma(image: Image.Image) -> float | None:
    """The exponent that turns a PNG's values into sRGB's; None where they are sRGB already."""
    info = image.info
    if image.format != "PNG" or "srgb" in info or "icc_profile" in info:
        return None
    primaries = info.get("chromaticity")
    if primaries is not None and np.abs(np.subtract(primaries, _PRIMARIES)).max() > 0.01:
        raise ValueError("primaries that are not those of sRGB; convert it to sRGB")
    exponent = 1 / (2.2 * info["gamma"]) if info.get("gamma") else 1.0
    return exponent if abs(exponent - 1) > 0.05 else None


def _in_srgb(image: Image.Image) -> Image.Image:
    """The image as sRGB or L, converted by the colour profile in its file."""
    profile = image.info.get("icc_profile")
    plain = "L" if image.mode in ("1", "L", "LA") else "RGB"
    if not profile:
        return image.convert(plain)
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    if "sRGB" in ImageCms.getProfileDescription(source):
        return image.convert(plain)
    space = str(source.profile.xcolor_space).strip()
    wanted = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "Lab": "LAB"}.get(space)
    if wanted != image.mode and wanted in ("L", "RGB") and image.mode != "CMYK":
        image = image.convert(wanted)
    if wanted != image.mode:
        raise ValueError(f"a colour profile for {space} in an image of mode {image.mode}")
    srgb = ImageCms.createProfile("sRGB")
    found = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    assert found is not None
    return found.convert(plain)
