"""The answer to marks, tables, turned images and other writing beside a number, from readings made by hand."""

import csv
import io

import pytest
from playwright.sync_api import Page, expect

from assets.hand import write
from digits import Reading
from helpers.browser import expect_winner, sentence, serious_findings, shown_lines
from helpers.readings import digit, reading, written
from web.components.answer.answer import read_as
from web.components.pad.pad import boxes
from web.texts import LANGUAGES, Texts

TABLE = (("12.50", "7", "-3"), ("8", "", "24,90"))
TABLE_TEXT = "12.50 7 -3\n8 24,90"


def answer_to(page: Page, shown: Reading, language: str = "en") -> None:
    """Draws a stroke, to which the server answers a reading."""
    page.unroute_all()
    answer = {"answer": read_as(shown, Texts(language)), "boxes": boxes(shown)}
    page.route("**/component_server/", lambda route: route.fulfill(json=answer))
    write(page, "1", 0.4, 0.15, 0.4)
    expect(sentence(page)).to_have_text(answer["answer"]["sentence"])


@pytest.mark.parametrize("text", ["12.50", "-5", "24/11/2026", "12:30 7", "4079\n12,50 3\n5"])
def test_numbers_are_shown_with_their_marks(page, text):
    answer_to(page, reading(written(text)))
    assert shown_lines(page) == text.split("\n")
    assert page.get_by_role("radio").all_inner_texts() == [
        f"{label}\n99 %" if sum(map(str.isdigit, text)) > 1 else label for label in text if label.isdigit()
    ]


def test_keys_choose_the_next_digit_across_marks_and_numbers(page):
    answer_to(page, reading(written("1.5 7\n2")))
    page.locator(".digit[aria-checked=true]").focus()
    for label in ("5", "7", "2", "1"):
        page.keyboard.press("ArrowRight")
        expect_winner(page, label)
        expect(page.locator(".box.chosen")).to_contain_text(label)
        expect(page.locator(".digit[aria-checked=true]")).to_be_focused()


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_table_is_saved_with_its_rows_and_columns(open_page, locale):
    page = open_page(locale=locale)
    language = locale[:2]
    button = page.get_by_role("button", name=LANGUAGES[language]["answer"]["save_table"])
    expect(button).to_be_hidden()
    answer_to(page, reading(written(TABLE_TEXT), table=TABLE), language)
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename.endswith(".csv")
    saved = download.value.path().read_text("utf-8")
    assert [tuple(row) for row in csv.reader(io.StringIO(saved, newline=""))] == list(TABLE)
    answer_to(page, reading(written("12 7")), language)
    expect(button).to_be_hidden()


def test_a_number_with_other_writing_looks_unsure(page):
    answer_to(page, reading(written("40 79"), doubted_numbers=["79"], complete=False))
    expect(page.locator("[data-tone=unsure]")).to_have_count(1)
    expect(page.locator(".one.unsure")).to_have_text("799 %999 %")
    sure, unsure = (
        page.locator(number).locator(".digit > span").first.evaluate("e => getComputedStyle(e).color")
        for number in (".one:not(.unsure)", ".one.unsure")
    )
    assert sure != unsure


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_nothing_serious_for_accessibility(open_page, scheme, width):
    page = open_page(width, 844, color_scheme=scheme)
    answer_to(page, reading(written(TABLE_TEXT), doubted_numbers=["24,90"], complete=False, table=TABLE))
    assert serious_findings(page) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_long_table_is_not_cut_off(open_page, width):
    page = open_page(width, 800)
    row = " ".join(["1,234"] * 8)
    answer_to(page, reading(written("\n".join([row] * 20)), table=(("1,234",) * 8,) * 20))
    expect(page.locator(".digit")).to_have_count(640)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    area = page.locator(".reading").bounding_box()
    for one in (page.locator(".one").first, page.locator(".one").nth(7), page.locator(".save")):
        part = one.bounding_box()
        assert part["x"] >= area["x"]
        assert part["x"] + part["width"] <= area["x"] + area["width"]


def test_numbers_of_a_line_stand_apart_and_marks_close(page):
    answer_to(page, reading(written("12.50 7")))
    one, two, five, zero, seven = (digit.bounding_box() for digit in page.locator(".digit").all())
    mark = page.locator(".mark").bounding_box()
    assert len({round(one["y"]) for one in (one, two, five, zero, seven)}) == 1
    assert two["x"] + two["width"] <= mark["x"] + 1
    assert mark["x"] + mark["width"] <= five["x"] + 1
    assert mark["width"] < one["width"]
    assert seven["x"] - zero["x"] - zero["width"] > 0.2 * one["width"]


@pytest.mark.parametrize("pitch", [16, 24, 40, 60])
def test_labels_cover_no_digit_of_another_line(page, pitch):
    columns, lines = 6, 5
    shown = reading(written("\n".join(["407912"] * lines)))
    placed = boxes(shown)
    for index, box in enumerate(placed):
        left, top = 40 + 70 * (index % columns) + 3 * (index // columns), 60 + pitch * (index // columns)
        box["box"] = (left, top, left + 10, top + 13)
    answer = {"answer": read_as(shown, Texts("en")), "boxes": placed}
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
        (reading(written("12.50")), "This is 12.50, each digit 99 %."),
        (reading(written("12.50 7\n3")), "This is 12.50 7 / 3, each digit 99 %."),
        (reading(["-", digit("5", 0.91)]), "This is -5, least sure of the 5 (91 %)."),
        (reading(["-", digit("5", 0.4, False)]), "Not sure: this may be -5, or no number at all."),
        (reading(written("7"), complete=False), "This may be 7: something beside it or in it was not read."),
        (
            reading(written("40 79"), doubted_numbers=["79"], complete=False),
            "This may be 40 79: something beside it or in it was not read.",
        ),
        (reading(written("40.79"), doubted_numbers=["40.79"]), "This may be 40.79: a mark in it is unsure."),
        (
            reading(written("47", doubted="7"), complete=False),
            "This may be 47: the 7 (60 %) is unsure.",
        ),
        (
            reading(written(TABLE_TEXT), table=TABLE),
            "This is a table of 2 rows and 3 columns, each digit 99 %.",
        ),
        (
            reading(written("47"), rotation=90),
            "This is 47, each digit 99 %. The image was turned to the right to read it.",
        ),
        (
            reading(written("47"), rotation=180),
            "This is 47, each digit 99 %. The image was turned upside down to read it.",
        ),
        (
            reading(written("7", doubted="7"), rotation=270),
            "Not sure: this may be a 7 (60 %), or a 1 (40 %). The image was turned to the left to read it.",
        ),
    ],
)
def test_sentence(shown, expected):
    assert Texts("en").sentence(shown) == expected


@pytest.mark.parametrize("shown", [reading([]), reading(written("47")), reading(written("47"), complete=False)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_tone_is_sure_where_the_reading_is_certain(language, shown):
    answer = read_as(shown, Texts(language))
    assert answer["tone"] == ("sure" if shown.certain else "unsure")
    assert answer["sentence"]
