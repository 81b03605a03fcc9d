"""Simulate photos of pen strokes on paper, because there are few real photos of ruled and squared paper.

The photos show plain, ruled or squared paper of any colour, a coloured pen, dark objects on the sheet, a table under
it, uneven light and the edge of a shadow, the perspective of a tilted camera, blur and noise. This module knows nothing
of the reader.
"""

from collections.abc import Callable

import cv2
import numpy as np

Size = tuple[int, int]  # height, width, pixels

PAPERS = ("plain", "ruled", "squared")
PHOTO_SIZES = ((600, 800), (800, 600), (1200, 900), (480, 480))  # height, width, pixels

# RGB, as fractions of the paper's brightness.
INK_COLOURS = ((0.2, 0.2, 0.25), (0.15, 0.2, 0.6), (0.1, 0.1, 0.1), (0.45, 0.45, 0.45), (0.7, 0.2, 0.2))
LINE_COLOURS = ((0.45, 0.6, 0.85), (0.6, 0.6, 0.6), (0.8, 0.5, 0.5), (0.4, 0.7, 0.75))

# RGB of the table under a sheet.
TABLE_COLOURS = ((120, 80, 50), (60, 45, 40), (110, 112, 118), (150, 115, 80), (30, 30, 30))

# Foreign objects on the sheet, beside the writing.
OBJECT_SIDES = (0.16, 0.7)  # shortest and longest side, as fractions of the photo's height
OBJECT_BRIGHTNESSES = (0.1, 0.5)  # as fractions of the light's
MAX_PLACEMENT_TRIES = 50  # random positions that are tried for an object that touches no writing


