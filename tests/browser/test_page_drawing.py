"""Drawing on the pad: every stroke is read."""

import base64
import io
import json
import re
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from assets.hand import draw, write
from helpers.browser import ENGLISH, expect_number, expect_top_digit, sentence, wait_until

SEVEN = {"left": 0.36, "top": 0.12, "height": 0.45}


def press(page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def is_drawing(request) -> bool:
    return request.method == "POST" and '"data:image' in request.post_data


def sent_drawing(request) -> np.ndarray:
    url = json.loads(request.post_data)["data"]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L"))


def test_a_stroke_right_after_opening_the_page_is_read(page):
    write(page, "7", **SEVEN)
    expect(sentence(page)).to_have_text(re.compile(r"^This is a 7 \(\d\d %\)\.$"))
    expect_top_digit(page, "7")


def test_every_stroke_is_answered(page):
    write(page, "1", 0.1, 0.15, 0.4)
    expect_number(page, "1")
    write(page, "0", 0.5, 0.15, 0.4)
    expect_number(page, "10")


def test_a_stroke_is_one_small_request(page):
    page.wait_for_load_state("networkidle")
    posts = []
    page.on("request", lambda request: request.method == "POST" and posts.append(len(request.post_data)))
    write(page, "1", 0.1, 0.15, 0.4)  # a single stroke
    expect_number(page, "1")
    write(page, "0", 0.5, 0.15, 0.4)  # another one
    expect_number(page, "10")
    assert len(posts) == 2
    assert max(posts) < 64_000


def test_several_digits_get_boxes_and_one_is_selected(page):
    write(page, "4079", 0.07, 0.24, 0.26, seed=2)
    expect_number(page, "4079")
    assert page.locator(".box span").all_inner_texts() == [
        f"{digit} {percent}"
        for digit, percent in zip("4079", page.locator(".digit small").all_inner_texts(), strict=True)
    ]
    digits = page.get_by_role("radio")
    expect(page.locator("[role=radio][aria-checked=true]")).to_have_count(1)
    digits.nth(1).click()
    expect_top_digit(page, "0")
    page.keyboard.press("ArrowLeft")
    expect_top_digit(page, "4")
    expect(digits.first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect_top_digit(page, "9")


def test_lines_are_read_from_top_to_bottom(page):
    write(page, "314", 0.14, 0.06, 0.24, seed=6)
    write(page, "159", 0.12, 0.42, 0.24, seed=6)
    expect_number(page, "314", "159")


def test_undo_reverts_strokes_and_clearing(page):
    write(page, "1", 0.1, 0.15, 0.4)
    write(page, "0", 0.5, 0.15, 0.4)
    expect_number(page, "10")
    press(page, "Undo")
    expect_number(page, "1")
    page.keyboard.press("Control+z")
    expect(sentence(page)).to_have_text(ENGLISH["answer"]["empty"])
    write(page, "3", **SEVEN)
    press(page, "Clear")
    expect(sentence(page)).to_have_text(ENGLISH["answer"]["empty"])
    expect(page.locator(".top-3 li")).to_have_count(0)
    expect(page.locator(".top-digit")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect_number(page, "3")


def test_redo_restores_what_was_undone(page):
    undo, redo = (page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(undo).to_be_disabled()
    expect(redo).to_be_disabled()
    write(page, "1", 0.1, 0.15, 0.4)
    write(page, "0", 0.5, 0.15, 0.4)
    expect_number(page, "10")
    undo.click()
    expect_number(page, "1")
    redo.click()
    expect_number(page, "10")
    page.keyboard.press("Delete")
    expect(sentence(page)).to_have_text(ENGLISH["answer"]["empty"])
    page.keyboard.press("Control+z")
    expect_number(page, "10")
    page.keyboard.press("Control+z")
    expect_number(page, "1")
    page.keyboard.press("Control+Shift+z")
    expect_number(page, "10")
    page.keyboard.press("Control+z")
    write(page, "7", 0.5, 0.15, 0.4)
    expect_number(page, "17")
    expect(redo).to_be_disabled()


def test_keys_select_the_pen(page):
    for key, name in (("1", "Thin pen"), ("3", "Thick pen"), ("2", "Medium pen"), ("e", "Eraser")):
        page.keyboard.press(key)
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")


def test_coloured_ink_is_sent_in_its_colour_and_read(page):
    press(page, "Blue pen")
    with page.expect_request(is_drawing) as sent:
        write(page, "1", 0.2, 0.15, 0.4)
    url = json.loads(sent.value.post_data)["data"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")).astype(int)
    assert tuple(picture[picture.sum(2).argmin() // 560, picture.sum(2).argmin() % 560]) == (29, 78, 216)
    press(page, "Red pen")
    write(page, "0", 0.5, 0.15, 0.4)
    expect_number(page, "10")


def test_the_eraser_removes_ink(page):
    write(page, "10", 0.1, 0.15, 0.4, spacing=0.5)
    expect_number(page, "10")
    press(page, "Eraser")
    area = page.locator("canvas").bounding_box()
    x, y, width = area["x"], area["y"], area["width"]
    for step in range(10):  # over the right half, which contains the 0
        draw(
            page,
            [
                (x + width * 0.45, y + width * (0.1 + 0.055 * step)),
                (x + width * 0.98, y + width * (0.1 + 0.055 * step)),
            ],
        )
    expect_number(page, "1")
    press(page, "Eraser")
    write(page, "0", 0.55, 0.15, 0.4)
    expect_number(page, "10")


def test_clearing_ends_erasing(page):
    write(page, "1", 0.2, 0.15, 0.4)
    expect_number(page, "1")
    page.keyboard.press("e")
    page.keyboard.press("Delete")
    expect(sentence(page)).to_have_text(ENGLISH["answer"]["empty"])
    write(page, "7", **SEVEN)
    expect_number(page, "7")


def test_pen_width_is_the_width_of_the_ink(page):
    area = page.locator("canvas").bounding_box()
    x, y, width = area["x"], area["y"], area["width"]
    heights = []
    for name in ("Thin pen", "Medium pen", "Thick pen"):
        press(page, "Clear")
        press(page, name)
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        with page.expect_request(is_drawing) as sent:
            draw(page, [(x + width * t / 10, y + width * 0.3) for t in range(2, 9)])
        column = sent_drawing(sent.value)[:, 280]
        heights.append(int((column < 128).sum()))
    assert heights == sorted(heights)
    assert heights[2] >= 2.5 * heights[0] > 0


def test_a_tap_draws_a_dot_and_erases_a_dot(page):
    area = page.locator("canvas").bounding_box()
    x, y = area["x"] + area["width"] * 0.5, area["y"] + area["width"] * 0.3
    with page.expect_request(is_drawing) as sent:
        page.mouse.click(x, y)
    rows, columns = np.nonzero(sent_drawing(sent.value) < 128)
    # The medium pen is 0.028 widths of the pad, and the sent drawing is 560 pixels wide.
    assert np.ptp(rows) + 1 == pytest.approx(0.028 * 560, abs=1.5)
    assert np.ptp(columns) + 1 == pytest.approx(0.028 * 560, abs=1.5)
    press(page, "Eraser")
    with page.expect_request(is_drawing) as sent:
        page.mouse.click(x, y)
    assert (sent_drawing(sent.value) == 255).all()


def test_an_older_answer_never_replaces_a_newer_one(page):
    page.wait_for_load_state("networkidle")
    held, requests, finished = [], [], []
    page.route("**/component_server/", lambda route: held.append(route) if not held else route.continue_())
    page.on("request", lambda request: requests.append(request) if request.method == "POST" else None)
    page.on("requestfinished", lambda request: finished.append(request) if request.method == "POST" else None)
    write(page, "1", 0.1, 0.15, 0.4)
    wait_until(page, lambda: len(held) == 1)
    write(page, "0", 0.5, 0.15, 0.4)
    held[0].continue_()
    expect_number(page, "10")
    wait_until(page, lambda: len(finished) == len(requests) >= 2)
    expect_number(page, "10")


@pytest.mark.parametrize(
    "refusal",
    [
        {
            "status": 503,
            "json": {"error": "Too many images are being read at the moment."},
            "headers": {"Retry-After": "1"},
        },
        {"status": 500, "body": "Internal Server Error"},
        None,  # the connection breaks
    ],
)
def test_a_drawing_without_an_answer_shows_no_old_answer(browser, server, refusal):
    page = browser.new_page()  # not from open_page, which allows no error in the log: the browser logs a refusal
    page.goto(server)
    write(page, "47", 0.1, 0.15, 0.3)
    expect_number(page, "47")
    page.route("**/component_server/", lambda route: route.fulfill(**refusal) if refusal else route.abort())
    write(page, "1", 0.75, 0.15, 0.3)
    expect(sentence(page)).to_have_text(ENGLISH["answer"]["none"])
    for selector in (".digit", ".box", ".top-3 li", ".top-digit"):
        expect(page.locator(selector)).to_have_count(0)
    page.unroute("**/component_server/")
    expect_number(page, "47 1")  # the pad has retried, without another stroke
    page.context.close()


def test_the_old_answer_fades_while_the_server_is_slow(page):
    write(page, "1", 0.1, 0.15, 0.4)
    expect_number(page, "1")
    held = []
    page.route("**/component_server/", lambda route: held.append(route))
    write(page, "0", 0.5, 0.15, 0.4)
    faded = page.locator("[data-waiting]:has(.sentence)")
    expect(faded).to_have_css("opacity", "0.3")
    held[0].continue_()
    expect_number(page, "10")
    expect(faded).to_have_count(0)


def test_the_server_reads_only_uploaded_files(server):
    with urllib.request.urlopen(f"{server}/config") as answer:
        components = json.load(answer)["components"]
    (pad,) = [part["id"] for part in components if part["props"].get("component_class_name") == "Pad"]
    for payload in (
        {"path": "/etc/passwd"},
        {"path": "\0"},
        {"path": 1},
        {"url": ""},
        7,
        "/etc/passwd",
        "http://127.0.0.1:9/x.png",
    ):
        question = {"data": payload, "component_id": pad, "fn_name": "read", "session_hash": "x"}
        request = urllib.request.Request(
            f"{server}/gradio_api/component_server/",
            json.dumps(question).encode(),
            {"Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError, match="422"):
            urllib.request.urlopen(request)


def test_an_empty_pad_shows_a_hint(page):
    expect(page.get_by_text(ENGLISH["pad"]["hint"])).to_be_visible()
    expect(sentence(page)).to_have_text(ENGLISH["answer"]["empty"])
    write(page, "7", **SEVEN)
    expect(page.get_by_text(ENGLISH["pad"]["hint"])).to_be_hidden()
    press(page, "Clear")
    expect(page.get_by_text(ENGLISH["pad"]["hint"])).to_be_visible()


@pytest.mark.parametrize("width", [390, 320])
def test_drawing_by_touch_on_a_phone(open_page, width):
    page = open_page(width, 800, has_touch=True, is_mobile=True, device_scale_factor=3)
    area = page.locator("canvas").bounding_box()
    points = [(0.3, 0.15), (0.5, 0.14), (0.68, 0.13), (0.6, 0.3), (0.52, 0.45), (0.46, 0.62)]
    fingers = [{"x": area["x"] + x * area["width"], "y": area["y"] + y * area["width"]} for x, y in points]
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers[:1]})
    for finger in fingers[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [finger]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect_number(page, "7")
    assert page.evaluate("scrollY") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
