"""Hostile input is read or refused with one sentence, in two seconds of processor time and half a gigabyte."""

import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.accuracy import edit_distance
from benchmarks.fuzz import MAX_CASE_CPU_SECONDS, MAX_MEMORY_GROWTH_MEGABYTES, assert_valid_reading
from benchmarks.hostile import encode_image
from digits import DigitReader, ImageError
from digits.images import IMAGE_LIMITS, load_pixels
from digits.pages import PADDING, SEARCH, SIZE_MULTIPLE, STRIDE
from helpers.drawing import draw

# The tests allow a multiple of the limit of benchmarks/fuzz.py, because a busy machine is slower than an idle one. A
# runaway case still takes longer.
TIME_LIMIT_FACTOR = 5

PAGE_SIDE = 1600
WHITE = np.full((PAGE_SIDE, PAGE_SIDE), 255, np.uint8)


def scattered_strokes(count, longest, pen=2):
    """Return a page with a number of short strokes at random positions."""
    random, page = np.random.default_rng(0), WHITE.copy()
    for at in random.integers(0, PAGE_SIDE - longest, (count, 2)):
        cv2.line(page, at.tolist(), (at + random.integers(2, longest, 2)).tolist(), 0, pen)
    return page


def printed_page(lines, letters):
    """Return a page of text in small print."""
    random, page = np.random.default_rng(0), WHITE.copy()
    size = PAGE_SIDE / lines
    for line in range(lines):
        text = "".join(random.choice(list("abcdefghijklmnopqrstuvwxyz    "), letters))
        cv2.putText(page, text, (2, int((line + 0.75) * size)), cv2.FONT_HERSHEY_SIMPLEX, size / 40, 0, 1, cv2.LINE_AA)
    return page


def grating(pitch, slant=0.0):
    """Return a page of parallel bars."""
    y, x = np.mgrid[:PAGE_SIDE, :PAGE_SIDE]
    return np.where((y + slant * x) // pitch % 2 < 1, 0, 255).astype(np.uint8)


def checkerboard(pitch):
    """Return a checkerboard."""
    return grating(pitch) ^ grating(pitch).T


def blots(size):
    """Return a page of random blots."""
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, WHITE.shape).astype(np.float32), (0, 0), size)
    return np.where(noise > np.quantile(noise, 0.15), 255, 0).astype(np.uint8)


