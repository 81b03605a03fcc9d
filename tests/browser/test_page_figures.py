"""The tab for figures: they are those of the files, in every language; missing ones are reported."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from benchmarks.accuracy import TABLE_HEADER
from benchmarks.corruptions import CORRUPTIONS
from benchmarks.drawn import DRAWN_SETS
from benchmarks.sets import SETS
from benchmarks.speed import pictures
from digits.classifier import DEFAULT_MODEL
from digits.pages import DEFAULT_PAGE_MODEL
from helpers.browser import ENGLISH, PROJECT
from helpers.tables import cell
from web.components.figures.figures import load_figures, parse_tables, table_label
from web.texts import LANGUAGES

ACCURACY = (PROJECT / "benchmarks" / "accuracy.md").read_text()
SPEED = (PROJECT / "benchmarks" / "speed.md").read_text()
TEXTS = ENGLISH["figures"]

# Every name that benchmarks/accuracy.py writes, with arbitrary figures.
SAMPLE = "\n".join(
    [
        TABLE_HEADER,
        *(
            f"| {name} | 100 |{' 95.00% |' * (TABLE_HEADER.splitlines()[0].count('|') - 3)}"
            for name in {**SETS, **DRAWN_SETS}
        ),
        "\nMNIST's first 1000 test images, corrupted, exactly right:\n",
        "| corruption | exactly right |\n|---|---|",
        *(f"| {name} | 95.0% |" for name in CORRUPTIONS),
        "| **mean** | **95.0%** |",
        "\ndev/not_digits against dev/single, by certainty: area under the ROC curve 0.990",
        "\nDrawn tables: 97.5% have the right rows and columns, and 99.25% of all 12,345 cells are right.",
        "\nMeasured with the model whose SHA-256 begins with 0123456789abcdef.",
    ]
)


@pytest.fixture(scope="module")
def metrics():
    return json.loads((PROJECT / "models" / "metrics" / "shipped.json").read_text())


def figures_of(markdown: str, first_column: str) -> list[list[str]]:
    """Return the cells of a table without its first column; parsed in another way than by the page."""
    (body,) = re.findall(rf"^\| {first_column} \|.*\n\|[-|]+\|\n((?:\|.*\n?)+)", markdown, re.MULTILINE)
    return [re.split(r" ?\| ?", line.replace("**", ""))[2:-1] for line in body.splitlines()]


def open_figures(page: Page) -> Page:
    page.get_by_role("tab", name=TEXTS["tab"]).click()
    page.locator(".headline").wait_for()
    return page


def cells_on_page(page: Page, section: str) -> list[list[str]]:
    """Return the cells of a section's table without its first column and without thousands separators."""
    rows = page.locator(f".figures .{section} tbody tr").all()
    texts = [row.locator("td").all_inner_texts() for row in rows]
    return [["" if cell == "–" else cell.replace(",", "") for cell in row] for row in texts]


@pytest.mark.parametrize(
    ("section", "markdown", "first_column"),
    [
        ("accuracy", ACCURACY, "set"),
        ("corruptions", ACCURACY, "corruption"),
        ("speed", SPEED, "image"),
        ("cold_start", SPEED, "cold start"),
    ],
)
def test_tables_are_those_of_the_files(page, section, markdown, first_column):
    expected = figures_of(markdown, first_column)
    assert len(expected) >= 1
    assert cells_on_page(open_figures(page), section) == expected


def test_headline(page, metrics):
    open_figures(page)
    (single,) = re.findall(r"\| dev/single \| \d+ \| ([\d.]+%)", ACCURACY)
    drawing = cell(SPEED, "480x480 drawing of a 7", "read()")
    size = f"{(DEFAULT_MODEL.stat().st_size + DEFAULT_PAGE_MODEL.stat().st_size) / 1e6:.2f} MB"
    shown = page.locator(".headline strong").all_inner_texts()
    assert shown == [f"{100 * metrics['test_accuracy']:.2f}%", single, size, drawing]


