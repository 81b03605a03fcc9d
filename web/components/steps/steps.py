"""How it sees: each stage of reading an image as a picture, for one image and one digit of it.

It turns Stages into pictures; steps.js asks for them, and only while they are unfolded.
"""

import base64
import io
from collections.abc import Callable
from typing import Any

import cv2
import gradio as gr
import numpy as np
from fastapi import HTTPException
from gradio.components.base import server
from PIL import Image

from digits import Stages
from web.components.component import Component, parts
from web.source import LocalFiles, Source

# Makes the pictures of an image and of a digit of it, by its index.
See = Callable[[Source, int], dict[str, Any]]

# Pictures of a whole image are shown small.
SIDE = 480

# Ink that speaks for the digit, and against it. Both stand out on white and on black.
FOR, AGAINST = (37, 99, 235), (234, 88, 12)
PAPER = (203, 213, 225)

# The page network's map lies over the picture, of which this part of the contrast is kept. Its colours, from a low to a
# high probability, are neither those above nor those of the boxes.
KEPT_CONTRAST = 0.35
UNLIKELY, LIKELY = (236, 72, 153), (131, 24, 67)


class HowItSees(LocalFiles, Component):
    """A strip of pictures, folded away until it is asked for.

    Its value is the image (see `Pad`) and the index of the digit that is looked at closely. steps.js asks `see` for
    the pictures of both.
    """

    def __init__(self, see: See, **options: Any):
        super().__init__(None, **{**options, **parts("steps")})
        self._see = see

    @server
    def see(self, payload: Any) -> dict[str, Any]:
        """Answers a value of this component: its pictures (see `pictures`)."""
        try:
            image, chosen = self.sent(payload["image"]), int(payload["chosen"])
        except (gr.Error, LookupError, TypeError, ValueError):
            raise HTTPException(422, "Not something that can lie on the pad.") from None
        return self._see(image, chosen)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def pictures(stages: Stages | None, chosen: int = 0, decisive: np.ndarray | None = None) -> dict[str, Any]:
    """What shows stages, each as the URL of a picture; of no image or no digit, as much as there is.

    Args:
        stages: what was seen of the image; None for no image.
        chosen: the index of the digit that is looked at closely.
        decisive: float32 (28, 28), what the ink of that digit did (see digits.occlusion); None without a digit.
    """
    if stages is None:
        return {}
    height, width = stages.found.shape
    pixels = _reduced(stages.pixels)
    return {
        "pixels": _picture(pixels, "JPEG"),
        "found": _picture(_overlaid(pixels, _reduced(stages.found)), "JPEG"),
        # A very small picture is read as one digit, without the page network.
        "searched": bool(stages.found.any() or not stages.boxes),
        # In parts of the picture, which is shown at any size.
        "boxes": [
            [left / width, top / height, (right - left) / width, (bottom - top) / height]
            for left, top, right, bottom in stages.boxes
        ],
        "labels": [digit.label for digit in stages.reading.digits],
        "frames": [_picture(np.uint8(255 * frame)) for frame in stages.frames],
        "chosen": chosen,
        "decisive": None if decisive is None else _picture(_coloured(stages.frames[chosen], decisive)),
    }


def _overlaid(pixels: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Draw the page network's map over the faded picture: uint8 (H, W, 3).

    Args:
        pixels: uint8 (H, W, 3).
        found: float32 (H, W) in 0..1.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    faded = 255 - KEPT_CONTRAST * (255 - grey)
    share = found[..., None]
    colour = np.array(UNLIKELY, np.float32) * (1 - share) + np.array(LIKELY, np.float32) * share
    return (colour * share + faded * (1 - share)).round().astype(np.uint8)


def _coloured(frame: np.ndarray, decisive: np.ndarray) -> np.ndarray:
    """A frame in colour, uint8 (28, 28, 3): the stronger the colour, the more that ink did."""
    share = (decisive / max(1e-6, float(np.abs(decisive).max())))[..., None]
    ink = np.where(share > 0, FOR, AGAINST) * np.abs(share) + np.array(PAPER) * (1 - np.abs(share))
    return (ink * frame[..., None]).astype(np.uint8)


def _reduced(pixels: np.ndarray) -> np.ndarray:
    factor = SIDE / max(pixels.shape[:2])
    return pixels if factor >= 1 else cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _picture(pixels: np.ndarray, kind: str = "PNG") -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
