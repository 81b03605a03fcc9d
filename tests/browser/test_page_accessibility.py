"""Accessibility: axe-core finds no serious violation in any state of the page, and the keyboard is enough for all."""

import pytest
from playwright.sync_api import Page, expect

from assets.hand import draw, write
from helpers.browser import ENGLISH, EXAMPLES, choose_file, expect_number, expect_top_digit, serious_violations


def empty(page: Page) -> None:
    page.locator("canvas").wait_for()


def drawing(page: Page) -> None:
    write(page, "47", 0.2, 0.2, 0.3)
    expect_number(page, "47")


def photo(page: Page) -> None:
    choose_file(page, EXAMPLES / "5-4079.png")
    expect_number(page, "4079")


def steps(page: Page) -> None:
    drawing(page)
    page.locator("summary").click()
    expect(page.locator(".strip figure")).to_have_count(5)


def problem(page: Page) -> None:
    choose_file(page, {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no image"})
    expect(page.locator("[data-tone=problem] .sentence")).to_be_visible()


def scribble(page: Page) -> None:
    area = page.locator("canvas").bounding_box()
    x, y, width = area["x"], area["y"], area["width"]
    zigzag = [(0.3, 0.15), (0.7, 0.5), (0.3, 0.5), (0.7, 0.2), (0.35, 0.35), (0.75, 0.35), (0.5, 0.1), (0.5, 0.6)]
    draw(page, [(x + width * across, y + width * down) for across, down in zigzag])
    expect(page.locator("[data-tone=uncertain] .sentence")).to_be_visible()


def table(page: Page) -> None:
    open_tab(page, "files")
    page.locator("input[multiple]").set_input_files(
        [
            {"name": "4079.png", "mimeType": "image/png", "buffer": (EXAMPLES / "5-4079.png").read_bytes()},
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no image"},
        ]
    )
    expect(page.get_by_text("1 not read")).to_be_visible()


def figures(page: Page) -> None:
    open_tab(page, "figures")
    page.locator(".headline").wait_for()


def code(page: Page) -> None:
    open_tab(page, "code")
    page.get_by_text("gradio_client").first.wait_for()


def open_tab(page: Page, section: str) -> None:
    page.get_by_role("tab", name=ENGLISH[section]["tab"]).click()


@pytest.mark.parametrize("state", [empty, drawing, photo, steps, problem, scribble, table, figures, code])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_no_serious_violation(open_page, scheme, width, state):
    page = open_page(width, 844, color_scheme=scheme)
    state(page)
    assert serious_violations(page) == []


def test_the_arrow_keys_select_a_digit(page):
    photo(page)
    page.locator(".digit[aria-checked=true]").focus()
    first = page.locator(".digit").first
    while first.get_attribute("aria-checked") != "true":
        page.keyboard.press("ArrowLeft")
    expect_top_digit(page, "4")
    page.keyboard.press("ArrowRight")
    expect_top_digit(page, "0")
    expect(page.locator(".box.selected")).to_contain_text("0")


def test_the_keyboard_unfolds_the_steps_and_selects_a_digit(page):
    photo(page)
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".strip figure")).to_have_count(5)
    page.locator(".frames button").first.focus()
    page.keyboard.press("Enter")
    expect_top_digit(page, "4")


def test_reduced_motion_is_respected(open_page):
    page = open_page(reduced_motion="reduce")
    drawing(page)
    moving = page.evaluate(
        "[...document.querySelectorAll('.bar')].filter((e) => getComputedStyle(e).transitionDuration !== '0s').length"
    )
    assert moving == 0


def test_the_keyboard_reaches_the_tabs(page):
    page.get_by_role("tab").first.focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("gradio_client").first.wait_for()
    expect(page.locator("canvas")).to_be_hidden()
