"""How it works: each step as a picture, requested only while unfolded, for the selected digit."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Request, expect

from assets.hand import write
from digits import Stages
from helpers.browser import ENGLISH, EXAMPLES, choose_file, expect_number, expect_top_digit, next_frame
from helpers.readings import make_reading, make_symbols
from web.components.steps.steps import step_pictures

TEXTS = ENGLISH["steps"]


def unfold(page: Page) -> None:
    page.locator("summary").click()


def pixels_of(page: Page, name: str) -> np.ndarray:
    """Return the pixels of the picture with this name."""
    return decoded(page.get_by_role("img", name=name, exact=True).get_attribute("src"))


def decoded(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_each_step_is_that_of_the_reader(page, reader):
    choose_file(page, EXAMPLES / "5-4079.png")
    expect_number(page, "4079")
    unfold(page)
    expect(page.locator(".strip figure")).to_have_count(5)
    page.locator(".frames button").first.click()
    expect_top_digit(page, "4")
    stages = reader.stages(EXAMPLES / "5-4079.png")
    expect(page.get_by_role("img", name=TEXTS["frame"])).to_have_attribute(
        "src", page.locator(".frames img").first.get_attribute("src")
    )
    np.testing.assert_array_equal(pixels_of(page, TEXTS["frame"]), np.uint8(255 * stages.frames[0]))
    np.testing.assert_allclose(
        pixels_of(page, TEXTS["heatmap"]).astype(int), decoded(step_pictures(stages)["heatmap"]).astype(int), atol=3
    )
    expect(page.locator(".strip .box")).to_have_count(4)
    view = page.locator(".strip .image-view").nth(2).bounding_box()
    box = page.locator(".strip .box").first.bounding_box()
    left, top, _, _ = stages.boxes[0]
    height, width = stages.centre_map.shape
    assert abs((box["x"] - view["x"]) / view["width"] - left / width) < 0.02
    assert abs((box["y"] - view["y"]) / view["height"] - top / height) < 0.02


def stages_of(centre_map: np.ndarray, pixels: np.ndarray, text: str = "7") -> Stages:
    shown = make_reading(make_symbols(text))
    frames = np.array([digit.frame for digit in shown.digits], np.float32).reshape(-1, 28, 28)
    return Stages(pixels, centre_map, tuple(digit.box for digit in shown.digits), frames, shown)


@pytest.mark.parametrize("paper", [20, 128, 250])
def test_the_heatmap_is_pink_at_characters_and_faded_elsewhere(paper):
    pixels = np.full((100, 200, 3), paper, np.uint8)
    pixels[40:60, 40:60] = 255 - paper
    centre_map = np.zeros((100, 200), np.float32)
    centre_map[40:60, 140:160], centre_map[40:60, 180:200] = 1, 0.4
    red, green, blue = np.moveaxis(decoded(step_pictures(stages_of(centre_map, pixels))["heatmap"]).astype(int), 2, 0)
    likely, unlikely, ink, background = (slice(45, 55), slice(145, 155)), (50, 190), (50, 50), (10, 10)
    assert (red - green)[likely].mean() > (red - green)[unlikely] > 40
    assert green[likely].mean() < green[unlikely] < green[background]
    for place in (ink, background):
        assert abs(red - green)[place] <= 3
        assert abs(red - blue)[place] <= 3
    assert abs(red[ink] - red[background]) == pytest.approx(0.35 * abs(255 - 2 * paper), abs=4)


def test_a_tiny_image_has_no_heatmap():
    blank = np.zeros((28, 28), np.float32), np.zeros((28, 28, 3), np.uint8)
    assert not step_pictures(stages_of(*blank))["has_heatmap"]
    assert step_pictures(stages_of(*blank, ""))["has_heatmap"]
    assert step_pictures(stages_of(blank[0] + np.float32(0.1), blank[1]))["has_heatmap"]


def test_the_page_says_that_a_tiny_image_has_no_heatmap(page, tmp_path):
    Image.open(EXAMPLES / "1-7.png").convert("L").resize((28, 28)).save(tmp_path / "tiny.png")
    choose_file(page, tmp_path / "tiny.png")
    expect_number(page, "7")
    unfold(page)
    expect(page.locator(".strip figure").nth(1)).to_contain_text(TEXTS["heatmap_skipped"])
    choose_file(page, EXAMPLES / "1-7.png")
    expect(page.locator(".strip figure").nth(1)).to_contain_text(TEXTS["heatmap_more"])


def test_blue_ink_is_decisive(page, reader):
    """Removing the ink in the strongest blue makes the digit less likely than removing the ink in the weakest blue."""
    choose_file(page, EXAMPLES / "1-7.png")
    expect_number(page, "7")
    unfold(page)
    expect(page.locator(".strip figure")).to_have_count(5)
    colours = pixels_of(page, TEXTS["decisive_ink"]).astype(int)
    frame = reader.stages(EXAMPLES / "1-7.png").frames[0]
    blue = (colours[..., 2] - colours[..., 0]) * (frame > 0.5)
    order = np.argsort(np.where(frame > 0.5, blue, -1).ravel())
    count = (frame > 0.5).sum() // 3
    classify = reader._classifier.classify

    def probability_without(pixels: np.ndarray) -> float:
        covered = frame.copy().ravel()
        covered[pixels] = 0
        return classify(covered.reshape(1, 28, 28))[0][0, 7]

    ink = order[-(frame > 0.5).sum() :]
    assert probability_without(ink[-count:]) < probability_without(ink[:count])


def test_nothing_is_requested_while_folded(page):
    page.wait_for_load_state("networkidle")
    requests = []
    page.on("request", lambda request: requests.append(request) if request.method == "POST" else None)
    write(page, "1", 0.4, 0.15, 0.4)
    expect_number(page, "1")
    expect_top_digit(page, "1")  # the event that changes the top 3 also changes the value of the steps
    next_frame(page)
    assert len(requests) == 1
    unfold(page)
    expect(page.locator(".strip figure")).to_have_count(5)
    assert len(requests) == 2
    unfold(page)
    write(page, "0", 0.6, 0.15, 0.4)
    expect_number(page, "10")
    for index, label in enumerate("10"):
        page.get_by_role("radio").nth(index).click()
        expect_top_digit(page, label)
    next_frame(page)
    assert len(requests) == 3


def test_steps_follow_the_drawing(page):
    unfold(page)
    expect(page.get_by_text(TEXTS["empty"])).to_be_visible()
    write(page, "7", 0.36, 0.12, 0.45)
    expect(page.get_by_text("Blue ink is evidence for the 7")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".strip figure")).to_have_count(0)
    write(page, "3", 0.36, 0.12, 0.45)
    expect(page.get_by_text("Blue ink is evidence for the 3")).to_be_visible()


def test_an_unreadable_file_has_no_steps(page, tmp_path):
    unfold(page)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    choose_file(page, broken)
    expect(page.get_by_text("broken.png is not an image")).to_be_visible()
    expect(page.locator(".strip figure")).to_have_count(0)


def is_read_request(request: Request) -> bool:
    return request.method == "POST" and request.post_data_json.get("fn_name") == "read"


def test_a_lost_connection_keeps_the_drawing(browser, server):
    page = browser.new_page(viewport={"width": 1280, "height": 1500})
    page.goto(server)
    write(page, "4", 0.1, 0.15, 0.3)
    expect_number(page, "4")
    page.locator("summary").click()
    expect(page.locator(".strip figure")).to_have_count(5)
    page.route("**/component_server/", lambda route: route.abort())
    write(page, "0", 0.5, 0.15, 0.3)  # one stroke, so that the next request is the retry
    expect(page.locator(".strip figure")).to_have_count(0)
    # The pad retries after five seconds. Gradio's own events would have reloaded the page after two.
    with page.expect_request(is_read_request):
        pass
    page.unroute("**/component_server/")
    expect_number(page, "40")
    expect(page.locator(".strip figure")).to_have_count(5)
    page.context.close()
