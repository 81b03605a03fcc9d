"""Makes every picture in this folder, from the running page: the examples and the screenshots.

    python assets/make.py examples
    python assets/make.py screenshots

A headless Chromium opens the page, assets/hand.py writes on the pad, and what the page sends to be read is kept as an
example: the examples are drawings of this project, and nothing else's. The screenshots show the page at work on them.
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

from hand import write
from playwright.sync_api import Browser, Page, Request, sync_playwright

HERE = Path(__file__).resolve().parent
PORT = 7899
CHROMIUM = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-gpu"]}


@contextmanager
def running_page() -> Iterator[str]:
    """Runs demo.py; gives its address once it answers."""
    server = subprocess.Popen([sys.executable, HERE.parent / "demo.py", "--port", str(PORT)])
    address = f"http://127.0.0.1:{PORT}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait()


def open_page(browser: Browser, address: str, width: int, height: int, scheme: str = "light") -> Page:
    """Opens the page in a window of a size, in light or dark."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=2)
    page.goto(address)
    page.locator("canvas").wait_for()
    return page


def save_example(
    page: Page, name: str, *lines: tuple[str, float, float, float], seed: int, pen: str = "medium"
) -> None:
    """Writes lines on an empty pad, each (number, left, top, height), and keeps the last drawing that was sent."""
    sent: list[str] = []

    def keep(request: Request) -> None:
        value = json.loads(request.post_data)["data"] if request.method == "POST" else []
        if value and isinstance(value[0], str):
            sent.append(value[0])

    page.locator("[data-do=clear]").click()
    page.locator(f"[data-width={pen}]").click()
    page.on("request", keep)
    for number, left, top, height in lines:
        write(page, number, left, top, height, seed)
    page.wait_for_timeout(1000)
    page.remove_listener("request", keep)
    (HERE / "examples" / f"{name}.png").write_bytes(base64.b64decode(sent[-1].partition(",")[2]))


def make_examples(page: Page) -> None:
    """A few single digits, and pages with several."""
    for old in (HERE / "examples").glob("*.png"):
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
    """The page at work, in light and dark, wide and on a phone, as README shows it."""
    for scheme in ("light", "dark"):
        page = open_page(browser, address, 1280, 880, scheme)
        write(page, "4079", 0.07, 0.24, 0.26, seed=2)
        take(page, f"wide-{scheme}")
        page.close()

        page = open_page(browser, address, 390, 844, scheme)
        write(page, "7", 0.36, 0.14, 0.45, seed=3)
        take(page, f"phone-{scheme}")
        page.close()

    page = open_page(browser, address, 1280, 880)
    write(page, "4079", 0.07, 0.24, 0.26, seed=2)
    page.locator("summary").click()
    page.locator(".frames button").first.click()
    take(page, "how-it-sees", "details")
    page.close()


def take(page: Page, name: str, part: str | None = None) -> None:
    """A picture of the page once it stands still, or of a part of it."""
    page.wait_for_timeout(1000)
    shown = page.locator(part) if part else page
    shown.screenshot(path=HERE / "screenshots" / f"{name}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("what", choices=["examples", "screenshots"])
    with sync_playwright() as playwright, running_page() as address:
        chromium = playwright.chromium.launch(**CHROMIUM)
        if parser.parse_args().what == "examples":
            make_examples(open_page(chromium, address, 1280, 860))
        else:
            make_screenshots(chromium, address)
        chromium.close()