def test_confusion_and_networks_are_those_of_the_metrics(page, metrics):
    open_figures(page)
    counts = [[int(cell) for cell in row] for row in cells_on_page(page, "confusion")]
    assert [sum(row) for row in counts] == metrics["test_images_by_digit"]
    assert [sum(row) - row[digit] for digit, row in enumerate(counts)] == metrics["test_errors_by_digit"]
    expect(page.locator(".confusion")).to_contain_text(f"{metrics['test_errors']} are read wrongly")
    first = page.locator(".networks tbody tr").first
    expect(first).to_contain_text(metrics["arch"])
    expect(first).to_contain_text(f"{metrics['latency_ms']:.2f} ms")
    files = {path.name for path in (PROJECT / "models" / "metrics").glob("*.json")} - {"pages.json"}
    assert page.locator(".networks tbody tr").count() == len(files)


def test_training_curves_are_those_of_the_metrics(page, metrics):
    open_figures(page)
    files = [f"{metrics['arch']}-seed{seed}.json" for seed in metrics["seeds"]]
    histories = [json.loads((PROJECT / "models" / "metrics" / file).read_text())["history"] for file in files]
    for name, quantity in (("Loss", "loss"), ("Accuracy", "accuracy")):
        picture = page.get_by_role("img", name=re.compile(f"^{name}"))
        expect(picture).to_be_visible()
        lines = picture.locator(".validation").all()
        assert len(lines) == len(histories)
        for line, history in zip(lines, histories, strict=True):
            heights = [float(point.split(",")[1]) for point in line.get_attribute("points").split()]
            # Heights are measured from the top: the best epoch of the picture must be the best epoch of the file.
            assert len(heights) == len(history["val_loss"])
            values = history[f"val_{quantity}"]
            assert values[heights.index(min(heights))] == max(values)
            assert values[heights.index(max(heights))] == min(values)


def test_tables_are_accessible_to_screen_readers(page):
    open_figures(page)
    for table in page.locator(".figures table").all():
        assert table.locator("caption").inner_text()
        assert table.locator("thead th:not([scope=col]), tbody th:not([scope=row])").count() == 0
    for box in page.locator(".figures .scrollable").all():
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
@pytest.mark.parametrize("width", [320, 1280])
def test_only_tables_scroll_horizontally(open_page, width, locale):
    page = open_page(width, 800, locale=locale)
    page.get_by_role("tab", name=LANGUAGES[locale[:2]]["figures"]["tab"]).click()
    page.locator(".headline").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in page.locator(".figures section, .headline li").all():
        area = part.bounding_box()
        assert area["x"] >= 0
        assert area["x"] + area["width"] <= width


def test_names_are_korean_on_the_korean_page(open_page):
    page = open_page(locale="ko-KR")
    korean = LANGUAGES["ko"]["figures"]
    page.get_by_role("tab", name=korean["tab"]).click()
    expect(page.locator(".accuracy tbody th").first).to_contain_text(korean["mnist_test"])
    names = page.locator(".figures th, .figures h2, .figures caption").all_inner_texts()
    foreign = {name for name in names if re.search("[A-Za-z]{4}", name) and not re.search("[가-힣]", name)}
    networks = [json.loads(path.read_text()) for path in (PROJECT / "models" / "metrics").glob("*.json")]
    assert foreign <= {network["arch"] for network in networks if "arch" in network}


def assert_all_translated(section: dict, language: str) -> None:
    texts = LANGUAGES[language]["figures"]
    for name in [*section["head"], *(row[0] for row in section["rows"])]:
        is_a_name = section["name"] != "networks" or name in section["head"]
        if is_a_name and not name["name"].isdigit():
            assert name["key"] in texts, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_in_the_files_has_a_text(language):
    for section in load_figures()["sections"]:
        assert_all_translated(section, language)