def draw_photo(
    draw: Callable[[Size, float], np.ndarray], paper: str, random: np.random.Generator, object_count: int = 0
) -> np.ndarray:
    """Draw a photo of paper with writing on it.

    Args:
        draw: (height and width, distance of the printed lines) -> black writing on white, uint8 (height, width).
        paper: one of PAPERS.
        random: random generator.
        object_count: number of dark elliptical or rectangular objects beside the writing, if there is room.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    height, width = size = PHOTO_SIZES[random.integers(len(PHOTO_SIZES))]
    pitch = random.uniform(0.05, 0.16) * height
    page = np.full((height, width, 3), random.uniform(150, 245)) * random.uniform(0.9, 1, 3)
    if paper != "plain":
        lines = _draw_printed_lines(paper, size, pitch, random)[..., None]
        colour = np.array(LINE_COLOURS[random.integers(len(LINE_COLOURS))])
        page *= 1 - (1 - colour) * random.uniform(0.24, 0.8) * lines
    ink = (255 - draw(size, pitch))[..., None] / 255 * random.uniform(0.75, 1)
    page *= 1 - ink + ink * np.array(INK_COLOURS[random.integers(len(INK_COLOURS))])
    for _ in range(object_count):
        mask = _place_object(ink[..., 0] > 0, random)[..., None]
        page += mask * (255 * random.uniform(*OBJECT_BRIGHTNESSES) * random.uniform(0.8, 1, 3) - page)
    page *= draw_light(size, random)[..., None]
    page = cv2.GaussianBlur(page, (0, 0), random.uniform(0.5, 1.6))
    page += random.normal(0, random.uniform(1, 6), (height, width, 1))
    return page.clip(0, 255).astype(np.uint8)


def place_on_table(sheet: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw a sheet, uint8 (H, W, 3), as photographed from further away, on a dark or light table with a grain.

    The table is visible on all four sides of the sheet, or on three.

    Returns:
        uint8 (H, W, 3), of the same size.
    """
    height, width = sheet.shape[:2]
    table = np.array(TABLE_COLOURS[random.integers(len(TABLE_COLOURS))])
    grain = cv2.GaussianBlur(random.normal(0, 1, (height, width)), (0, 0), sigmaX=width / 20, sigmaY=2)
    ground = table + random.uniform(2, 12) * (grain / grain.std())[..., None]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    projected = corners * random.uniform(0.72, 0.82) + random.uniform(-0.04, 0.04, (4, 2)) * (width, height)
    free = np.array([width, height]) - np.ptp(projected, axis=0)
    projected += free / 2 - projected.min(0)
    if random.random() < 0.3:
        side = random.integers(2)
        projected[:, side] -= projected[[0, 3 if side == 0 else 1], side].max() + 0.01 * sheet.shape[1 - side]
    matrix = cv2.getPerspectiveTransform(corners, projected.astype(np.float32))
    mask = cv2.warpPerspective(np.ones((height, width)), matrix, (width, height))[..., None]
    shadow = cv2.GaussianBlur(np.roll(mask[..., 0], (height // 80,) * 2, (0, 1)), (0, 0), height / 100)[..., None]
    photo = ground * (1 - 0.4 * shadow) * (1 - mask) + cv2.warpPerspective(sheet, matrix, (width, height)) * mask
    photo *= draw_light((height, width), random)[..., None]
    photo = cv2.GaussianBlur(photo, (0, 0), random.uniform(0.5, 1)) + random.normal(0, 2, (height, width, 1))
    return photo.clip(0, 255).astype(np.uint8)


def _draw_printed_lines(paper: str, size: Size, pitch: float, random: np.random.Generator) -> np.ndarray:
    """Draw the mask of the paper's lines, in perspective: float (height, width) in 0..1."""
    height, width = size
    sheet = np.zeros((2 * height, 2 * width), np.uint8)
    thickness = max(1, round(height / 600 * random.uniform(0.8, 2.2)))
    for y in np.arange(random.uniform(0, pitch), 2 * height, pitch):
        cv2.line(sheet, (0, int(y)), (2 * width, int(y)), 255, thickness, cv2.LINE_AA)
    if paper == "squared":
        for x in np.arange(random.uniform(0, pitch), 2 * width, pitch):
            cv2.line(sheet, (int(x), 0), (int(x), 2 * height), 255, thickness, cv2.LINE_AA)
    rotation_matrix = cv2.getRotationMatrix2D((width, height), random.normal(0, 3), 1)
    rotation_matrix[:, 2] -= (width / 2, height / 2)
    perspective = np.eye(3)
    perspective[2, :2] = random.normal(0, 4e-5, 2)
    return cv2.warpPerspective(sheet, perspective @ np.vstack([rotation_matrix, (0, 0, 1)]), (width, height)) / 255


def _place_object(writing: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw the mask of an object that does not touch the writing: float (height, width) in 0..1; empty without room."""
    height, width = writing.shape
    surroundings = cv2.dilate(writing.astype(np.uint8), np.ones((height // 20, height // 20), np.uint8))
    for _ in range(MAX_PLACEMENT_TRIES):
        mask = np.zeros(writing.shape, np.uint8)
        sides = random.uniform(*OBJECT_SIDES, 2) * height
        box = (random.uniform(0, (width, height)).tolist(), sides.tolist(), random.uniform(0, 180))
        if random.random() < 0.6:
            cv2.ellipse(mask, box, 255, -1, cv2.LINE_AA)
        else:
            cv2.fillPoly(mask, [np.round(cv2.boxPoints(box)).astype(np.int32)], 255, cv2.LINE_AA)
        if not (mask & (255 * surroundings)).any():
            return mask / 255
    return np.zeros(writing.shape)


def draw_light(size: Size, random: np.random.Generator) -> np.ndarray:
    """Draw the brightness of the light, float (height, width): brighter on one side, sometimes with a shadow's edge."""
    height, width = size
    y, x = np.indices(size)
    slant = random.uniform(-0.35, 0.35, 2)
    light = 1 + slant[0] * (x / width - 0.5) + slant[1] * (y / height - 0.5)
    if random.random() < 0.3:
        angle = random.uniform(0, 2 * np.pi)
        across = (x - width * random.uniform(0.2, 0.8)) * np.cos(angle)
        across += (y - height * random.uniform(0.2, 0.8)) * np.sin(angle)
        light *= 1 - 0.35 / (1 + np.exp((-across / random.uniform(4, 40)).clip(-50, 50)))
    return light
