"""The examples: drawings made on this page, each read with one click."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from helpers.browser import EXAMPLES, expect_number
from web.components.examples.examples import number_on


def numbers_on(path) -> list[str]:
    return number_on(path).split(" / ")


def test_examples_are_few_small_and_have_one_or_more_digits():
    paths = sorted(EXAMPLES.glob("*.png"))
    assert 6 <= len(paths) <= 8
    assert any(len(numbers_on(path)[0]) == 1 for path in paths)
    assert any(len(numbers_on(path)[0]) > 1 for path in paths)
    for path in paths:
        assert path.stat().st_size < 100_000
        with Image.open(path) as image:
            assert image.size == (560, 420)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.png")), ids=lambda path: path.stem)
def test_a_click_reads_an_example(page, path):
    page.get_by_role("button", name=f"Example: {number_on(path)}", exact=True).click()
    expect_number(page, *numbers_on(path))
    expect(page.locator(".photo")).to_be_visible()


def test_a_click_reads_an_example_again_after_clearing(page):
    example = page.get_by_role("button", name="Example: 4079")
    for _ in range(2):
        example.click()
        expect_number(page, "4079")
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".number .digit")).to_have_count(0)


def test_an_example_scrolls_a_phone_to_the_pad(open_page):
    page = open_page(390, 800)
    page.get_by_role("button", name="Example: 3", exact=True).click()
    expect_number(page, "3")
    expect(page.locator(".photo")).to_be_in_viewport()
    expect(page.locator(".numbers")).to_be_in_viewport()
