"""One digit in every container, mode, colour and orientation gives one answer: digit, probability and place."""

import io
from functools import partial
from itertools import product

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile import encoded
from helpers.drawing import draw

FOUR = draw("4", size=(280, 220), left=60, top=20)
GRAY = np.asarray(FOUR)


def dark(gray):
    return Image.fromarray(255 - np.asarray(gray))


def ink_alone(gray, level):
    """LA: ink of one level on nothing."""
    alpha = 255 - np.asarray(gray)
    return Image.merge("LA", (Image.new("L", gray.size, level), Image.fromarray(alpha)))


def in_sixteen_bits(gray, order):
    values = np.asarray(gray).astype(np.uint16) * 257
    return Image.frombytes("I;16B" if order == ">" else "I;16", gray.size, values.astype(f"{order}u2").tobytes())


def transparent_palette(gray):
    """P whose colours are the less opaque the lighter they are."""
    image = gray.quantize(64)
    lightness = np.reshape(image.getpalette(), (-1, 3)).mean(1)
    image.info["transparency"] = bytes((255 - lightness).astype(np.uint8))
    return image


PICTURES = {
    "dark on light": FOUR,
    "light on dark": dark(FOUR),
    "dark on nothing": ink_alone(FOUR, 0),
    "light on nothing": ink_alone(FOUR, 255),
    "dark on nothing, RGBA": ink_alone(FOUR, 0).convert("RGBA"),
    "light on nothing, RGBA": ink_alone(FOUR, 255).convert("RGBA"),
    "dark, palette with transparency": transparent_palette(FOUR),
    "dark, palette": FOUR.quantize(64),
    "dark, 16-bit little-endian": in_sixteen_bits(FOUR, "<"),
    "dark, 16-bit big-endian": in_sixteen_bits(FOUR, ">"),
    "light, CMYK": dark(FOUR).convert("CMYK"),
    "light, float": dark(FOUR).convert("F"),
    "light, 1-bit": dark(FOUR).convert("1", dither=Image.Dither.NONE),
}

CONTAINERS = {
    "PNG": partial(Image.Image.save, format="PNG"),
    "GIF": partial(Image.Image.save, format="GIF"),
    "WebP": partial(Image.Image.save, format="WEBP", lossless=True),
    "lossy WebP": partial(Image.Image.save, format="WEBP", quality=90),
    "TIFF": partial(Image.Image.save, format="TIFF"),
    "LZW TIFF": partial(Image.Image.save, format="TIFF", compression="tiff_lzw"),
    "BMP": partial(Image.Image.save, format="BMP"),
    "JPEG": partial(Image.Image.save, format="JPEG", quality=95),
    "PPM": partial(Image.Image.save, format="PPM"),
    "AVIF": partial(Image.Image.save, format="AVIF", quality=90),
}

# Raised where a file of this kind can't hold a mode.
UNSUPPORTED = (OSError, ValueError, TypeError)


@pytest.fixture(scope="module")
def plain(reader):
    return reader.read(FOUR).digits[0]


def agrees(reader, form, plain):
    (digit,) = reader.read(form).digits
    assert digit.label == plain.label == "4"
    assert digit.probability == pytest.approx(plain.probability, abs=0.02)
    assert digit.certain
    assert np.abs(np.subtract(digit.box, plain.box)).max() <= 3


def held(picture, container):
    """Whether a file of that kind holds all of a picture."""
    stream = io.BytesIO()
    try:
        CONTAINERS[container](PICTURES[picture], stream)
    except UNSUPPORTED:
        return False
    return Image.open(stream).has_transparency_data or not PICTURES[picture].has_transparency_data


HELD = [pair for pair in product(PICTURES, CONTAINERS) if held(*pair)]


def test_most_pictures_are_held_by_several_containers():
    assert len(HELD) > len(PICTURES) * len(CONTAINERS) / 2
    assert {picture for picture, _ in HELD} == set(PICTURES)
    assert {container for _, container in HELD} == set(CONTAINERS)


@pytest.mark.parametrize(("picture", "container"), HELD)
def test_one_digit_is_one_answer_in_any_container(reader, plain, picture, container):
    stream = io.BytesIO()
    CONTAINERS[container](PICTURES[picture], stream)
    agrees(reader, stream.getvalue(), plain)


@pytest.mark.parametrize("picture", PICTURES)
def test_one_digit_is_one_answer_as_an_image(reader, plain, picture):
    agrees(reader, PICTURES[picture], plain)


@pytest.mark.parametrize("kind", ["u1", ">u2", "<u2", "u4", "u8", "i2", ">i4", "i8", "f2", "f4", ">f4", "f8"])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("depth", [(), (1,), (3,), (4,)], ids=str)
def test_one_digit_is_one_answer_in_any_array(reader, plain, kind, is_dark, depth):
    array = (255 - GRAY if is_dark else GRAY).astype(kind)
    if array.dtype.kind == "u":
        array *= np.iinfo(kind).max // 255
    elif array.dtype.itemsize > 2 and array.dtype.kind == "f":
        array /= 255
    if depth:
        array = np.repeat(array[..., None], depth[0], axis=2)
        if depth == (4,):
            array[..., 3] = array.max()
    agrees(reader, array, plain)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_one_digit_is_one_answer_however_an_array_lies_in_memory(reader, plain, order):
    if order == "strided":
        agrees(reader, np.repeat(np.repeat(GRAY, 2, 0), 2, 1)[::2, ::2], plain)
    else:
        agrees(reader, np.array(GRAY, order=order), plain)


STORED_AS = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        pair
        for pair in product(["PNG", "WEBP", "TIFF", "JPEG", "AVIF"], ["L", "RGB", "RGBA"])
        if pair != ("JPEG", "RGBA")
    ],
)
@pytest.mark.parametrize("orientation", STORED_AS)
def test_every_orientation_of_every_container_is_one_answer(reader, plain, form, mode, orientation):
    stored = FOUR.convert(mode)
    for step in STORED_AS[orientation]:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    agrees(reader, encoded(stored, form, exif=exif), plain)
