"""How the page stands: at every width, in light and dark, unsure answers, names for those who can't see it."""

import pytest
from playwright.sync_api import expect

from assets.hand import write
from helpers.browser import expect_number, sentence
from helpers.readings import digit, reading
from web.components.answer.answer import nothing_yet, read_as
from web.components.pad.pad import boxes
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
    digits = [digit(label, 0.99) for label in "123456789"] + [digit("0", 0.6, certain=False)]
    answer = {"answer": read_as(reading(digits), ENGLISH), "boxes": []}
    page.route("**/component_server/", lambda route: route.fulfill(json=answer))
    write(page, "7", 0.36, 0.12, 0.45)
    expect(page.locator(".number .digit")).to_have_count(10)
    # In one step: the pad asks while one draws and once more at the end, and each answer takes the last one's place.
    tops, size = page.evaluate(
        """() => [
            [...document.querySelectorAll(".number .digit")].map(one => one.getBoundingClientRect().y),
            parseFloat(getComputedStyle(document.querySelector(".number .digit > span")).fontSize),
        ]"""
    )
    assert len(tops) == 10
    assert len(set(tops)) == 1
    assert size >= 16


def test_every_control_has_a_name(page):
    for control in page.locator("button:visible, input:visible, canvas").all():
        assert control.evaluate("e => (e.ariaLabel || e.innerText || e.querySelector('img')?.alt || '').trim()")


def test_the_chosen_tool_stays_marked_under_the_mouse(page):
    pen = page.get_by_role("button", name="Medium pen")
    marked = pen.evaluate("e => getComputedStyle(e).backgroundColor")
    pen.hover()
    assert pen.evaluate("e => getComputedStyle(e).backgroundColor") == marked


def test_unsure_digit_looks_unsure(page):
    page.wait_for_load_state("networkidle")
    shown = reading((digit("4", 0.98), digit("7", 0.51, certain=False)))
    answer = {"answer": read_as(shown, ENGLISH), "boxes": boxes(shown)}
    page.route("**/component_server/", lambda route: route.fulfill(json=answer))
    write(page, "7", 0.36, 0.12, 0.45)
    expect(sentence(page)).to_have_text("This may be 47: the 7 (51 %) is unsure.")
    expect(page.locator(".digit.unsure")).to_have_text("751 % ?")
    expect(page.locator(".box.unsure")).to_have_count(1)
    expect(page.locator(".digit.unsure")).to_have_attribute("aria-checked", "true")
    sure, unsure = (
        page.locator(part).first.evaluate("e => getComputedStyle(e).color")
        for part in (".digit:not(.unsure) span", ".digit.unsure span")
    )
    assert sure != unsure


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ((digit("7", 0.994),), "This is a 7 (99 %)."),
        ((digit("8", 1.0),), "This is an 8 (99 %)."),
        ((digit("7", 0.55, False),), "Not sure: this may be a 7 (55 %), or a 1 (44 %)."),
        ((digit("7", 0.93, False),), "Not sure: this looks most like a 7, but may be no digit at all."),
        ((digit("4", 0.999), digit("0", 0.995)), "This is 40, each digit 99 %."),
        ((digit("4", 0.5, False), digit("2", 0.4, False)), "Not sure: this may be 42, or no number at all."),
        ((digit("4", 0.98), digit("0", 0.91)), "This is 40, least sure of the 0 (91 %)."),
        ((digit("4", 0.98), "\n", digit("2", 0.95)), "This is 4 / 2, least sure of the 2 (95 %)."),
        (
            (digit("4", 0.5, False), digit("2", 0.4, False), digit("3", 0.9)),
            "This may be 423: 2 of 3 digits are unsure, most of all the 2 (40 %).",
        ),
        ((), "No digit found here. Write it larger or darker, or try another photo."),
    ],
)
def test_sentence(digits, expected):
    assert ENGLISH.sentence(reading(digits)) == expected


def test_answer_looks_closely_at_the_digit_it_is_least_sure_of():
    answer = read_as(reading((digit("4", 0.98), digit("7", 0.6), digit("2", 0.9))), ENGLISH)
    assert answer["chosen"] == 1
    assert [figure["percent"] for figure in answer["digits"]] == [98, 60, 90]
    assert nothing_yet()["digits"] == []
