"""Accessibility: axe-core finds nothing serious in any state of the page; everything can be done with the keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from assets.hand import write
from tests.browser import EXAMPLES, choose_file, expect_number, expect_winner


def serious_findings(page: Page) -> list[str]:
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))")
    return [
        f"{finding['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for finding in Axe().run(page).response["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


def empty(page: Page) -> None:
    page.locator("canvas").wait_for()


def drawing(page: Page) -> None:
    write(page, "47", 0.2, 0.2, 0.3)
    expect_number(page, "47")


def photo(page: Page) -> None:
    choose_file(page, EXAMPLES / "5-4079.png")
    expect_number(page, "4079")


def unfolded(page: Page) -> None:
    drawing(page)
    page.locator("summary").click()
    expect(page.locator(".strip figure")).to_have_count(5)


@pytest.mark.parametrize("state", [empty, drawing, photo, unfolded])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_no_serious_finding(open_page, scheme, width, state):
    page = open_page(width, 844, color_scheme=scheme)
    state(page)
    assert serious_findings(page) == []


def test_a_digit_is_chosen_with_the_arrow_keys(page):
    photo(page)
    chosen = page.locator(".digit[aria-checked=true]")
    chosen.focus()
    first = page.locator(".digit").first
    while first.get_attribute("aria-checked") != "true":
        page.keyboard.press("ArrowLeft")
    expect_winner(page, "4")
    page.keyboard.press("ArrowRight")
    expect_winner(page, "0")
    expect(page.locator(".box.chosen")).to_contain_text("0")


def test_stages_unfold_and_change_with_the_keyboard(page):
    photo(page)
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".strip figure")).to_have_count(5)
    page.locator(".frames button").first.focus()
    page.keyboard.press("Enter")
    expect_winner(page, "4")


def test_reduced_motion_is_honoured(open_page):
    page = open_page(reduced_motion="reduce")
    drawing(page)
    moving = page.evaluate(
        "[...document.querySelectorAll('.bar')].filter((e) => getComputedStyle(e).transitionDuration !== '0s').length"
    )
    assert moving == 0
