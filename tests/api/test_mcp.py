"""The tool for assistants: a real MCP client finds one tool, has an image read, and can't make the server fetch any."""

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers.browser import EXAMPLES
from web import texts

pytest.importorskip("mcp", reason="Gradio's extra is not installed: pip install 'gradio[mcp]'")

from mcp import ClientSession  # noqa: E402
from mcp.client.streamable_http import streamablehttp_client  # noqa: E402

NUMBER = EXAMPLES / "5-4079.png"


@pytest.fixture(scope="module")
def ask(server):
    """Runs one exchange with the server: ask(lambda session: session.list_tools())."""

    async def exchange(question):
        async with (
            streamablehttp_client(f"{server}/gradio_api/mcp/") as (incoming, outgoing, _),
            ClientSession(incoming, outgoing) as session,
        ):
            await session.initialize()
            return await question(session)

    # In a thread of its own: where tests of the page ran before, this one has an event loop of Playwright's.
    with ThreadPoolExecutor(1) as thread:
        yield lambda question: thread.submit(asyncio.run, exchange(question)).result()


def test_there_is_one_tool_and_it_says_what_it_needs(ask):
    (tool,) = ask(lambda session: session.list_tools()).tools
    assert tool.name == "read_digits"
    assert tool.description.startswith(texts.PREDICT)
    assert list(tool.inputSchema["properties"]) == tool.inputSchema["required"] == ["image"]
    assert "data: URL" in tool.inputSchema["properties"]["image"]["description"]
    assert ask(lambda session: session.list_resources()).resources == []
    assert ask(lambda session: session.list_prompts()).prompts == []


def test_an_image_is_read(ask, reader):
    image = "data:image/png;base64," + base64.b64encode(NUMBER.read_bytes()).decode()
    answer = ask(lambda session: session.call_tool("read_digits", {"image": image}))
    assert not answer.isError
    reading = json.loads(answer.content[0].text)
    assert reading["text"] == "4079"
    assert reading.keys() == reader.read(NUMBER).to_dict().keys()


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("https://example.com/4079.png", texts.NO_LINKS),
        ("{server}/4079.png", texts.NO_LINKS),
        ("{server}/gradio_api/file=" + str(NUMBER), texts.NO_LINKS),
        (str(NUMBER), "Invalid file data"),
        ("file://" + str(NUMBER), "Invalid file data"),
        ("/etc/passwd", "Invalid file data"),
        ({"path": str(NUMBER), "meta": {"_type": "gradio.FileData"}}, "validation error"),
        ("data:text/plain;base64,aGVsbG8=", "is not an image that can be read here"),
        (None, "validation error"),
    ],
)
def test_what_was_not_sent_is_refused(ask, server, image, said):
    if isinstance(image, str):
        image = image.replace("{server}", server)
    answer = ask(lambda session: session.call_tool("read_digits", {"image": image}))
    assert answer.isError
    assert said in answer.content[0].text
    assert '"4079"' not in answer.content[0].text


@pytest.mark.parametrize("event", ["read", "lambda", "predict"])
def test_events_of_the_page_are_no_tools(ask, event):
    answer = ask(lambda session: session.call_tool(event, {"image": ""}))
    assert answer.isError
