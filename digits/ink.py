"""Upright pixels -> ink: 1 where the pen was, 0 where the paper is, whatever pen, paper and light.

Paper is what remains when everything thinner than a few strokes is closed over (a black top-hat transform): shadows,
slanted light, the edge of the sheet and the table beyond it are all larger than that, and fall away with the paper. It
knows nothing of digits.
"""

from collections.abc import Callable, Sequence
from functools import reduce

import cv2
import numpy as np

from digits.edges import without_edges
from digits.images import shrunk
from digits.ruling import without_ruling
from digits.sheet import find_sheet, on_sheet_alone, sheet_mask

# Light and pen are surveyed on copies of these sizes.
SURVEY_SIDE = 256
POLARITY_SIDE = 128

# A sample of so many rows and columns is enough for counting, where strokes are fine and where they are broad or only
# their colour matters; and for the median of a neighbourhood.
FINE_SAMPLE_SIDE = 400
SAMPLE_SIDE = 160
MEDIAN_SIDE = 64

# Where the finest strokes are so many pixels wide on the survey's copy, all the rest is done on that copy as well.
FINE_PEN = 6

# The neighbourhoods whose median is taken for paper, as parts of the picture's side (one half, and so on), and how much
# of what departs from it, cubed, must do so to one side to tell ink.
NEIGHBOURHOODS = ((2, 0.8), (4, 0.5), (8, 0.5))

# So many pixels along a side of the picture tell what lies outside it.
SIDE_SAMPLES = 64

# Contrast under which nothing counts as ink: in 0..255, and in units of the paper's own grain.
MIN_CONTRAST = 12
MIN_CONTRAST_IN_GRAIN = 6

# Ink is coloured where its channels differ by so much more than the paper's, in 0..255.
MIN_COLOUR = 24

# Grain is measured along so many rows of a picture that has twice as many.
GRAIN_ROWS = 50

# How many stroke widths the paper is closed over: enough for the crossing of two thick strokes.
STROKES_CLOSED_OVER = 4

# Closing over a square costs much; one of so many pixels finds paper as well as a larger one on a larger picture.
CLOSED_SIDE = 32

# OpenCV closes a picture nearly twice as fast whose rows are a multiple of this long.
FAST_LENGTH = 16


