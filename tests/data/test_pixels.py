"""What a person sees in a viewer is what is trained on: every mode and property, by value.

https://github.com/pytorch/vision/issues/2218, https://github.com/NVIDIA/DIGITS/issues/85
"""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from bnexp.data.image_folder import pixels
from bnexp.data.image_folder.pixels import as_seen


def png(size, depth, colour, rows, **chunks):
    """The bytes of a PNG file: `rows` of packed samples, further chunks by name."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    extra = b"".join(chunk(name.encode(), data) for name, data in chunks.items())
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
    return start + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def seen(data):
    with Image.open(io.BytesIO(data), formats=pixels.FORMATS) as image:
        return np.asarray(as_seen(image)).tolist()


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def words(*values):
    return struct.pack(f">{len(values)}H", *values)


RAMP = [0, 1, 128, 257, 32768, 65535]  # of 16 bits
RAMP_8 = [0, 0, 0, 1, 128, 255]


def test_sixteen_bits_are_scaled():
    assert seen(png((6, 1), 16, 0, [words(*RAMP)])) == [RAMP_8]
    for mode, kind in (("I;16", "TIFF"), ("I;16B", "TIFF")):
        order = ">u2" if mode.endswith("B") else "<u2"
        image = Image.frombytes(mode, (6, 1), np.array(RAMP, order).tobytes())
        assert seen(saved(image, kind)) == [RAMP_8]
    pgm = b"P5 6 1 65535\n" + words(*RAMP)
    assert seen(pgm) == [RAMP_8]
    assert seen(b"P5 2 1 1000\n" + words(500, 1000)) == [[128, 255]]


def test_sixteen_bits_of_colour_and_of_alpha():
    assert seen(png((1, 1), 16, 2, [words(65535, 32896, 0)])) == [[[255, 128, 0]]]
    assert seen(png((2, 1), 16, 4, [words(0, 0, 0, 65535)])) == [[[255] * 3, [0] * 3]]
    assert seen(png((1, 1), 16, 6, [words(0, 0, 0, 0)])) == [[[255] * 3]]


@pytest.mark.parametrize(
    ("depth", "row", "values"),
    [(1, 0b01000000, [0, 255]), (2, 0b00011011, [0, 85, 170, 255]), (4, 0x5F, [85, 255])],
)
def test_shallow_greys_and_their_transparent_value(depth, row, values):
    size = (len(values), 1)
    assert seen(png(size, depth, 0, [bytes([row])])) == [values]
    clear = png(size, depth, 0, [bytes([row])], tRNS=words(row >> 8 - depth))  # the first pixel's
    assert seen(clear) == [[[value] * 3 for value in [255, *values[1:]]]]


def test_transparency_is_white():
    half = Image.fromarray(np.array([[[0, 100, 200, 0], [0, 100, 200, 51]]], np.uint8), "RGBA")
    expected = [[[255] * 3, [round(255 - 0.2 * (255 - v)) for v in (0, 100, 200)]]]
    assert seen(saved(half, "PNG")) == expected
    assert seen(saved(half, "TIFF")) == expected
    assert seen(saved(half, "WEBP", lossless=True, exact=True)) == expected
    grey = Image.fromarray(np.array([[[10, 0], [10, 255]]], np.uint8), "LA")
    assert seen(saved(grey, "PNG")) == [[[255] * 3, [10] * 3]]


def test_transparent_values_and_palettes():
    rgb = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    assert seen(saved(rgb, "PNG", transparency=(1, 2, 3))) == [[[255] * 3, [4, 5, 6]]]
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([0, 1])
    assert seen(saved(palette, "PNG")) == [[[10, 20, 30], [40, 50, 60]]]
    for kind, clear in (("PNG", 0), ("GIF", 0), ("PNG", bytes([0, 255]))):
        assert seen(saved(palette, kind, transparency=clear)) == [[[255] * 3, [40, 50, 60]]]


def test_a_grey_gif_and_a_bitmap():
    grey = Image.fromarray(np.array([[7, 9]], np.uint8))
    assert np.ravel(seen(saved(grey, "GIF"))).tolist() in ([7, 9], [7] * 3 + [9] * 3)
    assert seen(saved(grey, "BMP")) == [[7, 9]]
    assert seen(saved(Image.fromarray(np.array([[True, False]])), "PNG")) == [[255, 0]]
    assert seen(saved(Image.fromarray(np.array([[True, False]])), "TIFF")) == [[255, 0]]
    assert seen(b"P4 2 1\n\x40") == [[255, 0]]  # a set bit is black


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation(orientation, kind):
    stored = np.zeros((16, 24), np.uint8)
    stored[:8, :8] = 255  # the corner that says how it is turned
    upright = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.T, 6: np.rot90(stored, -1), 7: stored[::-1, ::-1].T, 8: np.rot90(stored),
    }[orientation]  # fmt: skip
    image, exif = Image.fromarray(stored), Image.Exif()
    exif[274] = orientation
    options = {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": exif}
    found = np.array(seen(saved(image, kind, **options)))
    found = found[..., 0] if found.ndim == 3 else found
    assert found.shape == upright.shape
    assert np.abs(found - upright.astype(int)).max() < 12


def test_cmyk_and_other_spaces():
    ink = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    assert np.abs(np.array(seen(saved(ink, "TIFF"))) - [0, 255, 255]).max() == 0
    assert np.abs(np.array(seen(saved(ink, "JPEG"))) - [0, 255, 255]).max() < 4
    photo = saved(Image.new("RGB", (16, 16), (200, 100, 50)), "JPEG", quality=100)
    assert np.abs(np.array(seen(photo)) - [200, 100, 50]).max() < 4
    lab = Image.merge("LAB", [Image.new("L", (1, 1), value) for value in (255, 128, 128)])
    assert min(np.ravel(seen(saved(lab, "TIFF")))) > 250  # L = 100 is white


def test_ycck():
    """Adobe's fourth: the first three inks as luma and chroma, all inverted."""
    data = saved(Image.new("CMYK", (16, 16), (255, 128, 128, 255)), "JPEG", quality=100)
    at = data.index(b"Adobe") + 11
    assert data[at] == 0
    ycck = data[:at] + b"\2" + data[at + 1 :]
    # stored inverted: Y = 0, Cb = Cr = 127, K = 0, hence no light of any colour, and full black
    assert np.max(seen(ycck)) < 4


