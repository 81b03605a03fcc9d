"""Files that the page serves beside itself, each under a name of its own: no path of the server is shown."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from digits.resources import ROOT
from web.components.code.code import EXAMPLE

SCREENSHOT = ROOT / "assets" / "screenshots" / "wide-light.png"


def _served(name: str, path: Path) -> Route:
    async def send(request: Request) -> FileResponse:
        return FileResponse(path)

    return Route(f"/{name}", send)


# For launch(app_kwargs={"routes": ...}).
ROUTES = [_served("4079.png", EXAMPLE), _served("preview.png", SCREENSHOT)]
