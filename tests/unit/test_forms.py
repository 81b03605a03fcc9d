"""One digit gives the same reading in every file format, mode, colour and orientation: digit, probability and box."""

import io
from functools import partial
from itertools import product

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile import encode_image
from helpers.drawing import draw

FOUR = draw("4", size=(280, 220), left=60, top=20)
GRAY = np.asarray(FOUR)


def invert(gray):
    return Image.fromarray(255 - np.asarray(gray))


def on_transparent(gray, level):
    """Return ink of one gray level on a transparent background, of mode LA."""
    alpha = 255 - np.asarray(gray)
    return Image.merge("LA", (Image.new("L", gray.size, level), Image.fromarray(alpha)))


def to_sixteen_bits(gray, order):
    """Return a picture with 16 bits per pixel in that byte order."""
    values = np.asarray(gray).astype(np.uint16) * 257
    return Image.frombytes("I;16B" if order == ">" else "I;16", gray.size, values.astype(f"{order}u2").tobytes())


def transparent_palette(gray):
    """Return a picture of mode P whose lighter colours are more transparent."""
    image = gray.quantize(64)
    lightness = np.reshape(image.getpalette(), (-1, 3)).mean(1)
    image.info["transparency"] = bytes((255 - lightness).astype(np.uint8))
    return image


PICTURES = {
    "dark on light": FOUR,
    "light on dark": invert(FOUR),
    "dark on nothing": on_transparent(FOUR, 0),
    "light on nothing": on_transparent(FOUR, 255),
    "dark on nothing, RGBA": on_transparent(FOUR, 0).convert("RGBA"),
    "light on nothing, RGBA": on_transparent(FOUR, 255).convert("RGBA"),
    "dark, palette with transparency": transparent_palette(FOUR),
    "dark, palette": FOUR.quantize(64),
    "dark, 16-bit little-endian": to_sixteen_bits(FOUR, "<"),
    "dark, 16-bit big-endian": to_sixteen_bits(FOUR, ">"),
    "light, CMYK": invert(FOUR).convert("CMYK"),
    "light, float": invert(FOUR).convert("F"),
    "light, 1-bit": invert(FOUR).convert("1", dither=Image.Dither.NONE),
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

# Errors that Pillow raises where a file format does not support a mode.
UNSUPPORTED_ERRORS = (OSError, ValueError, TypeError)


@pytest.fixture(scope="module")
def plain(reader):
    """Return the digit of the plain picture."""
    return reader.read(FOUR).digits[0]


def check_reading(reader, image, plain):
    (digit,) = reader.read(image).digits
    assert digit.label == plain.label == "4"
    assert digit.probability == pytest.approx(plain.probability, abs=0.02)
    assert digit.certain
    assert np.abs(np.subtract(digit.box, plain.box)).max() <= 3


def is_supported(picture, container):
    """Return whether a file format stores a picture without losing its transparency."""
    stream = io.BytesIO()
    try:
        CONTAINERS[container](PICTURES[picture], stream)
    except UNSUPPORTED_ERRORS:
        return False
    return Image.open(stream).has_transparency_data or not PICTURES[picture].has_transparency_data


SUPPORTED = [pair for pair in product(PICTURES, CONTAINERS) if is_supported(*pair)]


def test_most_pictures_are_supported_by_several_formats():
    assert len(SUPPORTED) > len(PICTURES) * len(CONTAINERS) / 2
    assert {picture for picture, _ in SUPPORTED} == set(PICTURES)
    assert {container for _, container in SUPPORTED} == set(CONTAINERS)


@pytest.mark.parametrize(("picture", "container"), SUPPORTED)
def test_the_reading_is_the_same_in_every_format(reader, plain, picture, container):
    stream = io.BytesIO()
    CONTAINERS[container](PICTURES[picture], stream)
    check_reading(reader, stream.getvalue(), plain)


@pytest.mark.parametrize("picture", PICTURES)
def test_the_reading_is_the_same_for_pillow_images(reader, plain, picture):
    check_reading(reader, PICTURES[picture], plain)


@pytest.mark.parametrize("kind", ["u1", ">u2", "<u2", "u4", "u8", "i2", ">i4", "i8", "f2", "f4", ">f4", "f8"])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("depth", [(), (1,), (3,), (4,)], ids=str)
def test_the_reading_is_the_same_for_every_array(reader, plain, kind, is_dark, depth):
    array = (255 - GRAY if is_dark else GRAY).astype(kind)
    if array.dtype.kind == "u":
        array *= np.iinfo(kind).max // 255
    elif array.dtype.itemsize > 2 and array.dtype.kind == "f":
        array /= 255
    if depth:
        array = np.repeat(array[..., None], depth[0], axis=2)
        if depth == (4,):
            array[..., 3] = array.max()
    check_reading(reader, array, plain)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_the_reading_is_the_same_for_every_memory_layout(reader, plain, order):
    if order == "strided":
        check_reading(reader, np.repeat(np.repeat(GRAY, 2, 0), 2, 1)[::2, ::2], plain)
    else:
        check_reading(reader, np.array(GRAY, order=order), plain)


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
def test_the_reading_is_the_same_in_every_orientation(reader, plain, form, mode, orientation):
    stored = FOUR.convert(mode)
    for step in STORED_AS[orientation]:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    check_reading(reader, encode_image(stored, form, exif=exif), plain)
