"""Measure how fast the page answers in a browser: from the end of a stroke, and from opening the page.

    python -m benchmarks.page

It needs Chromium (see tests/helpers/browser.py) and no other program that keeps the processor busy. It starts demo.py,
writes digits on the pad as a visitor does, and prints a table. Nothing is asserted or stored.
"""

import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from assets.hand import draw, write
from benchmarks.servers import page_server
from web.texts import FALLBACK, LANGUAGES

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers.browser import CHROMIUM, CHROMIUM_OPTIONS, expect_top_digit, sentence, shown_lines  # noqa: E402

DIGITS = 5 * "80636"
PAGE_LOADS = 5

# Appends to window.delays the milliseconds between the end of each stroke and the next change of the top 3.
RECORD_DELAYS = """() => {
  let strokeEnd;
  window.delays = [];
  document.querySelector('canvas').addEventListener('pointerup', () => { strokeEnd = performance.now(); }, true);
  new MutationObserver(() => {
    if (strokeEnd) window.delays.push(performance.now() - strokeEnd);
    strokeEnd = 0;
  }).observe(document.querySelector('.top-3'), {subtree: true, childList: true, characterData: true});
}"""

# Sets window.firstAnswer to the milliseconds between opening the page and its first answer.
RECORD_FIRST_ANSWER = """
  new MutationObserver((_, observer) => {
    if (!document.querySelector('.numbers .digit')) return;
    window.firstAnswer = performance.now();
    observer.disconnect();
  }).observe(document, {subtree: true, childList: true});
"""


def measure_stroke_delays(page: Page) -> list[float]:
    """Return the milliseconds from the end of each stroke to its answer."""
    page.evaluate(RECORD_DELAYS)
    for digit in DIGITS:
        write(page, digit, left=0.36, top=0.12, height=0.45)
        expect_top_digit(page, digit)
        page.keyboard.press("Delete")
        expect(sentence(page)).to_have_text(LANGUAGES[FALLBACK]["answer"]["empty"])
    return page.evaluate("window.delays")


def measure_first_answers(page: Page) -> list[float]:
    """Return the milliseconds from opening the page to its first answer, for each of PAGE_LOADS.

    They include the drawing of one stroke. A plain stroke is an uncertain 1, so its sentence is not checked.
    """
    page.add_init_script(RECORD_FIRST_ANSWER)
    times = []
    for _ in range(PAGE_LOADS):
        page.reload()
        area = page.locator("canvas").bounding_box()
        assert area
        x, y, width = area["x"], area["y"], area["width"]
        draw(page, [(x + width * 0.5, y + width * down) for down in (0.15, 0.3, 0.5)])
        expect_top_digit(page, "1")
        assert shown_lines(page) == ["1"]
        times.append(page.evaluate("window.firstAnswer"))
    return times


def main() -> None:
    """Measure both, and print a Markdown table."""
    with page_server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.address)
        page.locator("canvas").wait_for()
        delays, first_answers = measure_stroke_delays(page), measure_first_answers(page)
        browser.close()
    print("| from | to | times | median | 95th percentile |\n|---|---|---|---|---|")
    for start, end, times in (
        ("end of a stroke", "its answer", delays),
        ("opening the page", "the first answer", first_answers),
    ):
        print(f"| {start} | {end} | {len(times)} | {np.median(times):.0f} ms | {np.percentile(times, 95):.0f} ms |")


if __name__ == "__main__":
    main()
