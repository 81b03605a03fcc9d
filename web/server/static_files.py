"""Files that are served beside the page, each under a fixed name that reveals no path of the server."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from digits.resources import RESOURCE_ROOT
from web.components.code.code import EXAMPLE_FILE

SCREENSHOT = RESOURCE_ROOT / "assets" / "screenshots" / "wide-light.png"


def _file_route(name: str, path: Path) -> Route:
    async def respond(request: Request) -> FileResponse:
        return FileResponse(path)

    return Route(f"/{name}", respond)


# For launch(app_kwargs={"routes": ...}).
STATIC_FILE_ROUTES = [_file_route("4079.png", EXAMPLE_FILE), _file_route("preview.png", SCREENSHOT)]
