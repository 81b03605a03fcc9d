"""What the page network should say of a page: the maps that it is trained towards, and what its channels mean.

It knows pages and maps, and nothing of TensorFlow, so that the processes that compose pages need not load it.
"""

import numpy as np

from training.pages import CLASSES, IGNORED, LARGE_ENOUGH, TOO_SMALL, Page

STRIDE = 4
COARSEST = 32

# Boxes are learned in units of this many pixels, as logarithms.
UNIT = 16.0

# A cell beside a centre, that lies as near as the centre's own, is as hot at most.
NO_PEAK = 0.97

# The output's channels: centre, class logits, box (offset of the centre in cells, log width, log height), log height of
# a digit of the same hand, and writing that is too small.
CLASS_COUNT = len(CLASSES) + 1
CENTRE, FIRST_CLASS, FIRST_BOX = 0, 1, 1 + CLASS_COUNT
SIZE, SMALL = FIRST_BOX + 4, FIRST_BOX + 5
CHANNELS = SMALL + 1


def target_maps(page: Page) -> np.ndarray:
    """Draw what the network should say of a page.

    Returns:
        float32 (H/4, W/4, 10): centre heat in 0..1; 1 where the centre map counts; class index; weight of class and box
        (0..1); offset x, y; log width, log height; log size; 0..3: bit 1 writing too small, bit 2 that this counts.
    """
    height, width = (side // STRIDE for side in page.picture.shape[:2])
    maps = np.zeros((height, width, 10), np.float32)
    maps[..., 1] = 1
    small, counted = np.zeros((height, width), bool), np.ones((height, width), bool)
    for box, label, size in zip(page.boxes / STRIDE, page.labels.tolist(), page.sizes.tolist()):
        left, top, right, bottom = box.tolist()
        area = (slice(max(0, int(top)), int(np.ceil(bottom))), slice(max(0, int(left)), int(np.ceil(right))))
        if size < LARGE_ENOUGH:
            counted[area] = False
            if size < TOO_SMALL:
                small[area] = True
                maps[area + (1,)] = 0
                maps[area + (8,)] = np.log(size / UNIT)
                continue
        if label == IGNORED:
            maps[area + (1,)] = 0
            continue
        x, y = (left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5  # in cells, whose middles are whole numbers
        spread_x, spread_y = (max(0.6, 0.12 * side) for side in (right - left, bottom - top))
        reach_x, reach_y = int(np.ceil(3 * spread_x)), int(np.ceil(3 * spread_y))
        columns = np.arange(max(0, round(x) - reach_x), min(width, round(x) + reach_x + 1))
        rows = np.arange(max(0, round(y) - reach_y), min(height, round(y) + reach_y + 1))
        if not len(columns) or not len(rows):
            continue
        heat = np.exp(-((rows - y) ** 2) / (2 * spread_y**2))[:, None] * np.exp(
            -((columns - x) ** 2) / (2 * spread_x**2)
        )
        heat = heat / heat.max()
        # A middle between cells has one peak all the same.
        peak = heat.argmax()
        heat[heat > NO_PEAK] = NO_PEAK
        heat.flat[peak] = 1
        window = maps[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        nearest = heat > window[..., 0]
        window[nearest, 0] = heat[nearest]
        own = nearest & (heat > 0.3)
        window[own, 2] = label
        window[own, 3] = heat[own]
        window[own, 4] = (x - columns[None].repeat(len(rows), 0))[own]
        window[own, 5] = (y - rows[:, None].repeat(len(columns), 1))[own]
        window[own, 6:8] = np.log(np.maximum(0.25, (right - left, bottom - top)) * (STRIDE / UNIT))
        window[own, 8] = np.log(size / UNIT)
    maps[..., 9] = small + 2 * (counted | small)
    return maps
