"""Decode any file, PIL image or array to upright, opaque pixels of a bounded size.

It handles file formats, value ranges, transparency and the orientation in EXIF, and raises ImageError for everything
that can't be read. It knows nothing of what is written on the picture.
"""

import io
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image

from digits.boxes import PixelBox

ImageSource = str | os.PathLike | bytes | Image.Image | np.ndarray


@dataclass(frozen=True)
class ImageLimits:
    """Limits of what is decoded, and how.

    Attributes:
        max_megapixels: the largest image that is decoded.
        max_megapixels_copied: the same where the decoder holds several copies of the whole image: all of them must stay
            within half a gigabyte.
        max_stream_bytes: how much is read from a pipe, which can't be rewound. An uncompressed image of
            `max_megapixels` is shorter.
        strip_pixels: images are converted and reduced in strips of about this many pixels, which are small beside the
            decoded image.
        mask_sample_step: whether an array has a value over 1 is tested first on every 16th row and column.
        max_working_side: larger images are reduced to this many pixels on the longer side: a digit on a page
            photographed as a whole is still some 20 pixels high.
    """

    max_megapixels: int = 64
    max_megapixels_copied: int = 24
    max_stream_bytes: int = 2**28
    strip_pixels: int = 4_000_000
    mask_sample_step: int = 16
    max_working_side: int = 1600


IMAGE_LIMITS = ImageLimits()

# The decoders of Pillow that may be used.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")

# The images that are searched for in a folder; a file that is named is read whatever its suffix is.
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".avif"}

# For each EXIF orientation the operation on rows and columns that makes the picture upright.
MAKE_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}

# The orientations that swap width and height.
SIDEWAYS_ORIENTATIONS = (5, 6, 7, 8)


class ImageError(ValueError):
    """The input can't be read as an image; the message can be shown to the person who sent it.

    Args:
        message: one sentence, in English.
        reason: the key of a translation: "no_pixels", "too_large", "damaged", "empty_file" or "unknown_format"; "" for
            errors that only a program can cause.
        facts: the values in the sentence: megapixels, or the file's name ("" where it has none).
    """

    def __init__(self, message: str, reason: str = "", **facts: object):
        super().__init__(message)
        self.reason = reason
        self.facts = facts


def load_pixels(image: ImageSource) -> tuple[np.ndarray, tuple[int, int]]:
    """Decode an image.

    Args:
        image: a path, the bytes of a file, a PIL image, or an array of shape (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4): unsigned integers over their full range, booleans, or signed integers and floats in 0..1, or in
            0..255 where a value is over 1. Integers, signed or not, without a value over 1 are a mask, 1 = white.

    Returns:
        The upright pixels, uint8 (h, w, 3) in sRGB, reduced to at most `max_working_side`; and the size of the whole
        image before that, upright as well: width and height.

    Raises:
        ImageError: the input is no image, or is broken, empty or too large.
    """
    if isinstance(image, np.ndarray):
        picture = _wrap_array(image)
        return _convert_upright(picture), (picture.width, picture.height)
    if isinstance(image, Image.Image):
        return _decode(image, is_own=False)
    with _open_stream(image) as (stream, name):
        return _decode(_open_image(stream, name), is_own=True)


class _Picture(NamedTuple):
    """A decoded picture, which is converted box by box, without a copy of the whole.

    Attributes:
        width, height: as it is stored, before it is turned.
        convert_box: converts a box of it to uint8 (rows, columns, 3), or to (rows, columns, 4) where it is transparent,
            with colours multiplied by alpha.
        orientation: its EXIF orientation, 1 to 8.
    """

    width: int
    height: int
    convert_box: Callable[[PixelBox], np.ndarray]
    orientation: int = 1


@contextmanager
def _open_stream(source: str | os.PathLike | bytes) -> Iterator[tuple[BinaryIO, str]]:
    """Open a file, and yield its stream, rewound, and its name, "" where it has none."""
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
                    stream = io.BytesIO(stream.read(IMAGE_LIMITS.max_stream_bytes))
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


