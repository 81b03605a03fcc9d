"""How it sees: each stage as a picture, asked for only while it is unfolded; it follows the digit that is chosen."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from assets.hand import write
from digits import Stages
from helpers.browser import ENGLISH, EXAMPLES, choose_file, expect_number, expect_winner
from helpers.readings import reading, written
from web.components.steps.steps import pictures

TEXTS = ENGLISH["steps"]


def unfold(page: Page) -> None:
    page.locator("summary").click()


def pixels_of(page: Page, name: str) -> np.ndarray:
    """The picture with this name, as it was sent."""
    return decoded(page.get_by_role("img", name=name, exact=True).get_attribute("src"))


def decoded(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_each_stage_is_the_readers_own(page, reader):
    choose_file(page, EXAMPLES / "5-4079.png")
    expect_number(page, "4079")
    unfold(page)
    expect(page.locator(".strip figure")).to_have_count(5)
    page.locator(".frames button").first.click()
    expect_winner(page, "4")
    stages = reader.stages(EXAMPLES / "5-4079.png")
    expect(page.get_by_role("img", name=TEXTS["frame"])).to_have_attribute(
        "src", page.locator(".frames img").first.get_attribute("src")
    )
    np.testing.assert_array_equal(pixels_of(page, TEXTS["frame"]), np.uint8(255 * stages.frames[0]))
    np.testing.assert_allclose(
        pixels_of(page, TEXTS["found"]).astype(int), decoded(pictures(stages)["found"]).astype(int), atol=3
    )
    expect(page.locator(".strip .box")).to_have_count(4)
    sheet = page.locator(".strip .sheet").nth(2).bounding_box()
    box = page.locator(".strip .box").first.bounding_box()
    left, top, _, _ = stages.boxes[0]
    height, width = stages.found.shape
    assert abs((box["x"] - sheet["x"]) / sheet["width"] - left / width) < 0.02
    assert abs((box["y"] - sheet["y"]) / sheet["height"] - top / height) < 0.02


def stages_of(found: np.ndarray, pixels: np.ndarray, text: str = "7") -> Stages:
    shown = reading(written(text))
    frames = np.array([digit.frame for digit in shown.digits], np.float32).reshape(-1, 28, 28)
    return Stages(pixels, found, tuple(digit.box for digit in shown.digits), frames, shown)


@pytest.mark.parametrize("paper", [20, 128, 250])
def test_the_map_is_pink_where_a_character_was_found_and_the_picture_is_faded_elsewhere(paper):
    pixels = np.full((100, 200, 3), paper, np.uint8)
    pixels[40:60, 40:60] = 255 - paper
    found = np.zeros((100, 200), np.float32)
    found[40:60, 140:160], found[40:60, 180:200] = 1, 0.4
    red, green, blue = np.moveaxis(decoded(pictures(stages_of(found, pixels))["found"]).astype(int), 2, 0)
    surely, perhaps, ink, elsewhere = (slice(45, 55), slice(145, 155)), (50, 190), (50, 50), (10, 10)
    assert (red - green)[surely].mean() > (red - green)[perhaps] > 40
    assert green[surely].mean() < green[perhaps] < green[elsewhere]
    for place in (ink, elsewhere):
        assert abs(red - green)[place] <= 3
        assert abs(red - blue)[place] <= 3
    assert abs(red[ink] - red[elsewhere]) == pytest.approx(0.35 * abs(255 - 2 * paper), abs=4)


def test_a_tiny_picture_is_not_searched():
    blank = np.zeros((28, 28), np.float32), np.zeros((28, 28, 3), np.uint8)
    assert not pictures(stages_of(*blank))["searched"]
    assert pictures(stages_of(*blank, ""))["searched"]
    assert pictures(stages_of(blank[0] + np.float32(0.1), blank[1]))["searched"]


def test_the_page_says_so_of_a_tiny_picture(page, tmp_path):
    Image.open(EXAMPLES / "1-7.png").convert("L").resize((28, 28)).save(tmp_path / "tiny.png")
    choose_file(page, tmp_path / "tiny.png")
    expect_number(page, "7")
    unfold(page)
    expect(page.locator(".strip figure").nth(1)).to_contain_text(TEXTS["found_tiny"])
    choose_file(page, EXAMPLES / "1-7.png")
    expect(page.locator(".strip figure").nth(1)).to_contain_text(TEXTS["found_more"])


def test_blue_ink_is_what_decides(page, reader):
    """Without the ink that is shown in the strongest blue, the digit is less likely than without other ink."""
    choose_file(page, EXAMPLES / "1-7.png")
    expect_number(page, "7")
    unfold(page)
    expect(page.locator(".strip figure")).to_have_count(5)
    colours = pixels_of(page, "What decided").astype(int)
    frame = reader.stages(EXAMPLES / "1-7.png").frames[0]
    blue = (colours[..., 2] - colours[..., 0]) * (frame > 0.5)
    order = np.argsort(np.where(frame > 0.5, blue, -1).ravel())
    count = (frame > 0.5).sum() // 3
    classify = reader._classifier.classify

    def without(places: np.ndarray) -> float:
        covered = frame.copy().ravel()
        covered[places] = 0
        return classify(covered.reshape(1, 28, 28))[0][0, 7]

    ink = order[-(frame > 0.5).sum() :]
    assert without(ink[-count:]) < without(ink[:count])


def test_nothing_is_asked_while_folded(page):
    page.wait_for_load_state("networkidle")
    asked = []
    page.on("request", lambda request: asked.append(request) if request.method == "POST" else None)
    write(page, "1", 0.4, 0.15, 0.4)
    expect_number(page, "1")
    page.wait_for_timeout(400)
    assert len(asked) == 1
    unfold(page)
    expect(page.locator(".strip figure")).to_have_count(5)
    assert len(asked) == 2
    unfold(page)
    write(page, "0", 0.6, 0.15, 0.4)
    expect_number(page, "10")
    page.wait_for_timeout(400)
    assert len(asked) == 3


def test_stages_follow_the_drawing(page):
    unfold(page)
    expect(page.get_by_text("every step of its reading appears here")).to_be_visible()
    write(page, "7", 0.36, 0.12, 0.45)
    expect(page.get_by_text("Blue ink speaks for the 7")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".strip figure")).to_have_count(0)
    write(page, "3", 0.36, 0.12, 0.45)
    expect(page.get_by_text("Blue ink speaks for the 3")).to_be_visible()


def test_what_is_no_image_has_no_stages(page, tmp_path):
    unfold(page)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    choose_file(page, broken)
    expect(page.get_by_text("broken.png is not an image")).to_be_visible()
    expect(page.locator(".strip figure")).to_have_count(0)


def test_a_lost_connection_takes_no_drawing_away(browser, server):
    page = browser.new_page(viewport={"width": 1280, "height": 1500})
    page.goto(server)
    write(page, "4", 0.1, 0.15, 0.3)
    expect_number(page, "4")
    page.locator("summary").click()
    expect(page.locator(".strip figure")).to_have_count(5)
    page.route("**/component_server/", lambda route: route.abort())
    write(page, "7", 0.5, 0.15, 0.3)
    expect(page.locator(".strip figure")).to_have_count(0)
    page.wait_for_timeout(4000)  # Gradio would load the page anew after two seconds
    page.unroute("**/component_server/")
    expect_number(page, "47")
    expect(page.locator(".strip figure")).to_have_count(5)
    page.context.close()
