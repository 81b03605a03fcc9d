"""How it works: the steps of reading an image as pictures, for one image and one selected digit.

It turns Stages into pictures. steps.js requests them only while they are unfolded.
"""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import gradio as gr
import numpy as np
from fastapi import HTTPException
from gradio.components.base import server
from PIL import Image

from digits import Stages
from web.components.component import Component, html_options
from web.image_input import ImageInput, UploadedFilesOnly

# Renders the steps of reading an image, with the digit of an index selected.
RenderSteps = Callable[[ImageInput, int], dict[str, Any]]

Colour = tuple[int, int, int]  # RGB


@dataclass(frozen=True)
class StepColours:
    """Colours of the pictures. The heatmap's differ from those of the ink and of the boxes.

    Attributes:
        evidence_for: ink that makes the digit more likely; visible on white and on black, as the next one.
        evidence_against: ink that makes the digit less likely.
        neutral_ink: ink without an effect.
        low_probability: heatmap, where a character is unlikely.
        high_probability: heatmap, where a character is likely.
        image_contrast: the part of the image's contrast that is kept under the heatmap.
    """

    evidence_for: Colour = (37, 99, 235)
    evidence_against: Colour = (234, 88, 12)
    neutral_ink: Colour = (203, 213, 225)
    low_probability: Colour = (236, 72, 153)
    high_probability: Colour = (131, 24, 67)
    image_contrast: float = 0.35


COLOURS = StepColours()
MAX_PICTURE_SIDE = 480  # pixels; pictures of a whole image are shown small


class ReadingSteps(UploadedFilesOnly, Component):
    """A folded strip of pictures that show how an image is read.

    Its value is {"image": a value of `Pad`, "selected": the index of the selected digit}. steps.js sends each value to
    `render_steps` while the strip is unfolded.
    """

    def __init__(self, render: RenderSteps, **options: Any):
        super().__init__(None, **{**options, **html_options("steps")})
        self._render = render

    @server
    def render_steps(self, payload: Any) -> dict[str, Any]:
        """Return the pictures (see `step_pictures`) of a value of this component.

        Raises:
            HTTPException: 422, the payload is no value of this component.
        """
        try:
            image, selected = self.load_payload(payload["image"]), int(payload["selected"])
        except (gr.Error, LookupError, TypeError, ValueError):
            raise HTTPException(422, "Not a value of the pad.") from None
        return self._render(image, selected)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def step_pictures(stages: Stages | None, selected: int = 0, occlusion: np.ndarray | None = None) -> dict[str, Any]:
    """Return the stages of a reading as pictures, each a data: URL. Stages that need a digit are empty without one.

    Args:
        stages: the stages of reading the image; None without an image.
        selected: the index of the selected digit.
        occlusion: float32 (28, 28), the effect of that digit's ink (see digits.occlusion); None without a digit.
    """
    if stages is None:
        return {}
    height, width = stages.centre_map.shape
    pixels = _shrink(stages.pixels)
    return {
        "image": _encode(pixels, "JPEG"),
        "heatmap": _encode(_draw_heatmap(pixels, _shrink(stages.centre_map)), "JPEG"),
        # A very small image is read as one digit, without the page network.
        "has_heatmap": bool(stages.centre_map.any() or not stages.boxes),
        # (left, top, width, height) as fractions of the image, because it is shown at any size.
        "boxes": [
            [left / width, top / height, (right - left) / width, (bottom - top) / height]
            for left, top, right, bottom in stages.boxes
        ],
        "labels": [digit.label for digit in stages.reading.digits],
        "frames": [_encode((255 * frame).astype(np.uint8)) for frame in stages.frames],
        "selected": selected,
        "decisive_ink": None if occlusion is None else _encode(_colour_ink(stages.frames[selected], occlusion)),
    }


def _draw_heatmap(pixels: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """Draw the page network's heatmap over the faded image.

    Args:
        pixels: uint8 (H, W, 3).
        heatmap: float32 (H, W) in 0..1.

    Returns:
        uint8 (H, W, 3).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    faded = 255 - COLOURS.image_contrast * (255 - grey)
    weight = heatmap[..., None]
    colour = np.array(COLOURS.low_probability, np.float32) * (1 - weight)
    colour = colour + np.array(COLOURS.high_probability, np.float32) * weight
    return (colour * weight + faded * (1 - weight)).round().astype(np.uint8)


def _colour_ink(frame: np.ndarray, occlusion: np.ndarray) -> np.ndarray:
    """Return a frame in colour, uint8 (28, 28, 3). The larger the effect of ink, the stronger its colour."""
    weight = (occlusion / max(1e-6, float(np.abs(occlusion).max())))[..., None]
    evidence = np.where(weight > 0, COLOURS.evidence_for, COLOURS.evidence_against)
    ink = evidence * np.abs(weight) + np.array(COLOURS.neutral_ink) * (1 - np.abs(weight))
    return (ink * frame[..., None]).astype(np.uint8)


def _shrink(pixels: np.ndarray) -> np.ndarray:
    factor = MAX_PICTURE_SIDE / max(pixels.shape[:2])
    return pixels if factor >= 1 else cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _encode(pixels: np.ndarray, kind: str = "PNG") -> str:
    """Return pixels, uint8 (H, W) or (H, W, 3), as the data: URL of a picture."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
