"""The API on a Ray cluster, with replicas that scale: serve run deploy.serve_app:app

POST /predict with the bytes of an image answers as the page does: what `python -m digits --json` prints. Two
deployments: the door speaks HTTP and may ask again, the reader does nothing but read. A reader that dies takes no
request with it, because whoever asked is still at the door.
"""

import cv2
import numpy as np
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request
from starlette.responses import JSONResponse

from digits import DigitReader, ImageError

MAX_BYTES = 32 * 2**20

# How often the door asks for one reading: a request is lost only if so many readers die under it, one after another.
ATTEMPTS = 5


@serve.deployment(
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=2,  # one is read, one is at hand: more would only wait where no other replica can take them
    max_queued_requests=200,
    autoscaling_config={"min_replicas": 1, "max_replicas": 100, "target_ongoing_requests": 1, "upscale_delay_s": 3},
    health_check_period_s=5,
    graceful_shutdown_timeout_s=20,
)
class Reader:
    """One reader with one core."""

    def __init__(self):
        cv2.setNumThreads(1)
        self._reader = DigitReader()

    def read(self, image: bytes) -> tuple[int, dict]:
        """An image's reading, or why it can't be read, with the HTTP status that says so."""
        try:
            return 200, self._reader.read(image).to_dict()
        except ImageError as error:
            return (413 if error.reason == "too_large" else 422), {"error": str(error)}

    def check_health(self) -> None:
        """Ray asks this; a reader that can't read raises, and is replaced."""
        self._reader.read(np.full((28, 28), 255, np.uint8))


@serve.deployment(
    ray_actor_options={"num_cpus": 0.1},
    max_ongoing_requests=100,
    max_queued_requests=200,
    autoscaling_config={"min_replicas": 1, "max_replicas": 20, "target_ongoing_requests": 50},
)
class Door:
    """HTTP in, JSON out."""

    def __init__(self, reader: DeploymentHandle):
        self._reader = reader

    async def __call__(self, request: Request) -> JSONResponse:
        if request.url.path != "/predict":
            return _problem(404, "There is only /predict.")
        if request.method != "POST":
            return _problem(405, "POST the bytes of an image.")
        image = bytearray()
        async for piece in request.stream():
            image += piece
            if len(image) > MAX_BYTES:
                return _problem(413, f"The image is larger than {MAX_BYTES // 2**20} MB.")
        if not image:
            return _problem(400, "There is no image: POST its bytes.")
        return await self._read(bytes(image))

    async def _read(self, image: bytes) -> JSONResponse:
        for _ in range(ATTEMPTS):
            try:
                status, said = await self._reader.read.remote(image)
            except RayActorError:  # the replica died; reading twice does no harm
                continue
            except (BackPressureError, DeploymentUnavailableError):
                break
            return JSONResponse(said, status)
        return _problem(503, "Too many images at once. Please send it again in a moment.")


def _problem(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)


app = Door.bind(Reader.bind())
