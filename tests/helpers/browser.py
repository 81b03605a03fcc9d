"""The page in a real browser, for tests: a server of demo.py, Chromium, and what a visitor can see."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Playwright, expect, sync_playwright

from benchmarks.servers import free_port, wait_for
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

# Far more than anything needs; only a test that fails waits so long.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)

ENGLISH = LANGUAGES["en"]

# For page.evaluate: pastes or drops a file that lies at an address; [kind, url, name].
PUT_FILE = """async ([kind, url, name]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([await (await fetch(url)).blob()], name, {type: 'image/png'}));
  const event = kind === 'paste'
    ? new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true})
    : new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true});
  document.body.dispatchEvent(event);
}"""

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[str]:
    """The address of a running demo.py."""
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("w") as output:
        command = [sys.executable, "demo.py", "--port", str(port)]
        process = subprocess.Popen(command, cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        try:
            wait_for(address, process)
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
    """Opens the page in a window of its own; no page may ask another machine for anything, or log an error."""
    contexts = []
    faults: list[str] = []

    def watch(request) -> None:
        if not request.url.startswith((f"{server}/", "data:", "blob:")):
            faults.append(f"a request left the machine: {request.url}")

    def open_one(width: int = 1280, height: int = 900, **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", watch)
        page.on("pageerror", lambda error: faults.append(f"an error on the page: {error}"))
        page.on("console", lambda said: said.type == "error" and faults.append(f"on the console: {said.text}"))
        page.goto(server)
        page.locator("canvas").wait_for()
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


def sentence(page: Page) -> Locator:
    return page.locator(".sentence")


def expect_number(page: Page, *lines: str) -> None:
    """Waits until the page shows these numbers, line by line."""
    expect(sentence(page)).to_contain_text(re.compile(rf"(is|be)( an?)? {re.escape(' / '.join(lines))}\b"))
    assert shown_lines(page) == list(lines)


def shown_lines(page: Page) -> list[str]:
    """The lines of the answer: digits with their marks, a space between numbers."""
    return page.evaluate(
        """() => {
            const all = (part, selector) => [...part.querySelectorAll(selector)];
            const number = (one) => all(one, '.digit > span, .mark > span').map((part) => part.innerText).join('');
            return all(document, '.number .line').map((line) => all(line, '.one').map(number).join(' '));
        }"""
    )


def expect_winner(page: Page, digit: str) -> None:
    """Waits until a digit leads the top 3 and the bars."""
    expect(page.locator(".top-3 .first .label")).to_have_text(digit)
    expect(page.locator(".winner .label")).to_have_text(digit)
    assert page.locator(".top-3 li").count() == 3


def choose_file(page: Page, file) -> None:
    page.locator("input.from-files").set_input_files(file)


def serious_findings(page: Page) -> list[str]:
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))")
    return [
        f"{finding['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for finding in Axe().run(page).response["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
