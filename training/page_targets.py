"""Define the page network's output channels, and draw the target maps of a page.

This module does not import TensorFlow, so that the processes that compose pages need not load it.
"""

import numpy as np

from training.classes import CLASSES, IGNORED
from training.pages import LARGE_ENOUGH_FROM_PIXELS, TOO_SMALL_BELOW_PIXELS, Page

# Pixels of the picture per cell of the output, along each axis.
STRIDE = 4

# Widths and heights are predicted as logarithms, in units of this many pixels.
BOX_UNIT_PIXELS = 16.0

# Maximum heat (0..1) of the cells around a peak. Each character has exactly one cell with heat 1, even where its centre
# is equally near to several cells.
MAX_HEAT_BESIDE_PEAK = 0.97

# The output's channels: centre, class logits, box (offset of the centre in cells, log width, log height), log height of
# the same writer's digits, and writing that is too small.
CLASS_COUNT = len(CLASSES) + 1
CENTRE_CHANNEL, FIRST_CLASS_CHANNEL, FIRST_BOX_CHANNEL = 0, 1, 1 + CLASS_COUNT
SIZE_CHANNEL, SMALL_CHANNEL = FIRST_BOX_CHANNEL + 4, FIRST_BOX_CHANNEL + 5
CHANNEL_COUNT = SMALL_CHANNEL + 1


def draw_target_maps(page: Page) -> np.ndarray:
    """Draw the network's targets for a page.

    Returns:
        float32 (H/4, W/4, 10). The channels: centre heat in 0..1; 1 where the centre loss applies; class index; weight
        of class and box loss, 0..1; offset x, y; log width, log height; log size; flags 0..3: bit 0 means that writing
        is too small, bit 1 that the loss of this flag applies.
    """
    height, width = (side // STRIDE for side in page.picture.shape[:2])
    maps = np.zeros((height, width, 10), np.float32)
    maps[..., 1] = 1
    is_small, is_flag_counted = np.zeros((height, width), bool), np.ones((height, width), bool)
    for box, label, size in zip(page.boxes / STRIDE, page.labels.tolist(), page.sizes.tolist()):
        left, top, right, bottom = box.tolist()
        box_area = (slice(max(0, int(top)), int(np.ceil(bottom))), slice(max(0, int(left)), int(np.ceil(right))))
        if size < LARGE_ENOUGH_FROM_PIXELS:
            is_flag_counted[box_area] = False
            if size < TOO_SMALL_BELOW_PIXELS:
                is_small[box_area] = True
                maps[box_area + (1,)] = 0
                maps[box_area + (8,)] = np.log(size / BOX_UNIT_PIXELS)
                continue
        if label == IGNORED:
            maps[box_area + (1,)] = 0
            continue
        x, y = (left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5  # in cells; a cell's centre has whole coordinates
        spread_x, spread_y = (max(0.6, 0.12 * side) for side in (right - left, bottom - top))
        radius_x, radius_y = int(np.ceil(3 * spread_x)), int(np.ceil(3 * spread_y))
        columns = np.arange(max(0, round(x) - radius_x), min(width, round(x) + radius_x + 1))
        rows = np.arange(max(0, round(y) - radius_y), min(height, round(y) + radius_y + 1))
        if not len(columns) or not len(rows):
            continue
        heat = np.exp(-((rows - y) ** 2) / (2 * spread_y**2))[:, None] * np.exp(
            -((columns - x) ** 2) / (2 * spread_x**2)
        )
        heat = heat / heat.max()
        # Keep one peak where the centre lies between cells.
        peak = heat.argmax()
        heat[heat > MAX_HEAT_BESIDE_PEAK] = MAX_HEAT_BESIDE_PEAK
        heat.flat[peak] = 1
        window = maps[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        is_hotter = heat > window[..., 0]
        window[is_hotter, 0] = heat[is_hotter]
        is_own_cell = is_hotter & (heat > 0.3)
        window[is_own_cell, 2] = label
        window[is_own_cell, 3] = heat[is_own_cell]
        window[is_own_cell, 4] = (x - columns[None].repeat(len(rows), 0))[is_own_cell]
        window[is_own_cell, 5] = (y - rows[:, None].repeat(len(columns), 1))[is_own_cell]
        window[is_own_cell, 6:8] = np.log(np.maximum(0.25, (right - left, bottom - top)) * (STRIDE / BOX_UNIT_PIXELS))
        window[is_own_cell, 8] = np.log(size / BOX_UNIT_PIXELS)
    maps[..., 9] = is_small + 2 * (is_flag_counted | is_small)
    return maps