PAGES = {
    "10,000 specks": lambda: scattered_strokes(10_000, 3),
    "100,000 specks": lambda: scattered_strokes(100_000, 3),
    "10,000 strokes": lambda: scattered_strokes(10_000, 14),
    "1,000 long strokes": lambda: scattered_strokes(1000, 60),
    "a page of text": lambda: printed_page(50, 120),
    "a page of small print": lambda: printed_page(160, 300),
    "a fine grating": lambda: grating(1),
    "a grating": lambda: grating(5),
    "an upright grating": lambda: grating(2).T,
    "slanted hatching": lambda: grating(4, 1.0),
    "a fine checkerboard": lambda: checkerboard(2),
    "a checkerboard": lambda: checkerboard(40),
    "blots": lambda: blots(2),
    "large blots": lambda: blots(8),
    "noise": lambda: np.random.default_rng(0).integers(0, 256, (PAGE_SIDE, PAGE_SIDE, 3), dtype=np.uint8),
    "black": lambda: np.zeros((PAGE_SIDE, PAGE_SIDE), np.uint8),
    "white": lambda: WHITE,
    "1 x 1": lambda: np.zeros((1, 1), np.uint8),
    "1 x 10,000": lambda: (np.arange(10_000) % 7 * 36).astype(np.uint8)[None],
    "10,000 x 1": lambda: (np.arange(10_000) % 7 * 36).astype(np.uint8)[:, None],
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_handwriting_is_read_in_time(reader, page):
    pixels = PAGES[page]()
    began = time.process_time()
    assert_valid_reading(reader.read(pixels), pixels)
    assert time.process_time() - began < TIME_LIMIT_FACTOR * MAX_CASE_CPU_SECONDS


@pytest.mark.parametrize("page", PAGES)
def test_the_input_of_the_networks_is_bounded(reader, monkeypatch, page):
    shown, frames = [], []
    run, classify = reader._page_network._session.run, reader._classifier.classify
    monkeypatch.setattr(
        reader._page_network._session,
        "run",
        lambda names, given: shown.append(given["page"].shape[1:3]) or run(names, given),
    )
    monkeypatch.setattr(reader._classifier, "classify", lambda crops: frames.append(len(crops)) or classify(crops))
    reader.read(PAGES[page]())
    assert sum(frames) <= SEARCH.max_characters
    # The page network sees three views, and three more of the rotated page; its small rotated copies are four.
    assert len(shown) <= 3 + 4 + 3
    margins = PADDING + SIZE_MULTIPLE
    assert all((height - margins) * (width - margins) <= SEARCH.max_view_pixels for height, width in shown)
    assert sum(height * width for height, width in shown) < 5 * SEARCH.max_view_pixels


class DigitsEverywhereSession:
    """A session of a page network that detects a digit in every cell."""

    def run(self, names, given):
        _, height, width, _ = given["page"].shape
        random = np.random.default_rng(0)
        shape = (1, height // STRIDE, width // STRIDE)
        maps = random.normal(0, 1, (*shape, 17 + 5)).astype(np.float32)
        maps[..., 17:] -= 2
        return random.uniform(0.5, 1, shape).astype(np.float32), maps, np.ones(shape, np.float32)


@pytest.mark.parametrize(
    "size", [(PAGE_SIDE, PAGE_SIDE), (1000, 700), (PAGE_SIDE, 60), (60, PAGE_SIDE), (50, 50)], ids=str
)
def test_a_network_that_detects_digits_everywhere_is_bounded(size):
    reader = DigitReader()
    reader._page_network._session = DigitsEverywhereSession()
    page = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    began = time.process_time()
    reading = reader.read(page)
    assert time.process_time() - began < TIME_LIMIT_FACTOR * MAX_CASE_CPU_SECONDS
    assert_valid_reading(reading, page)
    assert 10 < len(reading.digits) + len(reading.marks) <= SEARCH.max_characters


def test_a_digit_is_read_among_10_000_specks(reader):
    page = np.array(draw("5", size=(PAGE_SIDE, PAGE_SIDE), height=900, pen=60))
    page[scattered_strokes(10_000, 3) == 0] = 0
    assert reader.read(page).text == "5"


def test_a_dense_page_of_digits_is_read_completely(reader):
    lines = ["".join("2357"[(row + place) % 4] for place in range(30)) for row in range(24)]
    page = draw("\n".join(lines), size=(1500, 1600), height=40, pen=4)
    read = "".join(digit.label for digit in reader.read(page).digits)
    # A few of the 720 may be found twice or missed.
    assert edit_distance(read, "".join(lines)) <= 36


def build_png(*chunks):
    """Return a PNG of (type, data) chunks, with valid checksums."""
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_with_large_metadata(kind, head):
    """Return a PNG with three metadata chunks that decompress to 100 MB each."""
    header = (b"IHDR", struct.pack(">IIBBBBB", 50, 50, 8, 0, 0, 0, 0))
    metadata = [(kind, head + zlib.compress(bytes(100_000_000)))] * 3
    return build_png(header, *metadata, (b"IDAT", zlib.compress(bytes(51 * 50))), (b"IEND", b""))


def jpeg_with_false_size(width, height):
    """Return a small JPEG whose header states another size."""
    content = bytearray(encode_image(Image.new("RGB", (64, 64), 128), "JPEG"))
    at = content.find(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def tiff_with_false_size(width, height):
    """Return a small TIFF whose header states another size."""
    content = bytearray(encode_image(Image.new("L", (64, 64), 128), "TIFF"))
    (at,) = struct.unpack("<I", content[4:8])
    (count,) = struct.unpack("<H", content[at : at + 2])
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        (tag,) = struct.unpack("<H", content[entry : entry + 2])
        if tag in (256, 257):
            content[entry : entry + 12] = struct.pack("<HHII", tag, 4, 1, width if tag == 256 else height)
    return bytes(content)


BOMBS = {
    "20,000 x 20,000": lambda: encode_image(Image.new("1", (20_000, 20_000)), "PNG"),
    "text in a PNG": lambda: png_with_large_metadata(b"zTXt", b"Comment\0\0"),
    "a profile in a PNG": lambda: png_with_large_metadata(b"iCCP", b"profile\0\0"),
    "a JPEG's header": lambda: jpeg_with_false_size(65_500, 65_500),
    "a TIFF's header": lambda: tiff_with_false_size(4_000_000_000, 4_000_000_000),
    "a TIFF's header, of a size that is read": lambda: tiff_with_false_size(8000, 8000),
    "a large WebP": lambda: encode_image(
        Image.new("RGB", (5000, 1 + IMAGE_LIMITS.max_megapixels_copied * 200)), "WEBP"
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_decompression_bomb_is_refused_in_time(bomb):
    content = BOMBS[bomb]()
    began = time.process_time()
    with pytest.raises(ImageError):
        load_pixels(content)
    assert time.process_time() - began < TIME_LIMIT_FACTOR * 0.5


# It reads the peak from /proc, because getrusage of a child starts with the peak of its parent.
MEASURE_MEMORY_CODE = """
import sys
from digits import DigitReader
import numpy

def megabytes():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 2**10

reader = DigitReader()
reader.read(numpy.full((200, 200), 255, "uint8"))
idle = megabytes()
print(repr(reader.read(sys.argv[1]).text), megabytes() - idle)
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system does not report the peak memory of a process"
)
@pytest.mark.parametrize(
    ("mode", "form"), [("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("CMYK", "TIFF"), ("F", "TIFF"), ("I;16", "PNG")]
)
@pytest.mark.parametrize(("size", "text"), [((8000, 8000), "'1'"), ((640_000, 100), "''")])
def test_the_largest_image_of_any_mode_takes_at_most_half_a_gigabyte(tmp_path, mode, form, size, text):
    width, height = size
    assert width * height == IMAGE_LIMITS.max_megapixels * 1_000_000
    page = Image.new("I" if mode == "I;16" else "L", size, 65_535 if mode == "I;16" else 255)
    page.paste(0, (width // 2 - 200, height // 4, width // 2 + 200, 3 * height // 4))
    page.convert(mode).save(tmp_path / "one", form, **({"transparency": 255} if mode == "P" else {}))
    command = [sys.executable, "-c", MEASURE_MEMORY_CODE, str(tmp_path / "one")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.split()[0] == text
    assert float(done.stdout.split()[1]) < MAX_MEMORY_GROWTH_MEGABYTES


def test_a_pipe_is_read_and_an_endless_device_is_refused(reader, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(encode_image(draw("3"), "PNG"),))
    writer.start()
    assert reader.read(pipe).text == "3"
    writer.join()
    with pytest.raises(ImageError):
        reader.read("/dev/zero")
