"""Any file, PIL image or array -> upright pixels of a bounded size, on opaque paper.

It knows file formats, value ranges, transparency and the rotation that cameras note, and turns whatever can't be read
into an ImageError. It knows nothing of what is written on the picture.
"""

import io
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image

ImageSource = str | os.PathLike | bytes | Image.Image | np.ndarray

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
MEGAPIXELS = 64

# The same where the decoder holds several copies of the whole image: all must stay within half a gigabyte.
MEGAPIXELS_COPIED = 24

# Of what can't be rewound, a pipe, so many bytes are read: an image of all these megapixels, uncompressed, is shorter.
MOST_BYTES = 2**28

# Images are converted and reduced in strips of so many pixels or little more, which are small beside the decoded whole.
STRIP_PIXELS = 4_000_000

# Whether an array goes up to 1 or beyond is asked of every so many rows and columns first.
SAMPLED = 16

Box = tuple[int, int, int, int]  # left, top, right, bottom

# What each orientation that EXIF knows does to rows and columns to show the picture upright.
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}

# Those that swap width and height.
SIDEWAYS = (5, 6, 7, 8)

# In a folder, these are taken for images; a file that is named is read whatever its name.
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".avif"}

# Larger images are reduced to this: a digit on a page photographed whole is still some 20 pixels high.
WORKING_SIDE = 1600


class ImageError(ValueError):
    """What came in can't be read as an image; the message can be shown to the person as it stands.

    Args:
        message: one sentence, in English.
        reason: for those who say it in another language: "no_pixels", "too_large", "damaged", "empty_file" or
            "unknown_format"; "" for what only a program can do wrong.
        facts: what stands in the sentence: megapixels, or the file's name ("" where it has none).
    """

    def __init__(self, message: str, reason: str = "", **facts: object):
        super().__init__(message)
        self.reason = reason
        self.facts = facts


def load_pixels(image: ImageSource) -> tuple[np.ndarray, tuple[int, int]]:
    """Decodes an image.

    Args:
        image: a path, the bytes of a file, a PIL image, or an array of shape (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4): unsigned integers over their full range, booleans, or signed integers and floats in 0..1, or in
            0..255 where one is over 1. Integers, signed or not, of which none is over 1 are a mask, 1 = white.

    Returns:
        The upright pixels, uint8 (h, w, 3) in sRGB, at most WORKING_SIDE long, and the size of the whole image, upright
        as well: width and height. The pixels are fewer where it was larger.

    Raises:
        ImageError: not an image, broken, empty or too large.
    """
    if isinstance(image, np.ndarray):
        picture = _from_array(image)
        return _upright_pixels(picture), (picture.width, picture.height)
    if isinstance(image, Image.Image):
        return _decoded(image, is_own=False)
    with _stream(image) as (stream, name):
        return _decoded(_open(stream, name), is_own=True)


class _Picture(NamedTuple):
    """A decoded picture, handed out in parts, so that no copy of the whole need be made.

    Attributes:
        width, height: as it is stored, before it is turned.
        part: what stands in a box of it -> uint8 (rows, columns, 3), or (rows, columns, 4) where it is transparent, its
            colours multiplied by its alpha.
        orientation: how to turn it, 1 to 8, as EXIF has it.
    """

    width: int
    height: int
    part: Callable[[Box], np.ndarray]
    orientation: int = 1


@contextmanager
def _stream(source: str | os.PathLike | bytes) -> Iterator[tuple[BinaryIO, str]]:
    """A file ready to be decoded, and its name, "" where it has none."""
    name = ""
    with ExitStack() as stack:
        try:
            stream: BinaryIO
            if isinstance(source, (bytes, bytearray, memoryview)):
                stream = io.BytesIO(source)
            else:
                name = Path(source).name
                stream = stack.enter_context(open(source, "rb"))
                if not stream.seekable():
                    stream = io.BytesIO(stream.read(MOST_BYTES))
            is_empty = not stream.read(1)
            stream.seek(0)
        except FileNotFoundError:
            raise ImageError(f"There is no file {name}.") from None
        except IsADirectoryError:
            raise ImageError(f"{name} is a folder, not an image.") from None
        except (OSError, TypeError, ValueError) as error:
            raise ImageError("The image could not be opened: give a path, bytes, a PIL image or an array.") from error
        if is_empty:
            raise ImageError(f"{name or 'The file'} is empty.", "empty_file", name=name)
        yield stream, name


