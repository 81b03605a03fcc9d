"""The page stores nothing in the browser: no cookie, no storage. Every test of the page checks that no request leaves
the machine (see tests/helpers/browser.py).
"""

from playwright.sync_api import expect

from assets.hand import write
from helpers.browser import ENGLISH, EXAMPLES, choose_file, expect_number


def test_the_page_stores_nothing_in_the_browser(page):
    write(page, "47", 0.2, 0.2, 0.3)
    expect_number(page, "47")
    choose_file(page, EXAMPLES / "5-4079.png")
    expect_number(page, "4079")
    for section in ("files", "figures", "code"):
        page.get_by_role("tab", name=ENGLISH[section]["tab"]).click()
    assert page.context.cookies() == []
    assert page.evaluate("Object.keys(localStorage)") == []
    assert page.evaluate("Object.keys(sessionStorage)") == []
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    expect(page.get_by_text(ENGLISH["page"]["privacy"])).to_be_visible()
