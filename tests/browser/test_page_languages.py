"""Languages: each has all texts, the browser selects one, and answers and errors use it too."""

import re
import string

import pytest
from playwright.sync_api import expect

from assets.hand import write
from digits import ImageError, __version__
from helpers.browser import choose_file, sentence
from web.texts import FALLBACK, LANGUAGES, Texts, texts_for_request

OTHERS = sorted(set(LANGUAGES) - {FALLBACK})


def placeholders(text) -> set[str | None]:
    """Return the names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None} if isinstance(text, str) else set()


@pytest.mark.parametrize("language", OTHERS)
def test_languages_have_the_same_keys_and_placeholders(language):
    english, other = LANGUAGES[FALLBACK], LANGUAGES[language]
    assert other.keys() == english.keys()
    for section, texts in english.items():
        assert other[section].keys() == texts.keys(), section
        for key, text in texts.items():
            theirs = other[section][key]
            assert type(theirs) is type(text), key
            assert len(theirs), key
            assert placeholders(theirs) == placeholders(text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_safe_in_templates(language):
    for section in LANGUAGES[language].values():
        for text in section.values():
            assert not set('<>"`$\\') & set("".join(text))


class Request:
    def __init__(self, accept: str):
        self.headers = {"accept-language": accept} if accept else {}


@pytest.mark.parametrize(
    ("accept", "language"),
    [("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("ko", "ko"), ("KO-kr", "ko"), ("en-GB,ko", "en"), ("fr,ko", "en"), ("", "en")],
)
def test_the_first_accepted_language_is_used(accept, language):
    texts = texts_for_request(Request(accept))
    assert texts.text("answer.empty") == LANGUAGES[language]["answer"]["empty"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_error_messages_are_in_the_visitors_language(language):
    texts = LANGUAGES[language]["not_read"]
    error = ImageError("It is damaged.", "damaged")
    assert Texts(language).error_message(error) == texts["damaged"]
    named = Texts(language).error_message(ImageError("x is empty.", "empty_file", name="a.png"))
    assert named == texts["empty_file"].format(name="a.png")
    nameless = Texts(language).error_message(ImageError("The file is empty.", "empty_file", name=""))
    assert nameless == texts["empty_file"].format(name=texts["the_file"])


@pytest.mark.parametrize(("locale", "word"), [("en-GB", "Version"), ("ko-KR", "버전")])
def test_the_footer_shows_the_version(open_page, locale, word):
    expect(open_page(locale=locale).get_by_text(f"{word} {__version__}.")).to_be_visible()


def test_korean_page(open_page, tmp_path):
    page = open_page(390, 844, locale="ko-KR")
    korean = LANGUAGES["ko"]
    expect(page.locator("h1")).to_have_text(korean["page"]["title"])
    expect(page).to_have_title(korean["page"]["title"])
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_text(korean["pad"]["hint"])).to_be_visible()
    expect(sentence(page)).to_have_text(korean["answer"]["empty"])
    write(page, "7", 0.36, 0.12, 0.45)
    expect(sentence(page)).to_contain_text("7입니다")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    choose_file(page, broken)
    expect(sentence(page)).to_have_text(korean["not_read"]["unknown_format"].format(name="broken.png"))
    names = page.evaluate(
        """[...document.querySelectorAll('[aria-label], [title], img[alt]')]
           .filter((e) => e.checkVisibility()).map((e) => e.ariaLabel || e.title || e.alt)"""
    )
    assert [name for name in names if re.search("[A-Za-z]{4}", name) and not re.search("[가-힣]", name)] == []