def _open(stream: BinaryIO, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit on pixels is lower, and checked; the rest is for Pillow
            return Image.open(stream, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageError(
            f"The image is too large. Please send one of at most {MEGAPIXELS} megapixels.",
            "too_large",
            megapixels=MEGAPIXELS,
        ) from None
    except Exception as error:  # a decoder raises whatever the bytes lead it to
        raise ImageError(
            f"{name or 'The file'} is not an image that can be read here. "
            "Please send a PNG, JPEG, WebP, GIF, BMP or TIFF.",
            "unknown_format",
            name=name,
        ) from error


def _decoded(opened: Image.Image, is_own: bool) -> tuple[np.ndarray, tuple[int, int]]:
    """Upright pixels and the size, as load_pixels gives them. A caller's own image is left as it is."""
    if min(opened.size) < 1:
        raise ImageError("The image is empty: it has no pixels.", "no_pixels")
    _check_size(opened.width, opened.height, _limit(opened))
    size = opened.size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A JPEG can be decoded at a half, a quarter or an eighth of its size, in a fraction of the time.
            if is_own and opened.format in ("JPEG", "MPO"):
                ratio = WORKING_SIDE / max(size)
                opened.draft(None, (max(1, round(opened.width * ratio)), max(1, round(opened.height * ratio))))
            opened.load()
            picture = _from_image(opened)
            return _upright_pixels(picture), size[::-1] if picture.orientation in SIDEWAYS else size
    except ImageError:
        raise
    except Exception as error:  # a decoder raises whatever the bytes lead it to
        raise ImageError("The image file is damaged or incomplete. Please save or send it again.", "damaged") from error


def _check_size(width: int, height: int, megapixels: int) -> None:
    if width * height > megapixels * 1_000_000:
        raise ImageError(
            f"The image is too large: {width} x {height} pixels. Please send one of at most {megapixels} megapixels.",
            "too_large",
            megapixels=megapixels,
        )


def _limit(image: Image.Image) -> int:
    """How many megapixels an image may have: fewer where its decoder holds several copies of the whole."""
    is_turned = image.format == "TIFF" and _orientation(image) != 1
    return MEGAPIXELS_COPIED if is_turned or image.format in ("WEBP", "AVIF") else MEGAPIXELS


def _orientation(image: Image.Image) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # notes that can't be read are none
        return 1


def _from_array(array: np.ndarray) -> _Picture:
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in array.shape:
        raise ImageError(f"An array of shape {array.shape} is not an image: it must be (H, W), (H, W, 3) or (H, W, 4).")
    height, width = array.shape[:2]
    _check_size(width, height, MEGAPIXELS)
    kind = array.dtype.kind
    if kind not in "biuf":
        raise ImageError(f"An array of {array.dtype} is not an image: its values must be numbers.")
    if kind in "if":
        low, top = array.min(), array.max()
        if not (np.isfinite(low) and np.isfinite(top)):
            raise ImageError("The array holds NaN or infinite values; an image's values are 0..1 or 0..255.")
        if low < 0 or top > 255:
            raise ImageError("The array's values must lie in 0..1 or in 0..255.")
    # A sample of nearly any image shows that it is no mask, at hardly any cost.
    is_up_to_one = array[::SAMPLED, ::SAMPLED].max() <= 1 and array.max() <= 1
    factor = 255 if is_up_to_one else 1
    divisor = np.iinfo(array.dtype).max // 255 if kind == "u" and not is_up_to_one else 1

    def to_bytes(values: np.ndarray) -> np.ndarray:
        if kind == "f":
            return (values * factor).astype(np.uint8)
        # Whole numbers are made small before they are multiplied: 255 does not fit into every type.
        values = (values // divisor if divisor > 1 else values).astype(np.uint8, copy=False)
        return values * np.uint8(factor) if factor > 1 else values

    def part(box: Box) -> np.ndarray:
        left, top, right, bottom = box
        return _in_colour(to_bytes(array[top:bottom, left:right]))

    return _Picture(width, height, part)


def _in_colour(pixels: np.ndarray) -> np.ndarray:
    """uint8 (h, w), (h, w, 3) or (h, w, 4) -> a part of a picture."""
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    if pixels.shape[2] == 4:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("RGBa"))
    return np.ascontiguousarray(pixels)


def _from_image(image: Image.Image) -> _Picture:
    """A loaded image of any mode."""
    is_number = image.mode.startswith("I") or image.mode == "F"
    low, high = (0.0, 65535.0) if image.mode.startswith("I;16") or not is_number else _number_range(image)

    def part(box: Box) -> np.ndarray:
        cut = image.crop(box) if box != (0, 0, *image.size) else image
        if is_number:
            # Pillow clips these at 255 instead of scaling them.
            values = np.asarray(cut).astype(np.float64)
            values -= low
            values /= high - low
            values *= 255
            return _in_colour(values.astype(np.uint8))
        if image.mode == "L" and not image.has_transparency_data:
            return _in_colour(np.asarray(cut))
        if not image.has_transparency_data:
            return np.asarray(cut.convert("RGB"))
        return np.asarray(cut if image.mode == "RGBa" else cut.convert("RGBA").convert("RGBa"))

    return _Picture(image.width, image.height, part, _orientation(image))


def _number_range(image: Image.Image) -> tuple[float, float]:
    """What is black and what is white where values are integers of 32 bits, or floats."""
    low, high = np.array(image.getextrema(), np.float64).tolist()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ImageError("The image holds NaN or infinite values.", "damaged")
    return min(low, 0.0), max(high, 65535.0 if high > 255 else 255.0 if high > 1 else 1.0)


def _upright_pixels(picture: _Picture) -> np.ndarray:
    ratio = min(1.0, WORKING_SIDE / max(picture.width, picture.height))
    width, height = (max(1, round(side * ratio)) for side in (picture.width, picture.height))
    count = -(-picture.width * picture.height // STRIP_PIXELS)
    # Strips lie across; an image so low that its rows would not suffice for them is cut along its columns.
    rows, columns = (count, 1) if count <= height else (1, min(count, width))
    parts = [
        _reduced(picture.part((left, top, right, bottom)), part_width, part_height)
        for left, right, part_width in _cuts(picture.width, width, columns)
        for top, bottom, part_height in _cuts(picture.height, height, rows)
    ]
    pixels = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1 if columns > 1 else 0)
    return _on_paper(np.ascontiguousarray(TURNS.get(picture.orientation, TURNS[1])(pixels)))


def _cuts(length: int, reduced: int, count: int) -> list[tuple[int, int, int]]:
    """A side cut into so many pieces: where each begins and ends, and its length where the side's is `reduced`."""
    edges = [round(reduced * number / count) for number in range(count + 1)]
    places = [round(edge * length / reduced) for edge in edges]
    return [(places[at], places[at + 1], edges[at + 1] - edges[at]) for at in range(count)]


def _reduced(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    if pixels.shape[:2] == (height, width):
        return pixels
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def _on_paper(pixels: np.ndarray) -> np.ndarray:
    """A picture's pixels -> uint8 (h, w, 3); what is transparent becomes paper."""
    if pixels.shape[2] == 3:
        return pixels
    colour, alpha = cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), pixels[:, :, 3]
    *light, visible = cv2.sumElems(pixels)
    if visible == 255 * alpha.size:
        return colour
    # White chalk on nothing needs a blackboard; all else is drawn on white.
    is_light_ink = visible and 255 * sum(light) / (3 * visible) > 200 and visible < 0.5 * 255 * alpha.size
    return colour if is_light_ink else cv2.add(colour, cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB))


def shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    """A picture (H, W) or (H, W, C), averaged by a whole factor, which is fast, until no side is longer than `side`."""
    factor = -(-max(pixels.shape[:2]) // side)
    if factor <= 1:
        return pixels
    height, width = (max(1, length // factor) for length in pixels.shape[:2])
    return cv2.resize(pixels[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA)
