"""Make all pictures in this folder from the running page: the examples and the screenshots.

    python assets/make.py examples
    python assets/make.py screenshots

A headless Chromium opens the page, and assets/hand.py writes on the pad. An example is the drawing that the page then
sends to the server, so all examples are drawings of this project. The screenshots show the page with such drawings.
"""

import argparse
import base64
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from hand import write
from playwright.sync_api import Browser, Page, Request, sync_playwright

ASSETS_FOLDER = Path(__file__).resolve().parent
CHROMIUM_PATH = "/usr/bin/chromium"
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu"]
PORT = 7899
STARTUP_ATTEMPTS = 120  # one every half second
SETTLE_MILLISECONDS = 1000  # until the last drawing is sent and answered, and all transitions have ended


@contextmanager
def running_page() -> Iterator[str]:
    """Run demo.py until the context ends, and return its address once it answers."""
    server = subprocess.Popen([sys.executable, ASSETS_FOLDER.parent / "demo.py", "--port", str(PORT)])
    address = f"http://127.0.0.1:{PORT}"
    try:
        for _ in range(STARTUP_ATTEMPTS):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait()


def open_page(
    browser: Browser, address: str, width: int, height: int, scheme: Literal["light", "dark"] = "light"
) -> Page:
    """Return the page, opened in a window of a size in CSS pixels."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=2)
    page.goto(address)
    page.locator("canvas").wait_for()
    return page


def save_example(
    page: Page, name: str, *lines: tuple[str, float, float, float], seed: int, pen: str = "medium"
) -> None:
    """Write lines on an empty pad, and save the last drawing that the page sends.

    Args:
        page: the open page.
        name: of the file, without its suffix.
        lines: (number, left, top, height) of each line, in widths of the pad.
        seed: of the handwriting.
        pen: thin, medium or thick.
    """
    drawings: list[str] = []

    def collect_drawing(request: Request) -> None:
        value = json.loads(request.post_data or "{}").get("data") if request.method == "POST" else None
        if isinstance(value, str) and value.startswith("data:"):
            drawings.append(value)

    page.locator("[data-action=clear]").click()
    page.locator(f"[data-width={pen}]").click()
    page.on("request", collect_drawing)
    for number, left, top, height in lines:
        write(page, number, left, top, height, seed)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.remove_listener("request", collect_drawing)
    (ASSETS_FOLDER / "examples" / f"{name}.png").write_bytes(base64.b64decode(drawings[-1].partition(",")[2]))


def make_examples(page: Page) -> None:
    """Replace the examples: a few single digits, and drawings with several."""
    for old in (ASSETS_FOLDER / "examples").glob("*.png"):
        old.unlink()
    save_example(page, "1-7", ("7", 0.35, 0.12, 0.5), seed=3)
    save_example(page, "2-3", ("3", 0.36, 0.14, 0.46), seed=5, pen="thick")
    save_example(page, "3-8", ("8", 0.38, 0.2, 0.4), seed=1)
    save_example(page, "4-5", ("5", 0.34, 0.16, 0.44), seed=7, pen="thin")
    save_example(page, "5-4079", ("4079", 0.07, 0.24, 0.26), seed=2)
    save_example(page, "6-2026", ("2026", 0.08, 0.22, 0.27), seed=4, pen="thick")
    save_example(page, "7-314-1592", ("314", 0.14, 0.08, 0.24), ("1592", 0.12, 0.42, 0.23), seed=6)
    save_example(page, "8-0123456789", ("0123456789", 0.04, 0.3, 0.11), seed=8, pen="thin")


def make_screenshots(browser: Browser, address: str) -> None:
    """Take README's screenshots: in light and dark, wide and on a phone, and of the steps of a reading."""
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page = open_page(browser, address, 1280, 880, scheme)
        write(page, "4079", 0.07, 0.24, 0.26, seed=2)
        save_screenshot(page, f"wide-{scheme}")
        page.close()

        page = open_page(browser, address, 390, 844, scheme)
        write(page, "7", 0.36, 0.14, 0.45, seed=3)
        save_screenshot(page, f"phone-{scheme}")
        page.close()

    page = open_page(browser, address, 1280, 880)
    write(page, "4079", 0.07, 0.24, 0.26, seed=2)
    page.locator("summary").click()
    page.locator(".frames button").first.click()
    save_screenshot(page, "how-it-works", "details")
    page.close()


def save_screenshot(page: Page, name: str, selector: str | None = None) -> None:
    """Save a picture of the page, or of one of its elements, once nothing moves."""
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    target = page.locator(selector) if selector else page
    target.screenshot(path=ASSETS_FOLDER / "screenshots" / f"{name}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("pictures", choices=["examples", "screenshots"])
    arguments = parser.parse_args()
    with sync_playwright() as playwright, running_page() as address:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM_PATH, args=CHROMIUM_OPTIONS)
        if arguments.pictures == "examples":
            make_examples(open_page(chromium, address, 1280, 860))
        else:
            make_screenshots(chromium, address)
        chromium.close()
