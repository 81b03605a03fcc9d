"""The layout at every width, in light and dark; how uncertain answers look; names for screen readers."""

import pytest
from playwright.sync_api import expect

from assets.hand import write
from helpers.browser import expect_number, sentence
from helpers.readings import make_digit, make_reading
from web.components.answer.answer import empty_answer, reading_answer
from web.components.pad.pad import digit_boxes
from web.texts import Texts

ENGLISH = Texts("en")

WIDTHS = [320, 390, 768, 1280, 1920]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_at_any_width(open_page, width, scheme):
    page = open_page(width, 800, color_scheme=scheme)
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    write(page, "17", 0.07, 0.24, 0.26)
    expect_number(page, "17")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in ("h1", "canvas", ".tools", ".sentence", ".top-3", ".examples"):
        area = page.locator(part).first.bounding_box()
        assert area["x"] >= 0, part
        assert area["x"] + area["width"] <= width, part
    pad, answer = page.locator("canvas").bounding_box(), page.locator(".reading").bounding_box()
    beside = answer["x"] >= pad["x"] + pad["width"]
    assert beside == (width >= 768)


@pytest.mark.parametrize("width", [320, 390, 844, 900])
def test_ten_digits_stand_in_one_line(open_page, width):
    page = open_page(width, 800)
    digits = [make_digit(label, 0.99) for label in "123456789"] + [make_digit("0", 0.6, certain=False)]
    answer = {"answer": reading_answer(make_reading(digits), ENGLISH), "boxes": []}
    page.route("**/component_server/", lambda route: route.fulfill(json=answer))
    write(page, "7", 0.36, 0.12, 0.45)
    expect(page.locator(".number .digit")).to_have_count(10)
    # In one call: the pad reads each stroke, and every answer replaces the elements of the previous one.
    tops, size = page.evaluate(
        """() => [
            [...document.querySelectorAll(".number .digit")].map((digit) => digit.getBoundingClientRect().y),
            parseFloat(getComputedStyle(document.querySelector(".number .digit > span")).fontSize),
        ]"""
    )
    assert len(tops) == 10
    assert len(set(tops)) == 1
    assert size >= 16


def test_every_control_has_a_name(page):
    for control in page.locator("button:visible, input:visible, canvas").all():
        assert control.evaluate("e => (e.ariaLabel || e.innerText || e.querySelector('img')?.alt || '').trim()")


def test_the_selected_tool_stays_marked_under_the_mouse(page):
    pen = page.get_by_role("button", name="Medium pen")
    marked = pen.evaluate("e => getComputedStyle(e).backgroundColor")
    pen.hover()
    assert pen.evaluate("e => getComputedStyle(e).backgroundColor") == marked


def test_an_uncertain_digit_looks_uncertain(page):
    page.wait_for_load_state("networkidle")
    shown = make_reading((make_digit("4", 0.98), make_digit("7", 0.51, certain=False)))
    answer = {"answer": reading_answer(shown, ENGLISH), "boxes": digit_boxes(shown)}
    page.route("**/component_server/", lambda route: route.fulfill(json=answer))
    write(page, "7", 0.36, 0.12, 0.45)
    expect(sentence(page)).to_have_text("This may be 47: the 7 is uncertain (51 %).")
    expect(page.locator(".digit.uncertain")).to_have_text("751 % ?")
    expect(page.locator(".box.uncertain")).to_have_count(1)
    expect(page.locator(".digit.uncertain")).to_have_attribute("aria-checked", "true")
    certain, uncertain = (
        page.locator(part).first.evaluate("e => getComputedStyle(e).color")
        for part in (".digit:not(.uncertain) span", ".digit.uncertain span")
    )
    assert certain != uncertain


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ((make_digit("7", 0.994),), "This is a 7 (99 %)."),
        ((make_digit("8", 1.0),), "This is an 8 (99 %)."),
        ((make_digit("7", 0.55, False),), "Not sure: this may be a 7 (55 %) or a 1 (44 %)."),
        ((make_digit("7", 0.93, False),), "Not sure: this looks most like a 7, but it may not be a digit."),
        ((make_digit("4", 0.999), make_digit("0", 0.995)), "This is 40 (99 % for each digit)."),
        (
            (make_digit("4", 0.5, False), make_digit("2", 0.4, False)),
            "Not sure: this may be 42, or it may not be a number.",
        ),
        ((make_digit("4", 0.98), make_digit("0", 0.91)), "This is 40. The least certain digit is the 0 (91 %)."),
        (
            (make_digit("4", 0.98), "\n", make_digit("2", 0.95)),
            "This is 4 / 2. The least certain digit is the 2 (95 %).",
        ),
        (
            (make_digit("4", 0.5, False), make_digit("2", 0.4, False), make_digit("3", 0.9)),
            "This may be 423: 2 of 3 digits are uncertain, most of all the 2 (40 %).",
        ),
        ((), "No digit found. Write it larger or darker, or try another photo."),
    ],
)
def test_sentence(digits, expected):
    assert ENGLISH.describe(make_reading(digits)) == expected


def test_the_least_certain_digit_is_selected_at_first():
    answer = reading_answer(make_reading((make_digit("4", 0.98), make_digit("7", 0.6), make_digit("2", 0.9))), ENGLISH)
    assert answer["selected"] == 1
    assert [digit["percent"] for digit in answer["digits"]] == [98, 60, 90]
    assert empty_answer()["digits"] == []
