"""What is an image is read, upright and of a bounded size, and what is none gives one clear sentence."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile import encoded
from digits import ImageError
from digits.images import MEGAPIXELS, WORKING_SIDE, load_pixels
from helpers.drawing import draw

SEVEN = draw("7")


def transparent(gray):
    """Ink on nothing: the darker the pixel, the less transparent."""
    alpha = 255 - np.asarray(gray)
    return Image.fromarray(np.dstack([np.zeros((*alpha.shape, 3), np.uint8), alpha]))


# What test_forms.py does not hold against one another.
FORMS = {
    "YCbCr": SEVEN.convert("YCbCr"),
    "LA": SEVEN.convert("LA"),
    "RGBA opaque": SEVEN.convert("RGBA"),
    "32-bit": Image.fromarray(np.asarray(SEVEN).astype(np.int32) * 257),
    "float": Image.fromarray(np.asarray(SEVEN).astype(np.float32) / 255),
    "H x W x 4 array": np.asarray(transparent(SEVEN)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_seven_reads_as_seven(reader, form):
    reading = reader.read(FORMS[form])
    assert reading.text == "7"
    assert reading.digits[0].probability > 0.9


def test_a_large_photo_turned_by_its_camera_keeps_boxes_in_its_own_pixels(reader):
    big = draw("47", size=(3000, 2400), height=900, pen=80)
    exif = Image.Exif()
    exif[0x0112] = 6
    reading = reader.read(encoded(big.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif))
    assert reading.text == "47"
    left, top, right, bottom = reading.digits[1].box
    ink = np.argwhere(np.asarray(big)[:, 1500:] < 128) + (0, 1500)
    expected = (*ink.min(0)[::-1], *ink.max(0)[::-1])
    assert np.abs(np.subtract((left, top, right, bottom), expected)).max() <= 12


def test_large_images_are_reduced_and_say_how_large_they_were():
    pixels, size = load_pixels(Image.new("L", (4 * WORKING_SIDE, WORKING_SIDE), 255))
    assert pixels.shape == (WORKING_SIDE // 4, WORKING_SIDE, 3)
    assert size == (4 * WORKING_SIDE, WORKING_SIDE)


@pytest.mark.parametrize("kind", ["u1", "u2", "i1", "i8", "?", "f4"])
def test_zeros_and_ones_are_a_mask(reader, kind):
    assert reader.read((np.asarray(SEVEN) > 127).astype(kind)).text == "7"


def test_what_is_wrong_with_an_images_values_is_said():
    with pytest.raises(ImageError, match="NaN"):
        load_pixels(Image.fromarray(np.full((10, 10), np.nan, np.float32)))


def test_paths_are_read(tmp_path, reader):
    SEVEN.save(tmp_path / "seven.png")
    assert reader.read(tmp_path / "seven.png").text == "7"
    assert reader.read(str(tmp_path / "seven.png")).text == "7"


BROKEN = {
    "empty": b"",
    "text": b"no image at all",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
    "zip": b"PK\x03\x04" + bytes(100),
    "HEIC": b"\0\0\0\x18ftypheic" + bytes(100),
    "truncated PNG": encoded(draw("7"), "PNG")[:300],
    "truncated JPEG": encoded(draw("7"), "JPEG")[:600],
    "truncated WebP": encoded(draw("7"), "WEBP")[:200],
    "truncated GIF": encoded(draw("7"), "GIF")[:900],
    "truncated BMP": encoded(draw("7"), "BMP")[:2000],
    "truncated TIFF": encoded(draw("7"), "TIFF")[:2000],
    "NaN": np.full((10, 10), np.nan),
    "infinite": np.full((10, 10), np.inf),
    "negative": np.full((10, 10), -1.0),
    "one dimension": np.zeros(10),
    "four dimensions": np.zeros((1, 10, 10, 3)),
    "five channels": np.zeros((10, 10, 5)),
    "no pixels": np.zeros((0, 10)),
    "text array": np.full((10, 10), "a"),
    "no such file": "nowhere/at-all.png",
    "a number": 7,
    "None": None,
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_image_raises_one_sentence(reader, what):
    with pytest.raises(ImageError) as caught:
        reader.read(BROKEN[what])
    message = str(caught.value)
    assert message.endswith(".")
    assert len(message) > 10
    assert "\n" not in message
    assert "Traceback" not in message


def test_a_folder_is_named_as_what_it_is(reader, tmp_path):
    with pytest.raises(ImageError, match="folder"):
        reader.read(tmp_path)


def test_a_decompression_bomb_is_refused_by_its_header():
    side = int((MEGAPIXELS * 1_000_000) ** 0.5) + 1
    bomb = encoded(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 100_000
    with pytest.raises(ImageError, match="too large"):
        load_pixels(bomb)


def test_the_message_does_not_give_away_folders(tmp_path, reader):
    path = tmp_path / "secret-folder" / "notes.png"
    path.parent.mkdir()
    path.write_bytes(b"not a picture")
    with pytest.raises(ImageError) as caught:
        reader.read(path)
    assert "notes.png" in str(caught.value)
    assert "secret-folder" not in str(caught.value)