@pytest.fixture
def sample(tmp_path):
    """Return the figures of an accuracy.md with every name that it can have."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "models").symlink_to(PROJECT / "models")
    (tmp_path / "benchmarks" / "accuracy.md").write_text(SAMPLE)
    (tmp_path / "benchmarks" / "speed.md").write_text(SPEED)
    return load_figures(tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_the_benchmarks_has_a_text(sample, language):
    assert len(sample["sections"][0]["rows"]) == len(SETS) + len(DRAWN_SETS)
    assert len(sample["sections"][0]["head"]) == 11
    for picture in pictures():
        assert table_label(picture)["key"] in LANGUAGES[language]["figures"]
    for section in sample["sections"]:
        assert_all_translated(section, language)
        for note in LANGUAGES[language]["figures"].get(f"{section['name']}_notes", ()):
            assert set(re.findall(r"{(\w+)}", note)) <= section["facts"].keys()


@pytest.mark.parametrize(("locale", "sentence"), [("en-US", "97.5% have the right"), ("ko-KR", "97.5%에서")])
def test_every_set_and_the_drawn_tables_are_on_the_page(open_page, sample, locale, sentence):
    page = open_page(320, 800, locale=locale)
    with_figures(page, lambda value: value.update(sample))
    page.get_by_role("tab", name=LANGUAGES[locale[:2]]["figures"]["tab"]).click()
    expect(page.locator(".accuracy tbody tr")).to_have_count(len(SETS) + len(DRAWN_SETS))
    for part in (sentence, "99.25%", "12,345", "0.990", "0123456789abcdef"):
        expect(page.locator(".accuracy")).to_contain_text(part)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_page_network_is_not_among_the_compared_networks(tmp_path):
    (tmp_path / "models" / "metrics").mkdir(parents=True)
    for path in (PROJECT / "models" / "metrics").glob("*.json"):
        (tmp_path / "models" / "metrics" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "models" / "metrics" / "pages.json").write_text('{"seed": 0, "parameters": 1, "bytes": 1}')
    networks = {section["name"]: section for section in load_figures(tmp_path)["sections"]}["networks"]
    assert networks["rows"] == {section["name"]: section for section in load_figures()["sections"]}["networks"]["rows"]


def test_figures_of_missing_files_are_left_out(tmp_path):
    nothing = load_figures(tmp_path)
    assert nothing["headline"] == []
    assert [section["name"] for section in nothing["sections"] if section["rows"] or section.get("pictures")] == []
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "speed.md").write_text(SPEED)
    some = load_figures(tmp_path)
    assert [name for name, _ in some["headline"]] == ["drawing"]
    assert [section["name"] for section in some["sections"] if section["rows"]] == ["speed", "cold_start"]


def with_figures(page: Page, change) -> None:
    """Reload the page with other figures: `change` modifies their value."""

    def changed(route):
        before, start, rest = route.fetch().text().partition("window.gradio_config = ")
        config, end = json.JSONDecoder().raw_decode(rest)
        (value,) = [
            part["props"]["value"]
            for part in config["components"]
            if "figures" in part["props"].get("elem_classes", ())
        ]
        change(value)
        route.fulfill(
            content_type="text/html", body=before + start + json.dumps(config).replace("<", "\\u003c") + rest[end:]
        )

    page.route(re.compile(r"^http://[^/]+/$"), changed)
    page.reload()


def test_the_page_reports_missing_figures(page):
    def without_speed(value: dict) -> None:
        for section in value["sections"]:
            if section["file"] == "benchmarks/speed.md":
                section["rows"] = []

    with_figures(page, without_speed)
    open_figures(page)
    expect(page.locator(".speed .missing")).to_have_text(TEXTS["missing"].format(file="benchmarks/speed.md"))
    expect(page.locator(".accuracy table")).to_be_visible()


def test_names_without_a_text_are_kept():
    (table,) = parse_tables("a sentence\n\n| x | new column |\n|---|---:|\n| **set** | 1 |\n\nanother\n")
    assert table == {"head": ["x", "new column"], "rows": [["set", "1"]]}