def find_ink(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """Separates ink from paper.

    Args:
        pixels: uint8 (H, W, 3), upright.

    Returns:
        The ink, float32 (h, w) in 0..1, 1 = ink, linear in the pen's contrast to the paper, all zero on a blank sheet;
        and its scale: how many of its pixels make one of the picture's, 1.0 unless it is large and all its strokes are
        broad.
    """
    survey = shrunk(pixels, SURVEY_SIDE)
    sheet = find_sheet(survey)
    if sheet is not None:
        survey = on_sheet_alone(survey, sheet)
    split: Callable[[np.ndarray], Sequence[np.ndarray]] = _gray
    channels = split(survey)
    # A sheet that is lighter than what it lies on is written on in something darker.
    if sheet is None and _is_light_on_dark(shrunk(channels[0], POLARITY_SIDE)):
        pixels, survey = ~pixels, ~survey
        channels = split(survey)
    if _is_colourful(survey):
        # The channel that coloured ink absorbs most shows it best: blue for yellow ink, green for red.
        split, channels = cv2.split, cv2.split(survey)
    pen, window = _pen_and_window(channels)
    scale, sample_side = 1 / (max(pixels.shape) // max(survey.shape)), SAMPLE_SIDE
    if pen < FINE_PEN:
        pixels = pixels if sheet is None else on_sheet_alone(pixels, sheet)
        channels, window, scale, sample_side = split(pixels), window / scale, 1.0, FINE_SAMPLE_SIDE
    papers = [_paper(channel, window) for channel in channels]
    contrast = _contrast(channels, papers)
    if sheet is not None:
        contrast *= sheet_mask(sheet, contrast.shape)
    contrast, residue = without_ruling(contrast)
    contrast = without_edges(contrast, channels, papers)
    counts = _counts(_sampled(contrast, sample_side))
    # All that follows depends on a pixel's contrast alone, so it is worked out once for each of the 256.
    return cv2.LUT(contrast, _ink_of_contrast(counts, max(MIN_CONTRAST, residue), _grain(channels))), scale


def _ink_of_contrast(counts: np.ndarray, least: float, grain: float) -> np.ndarray:
    """How much ink each contrast (0..255) is, float32 (256,), given how many pixels have it, what counts at all, and
    the grain of what was seen."""
    level = np.arange(256, dtype=np.float32)
    # Paper's grain shows in the lower third, which is paper even where a thick digit fills the picture. For normally
    # distributed grain its 10th and 30th percentiles are 0.76 standard deviations apart.
    share = np.cumsum(counts, dtype=np.float64)
    low, floor = np.searchsorted(share, (0.1 * share[-1], 0.3 * share[-1]))
    grain = max(grain, (floor - low) / 0.76)
    level -= floor + 1.5 * grain
    visible = np.where(level > max(least, MIN_CONTRAST_IN_GRAIN * grain), counts, 0)
    share = np.cumsum(visible, dtype=np.float64)
    if not share[-1]:
        return np.zeros(256, np.float32)
    full = level[np.searchsorted(share, 0.9 * share[-1])]
    return (level / full).clip(0, 1).astype(np.float32)


def _grain(channels: Sequence[np.ndarray]) -> float:
    """The standard deviation of the finest grain, 0 for a small picture: there a stroke is as fine.

    From the median departure of a pixel from the middle of its neighbours, most of which have no edge between them
    (after Immerkaer, "Fast noise variance estimation", 1996). Contrast doesn't show it where half of the grain is
    lighter than what is taken for paper.
    """
    height, width = channels[0].shape
    if min(height, width) < 2 * GRAIN_ROWS:
        return 0.0
    step = height // GRAIN_ROWS
    medians = [0]
    for channel in channels:
        departure = cv2.filter2D(np.ascontiguousarray(channel[::step]), cv2.CV_16S, np.array([[1.0, -2, 1]]))
        if 2 * cv2.countNonZero(departure) > departure.size:  # seldom so where the page was drawn on a screen
            share = np.cumsum(_counts(cv2.convertScaleAbs(departure))) / departure.size
            medians.append(int(np.searchsorted(share, 0.5)))
    # Half of what is normally distributed lies within 0.674 standard deviations; a departure has six pixels' grain.
    return max(medians) / (0.674 * np.sqrt(6))


def _sampled(pixels: np.ndarray, side: int) -> np.ndarray:
    """Every n-th row and column of a picture (H, W) or (H, W, C), so that no side is longer than `side`."""
    step = -(-max(pixels.shape[:2]) // side)
    height, width = (-(-length // step) for length in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_NEAREST)


def _counts(levels: np.ndarray) -> np.ndarray:
    """How often each of 0..255 occurs, float32 (256,)."""
    return cv2.calcHist([levels], [0], None, [256], [0, 256]).ravel()


def _gray(pixels: np.ndarray) -> Sequence[np.ndarray]:
    return (cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY),)


def _is_light_on_dark(gray: np.ndarray) -> bool:
    """Most of any neighbourhood is paper, so what departs from its median is ink, to one side."""
    side = max(gray.shape)
    sample = _sampled(gray, MEDIAN_SIDE)
    leanings = []
    # Where a table shows beside the sheet, large neighbourhoods depart to both sides, and smaller ones are asked. On a
    # tiny picture strokes are as wide as these.
    for part, decided in NEIGHBOURHOODS if side >= POLARITY_SIDE // 2 else NEIGHBOURHOODS[:1]:
        median = cv2.resize(cv2.medianBlur(sample, max(3, max(sample.shape) // part) | 1), gray.shape[::-1])
        cubes = cv2.pow(cv2.subtract(gray, median, dtype=cv2.CV_32F), 3)
        leanings.append(cv2.sumElems(cubes)[0] / max(cv2.norm(cubes, cv2.NORM_L1), 1.0))
        if abs(leanings[-1]) > decided:
            return leanings[-1] > 0
    return leanings[0] > 0


def _is_colourful(pixels: np.ndarray) -> bool:
    red, green, blue = cv2.split(_sampled(pixels, SAMPLE_SIDE))
    spread = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    if spread.max() <= MIN_COLOUR:
        return False
    share = np.cumsum(_counts(spread)) / spread.size
    median, top = np.searchsorted(share, (0.5, 0.995))
    return bool(top - median > MIN_COLOUR)


def _contrast(channels: Sequence[np.ndarray], papers: Sequence[np.ndarray]) -> np.ndarray:
    """How much darker than the paper round it each pixel is, uint8, in the channel that shows it most."""
    return reduce(cv2.max, map(cv2.subtract, papers, channels))


def _paper(channel: np.ndarray, window: float) -> np.ndarray:
    """The channel closed over squares of that side, uint8: what it would be without ink.

    It is worked out on a copy as small as the window allows, for paper is smooth.
    """
    height, width = channel.shape
    factor = max(1, int(window // CLOSED_SIDE))
    small = channel
    if factor > 1:
        small = cv2.resize(channel, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    side = int(window // factor) | 1
    margin = side // 2
    closed = cv2.morphologyEx(_with_margin(small, margin), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    closed = closed[margin : margin + small.shape[0], margin : margin + small.shape[1]]
    if factor == 1:
        return closed
    # Where bright paper ends, its edge would be smeared over what is dark beyond it, and that taken for ink: so the
    # bright side gives way by a pixel.
    return cv2.resize(cv2.erode(closed, np.ones((3, 3), np.uint8)), (width, height), interpolation=cv2.INTER_LINEAR)


def _with_margin(channel: np.ndarray, margin: int) -> np.ndarray:
    """The picture with more of the same paper round it: the median along each side goes on outwards.

    So a picture that darkens towards a side has no ink there, nor has a strip of table; a stroke that runs into the
    side still has.
    """
    sides = channel.copy()
    height, width = channel.shape
    for line, length in ((sides[0], width), (sides[-1], width), (sides[:, 0], height), (sides[:, -1], height)):
        step = -(-length // SIDE_SAMPLES)
        sample = np.ascontiguousarray(line[step // 2 :: step])[None]
        line[:] = cv2.resize(cv2.medianBlur(sample, SIDE_SAMPLES // 2 | 1), (length, 1))[0]
    right = margin + -(width + 2 * margin) % FAST_LENGTH
    page = cv2.copyMakeBorder(sides, margin, margin, margin, right, cv2.BORDER_REPLICATE)
    page[margin : margin + height, margin : margin + width] = channel
    return page


def _pen_and_window(channels: Sequence[np.ndarray]) -> tuple[float, float]:
    """How wide the finest strokes are, and the side of the square that paper is closed over: a few times the pen's
    usual width. In pixels of the channels."""
    side = min(channels[0].shape)
    contrast = _contrast(channels, [_paper(channel, max(3, 0.4 * side)) for channel in channels])
    _, ink = cv2.threshold(contrast, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if contrast.max() < MIN_CONTRAST:
        fine = usual = 0.0
    else:
        # On the middle of a stroke the distance to the paper is half its width. There is none beyond the border.
        x, y, width, height = cv2.boundingRect(ink)
        inked = ink[max(0, y - 1) : y + height + 1, max(0, x - 1) : x + width + 1]
        distance = cv2.distanceTransform(inked, cv2.DIST_L2, 3)
        ridge = np.sort(distance[(distance == cv2.dilate(distance, np.ones((3, 3)))) & (distance > 0)])
        fine, usual = min(2 * float(ridge[len(ridge) // 10]), side), 2 * float(ridge[len(ridge) // 2])
    return fine, min(max(STROKES_CLOSED_OVER * usual + 3, side / 10), 0.6 * side)
