"""The answer with marks, tables, rotated images and other writing beside a number, for readings made by hand."""

import csv
import io

import pytest
from playwright.sync_api import Page, expect

from assets.hand import write
from digits import Reading
from helpers.browser import expect_top_digit, sentence, serious_violations, shown_lines
from helpers.readings import make_digit, make_reading, make_symbols
from web.components.answer.answer import reading_answer
from web.components.pad.pad import digit_boxes
from web.texts import LANGUAGES, Texts

TABLE = (("12.50", "7", "-3"), ("8", "", "24,90"))
TABLE_TEXT = "12.50 7 -3\n8 24,90"


def show_reading(page: Page, shown: Reading, language: str = "en") -> None:
    """Draw a stroke, and let the server answer it with a reading."""
    page.unroute_all()
    answer = {"answer": reading_answer(shown, Texts(language)), "boxes": digit_boxes(shown)}
    page.route("**/component_server/", lambda route: route.fulfill(json=answer))
    write(page, "1", 0.4, 0.15, 0.4)
    expect(sentence(page)).to_have_text(answer["answer"]["sentence"])


@pytest.mark.parametrize("text", ["12.50", "-5", "24/11/2026", "12:30 7", "4079\n12,50 3\n5"])
def test_numbers_are_shown_with_their_marks(page, text):
    show_reading(page, make_reading(make_symbols(text)))
    assert shown_lines(page) == text.split("\n")
    assert page.get_by_role("radio").all_inner_texts() == [
        f"{label}\n99 %" if sum(map(str.isdigit, text)) > 1 else label for label in text if label.isdigit()
    ]


def test_keys_choose_the_next_digit_across_marks_and_numbers(page):
    show_reading(page, make_reading(make_symbols("1.5 7\n2")))
    page.locator(".digit[aria-checked=true]").focus()
    for label in ("5", "7", "2", "1"):
        page.keyboard.press("ArrowRight")
        expect_top_digit(page, label)
        expect(page.locator(".box.selected")).to_contain_text(label)
        expect(page.locator(".digit[aria-checked=true]")).to_be_focused()


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_table_is_saved_with_its_rows_and_columns(open_page, locale):
    page = open_page(locale=locale)
    language = locale[:2]
    button = page.get_by_role("button", name=LANGUAGES[language]["answer"]["save_table"])
    expect(button).to_be_hidden()
    show_reading(page, make_reading(make_symbols(TABLE_TEXT), table=TABLE), language)
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename.endswith(".csv")
    saved = download.value.path().read_text("utf-8")
    assert [tuple(row) for row in csv.reader(io.StringIO(saved, newline=""))] == list(TABLE)
    show_reading(page, make_reading(make_symbols("12 7")), language)
    expect(button).to_be_hidden()


def test_a_number_with_other_writing_looks_uncertain(page):
    show_reading(page, make_reading(make_symbols("40 79"), uncertain_numbers=["79"], complete=False))
    expect(page.locator("[data-tone=uncertain]")).to_have_count(1)
    expect(page.locator(".number.uncertain")).to_have_text("799 %999 %")
    certain, uncertain = (
        page.locator(number).locator(".digit > span").first.evaluate("e => getComputedStyle(e).color")
        for number in (".number:not(.uncertain)", ".number.uncertain")
    )
    assert certain != uncertain


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_an_answer_has_no_serious_accessibility_violation(open_page, scheme, width):
    page = open_page(width, 844, color_scheme=scheme)
    show_reading(page, make_reading(make_symbols(TABLE_TEXT), uncertain_numbers=["24,90"], complete=False, table=TABLE))
    assert serious_violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_long_table_is_not_cut_off(open_page, width):
    page = open_page(width, 800)
    row = " ".join(["1,234"] * 8)
    show_reading(page, make_reading(make_symbols("\n".join([row] * 20)), table=(("1,234",) * 8,) * 20))
    expect(page.locator(".digit")).to_have_count(640)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    area = page.locator(".reading").bounding_box()
    for element in (page.locator(".number").first, page.locator(".number").nth(7), page.locator(".save")):
        box = element.bounding_box()
        assert box["x"] >= area["x"]
        assert box["x"] + box["width"] <= area["x"] + area["width"]


