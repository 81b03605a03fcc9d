"""Photos on the pad: chosen, dropped, pasted or taken; and files that can't be read."""

import base64

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from assets.hand import write
from helpers.browser import (
    ENGLISH,
    EXAMPLES,
    PASTE_OR_DROP_FILE,
    choose_file,
    expect_number,
    expect_top_digit,
    sentence,
)

NUMBER = EXAMPLES / "5-4079.png"


@pytest.fixture
def photo(tmp_path):
    """Return a photo as a phone stores it: grey, unevenly lit, rotated, with the rotation in its EXIF."""
    drawing = np.asarray(Image.open(NUMBER).convert("L"), np.float32)
    shade = np.linspace(150, 215, drawing.shape[1])
    grain = np.random.default_rng(0).normal(0, 3, drawing.shape)
    gray = np.clip(40 + (shade - 40) * drawing / 255 + grain, 0, 255).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.jpg"
    Image.fromarray(gray).resize((1400, 1050)).rotate(90, expand=True).save(path, exif=exif, quality=90)
    return path


def boxes_on_page(page) -> list[list[float]]:
    """Return the boxes on the screen as (left, top, right, bottom), in fractions of the photo."""
    area = page.locator(".photo").bounding_box()
    boxes = []
    for box in page.locator(".box").all():
        drawn = box.bounding_box()
        left, top = (drawn["x"] - area["x"]) / area["width"], (drawn["y"] - area["y"]) / area["height"]
        boxes.append([left, top, left + drawn["width"] / area["width"], top + drawn["height"] / area["height"]])
    return boxes


def test_a_photo_is_read_upright_with_a_box_around_each_digit(page, photo, reader):
    choose_file(page, photo)
    expect_number(page, "4079")
    expect(page.locator(".box")).to_have_count(4)
    expected = np.array([digit.box for digit in reader.read(photo).digits]) / [1400, 1050, 1400, 1050]
    np.testing.assert_allclose(boxes_on_page(page), expected, atol=0.005)


@pytest.mark.parametrize(
    ("size", "shown"), [((28, 28), (224, 224)), ((100, 40), (200, 80)), ((2400, 120), None), ((480, 480), (480, 480))]
)
def test_boxes_match_the_digits_of_small_and_flat_photos(page, tmp_path, reader, size, shown):
    seven = Image.open(EXAMPLES / "1-7.png").convert("L")
    seven.thumbnail(size)
    paper = Image.new("L", size, 255)
    paper.paste(seven, (size[0] - seven.width, 0))
    paper.save(tmp_path / "seven.png")
    choose_file(page, tmp_path / "seven.png")
    expect_number(page, "7")
    (digit,) = reader.read(tmp_path / "seven.png").digits
    np.testing.assert_allclose(boxes_on_page(page), [np.array(digit.box) / (size * 2)], atol=0.01)
    area = page.locator(".photo").bounding_box()
    if shown:
        assert (round(area["width"]), round(area["height"])) == shown
    assert area["width"] / area["height"] == pytest.approx(size[0] / size[1], rel=0.02)


@pytest.mark.parametrize("width", [1280, 390])
def test_labels_at_the_edges_of_a_photo_are_fully_visible(open_page, tmp_path, width):
    page = open_page(width, 844)
    number = Image.open(NUMBER).convert("L")
    left, top, right, bottom = number.point(lambda gray: 255 if gray < 128 else 0).getbbox()
    number.crop((left, top, right, bottom)).save(tmp_path / "edges.png")
    choose_file(page, tmp_path / "edges.png")
    expect_number(page, "4079")
    stage = page.locator(".viewport").bounding_box()
    for label in page.locator(".box span").all():
        area = label.bounding_box()
        assert area["y"] >= stage["y"]
        assert area["x"] >= stage["x"]
        assert area["x"] + area["width"] <= stage["x"] + stage["width"]
    for button in page.locator("button:not(.box):visible").all():
        area = button.bounding_box()
        apart = (area["y"] >= stage["y"] + stage["height"], area["y"] + area["height"] <= stage["y"])
        assert any(apart) or area["x"] >= stage["x"] + stage["width"]


def test_the_answer_to_a_tall_photo_is_visible_on_a_phone(open_page, tmp_path):
    page = open_page(390, 844, has_touch=True, is_mobile=True)
    tall = Image.new("L", (1050, 1400), 255)
    tall.paste(Image.open(NUMBER).convert("L").resize((1000, 750)), (20, 200))
    tall.save(tmp_path / "tall.png")
    choose_file(page, tmp_path / "tall.png")
    expect_number(page, "4079")
    expect(sentence(page)).to_be_in_viewport(ratio=1)
    expect(page.locator(".photo")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_photo_can_be_pasted_and_dropped_anywhere(page, kind):
    url = "data:image/png;base64," + base64.b64encode(NUMBER.read_bytes()).decode()
    page.evaluate(PASTE_OR_DROP_FILE, [kind, url, "number.png"])
    expect_number(page, "4079")
    expect(page.locator(".photo")).to_be_visible()


def test_photo_can_be_taken(page):
    page.get_by_role("button", name="Take a photo").click()
    expect(page.locator("video")).to_be_visible()
    page.wait_for_function("document.querySelector('video').videoWidth > 0")
    page.get_by_role("button", name="Take the photo").click()
    expect(page.locator(".photo")).to_be_visible()
    expect(sentence(page)).not_to_have_text(ENGLISH["answer"]["empty"])
    expect(page.locator("video")).to_be_hidden()


def test_the_shutter_is_disabled_until_the_camera_has_a_picture(browser, server):
    context = browser.new_context()
    context.add_init_script("""
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        const allowed = new Promise((allow) => { window.allow = allow; });
        navigator.mediaDevices.getUserMedia = (constraints) => allowed.then(() => ask(constraints));
    """)
    page = context.new_page()
    page.goto(server)
    page.get_by_role("button", name="Take a photo").click()
    shutter = page.get_by_role("button", name="Take the photo")
    expect(shutter).to_be_visible()
    expect(shutter).to_be_disabled()
    page.evaluate("allow()")
    expect(shutter).to_be_enabled()
    assert page.evaluate("document.querySelector('video').videoWidth") > 0
    context.close()


def test_keys_do_not_press_disabled_buttons(page):
    choose_file(page, NUMBER)
    expect_number(page, "4079")
    page.keyboard.press("e")
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name="Thick pen")).to_have_attribute("aria-pressed", "false")


