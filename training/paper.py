"""Draw what numbers are written on, and simulate its capture: paper, printed lines, scenes, cameras and scanners.

The functions work on uint8 (H, W, 3) pictures in RGB with a random generator. This module knows nothing of what is
written.
"""

import math

import cv2
import numpy as np

Size = tuple[int, int]  # height, width


def draw_background(size: Size, random: np.random.Generator) -> np.ndarray:
    """Draw a plain background: paper, a board or a screen, with lighting, texture, creases and stains."""
    height, width = size
    kind = random.random()
    if kind < 0.25:
        tone = random.uniform(235, 255)
    elif kind < 0.8:
        tone = random.uniform(120, 240)
    else:
        tone = random.uniform(5, 120)
    tint = random.normal(0, 25 if random.random() < 0.12 else 5, 3)
    light = np.full(size, 1, np.float32)
    if random.random() < 0.65:
        light += _smooth_noise(size, random, int(random.integers(2, 5)), random.uniform(0.03, 0.25))
    if random.random() < 0.25:
        light *= _shadow(size, random)
    if random.random() < 0.12:
        light *= _crease(size, random)
    if random.random() < 0.06:
        light *= 1 - random.uniform(0.05, 0.4) * _random_shape(size, random)
    if random.random() < 0.35:
        light += _texture(size, random) * random.uniform(0.005, 0.05)
    page = light[..., None] * (tone + tint).clip(0, 255).astype(np.float32)
    if random.random() < 0.12:
        _tint_block(page, random)
    return cv2.convertScaleAbs(page)


def _smooth_noise(size: Size, random: np.random.Generator, points: int, amount: float) -> np.ndarray:
    """Draw smooth noise, float32 (H, W), with `points` control points per side and standard deviation `amount`."""
    noise = random.normal(0, amount, (points, points)).astype(np.float32)
    return cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC if points > 2 else cv2.INTER_LINEAR)


def _texture(size: Size, random: np.random.Generator) -> np.ndarray:
    """Draw texture of one scale, float32 (H, W): paper fibres, wood, cloth."""
    height, width = size
    scale = random.uniform(1, 6)
    stretch = math.exp(random.normal(0, 0.8))
    shape = (max(2, int(height / scale / stretch)), max(2, int(width / scale * stretch)))
    grain = random.normal(0, 1, (min(shape[0], 2 * height), min(shape[1], 2 * width))).astype(np.float32)
    return cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)


def _soft_half_plane(size: Size, random: np.random.Generator, softness: float) -> np.ndarray:
    """Draw a mask, float32 (H, W), that rises from 0 to 1 across a line through the picture, over `softness` pixels."""
    height, width = size
    angle = random.uniform(0, 2 * math.pi)
    at_x, at_y = width * random.uniform(0.1, 0.9), height * random.uniform(0.1, 0.9)
    x = (np.arange(width, dtype=np.float32) - at_x) * (math.cos(angle) / softness)
    y = (np.arange(height, dtype=np.float32) - at_y) * (math.sin(angle) / softness)
    return np.clip(x[None] + y[:, None] + 0.5, 0, 1)


def _shadow(size: Size, random: np.random.Generator) -> np.ndarray:
    """Draw the brightness of a shadow, float32 (H, W), 1 outside it."""
    mask = _soft_half_plane(size, random, random.uniform(1, 60))
    if random.random() < 0.5:
        mask = mask * _soft_half_plane(size, random, random.uniform(1, 60))
    elif random.random() < 0.4:
        mask = cv2.GaussianBlur(_random_shape(size, random), (0, 0), random.uniform(1, 8))
    return 1 - random.uniform(0.1, 0.55) * mask


def _crease(size: Size, random: np.random.Generator) -> np.ndarray:
    """Draw the brightness of creases, float32 (H, W): a dark line beside a bright one."""
    height, width = size
    light = np.ones(size, np.float32)
    for _ in range(random.integers(1, 4)):
        ends = random.uniform(-0.1, 1.1, (2, 2)) * (width, height)
        shift = random.uniform(0.5, 2, 2)
        for sign, factor in ((1, random.uniform(0.8, 0.97)), (-1, random.uniform(1.02, 1.15))):
            points = np.round((ends + sign * shift) * 16).astype(np.int32)
            cv2.line(light, points[0].tolist(), points[1].tolist(), factor, 1, cv2.LINE_AA, 4)
    return light


