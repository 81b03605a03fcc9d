"""Images are decoded upright and at a bounded size; other input raises ImageError with one sentence."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile import encode_image
from digits import ImageError
from digits.images import IMAGE_LIMITS, load_pixels
from helpers.drawing import draw

MAX_SIDE = IMAGE_LIMITS.max_working_side
SEVEN = draw("7")


def make_transparent(gray):
    """Return black ink on a transparent picture: the darker the pixel, the less transparent."""
    alpha = 255 - np.asarray(gray)
    return Image.fromarray(np.dstack([np.zeros((*alpha.shape, 3), np.uint8), alpha]))


# Forms that test_forms.py does not compare.
FORMS = {
    "YCbCr": SEVEN.convert("YCbCr"),
    "LA": SEVEN.convert("LA"),
    "RGBA opaque": SEVEN.convert("RGBA"),
    "32-bit": Image.fromarray(np.asarray(SEVEN).astype(np.int32) * 257),
    "float": Image.fromarray(np.asarray(SEVEN).astype(np.float32) / 255),
    "H x W x 4 array": np.asarray(make_transparent(SEVEN)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_seven_is_read_as_seven(reader, form):
    reading = reader.read(FORMS[form])
    assert reading.text == "7"
    assert reading.digits[0].probability > 0.9


def test_boxes_of_a_large_photo_with_exif_orientation_are_in_upright_pixels(reader):
    big = draw("47", size=(3000, 2400), height=900, pen=80)
    exif = Image.Exif()
    exif[0x0112] = 6
    reading = reader.read(encode_image(big.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif))
    assert reading.text == "47"
    left, top, right, bottom = reading.digits[1].box
    ink = np.argwhere(np.asarray(big)[:, 1500:] < 128) + (0, 1500)
    expected = (*ink.min(0)[::-1], *ink.max(0)[::-1])
    assert np.abs(np.subtract((left, top, right, bottom), expected)).max() <= 12


def test_large_images_are_reduced_and_their_size_is_returned():
    pixels, size = load_pixels(Image.new("L", (4 * MAX_SIDE, MAX_SIDE), 255))
    assert pixels.shape == (MAX_SIDE // 4, MAX_SIDE, 3)
    assert size == (4 * MAX_SIDE, MAX_SIDE)


@pytest.mark.parametrize("kind", ["u1", "u2", "i1", "i8", "?", "f4"])
def test_zeros_and_ones_are_a_mask(reader, kind):
    assert reader.read((np.asarray(SEVEN) > 127).astype(kind)).text == "7"


def test_nan_values_are_reported():
    with pytest.raises(ImageError, match="NaN"):
        load_pixels(Image.fromarray(np.full((10, 10), np.nan, np.float32)))


def test_paths_are_read(tmp_path, reader):
    SEVEN.save(tmp_path / "seven.png")
    assert reader.read(tmp_path / "seven.png").text == "7"
    assert reader.read(str(tmp_path / "seven.png")).text == "7"


INVALID = {
    "empty": b"",
    "text": b"no image at all",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
    "zip": b"PK\x03\x04" + bytes(100),
    "HEIC": b"\0\0\0\x18ftypheic" + bytes(100),
    "truncated PNG": encode_image(draw("7"), "PNG")[:300],
    "truncated JPEG": encode_image(draw("7"), "JPEG")[:600],
    "truncated WebP": encode_image(draw("7"), "WEBP")[:200],
    "truncated GIF": encode_image(draw("7"), "GIF")[:900],
    "truncated BMP": encode_image(draw("7"), "BMP")[:2000],
    "truncated TIFF": encode_image(draw("7"), "TIFF")[:2000],
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


@pytest.mark.parametrize("name", INVALID)
def test_invalid_input_raises_one_sentence(reader, name):
    with pytest.raises(ImageError) as caught:
        reader.read(INVALID[name])
    message = str(caught.value)
    assert message.endswith(".")
    assert len(message) > 10
    assert "\n" not in message
    assert "Traceback" not in message


def test_folder_is_reported_as_folder(reader, tmp_path):
    with pytest.raises(ImageError, match="folder"):
        reader.read(tmp_path)


def test_decompression_bomb_is_refused_by_its_header():
    side = int((IMAGE_LIMITS.max_megapixels * 1_000_000) ** 0.5) + 1
    bomb = encode_image(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 100_000
    with pytest.raises(ImageError, match="too large"):
        load_pixels(bomb)


def test_message_does_not_contain_the_folder(tmp_path, reader):
    path = tmp_path / "secret-folder" / "notes.png"
    path.parent.mkdir()
    path.write_bytes(b"not a picture")
    with pytest.raises(ImageError) as caught:
        reader.read(path)
    assert "notes.png" in str(caught.value)
    assert "secret-folder" not in str(caught.value)
