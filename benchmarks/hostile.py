"""Random hostile inputs of the reader: mutated files, odd arrays, and pages without handwriting.

Each generator function takes a random generator and returns an input of DigitReader.read. Nothing here knows how images
are read.
"""

import io
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from PIL import Image

MAX_PAGE_SIDE = 1600  # pixels

InputGenerator = Callable[[np.random.Generator], object]


def mutated_file(random: np.random.Generator) -> bytes:
    """Return a file of any format with a few bytes changed, removed, duplicated or taken from another file."""
    originals = original_files()
    content = bytearray(originals[random.integers(len(originals))])
    for _ in range(random.integers(1, 6)):
        MUTATIONS[random.integers(len(MUTATIONS))](content, random)
    return bytes(content)


@cache
def original_files() -> list[bytes]:
    """Return a seven in every supported format and mode, without and with the metadata that such files may contain."""
    gray = Image.fromarray(_draw_page(np.random.default_rng(7), 96))
    colour, exif = gray.convert("RGB"), Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a seven"
    clear = Image.merge("RGBA", (*colour.split(), gray.point(lambda level: 255 - level)))
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    variants: list[tuple[Image.Image, str, dict]] = [
        *((image, "PNG", {}) for image in (gray, colour, clear, deep, gray.convert("1"), gray.convert("LA"))),
        (gray.convert("P"), "PNG", {"transparency": 3}),
        (colour, "PNG", {"exif": exif, "dpi": (300, 300), "icc_profile": bytes(200)}),
        (gray, "PNG", {"save_all": True, "append_images": [gray.rotate(90)]}),
        *((image, "JPEG", {}) for image in (gray, colour, gray.convert("CMYK"))),
        (colour, "JPEG", {"exif": exif, "progressive": True, "comment": b"seven"}),
        (colour, "MPO", {"save_all": True, "append_images": [colour]}),
        (colour, "WEBP", {"exif": exif}),
        (clear, "WEBP", {"lossless": True}),
        (colour, "WEBP", {"save_all": True, "append_images": [colour.rotate(90)]}),
        (gray, "GIF", {"transparency": 5}),
        (gray, "GIF", {"save_all": True, "append_images": [gray.rotate(90)]}),
        *((image, "BMP", {}) for image in (gray, colour, gray.convert("1"), gray.convert("P"))),
        *((image, "TIFF", {}) for image in (gray, clear, deep, gray.convert("F"), gray.convert("CMYK"))),
        *((colour, "TIFF", {"compression": name}) for name in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")),
        (gray.convert("1"), "TIFF", {"compression": "group4"}),
        (colour, "TIFF", {"exif": exif, "save_all": True, "append_images": [colour]}),
        *((image, "PPM", {}) for image in (gray, colour, gray.convert("1"))),
        (colour, "AVIF", {"exif": exif}),
    ]
    return [encode_image(image, file_format, **options) for image, file_format, options in variants]


def encode_image(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Return the content of an image file.

    Args:
        image: what the file shows.
        file_format: as Pillow names it, such as "PNG".
        options: options of Pillow's encoder.
    """
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def _change_bytes(content: bytearray, random: np.random.Generator) -> None:
    for at in random.integers(0, max(len(content), 1), random.integers(1, 9)):
        content[at : at + 1] = bytes([random.integers(256)])


def _change_header_bytes(content: bytearray, random: np.random.Generator) -> None:
    for at in random.integers(0, 64, random.integers(1, 5)):
        content[at : at + 1] = bytes([random.choice((0, 1, 0x7F, 0x80, 0xFF))])


def _write_extreme_number(content: bytearray, random: np.random.Generator) -> None:
    at, size = int(random.integers(0, max(len(content), 1))), int(random.choice((2, 4)))
    content[at : at + size] = random.choice((0, 1, 2**15, 2**16 - 1)).item().to_bytes(4, "big")[-size:]


def _truncate(content: bytearray, random: np.random.Generator) -> None:
    del content[int(random.integers(0, len(content) + 1)) :]


def _remove_bytes(content: bytearray, random: np.random.Generator) -> None:
    at = int(random.integers(0, len(content) + 1))
    del content[at : at + int(random.integers(1, 40))]


def _duplicate_bytes(content: bytearray, random: np.random.Generator) -> None:
    at, size = int(random.integers(0, len(content) + 1)), int(random.integers(1, 200))
    content[at:at] = content[at : at + size]


def _splice(content: bytearray, random: np.random.Generator) -> None:
    other = original_files()[random.integers(len(original_files()))]
    at = int(random.integers(0, len(content) + 1))
    content[at:] = other[min(at, len(other)) :]


MUTATIONS = (
    _change_bytes,
    _change_bytes,
    _change_header_bytes,
    _write_extreme_number,
    _truncate,
    _remove_bytes,
    _duplicate_bytes,
    _splice,
)


def odd_array(random: np.random.Generator) -> np.ndarray:
    """Return an array of any type, shape and range; most of them are not images."""
    shape = [int(2 ** random.uniform(0, 8)) - int(random.random() < 0.02) for _ in range(random.integers(1, 4))]
    if len(shape) == 3 and random.random() < 0.8:
        shape[2] = int(random.choice((1, 3, 4)))
    kind = random.choice(["u1", "u2", ">u2", "u4", "u8", "i2", "i8", "f2", "f4", ">f8", "?", "c8", "O", "U2", "m8[s]"])
    top = random.choice((1, 1, 2, 255, 255, 256, 65535))
    values = random.random(shape) * top if random.random() < 0.9 else random.normal(0, top, shape)
    if random.random() < 0.1 and values.size:
        values.flat[random.integers(values.size)] = random.choice((np.nan, np.inf, -np.inf, 1e30))
    with np.errstate(all="ignore"):
        array = (
            values.astype(np.float64 if kind == "m8[s]" else kind)
            if kind != "m8[s]"
            else values.astype("i8").view(kind)
        )
    return array[:: random.choice((1, 1, -1, 2))]


def hostile_page(random: np.random.Generator) -> np.ndarray:
    """Return a page of strokes, print, specks, gratings or noise, or of several of them: uint8 (H, W), H, W <= 1600."""
    return _draw_page(random, int(2 ** random.uniform(0, np.log2(MAX_PAGE_SIDE))))


def _draw_page(random: np.random.Generator, width: int) -> np.ndarray:
    height = int(np.clip(width * 2 ** random.normal(0, 0.7), 1, MAX_PAGE_SIDE))
    paper = np.full((height, width), 255, np.uint8)
    for _ in range(random.integers(1, 3)):
        PATTERNS[random.integers(len(PATTERNS))](paper, random)
    if random.random() < 0.3:
        paper = 255 - paper
    if random.random() < 0.3:
        paper = np.clip(paper + random.normal(0, random.uniform(1, 60), paper.shape), 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(paper, (0, 0), random.uniform(0.3, 3)) if random.random() < 0.3 else paper


def _shape_count(paper: np.ndarray, random: np.random.Generator) -> int:
    """Return how many shapes to draw: log-uniform from 1 to 10,000, and at most one per twenty pixels."""
    return int(min(10 ** random.uniform(0, 4), 1 + paper.size / 20))


def _random_points(paper: np.ndarray, random: np.random.Generator, count: int) -> np.ndarray:
    return (random.random((count, 2)) * paper.shape[::-1]).astype(int)


def _draw_strokes(paper: np.ndarray, random: np.random.Generator) -> None:
    reach, pen = 10 ** random.uniform(0.5, 2.5), int(10 ** random.uniform(0, 1.3))
    for point in _random_points(paper, random, _shape_count(paper, random)):
        path = point + np.cumsum(random.normal(0, reach / 3, (random.integers(2, 6), 2)), 0)
        cv2.polylines(paper, [path.astype(np.int32)], False, int(random.integers(0, 120)), pen, cv2.LINE_AA)


def _draw_specks(paper: np.ndarray, random: np.random.Generator) -> None:
    size = int(random.integers(1, 8))
    for x, y in _random_points(paper, random, _shape_count(paper, random)):
        paper[y : y + size, x : x + size] = 0


def _draw_rings(paper: np.ndarray, random: np.random.Generator) -> None:
    for point in _random_points(paper, random, _shape_count(paper, random)):
        cv2.circle(paper, point.tolist(), int(10 ** random.uniform(0.3, 2)), 0, int(random.integers(1, 4)))


def _draw_nested_rectangles(paper: np.ndarray, random: np.random.Generator) -> None:
    step = int(random.integers(3, 40))
    for inset in range(0, max(paper.shape) // 2, step):
        corner = (paper.shape[1] - inset, paper.shape[0] - inset)
        cv2.rectangle(paper, (inset, inset), corner, 0, int(random.integers(1, 1 + step // 2)))


def _draw_grating(paper: np.ndarray, random: np.random.Generator) -> None:
    """Draw straight bars at any angle, or a checkerboard."""
    y, x = np.mgrid[: paper.shape[0], : paper.shape[1]]
    angle, pitch = random.choice((0, np.pi / 2, random.uniform(0, np.pi))), 10 ** random.uniform(0.3, 2)
    across, along = (x * np.cos(angle) + y * np.sin(angle)) / pitch, (y * np.cos(angle) - x * np.sin(angle)) / pitch
    is_ink = across % 1 < random.uniform(0.1, 0.9)
    paper[is_ink ^ (along % 1 < 0.5) if random.random() < 0.3 else is_ink] = 0


def _draw_print(paper: np.ndarray, random: np.random.Generator) -> None:
    """Draw dense lines of letters and digits."""
    size = 10 ** random.uniform(0.8, 2)
    letters = list("0123456789" if random.random() < 0.5 else "abcdefghijklmnopqrstuvwxyz   0123456789.,-=")
    for row in range(int(min(paper.shape[0] / size, 150))):
        text = "".join(random.choice(letters, int(min(paper.shape[1] / size * 1.6, 300))))
        cv2.putText(
            paper, text, (0, int((row + 0.8) * size)), cv2.FONT_HERSHEY_SIMPLEX, size / 40, 0, 1 + int(size / 20)
        )


def _draw_blobs(paper: np.ndarray, random: np.random.Generator) -> None:
    noise = cv2.GaussianBlur(
        random.normal(0, 1, paper.shape).astype(np.float32), (0, 0), 10 ** random.uniform(-0.3, 1.5)
    )
    paper[noise > np.quantile(noise, random.uniform(0.05, 0.95))] = 0


def _draw_noise(paper: np.ndarray, random: np.random.Generator) -> None:
    paper[:] = random.integers(0, 256, paper.shape)


PATTERNS = (
    _draw_strokes,
    _draw_strokes,
    _draw_specks,
    _draw_rings,
    _draw_nested_rectangles,
    _draw_grating,
    _draw_print,
    _draw_blobs,
    _draw_noise,
)

INPUT_GENERATORS: dict[str, InputGenerator] = {
    "mutated files": mutated_file,
    "arrays": odd_array,
    "pages": hostile_page,
}
