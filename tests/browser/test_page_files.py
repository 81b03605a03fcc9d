"""Many files on the page: a table that fills, stops, goes on, is sorted and saved; bad files are rows with a reason."""

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
from playwright.sync_api import Page, expect

from assets.hand import write
from helpers.browser import ENGLISH, EXAMPLES, PUT_FILE, expect_number
from helpers.readings import reading, written
from web.server.pile import MAX_FILE
from web.texts import LANGUAGES

TEXTS = ENGLISH["files"]
SEVEN, NUMBER, TWO_LINES = EXAMPLES / "1-7.png", EXAMPLES / "5-4079.png", EXAMPLES / "7-314-1592.png"
ASKED = "**/component_server/"


def file(name: str, content: bytes) -> dict:
    return {"name": name, "mimeType": "image/png", "buffer": content}


@pytest.fixture
def pile():
    """Good files, bad ones, and a zip with both."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(TWO_LINES, "scans/two.png")
        archive.writestr("scans/notes.txt", "no image")
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8)).save(noise, "PNG")
    return [
        file("b10.png", NUMBER.read_bytes()),
        file("=b9.png", SEVEN.read_bytes()),
        file("pile.zip", packed.getvalue()),
        file('<img src=x>, "x".png', b"no image"),
        file("b2.png", SEVEN.read_bytes()),
        file("noise.png", noise.getvalue()),
    ]


def go_to_files(page: Page) -> Page:
    page.get_by_role("tab").nth(1).click()
    page.locator(".drop").wait_for()
    return page


def choose(page: Page, files) -> None:
    page.locator(".drop input").set_input_files(files)


def status(page: Page):
    return page.locator(".status")


def column(page: Page, name: str) -> list[str]:
    return page.locator(f".rows .{name}").all_text_contents()


def saved(page: Page, button: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.path().read_text("utf-8")


def test_every_file_is_a_row_and_bad_ones_say_why(open_page, pile):
    page = go_to_files(open_page())
    choose(page, pile)
    expect(status(page)).to_contain_text("Done, 7 in all: 4 sure, 1 unsure, 2 not read.")
    assert column(page, "file") == [
        "b10.png",
        "=b9.png",
        "pile.zip/scans/two.png",
        "pile.zip/scans/notes.txt",
        '<img src=x>, "x".png',
        "b2.png",
        "noise.png",
    ]
    assert column(page, "number")[:6] == ["4079", "7", "314 / 1592", "–", "–", "7"]
    assert column(page, "result strong") == ["Sure", "Sure", "Sure", *["Not read"] * 2, "Sure", "Unsure"]
    for result in page.locator(".rows .not_read .result").all():
        expect(result).to_contain_text("The file is not an image that can be read here.")
    expect(page.locator(".rows img")).to_have_count(5)
    assert page.locator(".rows img").first.evaluate("image => image.naturalWidth > 0")
    expect(page.locator(".work")).to_be_hidden()
    page.get_by_role("button", name=TEXTS["clear"]).click()
    expect(page.locator(".results")).to_be_hidden()
    expect(page.get_by_role("button", name=TEXTS["choose"])).to_be_focused()


def test_csv_and_json_to_take_home(open_page, pile, reader):
    page = go_to_files(open_page())
    choose(page, pile)
    expect(status(page)).to_contain_text("Done")
    text = saved(page, TEXTS["csv"])
    assert text.startswith("\ufefffile,text,lowest_probability,certain,")
    table = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row["file"] for row in table][:3] == ["b10.png", "'=b9.png", "pile.zip/scans/two.png"]
    expected = reader.read(TWO_LINES)
    assert table[2]["text"] == "314\n1592"
    assert table[2]["lowest_probability"] == f"{min(digit.probability for digit in expected.digits):.4f}"
    sure = "true" if expected.certain else "false"
    assert [row["certain"] for row in table] == ["true", "true", sure, "", "", "true", "false"]
    assert table[4]["file"] == '<img src=x>, "x".png'
    assert "not an image" in table[4]["error"]
    entries = json.loads(saved(page, TEXTS["json"]))
    assert [entry["file"] for entry in entries] == column(page, "file")
    assert entries[0] == {"file": "b10.png", **reader.read(NUMBER).to_dict()}
    assert entries[3] == {"file": "pile.zip/scans/notes.txt", "error": table[3]["error"]}


def test_csv_has_numbers_as_they_stand_and_the_readings_own_certainty(open_page):
    page = go_to_files(open_page())
    texts = ["-12,50", "4079", "40\n79"]
    readings = [reading(written(text), complete=text != "4079") for text in texts]
    rows = [
        {"file": "=x.png", "state": "sure" if one.certain else "unsure", "probability": 0.99, "percent": 99}
        | {"reading": one.to_dict()}
        for one in readings
    ]
    page.route(ASKED, lambda route: route.fulfill(json={"rows": rows, "total": 3}))
    choose(page, [file(f"{n}.png", SEVEN.read_bytes()) for n in range(3)])
    expect(status(page)).to_contain_text("Done, 3 in all: 2 sure, 1 unsure")
    assert column(page, "number") == ["-12,50", "4079", "40 / 79"]
    table = list(csv.DictReader(io.StringIO(saved(page, TEXTS["csv"]).removeprefix("\ufeff"), newline="")))
    assert [row["text"] for row in table] == texts
    assert [row["file"] for row in table] == ["'=x.png"] * 3
    assert [row["certain"] for row in table] == ["true", "false", "true"]


def test_sorted_by_keyboard(open_page, pile):
    page = go_to_files(open_page())
    choose(page, pile)
    expect(status(page)).to_contain_text("Done")
    as_they_came = column(page, "file")
    header = page.get_by_role("columnheader", name=TEXTS["file"])
    header.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    ascending = column(page, "file")
    assert ascending != as_they_came
    assert ascending.index("b2.png") < ascending.index("b10.png")
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "descending")
    assert column(page, "file") == ascending[::-1]
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "none")
    assert column(page, "file") == as_they_came
    page.get_by_role("columnheader", name=TEXTS["result"]).get_by_role("button").click()
    assert column(page, "result strong") == ["Not read"] * 2 + ["Unsure"] + ["Sure"] * 4
    choose(page, [file("aaa.png", b"")])
    expect(status(page)).to_contain_text("Done, 8 in all")
    assert column(page, "file")[2] == "aaa.png"


def test_stop_keeps_what_was_read_and_goes_on_where_it_was(open_page):
    page = go_to_files(open_page())
    held = []
    page.route(ASKED, lambda route: held.append(route) if len(asked(route)["files"]) < 8 else route.continue_())
    choose(page, [file(f"{n}.png", SEVEN.read_bytes()) for n in range(12)])
    expect(page.locator(".count")).to_have_text("8 of 12")
    expect(page.get_by_role("progressbar", name=TEXTS["progress"])).to_have_js_property("position", 8 / 12)
    page.get_by_role("button", name=TEXTS["stop"]).click()
    expect(status(page)).to_have_text("Stopped at 8 of 12: 8 sure, 0 unsure, 0 not read. Continue reads the rest.")
    for route in held:
        route.continue_()
    page.unroute(ASKED)
    page.get_by_role("button", name=TEXTS["go_on"]).click()
    expect(status(page)).to_contain_text("Done, 12 in all: 12 sure")
    assert column(page, "file") == [f"{n}.png" for n in range(12)]


def asked(route) -> dict:
    return route.request.post_data_json["data"]


def test_a_server_that_is_gone_loses_nothing(open_page):
    page = go_to_files(open_page())
    page.route(ASKED, lambda route: route.fulfill(body="no answer"))
    choose(page, [SEVEN, NUMBER])
    expect(status(page)).to_have_text(TEXTS["no_answer"])
    page.unroute(ASKED)
    page.get_by_role("button", name=TEXTS["go_on"]).click()
    expect(status(page)).to_contain_text("Done, 2 in all: 2 sure")
    assert column(page, "number") == ["7", "4079"]


def test_more_files_while_others_are_read_come_after_them(open_page):
    page = go_to_files(open_page())
    held = []
    page.route(ASKED, lambda route: held.append(route))
    choose(page, [SEVEN])
    expect(page.locator(".count")).to_have_text("0 of 1")
    choose(page, [NUMBER])
    expect(page.locator(".count")).to_have_text("0 of 2")
    for route in held:
        route.continue_()
    page.unroute(ASKED)
    expect(status(page)).to_contain_text("Done, 2 in all")
    assert column(page, "number") == ["7", "4079"]


def test_too_large_a_file_is_not_even_sent(open_page, tmp_path):
    page = go_to_files(open_page())
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/upload" in request.url else None)
    large = tmp_path / "large.bmp"
    large.write_bytes(bytes(MAX_FILE + 1))
    choose(page, [large])
    expect(page.locator(".rows .result")).to_contain_text("larger than 32 MB")
    assert sent == []


def test_a_file_that_does_not_arrive_holds_no_other_back(open_page):
    page = go_to_files(open_page())

    def answer(route) -> None:
        refused = b"bad.png" in route.request.post_data_buffer
        route.fulfill(body="no paths") if refused else route.continue_()

    page.route("**/upload", answer)
    choose(page, [file("1.png", SEVEN.read_bytes()), file("bad.png", b"bad"), file("2.png", SEVEN.read_bytes())])
    expect(status(page)).to_have_text("Done, 3 in all: 2 sure, 0 unsure, 1 not read.")
    assert column(page, "result")[1] == f"Not read{TEXTS['not_sent']}"


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_drop_goes_to_the_room_that_is_open(page, kind):
    write(page, "7", 0.36, 0.12, 0.45)
    expect_number(page, "7")
    go_to_files(page)
    url = "data:image/png;base64," + base64.b64encode(NUMBER.read_bytes()).decode()
    page.evaluate(PUT_FILE, [kind, url, "number.png"])
    expect(status(page)).to_contain_text("Done, 1 in all")
    page.keyboard.press("Delete")
    page.get_by_role("tab").nth(0).click()
    expect_number(page, "7")
    expect(page.locator(".photo")).to_be_hidden()
    page.evaluate(PUT_FILE, [kind, url, "number.png"])
    expect_number(page, "4079")
    page.get_by_role("tab").nth(1).click()
    expect(page.locator(".rows .row")).to_have_count(1)


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off_at_any_width(open_page, pile, width, language):
    page = go_to_files(open_page(width, 800, locale=language))
    choose(page, [*pile, file(f"{'long' * 30}.png", (EXAMPLES / "8-0123456789.png").read_bytes())])
    expect(page.locator("[data-state=done]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in page.locator(".drop, .actions button, .head button, .rows .row > :visible").all():
        area = part.bounding_box()
        assert area["x"] >= 0
        assert area["x"] + area["width"] <= width
        assert part.evaluate("e => e.scrollWidth <= e.clientWidth + 1 || getComputedStyle(e).display === 'inline'")


def test_korean_files(open_page, pile):
    page = go_to_files(open_page(390, 844, locale="ko-KR"))
    korean = LANGUAGES["ko"]
    choose(page, pile)
    expect(status(page)).to_have_text("모두 7개를 마쳤습니다. 확실 4개, 불확실 1개, 읽지 못함 2개.")
    reason = korean["not_read"]["unknown_format"].format(name=korean["not_read"]["the_file"])
    expect(page.locator(".rows .not_read .result").first).to_contain_text(reason)


def test_files_of_the_server_and_links_are_not_read(server):
    with urllib.request.urlopen(f"{server}/config") as answer:
        components = json.load(answer)["components"]
    (room,) = [part["id"] for part in components if part["props"].get("component_class_name") == "Files"]

    def ask(data) -> dict:
        question = {"data": data, "component_id": room, "fn_name": "read", "session_hash": "x"}
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
    for nonsense in (None, {"files": [{"name": "x"}] * 100, "start": 0}, {"files": [], "start": -1}):
        with pytest.raises(urllib.error.HTTPError, match="422"):
            ask(nonsense)


def test_a_folder_is_dropped_with_all_that_is_in_it(open_page, tmp_path):
    page = go_to_files(open_page())
    folder = tmp_path / "scans"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "7.png").write_bytes(SEVEN.read_bytes())
    (folder / "4079.png").write_bytes(NUMBER.read_bytes())
    (folder / ".DS_Store").write_bytes(b"x")
    area = page.locator(".drop").bounding_box()
    place = {"x": area["x"] + 50, "y": area["y"] + 50}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    expect(status(page)).to_have_text("Done, 2 in all: 2 sure, 0 unsure, 0 not read.")
    assert dict(zip(column(page, "file"), column(page, "number"))) == {
        "scans/deep/7.png": "7",
        "scans/4079.png": "4079",
    }
