"""The page in a real browser, for tests: a server that runs demo.py, Chromium, and what the page shows."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    FilePayload,
    Locator,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from benchmarks.servers import free_port, wait_until_responding
from web.texts import LANGUAGES

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "assets" / "examples"

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]

# Far longer than any step takes, so that only a failing test waits for it.
TIMEOUT_MILLISECONDS = 20_000
expect.set_options(timeout=TIMEOUT_MILLISECONDS)

ENGLISH = LANGUAGES["en"]

# For page.evaluate with [kind, url, name]: pastes or drops the file at a URL.
PASTE_OR_DROP_FILE = """async ([kind, url, name]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([await (await fetch(url)).blob()], name, {type: 'image/png'}));
  const event = kind === 'paste'
    ? new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true})
    : new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true});
  document.body.dispatchEvent(event);
}"""

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a running demo.py."""
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("w") as output:
        command = [sys.executable, "demo.py", "--port", str(port)]
        process = subprocess.Popen(command, cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        try:
            wait_until_responding(address, process)
        except RuntimeError:
            pytest.fail(f"demo.py did not start:\n{log.read_text()}")
        yield address
    finally:
        process.terminate()
        process.wait()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"There is no browser at {CHROMIUM}: install Debian's chromium, or link yours there")
    chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
    yield chromium
    chromium.close()


@pytest.fixture
def open_page(browser: Browser, server: str) -> Iterator[OpenPage]:
    """Return a function that opens the page in a new window.

    At the end the fixture fails if a page logged an error or sent a request to another machine.
    """
    contexts = []
    errors: list[str] = []

    def check_request(request: Request) -> None:
        if not request.url.startswith((f"{server}/", "data:", "blob:")):
            errors.append(f"a request left the machine: {request.url}")

    def check_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"on the console: {message.text}")

    def open_window(width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", check_request)
        page.on("pageerror", lambda error: errors.append(f"an error on the page: {error}"))
        page.on("console", check_message)
        page.goto(server)
        page.locator("canvas").wait_for()
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


def sentence(page: Page) -> Locator:
    return page.locator(".sentence")


def expect_number(page: Page, *lines: str) -> None:
    """Wait until the page shows these numbers, line by line."""
    expect(sentence(page)).to_contain_text(re.compile(rf"(is|be)( an?)? {re.escape(' / '.join(lines))}\b"))
    assert shown_lines(page) == list(lines)


def shown_lines(page: Page) -> list[str]:
    """Return the lines of the answer: digits with their marks, a space between numbers."""
    return page.evaluate(
        """() => {
            const all = (parent, selector) => [...parent.querySelectorAll(selector)];
            const text = (number) => all(number, '.digit > span, .mark > span').map((part) => part.innerText).join('');
            return all(document, '.numbers .line').map((line) => all(line, '.number').map(text).join(' '));
        }"""
    )


def expect_top_digit(page: Page, digit: str) -> None:
    """Wait until a digit is the first of the top 3 and has the highest bar."""
    expect(page.locator(".top-3 .first .label")).to_have_text(digit)
    expect(page.locator(".top-digit .label")).to_have_text(digit)
    assert page.locator(".top-3 li").count() == 3


def choose_file(page: Page, file: Path | str | FilePayload) -> None:
    page.locator("input.file-input").set_input_files(file)


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    """Wait until a condition of the test holds, and until the page has handled what made it hold."""
    deadline = time.monotonic() + TIMEOUT_MILLISECONDS / 1000
    while not condition():
        assert time.monotonic() < deadline, "the condition does not hold"
        next_frame(page)
    next_frame(page)


def next_frame(page: Page) -> None:
    """Wait until the page has drawn the next frame. Meanwhile Playwright handles its events."""
    page.evaluate("() => new Promise((resolve) => requestAnimationFrame(resolve))")


def serious_violations(page: Page) -> list[str]:
    """Return what axe-core rates as serious or critical for accessibility, once all animations have ended."""
    page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})))")
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