def _random_shape(size: Size, random: np.random.Generator) -> np.ndarray:
    """Draw the mask of an ellipse or a rectangle, float32 (H, W) in 0..1."""
    height, width = size
    mask = np.zeros(size, np.uint8)
    sides = (random.uniform(0.15, 0.9, 2) * min(size)).tolist()
    box = ((random.uniform(0, 1, 2) * (width, height)).tolist(), sides, random.uniform(0, 180))
    if random.random() < 0.5:
        cv2.ellipse(mask, box, 255, -1, cv2.LINE_AA)
    else:
        cv2.fillPoly(mask, [np.round(cv2.boxPoints(box)).astype(np.int32)], 255, cv2.LINE_AA)
    return mask / np.float32(255)


def _tint_block(page: np.ndarray, random: np.random.Generator) -> None:
    """Tint a block or band, as on forms and screens, in place."""
    height, width = page.shape[:2]
    x0, x1 = np.sort(random.integers(-width // 3, 4 * width // 3, 2)).clip(0, width)
    y0, y1 = np.sort(random.integers(-height // 3, 4 * height // 3, 2)).clip(0, height)
    page[y0:y1, x0:x1] *= random.uniform(0.6, 1.3) * random.uniform(0.92, 1.08, 3).astype(np.float32)


def blend(page: np.ndarray, mask: np.ndarray, colour: np.ndarray, strength: float = 1.0) -> None:
    """Blend a colour (3,) into the page, in place, with the mask uint8 (H, W) times `strength` (0..1) as alpha."""
    if strength < 1:
        mask = cv2.convertScaleAbs(mask, alpha=strength)
    alpha = cv2.merge([mask] * 3)
    painted = np.empty_like(page)
    painted[:] = np.clip(colour, 0, 255).astype(np.uint8)
    page[:] = cv2.add(
        cv2.multiply(page, cv2.bitwise_not(alpha), scale=1 / 255), cv2.multiply(painted, alpha, scale=1 / 255)
    )


def choose_contrasting_colour(
    page: np.ndarray, random: np.random.Generator, lowest: float, highest: float
) -> np.ndarray:
    """Choose an ink colour (3,) whose mean differs from the page's by `lowest` to `highest` gray levels.

    The colour is darker than the page where the page is bright enough.
    """
    paper = page.mean((0, 1))
    tone = paper.mean()
    contrast = random.uniform(lowest, highest)
    darker = tone > 110 or (tone > 60 and random.random() < 0.3)
    target = max(0.0, tone - contrast) if darker else min(255.0, tone + contrast)
    colour = np.full(3, target)
    if random.random() < 0.45:
        spread = random.uniform(10, 120) * np.array(_HUES[random.integers(len(_HUES))])
        colour = colour + spread
    return colour.clip(0, 255)


_ENLARGEMENTS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)

# Directions in RGB of common inks and printed lines: blue, red, green, violet, brown, cyan.
_HUES = ((-0.5, -0.2, 1), (1, -0.4, -0.4), (-0.5, 0.6, -0.2), (0.4, -0.6, 0.6), (0.5, 0.1, -0.5), (-0.6, 0.4, 0.6))


def print_lines(
    page: np.ndarray,
    pitch: float,
    random: np.random.Generator,
    is_squared: bool,
    phase: float | None = None,
    is_dotted: bool = False,
) -> None:
    """Print horizontal lines or a grid, solid or dotted, at a small angle, in place.

    Args:
        page: the picture.
        pitch: distance between lines, pixels.
        random: random generator.
        is_squared: whether to print vertical lines as well.
        phase: y of one line at the left edge; random where None.
        is_dotted: whether the lines are always dotted; otherwise a fifth of the calls prints dotted lines.
    """
    height, width = page.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    slope = random.normal(0, 0.02)
    thickness = max(1, round(pitch * random.uniform(0.01, 0.06)))
    dot_distance = int(random.integers(3, 9)) if is_dotted or random.random() < 0.2 else 0
    start = random.uniform(0, pitch) if phase is None else phase % pitch
    for y in np.arange(start - pitch * math.ceil(abs(slope) * width / pitch + 1), height + abs(slope) * width, pitch):
        _draw_rule(mask, (-2, y), (width + 2, y + slope * width), thickness, dot_distance)
    if is_squared:
        for x in np.arange(random.uniform(-pitch, 0), width + pitch, pitch):
            _draw_rule(mask, (x, -2), (x - slope * height, height + 2), thickness, dot_distance)
    elif random.random() < 0.15:
        x = random.uniform(0, 0.3) * width
        _draw_rule(mask, (x, -2), (x - slope * height, height + 2), thickness, 0)
    blend(page, mask, choose_contrasting_colour(page, random, 15, 150), random.uniform(0.2, 1))


def _draw_rule(
    mask: np.ndarray, start: tuple[float, float], end: tuple[float, float], thickness: int, dot_distance: int
) -> None:
    """Draw a line on the mask; a dotted one where `dot_distance`, in pixels, is not 0."""
    if not dot_distance:
        points = np.round(np.array([start, end]) * 16).astype(int)
        cv2.line(mask, points[0].tolist(), points[1].tolist(), 255, thickness, cv2.LINE_AA, 4)
        return
    length = math.dist(start, end)
    along = np.arange(0, 1, dot_distance / length)[:, None]
    for x, y in np.round(np.array(start) + along * np.subtract(end, start)).astype(int).tolist():
        cv2.circle(mask, (x, y), max(1, thickness // 2), 255, -1)


def print_security_pattern(page: np.ndarray, random: np.random.Generator) -> None:
    """Print the fine lines or lattices of security paper, in place."""
    height, width = page.shape[:2]
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    mask = np.zeros((height, width), np.float32)
    if random.random() < 0.6:
        for _ in range(random.integers(1, 4)):
            period, angle = random.uniform(4, 22), random.uniform(0, math.pi)
            along = x * math.cos(angle) + y * math.sin(angle)
            across = y * math.cos(angle) - x * math.sin(angle)
            bend = random.uniform(0, 1.2) * period
            phase = across + bend * np.sin(along * random.uniform(0.02, 0.2) + random.uniform(0, 6))
            phase += random.uniform(0, 2) * period * np.sin(along * random.uniform(0.005, 0.03))
            phase /= period
            distance = np.abs(phase - np.floor(phase) - 0.5) * period
            mask = np.maximum(mask, np.clip(random.uniform(0.6, 1.3) + 0.3 - distance, 0, 1))
    else:
        period = random.uniform(2.5, 8)
        turn = random.uniform(0, math.pi / 2)
        u = (x * math.cos(turn) + y * math.sin(turn)) * (2 * math.pi / period)
        v = (y * math.cos(turn) - x * math.sin(turn)) * (2 * math.pi / period)
        mask = np.clip(np.sin(u) * np.sin(v) * random.uniform(1, 3) + random.uniform(-0.5, 0.5), 0, 1)
    blend(
        page,
        cv2.convertScaleAbs(mask, alpha=255),
        choose_contrasting_colour(page, random, 20, 110),
        random.uniform(0.2, 0.9),
    )


def draw_scene(size: Size, random: np.random.Generator) -> np.ndarray:
    """Draw a scene without paper: soft and sharp areas, branches and grass, noise at many scales."""
    height, width = size
    colours = np.zeros((height, width, 3), np.float32)
    colours += random.uniform(30, 220, 3).astype(np.float32)
    for octave in (2, 4, 8, 16, 32, 64):
        if random.random() < 0.7:
            noise = random.normal(0, 1, (octave, octave, 1)) * random.normal(0, 1, 3) + random.normal(
                0, 0.5, (octave, octave, 3)
            )
            scaled = noise.astype(np.float32) * random.uniform(4, 30)
            colours += cv2.resize(scaled, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(random.integers(0, 9)):
        mask = _random_shape(size, random)[..., None]
        colours += mask * random.uniform(0.3, 1) * (random.uniform(0, 255, 3).astype(np.float32) - colours)
    picture = cv2.convertScaleAbs(colours)
    if random.random() < 0.6:
        _draw_branches(picture, random)
    return picture


def _draw_branches(picture: np.ndarray, random: np.random.Generator) -> None:
    """Draw many strokes that follow one direction: grass, branches, hair, cables."""
    height, width = picture.shape[:2]
    direction, spread = random.uniform(0, math.pi), random.uniform(0.1, 1)
    colour = random.uniform(0, 255, 3)
    for _ in range(random.integers(5, 70)):
        angle = direction + random.normal(0, spread)
        start = random.uniform(0, 1, 2) * (width, height)
        steps = random.normal(0, 0.25, 4).cumsum() + angle
        length = random.uniform(0.02, 0.15) * max(height, width)
        points = start + np.cumsum(np.stack([np.cos(steps), np.sin(steps)], 1) * length, 0)
        shade = (colour + random.normal(0, 30, 3)).clip(0, 255).tolist()
        points = np.round(points * 16).astype(np.int32)
        cv2.polylines(picture, [points], False, shade, int(random.integers(1, 5)), cv2.LINE_AA, 4)


def place_on_table(page: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Show the page as a sheet on a table, smaller and in perspective.

    Returns:
        The picture, of the page's size, and the 3x3 matrix that maps the page's points to it.
    """
    height, width = page.shape[:2]
    table = draw_scene((height, width), random) if random.random() < 0.5 else draw_background((height, width), random)
    if abs(float(table.mean()) - float(page.mean())) < 35:
        table = cv2.convertScaleAbs(table, alpha=random.uniform(0.2, 0.5))
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    inner = corners * (1 - random.uniform(0.05, 0.3)) + random.uniform(0, 0.2, 2) * (width, height)
    if random.random() < 0.4:  # only one or two edges of the sheet are visible
        inner = corners + random.uniform(-0.15, 0.15, 2) * (width, height)
    inner = (inner + random.normal(0, 0.015, (4, 2)) * (width, height)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, inner)
    mask = cv2.warpPerspective(np.full((height, width), 255, np.uint8), matrix, (width, height))
    seen = cv2.warpPerspective(page, matrix, (width, height))
    if random.random() < 0.6:
        shift = (int(random.integers(-6, 7)), int(random.integers(-6, 7)))
        shadow = cv2.GaussianBlur(np.roll(mask, shift, (0, 1)), (0, 0), random.uniform(1, 5))
        table = cv2.multiply(table, 255 - cv2.merge([shadow] * 3) // 2, scale=1 / 255)
    alpha = cv2.merge([mask] * 3)
    return cv2.add(cv2.multiply(seen, alpha, scale=1 / 255), cv2.multiply(table, 255 - alpha, scale=1 / 255)), matrix


def place_objects(page: np.ndarray, free: np.ndarray, random: np.random.Generator) -> None:
    """Draw one to three foreign objects on the page, in place, where the mask `free`, uint8 (H, W), is not 0."""
    for _ in range(random.integers(1, 4)):
        mask = (_random_shape(page.shape[:2], random) * 255).astype(np.uint8)
        if cv2.countNonZero(mask[free == 0]) if (free == 0).any() else 0:
            continue
        blend(page, mask, random.uniform(0, 1) * random.uniform(0, 255, 3), random.uniform(0.7, 1))


def simulate_capture(page: np.ndarray, random: np.random.Generator, min_text_height: float) -> np.ndarray:
    """Resample, blur, recolour, add noise and compress a picture, as cameras, scanners and programs do.

    Args:
        page: the picture.
        random: random generator.
        min_text_height: height of the smallest writing that must remain legible, pixels.
    """
    height, width = page.shape[:2]
    if random.random() < 0.35:
        # Sample coarser, but leave the smallest writing about 11 pixels high.
        factor = random.uniform(1, max(1.05, min(3.5, min_text_height / 11)))
        small = cv2.resize(
            page, (max(8, int(width / factor)), max(8, int(height / factor))), interpolation=cv2.INTER_AREA
        )
        page = cv2.resize(small, (width, height), interpolation=_ENLARGEMENTS[random.integers(3)])
    if random.random() < 0.5:
        page = cv2.GaussianBlur(page, (0, 0), random.uniform(0.3, max(0.4, min(2.5, min_text_height / 16))))
    kind = random.random()
    if kind < 0.45:
        page = cv2.merge([cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)] * 3)
    if random.random() < 0.35:
        centre = float(page.mean())
        contrast = random.uniform(0.35, 1.5)
        page = cv2.convertScaleAbs(
            page.astype(np.float32) * contrast + (centre * (1 - contrast) + random.normal(0, 15))
        )
    if random.random() < 0.5:
        sigma = random.uniform(0.5, 9)
        channels = 1 if kind < 0.45 or random.random() < 0.5 else 3
        cv2.setRNGSeed(int(random.integers(2**31)))  # OpenCV's noise is ten times as fast as numpy's
        # OpenCV's type hints lack scalars.
        noise = cv2.randn(np.empty((height, width, channels), np.int16), 0, sigma)  # type: ignore[call-overload]
        if random.random() < 0.3:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.8).reshape(height, width, channels)
        page = cv2.add(page, cv2.merge([noise] * 3) if channels == 1 else noise, dtype=cv2.CV_8U)
    if kind < 0.07:
        gray = page[..., 0]
        level, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        page = cv2.merge([cv2.threshold(gray, level + random.normal(0, 8), 255, cv2.THRESH_BINARY)[1]] * 3)
    if random.random() < 0.03:
        _draw_specks(page, random)
    if random.random() < 0.35:
        quality = int(random.integers(25, 95))
        page = _compress(page, quality)
    if random.random() < 0.08:
        page = cv2.bitwise_not(page)
    return page


def _compress(page: np.ndarray, quality: int) -> np.ndarray:
    """Compress to JPEG and decode again."""
    decoded = cv2.imdecode(cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    assert decoded is not None  # OpenCV has just encoded it
    return decoded


def _draw_specks(page: np.ndarray, random: np.random.Generator) -> None:
    """Draw the black and white specks of a poor scan or transmission, in place."""
    height, width = page.shape[:2]
    count = int(height * width * random.uniform(0.0005, 0.03))
    rows, columns = random.integers(0, height, count), random.integers(0, width, count)
    page[rows, columns] = np.where(random.random(count) < 0.5, 0, 255)[:, None]
