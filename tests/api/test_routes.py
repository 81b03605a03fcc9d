"""Requests are answered by an allow-list: Gradio's other routes are closed, and one that is new there is noticed."""

import json
from collections.abc import Iterable, Iterator

import pytest
from gradio.routes import App
from starlette.routing import BaseRoute

from demo import create_demo
from helpers.http import fetch
from web import texts
from web.server.routes import ROUTES
from web.server.served import ROUTES as SERVED

# Routes of Gradio 6.31 that neither the page nor gradio_client, MCP and /predict need. ANY: a mounted application.
CLOSED = {
    *("POST /login", "GET /logout", "GET /svelte/{path:path}", "GET /manifest.json"),
    *("GET /monitoring", "GET /monitoring/summary", "GET /monitoring/{key}", "GET /pwa_icon", "GET /pwa_icon/{size}"),
    *("GET /openapi.json", "HEAD /openapi.json", "GET /gradio_api/openapi.json", "GET /gradio_api/theme.css"),
    *("GET /gradio_api/user", "GET /gradio_api/token", "GET /gradio_api/login_check", "GET /gradio_api/dev/reload"),
    *("GET /gradio_api/deep_link", "GET /gradio_api/queue/status", "GET /gradio_api/upload_progress"),
    *("GET /gradio_api/file/{path:path}", "POST /gradio_api/process_recording"),
    *("GET /gradio_api/file={path_or_url:path}", "HEAD /gradio_api/file={path_or_url:path}"),
    *("GET /gradio_api/proxy={url_path:path}", "HEAD /gradio_api/proxy={url_path:path}"),
    *("POST /gradio_api/api/{api_name}", "POST /gradio_api/call/v2/{api_name}"),
    *("GET /gradio_api/call/v2/{api_name}/{event_id}",),
    *("GET /gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",),
    *("GET /gradio_api/runs", "POST /gradio_api/run-history/connect", "GET /gradio_api/run-history/buckets"),
    *("GET /gradio_api/run-history/records",),
    *("GET /gradio_api/run-history/records/{endpoint}/{record_id}/assets/{asset_id}",),
    *("POST /gradio_api/stream/{event_id}", "POST /gradio_api/stream/{event_id}/close"),
    *("GET /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",),
    *("GET /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",),
    *("GET /gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",),
    *("POST /gradio_api/vibe-edit", "POST /gradio_api/undo-vibe-edit", "POST /gradio_api/vibe-starter-queries"),
    *("GET /gradio_api/vibe-code", "POST /gradio_api/vibe-code"),
    *("GET /gradio_api/mcp/schema", "HEAD /gradio_api/mcp/schema", "ANY /gradio_api/mcp/messages"),
    *("GET /gradio_api/mcp/sse", "HEAD /gradio_api/mcp/sse"),
}


def gradios_routes(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    """Yield "METHOD path" of every route; "ANY path" of a mounted application."""
    for route in routes:
        if hasattr(route, "original_router"):  # FastAPI's, whose routes have the whole path
            yield from gradios_routes(route.original_router.routes)
            continue
        path = (prefix + route.path).rstrip("/") or "/"
        if getattr(route, "routes", None):
            yield from gradios_routes(route.routes, path)
        else:
            yield from (f"{method} {path}" for method in getattr(route, "methods", None) or ["ANY"])


def test_each_route_of_gradio_is_allowed_or_known_to_be_closed(reader):
    pytest.importorskip("mcp", reason="Gradio's extra is not installed: pip install 'gradio[mcp]'")
    found = set(gradios_routes(App.create_app(create_demo(reader), mcp_server=True).routes))
    own = {"/predict", *(route.path for route in SERVED)}
    allowed = {f"{method} {route.path}" for route in ROUTES for method in route.methods.split()}
    mounted = {f"ANY {route.path}" for route in ROUTES}
    new = found - allowed - mounted - CLOSED
    assert not new, (
        f"Gradio has new routes: allow those that are needed in web/server/routes.py, name the others here: {new}"
    )
    gone = CLOSED - found
    assert not gone, f"Gradio has these routes no more: {gone}"
    unknown = {route.path for route in ROUTES} - own - {line.partition(" ")[2] for line in found}
    assert not unknown, f"web/server/routes.py allows what Gradio does not have: {unknown}"
    assert not allowed & CLOSED


@pytest.mark.parametrize("route", sorted(CLOSED))
def test_a_closed_route_is_not_there(server, route):
    method, path = route.replace("ANY", "POST").replace(":path}", "}").split()
    # A number fits wherever Gradio wants one.
    path = path.replace("{", "").replace("}", "").replace("size", "64")
    status, headers, body = fetch(server + path, b'{"data": []}' if method == "POST" else None)
    assert (status, headers.get_content_type()) == (404, "application/json")
    assert json.loads(body) == {"error": texts.NO_ENDPOINT}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/gradio_api/call/v2/nothing", b"{}"),
        ("/gradio_api/run/a/b", b"{}"),
        ("/gradio_api/", None),
        ("//predict", b""),
        ("/assets", None),
        ("/docs", None),
        ("/config", b"{}"),
    ],
)
def test_what_nobody_needs_is_not_there(server, path, body):
    status, _, said = fetch(server + path, body)
    assert (status, json.loads(said)) == (404, {"error": texts.NO_ENDPOINT})


@pytest.mark.parametrize("component", [7_000_000, -1, "x", None, [], {}])
def test_an_unknown_component(server, component):
    question = {"data": None, "component_id": component, "fn_name": "read", "session_hash": "x"}
    status, headers, said = fetch(f"{server}/gradio_api/component_server/", json.dumps(question).encode())
    assert status in (400, 404)
    assert headers.get_content_type() == "application/json"
    assert b"Error" not in said
