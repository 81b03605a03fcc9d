"""The JSON API on a Ray cluster, with replicas that scale: serve run deploy.serve_app:app

POST /predict with an image as its body answers as the page does: with the JSON that `python -m digits --json` prints.
There are two deployments. The ingress handles HTTP and retries, the reader only reads. A reader that dies loses no
request, because the ingress still holds the image.
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

MAX_IMAGE_BYTES = 32 * 2**20

# How often the ingress tries to get one reading: a request is lost only if as many readers die one after another.
MAX_READ_ATTEMPTS = 5


@serve.deployment(
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=2,  # one is read and one is next: any more would wait here while another replica is free
    max_queued_requests=200,
    autoscaling_config={"min_replicas": 1, "max_replicas": 100, "target_ongoing_requests": 1, "upscale_delay_s": 3},
    health_check_period_s=5,
    graceful_shutdown_timeout_s=20,
)
class Reader:
    """A reader that uses one core."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._reader = DigitReader()

    def read(self, image: bytes) -> tuple[int, dict]:
        """Return (HTTP status, JSON) of an image: its reading, or the reason why it can't be read."""
        try:
            return 200, self._reader.read(image).to_dict()
        except ImageError as error:
            return (413 if error.reason == "too_large" else 422), {"error": str(error)}

    def check_health(self) -> None:
        """Read a blank image. Ray calls this method, and replaces a replica in which it raises."""
        self._reader.read(np.full((28, 28), 255, np.uint8))


@serve.deployment(
    ray_actor_options={"num_cpus": 0.1},
    max_ongoing_requests=100,
    max_queued_requests=200,
    autoscaling_config={"min_replicas": 1, "max_replicas": 20, "target_ongoing_requests": 50},
)
class Ingress:
    """The HTTP endpoint: takes images, answers JSON.

    Args:
        reader: handle of the deployment that reads images.
    """

    def __init__(self, reader: DeploymentHandle):
        self._reader = reader

    async def __call__(self, request: Request) -> JSONResponse:
        if request.url.path != "/predict":
            return _error(404, "There is only /predict.")
        if request.method != "POST":
            return _error(405, "POST the bytes of an image.")
        image = bytearray()
        async for chunk in request.stream():
            image += chunk
            if len(image) > MAX_IMAGE_BYTES:
                return _error(413, f"The image is larger than {MAX_IMAGE_BYTES // 2**20} MB.")
        if not image:
            return _error(400, "There is no image: POST its bytes.")
        return await self._read(bytes(image))

    async def _read(self, image: bytes) -> JSONResponse:
        for _ in range(MAX_READ_ATTEMPTS):
            try:
                status, answer = await self._reader.read.remote(image)
            except RayActorError:  # the replica died; reading is idempotent, so that another attempt does no harm
                continue
            except (BackPressureError, DeploymentUnavailableError):
                break
            return JSONResponse(answer, status)
        return _error(503, "Too many images at once. Please send it again in a moment.")


def _error(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status)


app = Ingress.bind(Reader.bind())  # type: ignore[attr-defined]  # mypy ignores what class decorators return
