"""Any file, PIL image or array -> upright pixels of a bounded size, on opaque paper.

This room knows file formats, value ranges, transparency and the rotation that cameras note; and it turns whatever can't
be read into an ImageError. It does not know ink from paper: see ink.py.
"""

import io
import os
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

ImageSource = str | os.PathLike | bytes | Image.Image | np.ndarray

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
MEGAPIXELS = 64

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


def load_pixels(image: ImageSource) -> tuple[np.ndarray, float]:
    """Decodes an image.

    Args:
        image: a path, the bytes of a file, a PIL image, or an array of shape (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4): unsigned integers over their full range, booleans, or floats in 0..1 (or 0..255, where one is
            over 1).

    Returns:
        The upright pixels, uint8 (h, w, 3) in sRGB, at most WORKING_SIDE long, and their scale: how many of them
        make one pixel of the image, 1.0 unless it was larger.

    Raises:
        ImageError: not an image, broken, empty or too large.
    """
    if isinstance(image, np.ndarray):
        opened = _from_array(image)
    elif isinstance(image, Image.Image):
        opened = image
    else:
        opened = _open(image)
    if min(opened.size) < 1:
        raise ImageError("The image is empty: it has no pixels.", "no_pixels")
    if opened.width * opened.height > MEGAPIXELS * 1_000_000:
        raise ImageError(
            f"The image is too large: {opened.width} x {opened.height} pixels. "
            f"Please send one of at most {MEGAPIXELS} megapixels.",
            "too_large",
            megapixels=MEGAPIXELS,
        )
    full_side = max(opened.size)
    # A JPEG can be decoded at a half, a quarter or an eighth of its size, in a fraction of the time. A caller's own
    # image is left as it is.
    if opened is not image and opened.format in ("JPEG", "MPO"):
        opened.draft(None, (WORKING_SIDE, WORKING_SIDE))
    try:
        opened.load()
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError, IndexError) as error:
        raise ImageError("The image file is damaged or incomplete. Please save or send it again.", "damaged") from error
    # Reduced before it is turned or converted, where that can be: those copies are then small.
    if max(opened.size) > WORKING_SIDE and opened.mode in ("L", "RGB"):
        opened = _keeping_exif(opened, _to_working_side(np.asarray(opened)))
    pixels = _on_paper(_upright(opened))
    if max(pixels.shape[:2]) > WORKING_SIDE:
        pixels = _to_working_side(pixels)
    return pixels, max(pixels.shape[:2]) / full_side


def _open(source: str | os.PathLike | bytes) -> Image.Image:
    try:
        if isinstance(source, (bytes, bytearray, memoryview)):
            stream, name = io.BytesIO(source), ""
        else:
            name = Path(source).name
            stream = io.BytesIO(Path(source).read_bytes())
    except FileNotFoundError:
        raise ImageError(f"There is no file {name}.") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder, not an image.") from None
    except (OSError, TypeError, ValueError) as error:
        raise ImageError("The image could not be opened: give a path, bytes, a PIL image or an array.") from error
    if not stream.getbuffer().nbytes:
        raise ImageError(f"{name or 'The file'} is empty.", "empty_file", name=name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower, and checked
            return Image.open(stream, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageError(
            f"The image is too large. Please send one of at most {MEGAPIXELS} megapixels.",
            "too_large",
            megapixels=MEGAPIXELS,
        ) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise ImageError(
            f"{name or 'The file'} is not an image that can be read here. "
            "Please send a PNG, JPEG, WebP, GIF, BMP or TIFF.",
            "unknown_format",
            name=name,
        ) from error


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in array.shape:
        raise ImageError(f"An array of shape {array.shape} is not an image: it must be (H, W), (H, W, 3) or (H, W, 4).")
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif np.issubdtype(array.dtype, np.unsignedinteger):
        array = array // (np.iinfo(array.dtype).max // 255)
    elif np.issubdtype(array.dtype, np.number) and not np.iscomplexobj(array):
        if not np.isfinite(array).all():
            raise ImageError("The array holds NaN or infinite values; an image's values are 0..1 or 0..255.")
        top = array.max()
        if array.min() < 0 or top > 255:
            raise ImageError("The array's values must lie in 0..1 or in 0..255.")
        is_unit_range = np.issubdtype(array.dtype, np.floating) and top <= 1
        array = array * 255 if is_unit_range else array
    else:
        raise ImageError(f"An array of {array.dtype} is not an image: its values must be numbers.")
    return Image.fromarray(np.ascontiguousarray(array.astype(np.uint8)))


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF says; itself where there is nothing to turn, for a copy costs time."""
    is_turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    return ImageOps.exif_transpose(image) if is_turned else image


def _on_paper(image: Image.Image) -> np.ndarray:
    """Any mode -> uint8 (h, w, 3); what is transparent becomes paper."""
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow clips these at 255 instead of scaling them.
        values = np.asarray(image).astype(np.float64)
        low, high = values.min(), values.max()
        high = max(high, 65535.0 if image.mode.startswith("I;16") or high > 255 else 255.0 if high > 1 else 1.0)
        image = Image.fromarray(((values - min(low, 0)) / (high - min(low, 0)) * 255).astype(np.uint8))
    if not image.has_transparency_data:
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    rgba = np.asarray(image.convert("RGBA")).astype(np.float32)
    alpha = rgba[:, :, 3:] / 255
    visible = alpha.sum()
    # White chalk on nothing needs a blackboard; all else is drawn on white.
    is_light_ink = visible and (rgba[:, :, :3] * alpha).sum() / (3 * visible) > 200 and alpha.mean() < 0.5
    return (rgba[:, :, :3] * alpha + (0 if is_light_ink else 255) * (1 - alpha)).astype(np.uint8)


def _to_working_side(pixels: np.ndarray) -> np.ndarray:
    ratio = WORKING_SIDE / max(pixels.shape)
    size = [max(1, round(side * ratio)) for side in pixels.shape[1::-1]]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    """A picture (H, W) or (H, W, C), averaged by a whole factor, which is fast, until no side is longer than `side`."""
    factor = -(-max(pixels.shape[:2]) // side)
    if factor <= 1:
        return pixels
    height, width = (max(1, length // factor) for length in pixels.shape[:2])
    return cv2.resize(pixels[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA)


def _keeping_exif(image: Image.Image, pixels: np.ndarray) -> Image.Image:
    small = Image.fromarray(pixels)
    small.info = image.info
    small.getexif()[ExifTags.Base.Orientation] = image.getexif().get(ExifTags.Base.Orientation, 1)
    return small