def _open_image(stream: BinaryIO, name: str) -> Image.Image:
    """Read the header of an image file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of many pixels; our own limit is lower, and is checked
            return Image.open(stream, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageError(
            f"The image is too large. Please send one of at most {IMAGE_LIMITS.max_megapixels} megapixels.",
            "too_large",
            megapixels=IMAGE_LIMITS.max_megapixels,
        ) from None
    except Exception as error:  # a decoder may raise any exception on broken bytes
        raise ImageError(
            f"{name or 'The file'} is not an image that can be read here. "
            "Please send a PNG, JPEG, WebP, GIF, BMP or TIFF.",
            "unknown_format",
            name=name,
        ) from error


def _decode(opened: Image.Image, is_own: bool) -> tuple[np.ndarray, tuple[int, int]]:
    """Decode an image, and return what `load_pixels` does. A caller's image, `is_own` False, is not reconfigured."""
    if min(opened.size) < 1:
        raise ImageError("The image is empty: it has no pixels.", "no_pixels")
    _check_size(opened.width, opened.height, _max_megapixels(opened))
    size = opened.size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A JPEG can be decoded at a half, a quarter or an eighth of its size, in a fraction of the time.
            if is_own and opened.format in ("JPEG", "MPO"):
                ratio = IMAGE_LIMITS.max_working_side / max(size)
                opened.draft(None, (max(1, round(opened.width * ratio)), max(1, round(opened.height * ratio))))
            opened.load()
            picture = _wrap_image(opened)
            return _convert_upright(picture), size[::-1] if picture.orientation in SIDEWAYS_ORIENTATIONS else size
    except ImageError:
        raise
    except Exception as error:  # a decoder may raise any exception on broken bytes
        raise ImageError("The image file is damaged or incomplete. Please save or send it again.", "damaged") from error


def _check_size(width: int, height: int, megapixels: int) -> None:
    """Raise ImageError where an image has more than this many megapixels."""
    if width * height > megapixels * 1_000_000:
        raise ImageError(
            f"The image is too large: {width} x {height} pixels. Please send one of at most {megapixels} megapixels.",
            "too_large",
            megapixels=megapixels,
        )


def _max_megapixels(image: Image.Image) -> int:
    """Return the limit for an image: fewer megapixels where its decoder holds several copies of the whole."""
    is_turned = image.format == "TIFF" and _exif_orientation(image) != 1
    is_copied = is_turned or image.format in ("WEBP", "AVIF")
    return IMAGE_LIMITS.max_megapixels_copied if is_copied else IMAGE_LIMITS.max_megapixels


def _exif_orientation(image: Image.Image) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # unreadable EXIF is ignored
        return 1


def _wrap_array(array: np.ndarray) -> _Picture:
    """Check an array, and return it as a picture."""
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in array.shape:
        raise ImageError(f"An array of shape {array.shape} is not an image: it must be (H, W), (H, W, 3) or (H, W, 4).")
    height, width = array.shape[:2]
    _check_size(width, height, IMAGE_LIMITS.max_megapixels)
    kind = array.dtype.kind
    if kind not in "biuf":
        raise ImageError(f"An array of {array.dtype} is not an image: its values must be numbers.")
    if kind in "if":
        low, top = array.min(), array.max()
        if not (np.isfinite(low) and np.isfinite(top)):
            raise ImageError("The array holds NaN or infinite values; an image's values are 0..1 or 0..255.")
        if low < 0 or top > 255:
            raise ImageError("The array's values must lie in 0..1 or in 0..255.")
    # A small sample shows of nearly any image that it is no mask, which saves a pass over all values.
    step = IMAGE_LIMITS.mask_sample_step
    is_up_to_one = array[::step, ::step].max() <= 1 and array.max() <= 1
    factor = 255 if is_up_to_one else 1
    divisor = np.iinfo(array.dtype).max // 255 if kind == "u" and not is_up_to_one else 1

    def to_bytes(values: np.ndarray) -> np.ndarray:
        if kind == "f":
            return (values * factor).astype(np.uint8)
        # Integers are converted to bytes before they are multiplied: 255 does not fit into every type.
        values = (values // divisor if divisor > 1 else values).astype(np.uint8, copy=False)
        return values * np.uint8(factor) if factor > 1 else values

    def convert_box(box: PixelBox) -> np.ndarray:
        left, top, right, bottom = box
        return _to_colour(to_bytes(array[top:bottom, left:right]))

    return _Picture(width, height, convert_box)


def _to_colour(pixels: np.ndarray) -> np.ndarray:
    """Convert uint8 (h, w), (h, w, 3) or (h, w, 4) to the colours that `_Picture.convert_box` returns."""
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    if pixels.shape[2] == 4:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("RGBa"))
    return np.ascontiguousarray(pixels)


