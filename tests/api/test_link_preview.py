"""The preview of a shared link shows the page's own title, a description, and a picture of the page."""

import html
import io
import re
import urllib.request

from PIL import Image

from helpers.browser import ENGLISH


def test_the_preview_describes_this_page(server):
    page = urllib.request.urlopen(server).read().decode()
    tags = re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]*)" content="([^"]*)"', page)
    assert len(tags) == len(dict(tags))  # each tag occurs once
    properties = {name: html.unescape(content) for name, content in tags}
    assert properties["og:title"] == ENGLISH["page"]["title"]
    assert properties["og:description"] == ENGLISH["page"]["tagline"]
    assert properties["og:url"] == f"{server}/"
    assert "gradio" not in " ".join(properties.values()).lower()
    assert page.index("og:title") < page.index("<script")
    picture = Image.open(io.BytesIO(urllib.request.urlopen(properties["og:image"]).read()))
    assert min(picture.size) >= 600


def test_the_address_is_the_requested_host_and_is_escaped(server):
    request = urllib.request.Request(server, headers={"Host": 'digits.example"><script>'})
    try:
        page = urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as error:
        page = error.read().decode()
    assert 'example"><script>' not in page
    request = urllib.request.Request(server, headers={"Host": "digits.example"})
    assert 'content="http://digits.example/preview.png"' in urllib.request.urlopen(request).read().decode()
