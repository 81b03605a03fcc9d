"""The MCP tool: a real MCP client finds one tool, gets an image read, and can't make the server fetch one."""

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

NUMBER_IMAGE = EXAMPLES / "5-4079.png"


@pytest.fixture(scope="module")
def call(server):
    """Open a session and make one call: call(lambda session: session.list_tools())."""

    async def call_in_session(function):
        async with (
            streamablehttp_client(f"{server}/gradio_api/mcp/") as (incoming, outgoing, _),
            ClientSession(incoming, outgoing) as session,
        ):
            await session.initialize()
            return await function(session)

    # In a new thread, because after tests of the page Playwright's event loop runs in this one.
    with ThreadPoolExecutor(1) as thread:
        yield lambda function: thread.submit(asyncio.run, call_in_session(function)).result()


def test_there_is_one_tool_which_describes_its_input(call):
    (tool,) = call(lambda session: session.list_tools()).tools
    assert tool.name == "read_digits"
    assert tool.description.startswith(texts.PREDICT_DESCRIPTION)
    assert list(tool.inputSchema["properties"]) == tool.inputSchema["required"] == ["image"]
    assert "data: URL" in tool.inputSchema["properties"]["image"]["description"]
    assert call(lambda session: session.list_resources()).resources == []
    assert call(lambda session: session.list_prompts()).prompts == []


def test_an_image_is_read(call, reader):
    image = "data:image/png;base64," + base64.b64encode(NUMBER_IMAGE.read_bytes()).decode()
    answer = call(lambda session: session.call_tool("read_digits", {"image": image}))
    assert not answer.isError
    reading = json.loads(answer.content[0].text)
    assert reading["text"] == "4079"
    assert reading.keys() == reader.read(NUMBER_IMAGE).to_dict().keys()


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("https://example.com/4079.png", texts.LINKS_NOT_FOLLOWED),
        ("{server}/4079.png", texts.LINKS_NOT_FOLLOWED),
        ("{server}/gradio_api/file=" + str(NUMBER_IMAGE), texts.LINKS_NOT_FOLLOWED),
        (str(NUMBER_IMAGE), "Invalid file data"),
        ("file://" + str(NUMBER_IMAGE), "Invalid file data"),
        ("/etc/passwd", "Invalid file data"),
        ({"path": str(NUMBER_IMAGE), "meta": {"_type": "gradio.FileData"}}, "validation error"),
        ("data:text/plain;base64,aGVsbG8=", "is not an image that can be read here"),
        (None, "validation error"),
    ],
)
def test_input_that_is_no_image_is_refused(call, server, image, reason):
    if isinstance(image, str):
        image = image.replace("{server}", server)
    answer = call(lambda session: session.call_tool("read_digits", {"image": image}))
    assert answer.isError
    assert reason in answer.content[0].text
    assert '"4079"' not in answer.content[0].text


@pytest.mark.parametrize("event", ["read", "lambda", "predict"])
def test_events_of_the_page_are_not_tools(call, event):
    answer = call(lambda session: session.call_tool(event, {"image": ""}))
    assert answer.isError