def test_a_file_without_a_preview_is_read(page, tmp_path):
    Image.open(NUMBER).save(tmp_path / "number.tiff")
    choose_file(page, tmp_path / "number.tiff")
    expect_number(page, "4079")
    expect(page.get_by_text(ENGLISH["pad"]["no_preview"])).to_be_visible()
    choose_file(page, NUMBER)
    expect(page.get_by_text(ENGLISH["pad"]["no_preview"])).to_be_hidden()


def test_after_clearing_a_photo_the_pad_can_be_drawn_on(page):
    choose_file(page, NUMBER)
    expect_number(page, "4079")
    expect(page.get_by_role("button", name="Eraser")).to_be_disabled()
    page.get_by_role("button", name="Clear").click()
    expect(sentence(page)).to_have_text(ENGLISH["answer"]["empty"])
    write(page, "7", 0.36, 0.12, 0.45)
    expect_number(page, "7")


@pytest.mark.parametrize("name", ["Undo", "Back to the pad"])
def test_undo_and_close_restore_the_drawing_below_a_photo(page, name):
    write(page, "7", 0.36, 0.12, 0.45)
    expect_number(page, "7")
    choose_file(page, NUMBER)
    expect_number(page, "4079")
    page.get_by_role("button", name=name).click()
    expect_number(page, "7")
    expect(page.locator("canvas")).to_be_visible()


def test_transparent_and_16_bit_files_are_read(page, tmp_path):
    gray = np.asarray(Image.open(NUMBER).convert("L"))
    clear = np.zeros((*gray.shape, 4), np.uint8)
    clear[..., 3] = 255 - gray
    Image.fromarray(clear).save(tmp_path / "clear.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for name in ("clear.png", "deep.png"):
        choose_file(page, tmp_path / name)
        expect_number(page, "4079")
        page.get_by_role("button", name="Clear").click()
        expect(sentence(page)).to_have_text(ENGLISH["answer"]["empty"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.png", b"these are no pixels", "notes.png is not an image that can be read here."),
        ("nothing.png", b"", "is empty"),
        ("half.png", NUMBER.read_bytes()[:2000], "damaged or incomplete"),
        ("${alert(1)}<img src=x>.png", b"no image", "is not an image that can be read here."),
    ],
)
def test_an_unreadable_file_shows_the_reason(page, name, content, message):
    choose_file(page, {"name": name, "mimeType": "image/png", "buffer": content})
    expect(sentence(page)).to_contain_text(message)
    text = page.locator("body").inner_text()
    assert "gradio/" not in text
    assert "Traceback" not in text
    expect(page.locator(".sentence img")).to_have_count(0)


def test_too_large_a_file_shows_a_message(page, tmp_path):
    large = tmp_path / "large.bmp"
    large.write_bytes(bytes(40_000_000))
    choose_file(page, large)
    expect(page.locator(".problem")).to_have_text(ENGLISH["pad"]["not_sent"])
    expect(page.get_by_text(ENGLISH["pad"]["hint"])).to_be_visible()


def test_an_unreadable_file_removes_the_boxes_of_the_drawing(page):
    write(page, "47", 0.2, 0.2, 0.3)
    expect_number(page, "47")
    expect(page.locator(".boxes .box")).to_have_count(2)
    choose_file(page, {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no image"})
    expect(sentence(page)).to_contain_text("notes.txt is not an image")
    expect(page.locator(".boxes .box")).to_have_count(0)


def test_a_click_on_its_box_selects_a_digit(page):
    choose_file(page, EXAMPLES / "5-4079.png")
    expect_number(page, "4079")
    for index, digit in enumerate("4079"):
        page.locator(".box").nth(index).click()
        expect_top_digit(page, digit)
        expect(page.locator(".box.selected")).to_contain_text(digit)
        expect(page.locator(".digit").nth(index)).to_have_attribute("aria-checked", "true")


def test_undo_restores_a_cleared_photo(page):
    write(page, "47", 0.2, 0.2, 0.3)
    expect_number(page, "47")
    choose_file(page, EXAMPLES / "5-4079.png")
    expect_number(page, "4079")
    page.keyboard.press("Delete")
    expect(sentence(page)).to_have_text(ENGLISH["answer"]["empty"])
    page.keyboard.press("Control+z")
    expect_number(page, "4079")
    expect(page.locator(".photo")).to_be_visible()
    page.keyboard.press("Control+z")
    expect_number(page, "47")
    expect(page.locator("canvas")).to_be_visible()
    page.keyboard.press("Control+Shift+z")
    expect_number(page, "4079")
