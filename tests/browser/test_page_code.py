"""The tab for code: its examples run as shown and can be copied, and it shows the real response and error messages."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from helpers.browser import ENGLISH, PROJECT
from helpers.readings import make_reading, make_symbols
from web.components.code.code import ERROR_MESSAGES, EXAMPLE_FILE, SNIPPETS
from web.server.mcp_tool import HAS_MCP
from web.texts import LANGUAGES

TEXTS = ENGLISH["code"]


def open_code(page: Page) -> Page:
    page.get_by_role("tab", name=TEXTS["tab"]).click()
    page.locator(".code h2").first.wait_for()
    return page


def lines(page: Page, snippet: str) -> str:
    return page.get_by_role("region", name=TEXTS[f"{snippet}_title"], exact=True).inner_text()


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_examples_run_as_shown(page, server, tmp_path, snippet):
    shown = lines(open_code(page), snippet)
    assert server in shown
    command = [sys.executable, "-c"] if SNIPPETS[snippet].endswith(".py") else ["bash", "-euc"]
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*command, shown],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "PATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "4079" in done.stdout


def test_the_address_is_that_of_the_open_page(browser, server):
    localhost = server.replace("127.0.0.1", "localhost")
    page = browser.new_page()
    page.goto(f"{localhost}/?__theme=dark#here")
    page.locator("canvas").wait_for()
    assert f" {localhost}/predict " in lines(open_code(page), "curl")
    assert "127.0.0.1" not in page.locator(".block.code").inner_text()
    page.close()


def test_the_example_is_served_without_revealing_a_path(server):
    with urllib.request.urlopen(f"{server}/4079.png") as answer:
        assert answer.read() == EXAMPLE_FILE.read_bytes()
        assert str(PROJECT) not in str(answer.headers)
    for path in ("/4079.png/../demo.py", "/%2e%2e/demo.py", "/demo.py"):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(server + path)


def test_the_keyboard_copies_an_example_and_a_message_says_so(open_page):
    page = open_code(open_page(permissions=["clipboard-read", "clipboard-write"]))
    button = page.get_by_role("button", name=TEXTS["copy_this"].format(what=TEXTS["curl_title"]))
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".code [role=status]")).to_have_text(TEXTS["copied"])
    expect(button).to_have_text(TEXTS["copied"])
    assert page.evaluate("navigator.clipboard.readText()").strip() == lines(page, "curl").strip()
    expect(button).to_have_text(TEXTS["copy"])
    expect(page.locator(".code [role=status]")).to_be_empty()


def test_an_example_is_copied_without_the_clipboard_api(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    open_code(page)
    page.evaluate(
        """window.clipboard = navigator.clipboard;
           Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})"""
    )
    page.get_by_role("button", name=TEXTS["copy_this"].format(what=TEXTS["package_title"])).click()
    expect(page.locator(".code [role=status]")).to_have_text(TEXTS["copied"])
    assert page.evaluate("clipboard.readText()").strip() == lines(page, "package").strip()


def test_the_response_is_that_of_the_reader(page, reader):
    open_code(page)
    answer = reader.read(EXAMPLE_FILE).to_dict()
    shown = json.loads(lines(page, "answer").replace("    },\n    ...", "    }"))
    assert shown["text"] == answer["text"] == "4079"
    assert list(shown) == list(answer)
    for field in ("numbers", "marks", "table", "rotation"):
        assert shown[field] == answer[field]
    assert shown["digits"][0].keys() == answer["digits"][0].keys()
    assert shown["digits"][0]["box"] == list(answer["digits"][0]["box"])
    assert shown["digits"][0]["probs"] == pytest.approx(answer["digits"][0]["probs"], rel=1e-4, abs=1e-12)


def test_every_field_of_a_response_is_explained_once(page):
    answer = make_reading(make_symbols("12.50\n7"), table=(("12.50",), ("7",))).to_dict()
    open_code(page)
    explained = page.locator("th code").all_inner_texts()
    assert len(explained) == len(set(explained))
    assert explained[: len(answer)] == list(answer)
    parts = [answer["digits"][0], answer["numbers"][0], answer["marks"][0]]
    assert set(explained) == {*answer, *(field for part in parts for field in part)}
    assert page.locator("tr:has(th code) td").all_inner_texts() == [TEXTS[f"field_{field}"] for field in explained]


@pytest.mark.parametrize(
    ("content", "image", "status"),
    [
        ("no_image", "data:image/png;base64,", 400),
        ("link", "https://example.com/x.png", 400),
        ("path", "/etc/passwd", 400),
        ("invalid_base64", "data:image/png;base64,x", 400),
        ("not_an_image", "data:text/plain;base64,aGVsbG8=", 422),
    ],
)
def test_error_messages_are_those_of_the_json_api(server, content, image, status):
    body = json.dumps({"image": image}).encode()
    request = urllib.request.Request(f"{server}/predict", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == status
    assert json.load(refused.value)["error"] == ERROR_MESSAGES[content].replace("notes.txt", "The file")


@pytest.mark.parametrize(
    ("content", "image"),
    [
        ("no_image", None),
        ("link", {"url": "https://example.com/x.png"}),
        ("path", {"path": "/etc/passwd"}),
        ("invalid_base64", {"url": "data:image/png;base64,x"}),
        ("not_an_image", {"url": "data:text/plain;base64,aGVsbG8="}),
    ],
)
def test_error_messages_are_those_of_gradios_endpoint(server, content, image):
    body = json.dumps({"data": [image]}).encode()
    request = urllib.request.Request(f"{server}/gradio_api/run/predict", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 422
    assert json.load(refused.value)["error"] == ERROR_MESSAGES[content].replace("notes.txt", "The file")


def test_error_messages_are_on_the_page(page):
    open_code(page)
    for message in ERROR_MESSAGES.values():
        expect(page.get_by_role("cell", name=message, exact=True)).to_be_visible()


def test_the_mcp_address_is_shown_where_mcp_is_available(page, server):
    open_code(page)
    if HAS_MCP:
        address = page.get_by_role("region", name=TEXTS["address"]).inner_text()
        assert address == f"{server}/gradio_api/mcp/"
    else:
        expect(page.locator(".mcp")).to_have_count(0)


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
@pytest.mark.parametrize("width", [320, 1280])
def test_only_code_blocks_scroll_horizontally(open_page, width, locale):
    page = open_page(width, 800, locale=locale)
    texts = LANGUAGES[locale[:2]]["code"]
    page.get_by_role("tab", name=texts["tab"]).click()
    expect(page.get_by_role("heading", name=texts["client_title"])).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in page.locator(".code section, .code table, .code .scrollable, .code button").all():
        area = part.bounding_box()
        assert area["x"] >= 0
        assert area["x"] + area["width"] <= width
    for box in page.locator(".code .scrollable").all():
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")
