"""A link to the page that is shared shows the page's own name, what it does, and a picture of it."""

import html
import io
import re
import urllib.request

from PIL import Image

from helpers.browser import ENGLISH


def test_a_preview_of_the_link_shows_this_page(server):
    page = urllib.request.urlopen(server).read().decode()
    tags = re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]*)" content="([^"]*)"', page)
    assert len(tags) == len(dict(tags))  # each is there once
    about = {name: html.unescape(said) for name, said in tags}
    assert about["og:title"] == ENGLISH["page"]["title"]
    assert about["og:description"] == ENGLISH["page"]["tagline"]
    assert about["og:url"] == f"{server}/"
    assert "gradio" not in " ".join(about.values()).lower()
    assert page.index("og:title") < page.index("<script")
    picture = Image.open(io.BytesIO(urllib.request.urlopen(about["og:image"]).read()))
    assert min(picture.size) >= 600


def test_the_address_is_the_one_that_was_asked_for_and_nothing_else_gets_in(server):
    request = urllib.request.Request(server, headers={"Host": 'digits.example"><script>'})
    try:
        page = urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as refusal:
        page = refusal.read().decode()
    assert 'example"><script>' not in page
    named = urllib.request.Request(server, headers={"Host": "digits.example"})
    assert 'content="http://digits.example/preview.png"' in urllib.request.urlopen(named).read().decode()
