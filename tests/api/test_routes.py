"""The server answers an allow-list of routes: all others of Gradio's are closed, and a new one fails a test."""

import json
from collections.abc import Iterable, Iterator

import pytest
from gradio.routes import App
from starlette.routing import BaseRoute

from demo import create_demo
from helpers.http import fetch
from web import texts
from web.server.routes import ALLOWED_ROUTES
from web.server.static_files import STATIC_FILE_ROUTES

# Routes of Gradio 6.31 that neither the page nor gradio_client, MCP or /predict needs. ANY means a mounted application.
CLOSED_ROUTES = {
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


def list_routes(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    """Yield "METHOD path" of every route; "ANY path" of a mounted application."""
    for route in routes:
        if hasattr(route, "original_router"):  # a router of FastAPI's, whose routes have the full path
            yield from list_routes(route.original_router.routes)
            continue
        path = (prefix + route.path).rstrip("/") or "/"
        if getattr(route, "routes", None):
            yield from list_routes(route.routes, path)
        else:
            yield from (f"{method} {path}" for method in getattr(route, "methods", None) or ["ANY"])


def test_each_route_of_gradio_is_either_allowed_or_listed_as_closed(reader):
    pytest.importorskip("mcp", reason="Gradio's extra is not installed: pip install 'gradio[mcp]'")
    found = set(list_routes(App.create_app(create_demo(reader), mcp_server=True).routes))
    own = {"/predict", *(route.path for route in STATIC_FILE_ROUTES)}
    allowed = {f"{method} {route.path}" for route in ALLOWED_ROUTES for method in route.methods.split()}
    mounted = {f"ANY {route.path}" for route in ALLOWED_ROUTES}
    new = found - allowed - mounted - CLOSED_ROUTES
    assert not new, (
        f"Gradio has new routes. Add those that are needed to web/server/routes.py and the others to this file: {new}"
    )
    removed = CLOSED_ROUTES - found
    assert not removed, f"Gradio no longer has these routes: {removed}"
    unknown = {route.path for route in ALLOWED_ROUTES} - own - {line.partition(" ")[2] for line in found}
    assert not unknown, f"web/server/routes.py allows routes that Gradio does not have: {unknown}"
    assert not allowed & CLOSED_ROUTES


@pytest.mark.parametrize("route", sorted(CLOSED_ROUTES))
def test_a_closed_route_is_not_found(server, route):
    method, path = route.replace("ANY", "POST").replace(":path}", "}").split()
    # Gradio expects a number for the parameter size.
    path = path.replace("{", "").replace("}", "").replace("size", "64")
    status, headers, body = fetch(server + path, b'{"data": []}' if method == "POST" else None)
    assert (status, headers.get_content_type()) == (404, "application/json")
    assert json.loads(body) == {"error": texts.UNKNOWN_ENDPOINT}


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
def test_an_unknown_path_or_method_is_not_found(server, path, body):
    status, _, answer = fetch(server + path, body)
    assert (status, json.loads(answer)) == (404, {"error": texts.UNKNOWN_ENDPOINT})


@pytest.mark.parametrize("component", [7_000_000, -1, "x", None, [], {}])
def test_an_unknown_component(server, component):
    request = {"data": None, "component_id": component, "fn_name": "read", "session_hash": "x"}
    status, headers, answer = fetch(f"{server}/gradio_api/component_server/", json.dumps(request).encode())
    assert status in (400, 404)
    assert headers.get_content_type() == "application/json"
    assert b"Error" not in answer