def _wrap_image(image: Image.Image) -> _Picture:
    """Return a loaded image of any mode as a picture."""
    is_numeric = image.mode.startswith("I") or image.mode == "F"
    low, high = (0.0, 65535.0) if image.mode.startswith("I;16") or not is_numeric else _value_range(image)

    def convert_box(box: PixelBox) -> np.ndarray:
        crop = image.crop(box) if box != (0, 0, *image.size) else image
        if is_numeric:
            # Pillow clips these at 255 instead of scaling them.
            values = np.asarray(crop).astype(np.float64)
            values -= low
            values /= high - low
            values *= 255
            return _to_colour(values.astype(np.uint8))
        if image.mode == "L" and not image.has_transparency_data:
            return _to_colour(np.asarray(crop))
        if not image.has_transparency_data:
            return np.asarray(crop.convert("RGB"))
        return np.asarray(crop if image.mode == "RGBa" else crop.convert("RGBA").convert("RGBa"))

    return _Picture(image.width, image.height, convert_box, _exif_orientation(image))


def _value_range(image: Image.Image) -> tuple[float, float]:
    """Return the values of black and white of an image of 32-bit integers or floats."""
    low, high = np.array(image.getextrema(), np.float64).tolist()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ImageError("The image holds NaN or infinite values.", "damaged")
    return min(low, 0.0), max(high, 65535.0 if high > 255 else 255.0 if high > 1 else 1.0)


def _convert_upright(picture: _Picture) -> np.ndarray:
    """Convert a picture strip by strip to upright opaque pixels, reduced to the working size."""
    ratio = min(1.0, IMAGE_LIMITS.max_working_side / max(picture.width, picture.height))
    width, height = (max(1, round(side * ratio)) for side in (picture.width, picture.height))
    count = -(-picture.width * picture.height // IMAGE_LIMITS.strip_pixels)
    # Strips are horizontal; an image with fewer rows than strips is split along its columns.
    rows, columns = (count, 1) if count <= height else (1, min(count, width))
    strips = [
        _resize(picture.convert_box((left, top, right, bottom)), strip_width, strip_height)
        for left, right, strip_width in _split_side(picture.width, width, columns)
        for top, bottom, strip_height in _split_side(picture.height, height, rows)
    ]
    pixels = strips[0] if len(strips) == 1 else np.concatenate(strips, axis=1 if columns > 1 else 0)
    make_upright = MAKE_UPRIGHT.get(picture.orientation, MAKE_UPRIGHT[1])
    return _remove_alpha(np.ascontiguousarray(make_upright(pixels)))


def _split_side(length: int, reduced: int, count: int) -> list[tuple[int, int, int]]:
    """Split a side into strips: where each begins and ends, and its length once the side is reduced to `reduced`."""
    edges = [round(reduced * number / count) for number in range(count + 1)]
    starts = [round(edge * length / reduced) for edge in edges]
    return [(starts[at], starts[at + 1], edges[at + 1] - edges[at]) for at in range(count)]


def _resize(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    if pixels.shape[:2] == (height, width):
        return pixels
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def _remove_alpha(pixels: np.ndarray) -> np.ndarray:
    """Convert a picture's pixels to uint8 (h, w, 3); transparent pixels become paper."""
    if pixels.shape[2] == 3:
        return pixels
    colour, alpha = cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), pixels[:, :, 3]
    *light, visible = cv2.sumElems(pixels)
    if visible == 255 * alpha.size:
        return colour
    # Light ink on a transparent picture needs a dark background; everything else is drawn on white.
    is_light_ink = visible and 255 * sum(light) / (3 * visible) > 200 and visible < 0.5 * 255 * alpha.size
    return colour if is_light_ink else cv2.add(colour, cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB))


def shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """Average a picture (H, W) or (H, W, C) by an integer factor, which is fast.

    Args:
        pixels: the picture; returned as it is where it is small enough.
        side: the largest height and width of the result, pixels.
    """
    factor = -(-max(pixels.shape[:2]) // side)
    if factor <= 1:
        return pixels
    height, width = (max(1, length // factor) for length in pixels.shape[:2])
    return cv2.resize(pixels[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA)