def test_gaps_are_wide_between_numbers_and_narrow_around_marks(page):
    show_reading(page, make_reading(make_symbols("12.50 7")))
    one, two, five, zero, seven = (digit.bounding_box() for digit in page.locator(".digit").all())
    mark = page.locator(".mark").bounding_box()
    assert len({round(digit["y"]) for digit in (one, two, five, zero, seven)}) == 1
    assert two["x"] + two["width"] <= mark["x"] + 1
    assert mark["x"] + mark["width"] <= five["x"] + 1
    assert mark["width"] < one["width"]
    assert seven["x"] - zero["x"] - zero["width"] > 0.2 * one["width"]


@pytest.mark.parametrize("pitch", [16, 24, 40, 60])
def test_labels_cover_no_digit_of_another_line(page, pitch):
    columns, lines = 6, 5
    shown = make_reading(make_symbols("\n".join(["407912"] * lines)))
    placed = digit_boxes(shown)
    for index, box in enumerate(placed):
        left, top = 40 + 70 * (index % columns) + 3 * (index // columns), 60 + pitch * (index // columns)
        box["box"] = (left, top, left + 10, top + 13)
    answer = {"answer": reading_answer(shown, Texts("en")), "boxes": placed}
    page.route("**/component_server/", lambda route: route.fulfill(json=answer))
    write(page, "1", 0.4, 0.15, 0.4)
    expect(page.locator(".box")).to_have_count(columns * lines)
    drawn = [box.bounding_box() for box in page.locator(".box").all()]
    labels = page.locator(".box span:visible").all()
    assert len(labels) == columns * lines if pitch == 60 else len(labels) >= columns
    for label in labels:
        area = label.bounding_box()
        own = int(label.evaluate("e => [...e.parentElement.parentElement.children].indexOf(e.parentElement)"))
        for index, box in enumerate(drawn):
            apart = (
                box["x"] + box["width"] <= area["x"],
                area["x"] + area["width"] <= box["x"],
                box["y"] + box["height"] <= area["y"],
                area["y"] + area["height"] <= box["y"],
            )
            assert any(apart) or index // columns == own // columns


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (make_reading(make_symbols("12.50")), "This is 12.50 (99 % for each digit)."),
        (make_reading(make_symbols("12.50 7\n3")), "This is 12.50 7 / 3 (99 % for each digit)."),
        (make_reading(["-", make_digit("5", 0.91)]), "This is -5. The least certain digit is the 5 (91 %)."),
        (make_reading(["-", make_digit("5", 0.4, False)]), "Not sure: this may be -5, or it may not be a number."),
        (
            make_reading(make_symbols("7"), complete=False),
            "This may be 7: something next to it or inside it was not read.",
        ),
        (
            make_reading(make_symbols("40 79"), uncertain_numbers=["79"], complete=False),
            "This may be 40 79: something next to it or inside it was not read.",
        ),
        (
            make_reading(make_symbols("40.79"), uncertain_numbers=["40.79"]),
            "This may be 40.79: a mark in it is uncertain.",
        ),
        (
            make_reading(make_symbols("47", uncertain="7"), complete=False),
            "This may be 47: the 7 is uncertain (60 %).",
        ),
        (
            make_reading(make_symbols(TABLE_TEXT), table=TABLE),
            "This is a table of 2 rows and 3 columns (99 % for each digit).",
        ),
        (
            make_reading(make_symbols("47"), rotation=90),
            "This is 47 (99 % for each digit). The image was rotated 90° clockwise to read it.",
        ),
        (
            make_reading(make_symbols("47"), rotation=180),
            "This is 47 (99 % for each digit). The image was rotated 180° to read it.",
        ),
        (
            make_reading(make_symbols("7", uncertain="7"), rotation=270),
            "Not sure: this may be a 7 (60 %) or a 1 (40 %). The image was rotated 90° counterclockwise to read it.",
        ),
    ],
)
def test_sentence(shown, expected):
    assert Texts("en").describe(shown) == expected


@pytest.mark.parametrize(
    "shown", [make_reading([]), make_reading(make_symbols("47")), make_reading(make_symbols("47"), complete=False)]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_tone_is_that_of_the_readings_certainty(language, shown):
    answer = reading_answer(shown, Texts(language))
    assert answer["tone"] == ("certain" if shown.certain else "uncertain")
    assert answer["sentence"]
