"""Pen strokes on paper, photographed: simulated, because real photos of ruled and squared paper are few.

Plain, ruled or squared paper of any colour, a coloured pen, dark things on the sheet, a table under it, slanted light
and the edge of a shadow, a camera held at an angle, blur and grain. It draws what it is told to, from a generator of
chance, and knows nothing of how it is read.
"""

import cv2
import numpy as np

PAPERS = ("plain", "ruled", "squared")
SIZES = ((600, 800), (800, 600), (1200, 900), (480, 480))  # height, width

# RGB, as parts of the paper's own brightness.
INKS = ((0.2, 0.2, 0.25), (0.15, 0.2, 0.6), (0.1, 0.1, 0.1), (0.45, 0.45, 0.45), (0.7, 0.2, 0.2))
LINES = ((0.45, 0.6, 0.85), (0.6, 0.6, 0.6), (0.8, 0.5, 0.5), (0.4, 0.7, 0.75))

# RGB, of the table under a sheet.
TABLES = ((120, 80, 50), (60, 45, 40), (110, 112, 118), (150, 115, 80), (30, 30, 30))

# Of what lies on the sheet beside the writing: its sides, as parts of the photo's height, its brightness, as a part of
# the light's, and how often a place for it is sought where it touches no writing.
THING_SIDES = (0.16, 0.7)
THING_TONES = (0.1, 0.5)
THING_TRIES = 50


def photo(draw, paper: str, random: np.random.Generator, things: int = 0) -> np.ndarray:
    """A photo of paper with writing on it.

    Args:
        draw: size, (height, width), pitch of the printed lines -> black writing on white, uint8 (height, width).
        paper: one of PAPERS.
        random: where chance comes from.
        things: so many dark round or square things lie on it, clear of the writing, where there is room.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    height, width = size = SIZES[random.integers(len(SIZES))]
    pitch = random.uniform(0.05, 0.16) * height
    page = np.full((height, width, 3), random.uniform(150, 245)) * random.uniform(0.9, 1, 3)
    if paper != "plain":
        lines = _printed_lines(paper, size, pitch, random)[..., None]
        colour = np.array(LINES[random.integers(len(LINES))])
        page *= 1 - (1 - colour) * random.uniform(0.24, 0.8) * lines
    ink = (255 - draw(size, pitch))[..., None] / 255 * random.uniform(0.75, 1)
    page *= 1 - ink + ink * np.array(INKS[random.integers(len(INKS))])
    for _ in range(things):
        thing = _thing(ink[..., 0] > 0, random)[..., None]
        page += thing * (255 * random.uniform(*THING_TONES) * random.uniform(0.8, 1, 3) - page)
    page *= _light(size, random)[..., None]
    page = cv2.GaussianBlur(page, (0, 0), random.uniform(0.5, 1.6))
    page += random.normal(0, random.uniform(1, 6), (height, width, 1))
    return page.clip(0, 255).astype(np.uint8)


def on_table(sheet: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same sheet, uint8 (H, W, 3), photographed from further away: on a table with a grain, dark or light, that
    shows on all four sides, or on three.

    Returns:
        uint8 (H, W, 3), of the same size.
    """
    height, width = sheet.shape[:2]
    table = np.array(TABLES[random.integers(len(TABLES))])
    grain = cv2.GaussianBlur(random.normal(0, 1, (height, width)), (0, 0), sigmaX=width / 20, sigmaY=2)
    ground = table + random.uniform(2, 12) * (grain / grain.std())[..., None]
    ends = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    seen = ends * random.uniform(0.72, 0.82) + random.uniform(-0.04, 0.04, (4, 2)) * (width, height)
    free = np.array([width, height]) - np.ptp(seen, axis=0)
    seen += free / 2 - seen.min(0)
    if random.random() < 0.3:
        side = random.integers(2)
        seen[:, side] -= seen[[0, 3 if side == 0 else 1], side].max() + 0.01 * sheet.shape[1 - side]
    laid = cv2.getPerspectiveTransform(ends, seen.astype(np.float32))
    lies = cv2.warpPerspective(np.ones((height, width)), laid, (width, height))[..., None]
    shadow = cv2.GaussianBlur(np.roll(lies[..., 0], (height // 80,) * 2, (0, 1)), (0, 0), height / 100)[..., None]
    photo = ground * (1 - 0.4 * shadow) * (1 - lies) + cv2.warpPerspective(sheet, laid, (width, height)) * lies
    photo *= _light((height, width), random)[..., None]
    photo = cv2.GaussianBlur(photo, (0, 0), random.uniform(0.5, 1)) + random.normal(0, 2, (height, width, 1))
    return photo.clip(0, 255).astype(np.uint8)


def _printed_lines(paper, size, pitch, random):
    """Where the paper's lines lie in the photo, float (height, width) in 0..1; they are seen at an angle."""
    height, width = size
    sheet = np.zeros((2 * height, 2 * width), np.uint8)
    thickness = max(1, round(height / 600 * random.uniform(0.8, 2.2)))
    for y in np.arange(random.uniform(0, pitch), 2 * height, pitch):
        cv2.line(sheet, (0, int(y)), (2 * width, int(y)), 255, thickness, cv2.LINE_AA)
    if paper == "squared":
        for x in np.arange(random.uniform(0, pitch), 2 * width, pitch):
            cv2.line(sheet, (int(x), 0), (int(x), 2 * height), 255, thickness, cv2.LINE_AA)
    turned = cv2.getRotationMatrix2D((width, height), random.normal(0, 3), 1)
    turned[:, 2] -= (width / 2, height / 2)
    tilted = np.eye(3)
    tilted[2, :2] = random.normal(0, 4e-5, 2)
    return cv2.warpPerspective(sheet, tilted @ np.vstack([turned, (0, 0, 1)]), (width, height)) / 255


def _thing(writing, random):
    """Where a thing lies: float (height, width) in 0..1; nowhere if there is no room."""
    height, width = writing.shape
    around = cv2.dilate(writing.astype(np.uint8), np.ones((height // 20, height // 20), np.uint8))
    for _ in range(THING_TRIES):
        where = np.zeros(writing.shape, np.uint8)
        sides = random.uniform(*THING_SIDES, 2) * height
        box = (random.uniform(0, (width, height)).tolist(), sides.tolist(), random.uniform(0, 180))
        if random.random() < 0.6:
            cv2.ellipse(where, box, 255, -1, cv2.LINE_AA)
        else:
            cv2.fillPoly(where, [np.round(cv2.boxPoints(box)).astype(np.int32)], 255, cv2.LINE_AA)
        if not (where & (255 * around)).any():
            return where / 255
    return np.zeros(writing.shape)


def _light(size, random):
    """Brighter on one side, and at times darker beyond the edge of a shadow: float (height, width)."""
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
