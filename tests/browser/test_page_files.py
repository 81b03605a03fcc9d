"""The tab for many files: its table fills, stops, continues, is sorted and saved; unreadable files have a reason."""

import base64
import csv
import io
import json
import urllib.error
import urllib.request
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from assets.hand import write
from helpers.browser import ENGLISH, EXAMPLES, PASTE_OR_DROP_FILE, expect_number
from helpers.readings import make_reading, make_symbols
from web.server.uploaded_files import MAX_FILE_BYTES
from web.texts import LANGUAGES

TEXTS = ENGLISH["files"]
SEVEN, NUMBER, TWO_LINES = EXAMPLES / "1-7.png", EXAMPLES / "5-4079.png", EXAMPLES / "7-314-1592.png"
COMPONENT_REQUESTS = "**/component_server/"


def file(name: str, content: bytes) -> dict:
    return {"name": name, "mimeType": "image/png", "buffer": content}


@pytest.fixture
def mixed_files():
    """Return readable and unreadable files, and a zip with both."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(TWO_LINES, "scans/two.png")
        archive.writestr("scans/notes.txt", "no image")
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8)).save(noise, "PNG")
    return [
        file("b10.png", NUMBER.read_bytes()),
        file("=b9.png", SEVEN.read_bytes()),
        file("files.zip", packed.getvalue()),
        file('<img src=x>, "x".png', b"no image"),
        file("b2.png", SEVEN.read_bytes()),
        file("noise.png", noise.getvalue()),
    ]


def open_files_tab(page: Page) -> Page:
    page.get_by_role("tab").nth(1).click()
    page.locator(".drop-zone").wait_for()
    return page


def choose(page: Page, files) -> None:
    page.locator(".drop-zone input").set_input_files(files)


def status(page: Page) -> Locator:
    return page.locator(".status")


def column(page: Page, name: str) -> list[str]:
    return page.locator(f".rows .{name}").all_text_contents()


def saved(page: Page, button: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.path().read_text("utf-8")


def test_every_file_has_a_row_and_unreadable_ones_have_a_reason(open_page, mixed_files):
    page = open_files_tab(open_page())
    choose(page, mixed_files)
    expect(status(page)).to_contain_text("Done, 7 in total: 4 certain, 1 uncertain, 2 not read.")
    assert column(page, "file") == [
        "b10.png",
        "=b9.png",
        "files.zip/scans/two.png",
        "files.zip/scans/notes.txt",
        '<img src=x>, "x".png',
        "b2.png",
        "noise.png",
    ]
    assert column(page, "number")[:6] == ["4079", "7", "314 / 1592", "–", "–", "7"]
    assert column(page, "result strong") == ["Certain", "Certain", "Certain", *["Not read"] * 2, "Certain", "Uncertain"]
    for result in page.locator(".rows .not_read .result").all():
        expect(result).to_contain_text("The file is not an image that can be read here.")
    expect(page.locator(".rows img")).to_have_count(5)
    assert page.locator(".rows img").first.evaluate("image => image.naturalWidth > 0")
    expect(page.locator(".progress")).to_be_hidden()
    page.get_by_role("button", name=TEXTS["clear"]).click()
    expect(page.locator(".results")).to_be_hidden()
    expect(page.get_by_role("button", name=TEXTS["choose"])).to_be_focused()


def test_results_are_saved_as_csv_and_json(open_page, mixed_files, reader):
    page = open_files_tab(open_page())
    choose(page, mixed_files)
    expect(status(page)).to_contain_text("Done")
    text = saved(page, TEXTS["csv"])
    assert text.startswith("\ufefffile,text,lowest_probability,certain,")
    table = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row["file"] for row in table][:3] == ["b10.png", "'=b9.png", "files.zip/scans/two.png"]
    expected = reader.read(TWO_LINES)
    assert table[2]["text"] == "314\n1592"
    assert table[2]["lowest_probability"] == f"{min(digit.probability for digit in expected.digits):.4f}"
    certain = "true" if expected.certain else "false"
    assert [row["certain"] for row in table] == ["true", "true", certain, "", "", "true", "false"]
    assert table[4]["file"] == '<img src=x>, "x".png'
    assert "not an image" in table[4]["error"]
    entries = json.loads(saved(page, TEXTS["json"]))
    assert [entry["file"] for entry in entries] == column(page, "file")
    assert entries[0] == {"file": "b10.png", **reader.read(NUMBER).to_dict()}
    assert entries[3] == {"file": "files.zip/scans/notes.txt", "error": table[3]["error"]}


def test_csv_has_the_text_and_the_certainty_of_each_reading(open_page):
    page = open_files_tab(open_page())
    texts = ["-12,50", "4079", "40\n79"]
    readings = [make_reading(make_symbols(text), complete=text != "4079") for text in texts]
    rows = [
        {"file": "=x.png", "state": "certain" if one.certain else "uncertain", "probability": 0.99, "percent": 99}
        | {"reading": one.to_dict()}
        for one in readings
    ]
    page.route(COMPONENT_REQUESTS, lambda route: route.fulfill(json={"rows": rows, "total": 3}))
    choose(page, [file(f"{n}.png", SEVEN.read_bytes()) for n in range(3)])
    expect(status(page)).to_contain_text("Done, 3 in total: 2 certain, 1 uncertain")
    assert column(page, "number") == ["-12,50", "4079", "40 / 79"]
    table = list(csv.DictReader(io.StringIO(saved(page, TEXTS["csv"]).removeprefix("\ufeff"), newline="")))
    assert [row["text"] for row in table] == texts
    assert [row["file"] for row in table] == ["'=x.png"] * 3
    assert [row["certain"] for row in table] == ["true", "false", "true"]


def test_the_keyboard_sorts_the_table(open_page, mixed_files):
    page = open_files_tab(open_page())
    choose(page, mixed_files)
    expect(status(page)).to_contain_text("Done")
    in_order_of_files = column(page, "file")
    header = page.get_by_role("columnheader", name=TEXTS["file"])
    header.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    ascending = column(page, "file")
    assert ascending != in_order_of_files
    assert ascending.index("b2.png") < ascending.index("b10.png")
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "descending")
    assert column(page, "file") == ascending[::-1]
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "none")
    assert column(page, "file") == in_order_of_files
    page.get_by_role("columnheader", name=TEXTS["result"]).get_by_role("button").click()
    assert column(page, "result strong") == ["Not read"] * 2 + ["Uncertain"] + ["Certain"] * 4
    choose(page, [file("aaa.png", b"")])
    expect(status(page)).to_contain_text("Done, 8 in total")
    assert column(page, "file")[2] == "aaa.png"


def test_stop_keeps_the_results_and_continue_reads_the_rest(open_page):
    page = open_files_tab(open_page())
    held = []
    page.route(
        COMPONENT_REQUESTS,
        lambda route: held.append(route) if len(payload_of(route)["files"]) < 8 else route.continue_(),
    )
    choose(page, [file(f"{n}.png", SEVEN.read_bytes()) for n in range(12)])
    expect(page.locator(".count")).to_have_text("8 of 12")
    expect(page.get_by_role("progressbar", name=TEXTS["progress"])).to_have_js_property("position", 8 / 12)
    page.get_by_role("button", name=TEXTS["stop"]).click()
    expect(status(page)).to_have_text(
        "Stopped at 8 of 12: 8 certain, 0 uncertain, 0 not read. Press Continue to read the rest."
    )
    for route in held:
        route.continue_()
    page.unroute(COMPONENT_REQUESTS)
    page.get_by_role("button", name=TEXTS["go_on"]).click()
    expect(status(page)).to_contain_text("Done, 12 in total: 12 certain")
    assert column(page, "file") == [f"{n}.png" for n in range(12)]


def payload_of(route: Route) -> dict:
    return route.request.post_data_json["data"]


def test_a_lost_server_loses_no_results(open_page):
    page = open_files_tab(open_page())
    page.route(COMPONENT_REQUESTS, lambda route: route.fulfill(body="no answer"))
    choose(page, [SEVEN, NUMBER])
    expect(status(page)).to_have_text(TEXTS["no_answer"])
    page.unroute(COMPONENT_REQUESTS)
    page.get_by_role("button", name=TEXTS["go_on"]).click()
    expect(status(page)).to_contain_text("Done, 2 in total: 2 certain")
    assert column(page, "number") == ["7", "4079"]


def test_files_that_are_added_during_the_work_are_read_last(open_page):
    page = open_files_tab(open_page())
    held = []
    page.route(COMPONENT_REQUESTS, lambda route: held.append(route))
    choose(page, [SEVEN])
    expect(page.locator(".count")).to_have_text("0 of 1")
    choose(page, [NUMBER])
    expect(page.locator(".count")).to_have_text("0 of 2")
    for route in held:
        route.continue_()
    page.unroute(COMPONENT_REQUESTS)
    expect(status(page)).to_contain_text("Done, 2 in total")
    assert column(page, "number") == ["7", "4079"]


def test_too_large_a_file_is_not_uploaded(open_page, tmp_path):
    page = open_files_tab(open_page())
    uploads = []
    page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
    large = tmp_path / "large.bmp"
    large.write_bytes(bytes(MAX_FILE_BYTES + 1))
    choose(page, [large])
    expect(page.locator(".rows .result")).to_contain_text("larger than 32 MB")
    assert uploads == []


def test_a_failed_upload_does_not_affect_other_files(open_page):
    page = open_files_tab(open_page())

    def answer(route) -> None:
        refused = b"bad.png" in route.request.post_data_buffer
        route.fulfill(body="no paths") if refused else route.continue_()

    page.route("**/upload", answer)
    choose(page, [file("1.png", SEVEN.read_bytes()), file("bad.png", b"bad"), file("2.png", SEVEN.read_bytes())])
    expect(status(page)).to_have_text("Done, 3 in total: 2 certain, 0 uncertain, 1 not read.")
    assert column(page, "result")[1] == f"Not read{TEXTS['not_sent']}"


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_dropped_file_goes_to_the_open_tab(page, kind):
    write(page, "7", 0.36, 0.12, 0.45)
    expect_number(page, "7")
    open_files_tab(page)
    url = "data:image/png;base64," + base64.b64encode(NUMBER.read_bytes()).decode()
    page.evaluate(PASTE_OR_DROP_FILE, [kind, url, "number.png"])
    expect(status(page)).to_contain_text("Done, 1 in total")
    page.keyboard.press("Delete")
    page.get_by_role("tab").nth(0).click()
    expect_number(page, "7")
    expect(page.locator(".photo")).to_be_hidden()
    page.evaluate(PASTE_OR_DROP_FILE, [kind, url, "number.png"])
    expect_number(page, "4079")
    page.get_by_role("tab").nth(1).click()
    expect(page.locator(".rows .row")).to_have_count(1)


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off_at_any_width(open_page, mixed_files, width, language):
    page = open_files_tab(open_page(width, 800, locale=language))
    choose(page, [*mixed_files, file(f"{'long' * 30}.png", (EXAMPLES / "8-0123456789.png").read_bytes())])
    expect(page.locator("[data-state=done]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in page.locator(".drop-zone, .actions button, .head button, .rows .row > :visible").all():
        area = part.bounding_box()
        assert area["x"] >= 0
        assert area["x"] + area["width"] <= width
        assert part.evaluate("e => e.scrollWidth <= e.clientWidth + 1 || getComputedStyle(e).display === 'inline'")


def test_the_korean_page_has_korean_messages(open_page, mixed_files):
    page = open_files_tab(open_page(390, 844, locale="ko-KR"))
    korean = LANGUAGES["ko"]
    choose(page, mixed_files)
    expect(status(page)).to_have_text("모두 7개를 마쳤습니다. 확실 4개, 불확실 1개, 읽지 못함 2개.")
    reason = korean["not_read"]["unknown_format"].format(name=korean["not_read"]["the_file"])
    expect(page.locator(".rows .not_read .result").first).to_contain_text(reason)


def test_paths_of_the_server_and_links_are_refused(server):
    with urllib.request.urlopen(f"{server}/config") as answer:
        components = json.load(answer)["components"]
    (component,) = [part["id"] for part in components if part["props"].get("component_class_name") == "Files"]

    def ask(data) -> dict:
        question = {"data": data, "component_id": component, "fn_name": "read", "session_hash": "x"}
        request = urllib.request.Request(
            f"{server}/gradio_api/component_server/",
            json.dumps(question).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    paths = ["/etc/passwd", str(NUMBER), "http://127.0.0.1:9/x.png", "\0", ""]
    rows = ask({"files": [{"name": "x", "path": path} for path in paths], "start": 0})["rows"]
    assert [row["error"] for row in rows] == [TEXTS["not_sent"]] * len(paths)
    for payload in (None, {"files": [{"name": "x"}] * 100, "start": 0}, {"files": [], "start": -1}):
        with pytest.raises(urllib.error.HTTPError, match="422"):
            ask(payload)


def test_a_dropped_folder_is_read_with_its_subfolders(open_page, tmp_path):
    page = open_files_tab(open_page())
    folder = tmp_path / "scans"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "7.png").write_bytes(SEVEN.read_bytes())
    (folder / "4079.png").write_bytes(NUMBER.read_bytes())
    (folder / ".DS_Store").write_bytes(b"x")
    area = page.locator(".drop-zone").bounding_box()
    position = {"x": area["x"] + 50, "y": area["y"] + 50}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, **position, "data": data})
    expect(status(page)).to_have_text("Done, 2 in total: 2 certain, 0 uncertain, 0 not read.")
    assert dict(zip(column(page, "file"), column(page, "number"))) == {
        "scans/deep/7.png": "7",
        "scans/4079.png": "4079",
    }