def profile(gamma=1.0, space="sRGB"):
    """A colour profile with another curve than sRGB's."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile(space))
    data = bytearray(made.tobytes())
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        at = data.index(name)
        offset = struct.unpack(">I", data[at + 4 : at + 8])[0]
        data[offset : offset + 16] = b"para" + bytes(8) + struct.pack(">i", int(gamma * 65536))
    text = data.index("sRGB".encode("utf-16-be"))
    data[text : text + 8] = "mine".encode("utf-16-be")
    return bytes(data)


def test_colour_profiles_are_applied():
    """Linear light in the file: 55 of 255 is what sRGB writes as 128."""
    colour = Image.new("RGB", (2, 2), (55, 55, 55))
    for kind in ("PNG", "TIFF", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        found = np.array(seen(saved(colour, kind, icc_profile=profile(), **options)))
        assert np.abs(found - 128).max() <= 1
    grey = saved(colour.convert("L"), "PNG", icc_profile=profile())
    assert np.abs(np.array(seen(grey)) - 128).max() <= 1
    clear = Image.new("RGBA", (2, 2), (55, 55, 55, 0))
    assert np.array(seen(saved(clear, "PNG", icc_profile=profile()))).min() == 255
    palette = Image.new("P", (2, 2))
    palette.putpalette([55, 55, 55])
    found = np.array(seen(saved(palette, "PNG", icc_profile=profile())))
    assert np.abs(found - 128).max() <= 1


def test_the_profile_of_srgb_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    values = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    data = saved(Image.fromarray(values), "PNG", icc_profile=srgb)
    assert seen(data) == values.tolist()


def test_a_profile_of_another_space_is_refused():
    ink = saved(Image.new("CMYK", (8, 8)), "TIFF", icc_profile=profile())
    with pytest.raises(ValueError, match="a colour profile for RGB in an image of mode CMYK"):
        seen(ink)


def test_gamma_of_a_png():
    row = [bytes([0, 55, 128, 255])]
    assert seen(png((4, 1), 8, 0, row)) == [[0, 55, 128, 255]]
    usual = struct.pack(">I", 45455)
    assert seen(png((4, 1), 8, 0, row, gAMA=usual)) == [[0, 55, 128, 255]]
    linear = struct.pack(">I", 100_000)
    expected = [round(255 * (v / 255) ** (1 / 2.2)) for v in row[0]]
    assert seen(png((4, 1), 8, 0, row, gAMA=linear)) == [expected]
    assert seen(png((4, 1), 8, 0, row, sRGB=b"\0", gAMA=linear)) == [[0, 55, 128, 255]]
    assert seen(png((1, 1), 8, 2, [bytes([0, 55, 255])], gAMA=linear)) == [[[0, expected[1], 255]]]


def test_white_is_zero_in_some_tiffs():
    values = np.array([[0, 65535]], "<u2")
    image = Image.frombytes("I;16", (2, 1), values.tobytes())
    assert seen(saved(image, "TIFF", tiffinfo={262: 1})) == [[0, 255]]
    data = saved(image, "TIFF")
    entry = struct.pack("<HHI", 262, 3, 1)
    at = data.index(entry) + len(entry)
    assert seen(data[:at] + b"\0" + data[at + 1 :]) == [[255, 0]]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_values_without_an_agreed_range_are_refused(mode):
    with pytest.raises(ValueError, match=f"values of mode {mode} have no agreed range"):
        seen(saved(Image.new(mode, (2, 2)), "TIFF"))


@pytest.mark.parametrize(
    ("colour", "row", "clear"), [(0, words(7, 8), words(7)), (2, words(*range(6)), words(0, 1, 2))]
)
def test_a_transparent_value_of_sixteen_bits_is_refused(colour, row, clear):
    with pytest.raises(ValueError, match="16 bits with a transparent value"):
        seen(png((2, 1), 16, colour, [row], tRNS=clear))


def test_primaries_of_another_space_are_refused():
    wide = struct.pack(">8I", 31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600)
    with pytest.raises(ValueError, match="primaries that are not those of sRGB"):
        seen(png((1, 1), 8, 2, [bytes(3)], cHRM=wide))
    usual = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    assert seen(png((1, 1), 8, 2, [bytes([1, 2, 3])], cHRM=usual)) == [[[1, 2, 3]]]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_refused(kind):
    frames = [Image.new("L", (4, 4), value) for value in (0, 128, 255)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="holds 3 images; keep one of them"):
        seen(data)


def test_the_first_picture_of_a_phone_is_the_photo():
    photo, depth = Image.new("L", (16, 16), 200), Image.new("L", (16, 16), 10)
    data = saved(photo, "MPO", save_all=True, append_images=[depth])
    assert np.abs(np.array(seen(data)) - 200).max() < 3


def test_no_other_program_is_run_for_a_file_under_a_false_name(tmp_path, monkeypatch):
    import subprocess

    for name in ("run", "Popen", "check_call"):
        monkeypatch.setattr(subprocess, name, lambda *a, **k: pytest.fail("ran a program"))
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n%%EOF\n")
    with pytest.raises(OSError, match="cannot identify image file"):
        pixels.read_image(path, 8, 3)


def test_bombs_are_refused_before_they_are_decoded(tmp_path):
    from bnexp.data.image_folder.tree import _read_all
    from bnexp.errors import UserError

    for side in (12_000, 20_000):
        (tmp_path / f"{side}.png").write_bytes(png((side, side), 1, 0, []))
    with pytest.raises(UserError) as error:
        _read_all(sorted(tmp_path.iterdir()), 8, 3)
    named = f"{tmp_path}/12000.png, {tmp_path}/20000.png"
    assert error.value.lines == [f"{named}: more than 89 megapixels; make it smaller"]


def test_plain_images_are_as_they_were(tmp_path):
    """Bilinear, antialiased; grey by Pillow's weights: contents of ordinary folders stay."""
    values = np.random.default_rng(0).integers(0, 256, (13, 11, 3), np.uint8)
    image = Image.fromarray(values)
    image.save(tmp_path / "a.png")
    for channels, mode in ((3, "RGB"), (1, "L")):
        expected = np.asarray(image.convert(mode).resize((6, 6), Image.Resampling.BILINEAR))
        found = pixels.read_image(tmp_path / "a.png", 6, channels)
        assert np.array_equal(found, expected.reshape(6, 6, channels).transpose(2, 0, 1))
