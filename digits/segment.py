"""Ink -> pieces that hang together, laid in lines; and the knife that cuts a piece where asked to.

Specks, frames and strips of table are dropped here. It knows how writing lies on a page, and nothing of which digit is
which, or of which pieces make one: see assemble.py.
"""

from dataclasses import dataclass

import cv2
import numpy as np

# Ink counts as a stroke from `STRONG` on; fainter ink down to `WEAK` belongs to the stroke that it touches.
STRONG = 0.5
WEAK = 0.25

# A piece smaller than this part of the largest is a speck.
SPECK = 0.12

# What is smaller than this, in pixels, is one on any page.
SMALLEST = 3

# A page holds so many pieces at most: where there are more, the smallest are specks too. And digits hardly lie over one
# another: where the pieces' boxes cover the page so many times, it is hatched.
MOST_ON_PAGE = 750
MOST_LAYERS = 10

# A piece lower than this part of the tallest is no digit alone: it belongs to a line that taller ones make. One that
# lies rather than stands may be the bar of a five, and is allowed more.
SMALL = 0.45
SMALL_LYING = 0.7

# No piece is taken for so many times as tall as the one at which half of all heights are summed.
TOWERING = 1.5

# What lies alone or under its line and is so many times as wide as high is a dash, or the rest of a printed line.
DASH = 4

# The nearest that two cuts may lie to each other, as a part of a piece's height.
CUT_DISTANCE = 0.12


@dataclass(frozen=True)
class Piece:
    """Ink that hangs together, or several such pieces taken as one.

    Attributes:
        box: (left, top, right, bottom), in pixels of the ink; right and bottom lie just outside.
        labels: the numbers of its ink in Page.labels.
    """

    box: tuple[int, int, int, int]
    labels: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    @property
    def size(self) -> int:
        return max(self.width, self.height)

    def gap(self, other: "Piece") -> int:
        """The empty space to another piece, sideways, in pixels; negative where they lie over one another."""
        return max(self.box[0], other.box[0]) - min(self.box[2], other.box[2])


@dataclass
class Page:
    """A page taken apart.

    Attributes:
        ink: float32 (H, W) in 0..1, 1 = ink.
        labels: int32 (H, W): which piece each pixel belongs to, 0 for none.
        lines: the pieces, line by line from the top, each line from the left.
    """

    ink: np.ndarray
    labels: np.ndarray
    lines: list[list[Piece]]

    def cut_out(self, piece: Piece) -> np.ndarray:
        """The ink of this piece alone, float32 (h, w), with the soft rim of its strokes round the box."""
        left, top, right, bottom = piece.box
        area = (slice(max(0, top - 1), bottom + 1), slice(max(0, left - 1), right + 1))
        labels = self.labels[area]
        own = labels == piece.labels[0]
        for label in piece.labels[1:]:
            own |= labels == label
        rim = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & (labels == 0)
        return np.where(own | rim, self.ink[area], np.float32(0))

    def cut(self, piece: Piece, most: int = 8) -> list[Piece]:
        """Cuts a piece from top to bottom where the least ink is cut through, in at most `most` places.

        Returns the parts from the left; the piece alone where there is no place to cut. Each cut is a seam that bends
        round the ink as it can (the idea of seam carving: Avidan and Shamir, 2007).
        """
        left, top, right, bottom = piece.box
        area = (slice(top, bottom), slice(left, right))
        own = np.isin(self.labels[area], piece.labels)
        seams = _seams(np.where(own, self.ink[area], 0), most)
        # Each pixel belongs to the part that lies between its two seams.
        part = (np.arange(piece.width)[None, :, None] >= np.array(seams).T[:, None, :]).sum(2) if seams else None
        if part is None:
            return [piece]
        parts = []
        first = int(self.labels.max()) + 1
        for number in range(len(seams) + 1):
            mask = own & (part == number)
            if not mask.any():
                continue
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            box = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
            self.labels[area][mask] = first + number
            parts.append(Piece((int(box[0]), int(box[1]), int(box[2]), int(box[3])), (first + number,)))
        return parts


def together(pieces: list[Piece]) -> Piece:
    """Several pieces taken as one."""
    lefts, tops, rights, bottoms = zip(*(piece.box for piece in pieces))
    labels = tuple(label for piece in pieces for label in piece.labels)
    return Piece((min(lefts), min(tops), max(rights), max(bottoms)), labels)


def segment(ink: np.ndarray) -> Page:
    """Takes a page apart.

    Args:
        ink: float32 (H, W) in 0..1, 1 = ink.
    """
    labels = np.zeros(ink.shape, np.int32)
    mask = (ink > WEAK).view(np.uint8)
    # Labelling is slow, and most of a page is empty.
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return Page(ink, labels, [])
    area = (slice(y, y + height), slice(x, x + width))
    count, labels_in_area, stats, _ = cv2.connectedComponentsWithStats(mask[area], connectivity=8)
    labels[area] = labels_in_area
    is_strong = np.zeros(count, bool)
    is_strong[labels_in_area[ink[area] > STRONG]] = True
    is_strong[0] = False
    pieces = []
    for label in np.flatnonzero(is_strong & (stats[:, 2:4].max(1) >= SMALLEST)):
        left, top, width, height = (int(number) for number in stats[label, :4])
        pieces.append(Piece((x + left, y + top, x + left + width, y + top + height), (int(label),)))
    pieces = _without_specks(_without_frames(pieces, labels))
    is_hatched = sum(piece.width * piece.height for piece in pieces) > MOST_LAYERS * ink.size
    return Page(ink, labels, [] if is_hatched else _lines(pieces))


def _without_frames(pieces: list[Piece], labels: np.ndarray) -> list[Piece]:
    """Drops what runs along the border of the picture: its frame, the edge of the table, the end of a printed line."""
    height, width = labels.shape
    rim = max(2, min(height, width) // 50)
    borders = (labels[:rim], labels[-rim:], labels[:, :rim].T, labels[:, -rim:].T)
    kept = []
    for piece in pieces:
        left, top, right, bottom = piece.box
        if left >= rim and top >= rim and right <= width - rim and bottom <= height - rim:
            kept.append(piece)
            continue
        if right <= rim or bottom <= rim or left >= width - rim or top >= height - rim:
            continue
        if max(piece.width / width, piece.height / height) <= 0.5:
            kept.append(piece)
            continue
        # The part of each side of the picture along which this piece runs.
        along = [(border == piece.labels[0]).any(0).mean() for border in borders]
        is_frame = sum(part > 0.7 for part in along) >= 2
        is_strip = max(along) > 0.5 and min(piece.width / width, piece.height / height) < 0.2
        if not (is_frame or is_strip):
            kept.append(piece)
    return kept


def _without_specks(pieces: list[Piece]) -> list[Piece]:
    sizes = sorted((piece.size for piece in pieces), reverse=True)
    least = SPECK * sizes[0] if sizes else 0
    if len(sizes) > MOST_ON_PAGE:
        least = max(least, sizes[MOST_ON_PAGE] + 1)
    return [piece for piece in pieces if piece.size >= least]


def _lines(pieces: list[Piece]) -> list[list[Piece]]:
    """Lays pieces in lines, without dashes. A line may climb or fall: a piece is compared with the one on its left."""
    tallest = _tallest(pieces)
    small: list[Piece] = []
    large: list[Piece] = []
    for piece in pieces:
        least = (SMALL_LYING if piece.width > 1.5 * piece.height else SMALL) * tallest
        (small if piece.height < least else large).append(piece)
    lines: list[list[Piece]] = []
    # The box of each line's last two pieces, or of its only one twice.
    tails = np.zeros((len(large), 2, 4), int)
    for piece in sorted(large, key=lambda piece: piece.box[0]):
        offsets = _offsets(piece, tails[: len(lines)], tallest).min(1)
        if len(offsets) and offsets.min() < 0.5:
            number = int(offsets.argmin())
            lines[number].append(piece)
            tails[number] = tails[number, 1], piece.box
        else:
            tails[len(lines)] = piece.box
            lines.append([piece])
    # The box of each piece that is laid in a line, and the line's number.
    laid = np.zeros((len(pieces), 5), int)
    count = 0
    for number, line in enumerate(lines):
        for piece in line:
            laid[count] = (*piece.box, number)
            count += 1
    for piece in small:
        # The bar of a five lies above the middle of its line, a dot below; with nothing beside it, it is a digit.
        offset, number = _nearest(piece, laid[:count], tallest)
        is_alone = offset >= 0.8
        # The foot of a one lies as flat as a dash, but closer.
        is_apart = is_alone or piece.box[1] > max(other.box[3] for other in lines[number]) + 0.25 * tallest
        if piece.width >= DASH * piece.height and is_apart:
            continue
        if is_alone:
            number = len(lines)
            lines.append([])
        lines[number].append(piece)
        laid[count] = (*piece.box, number)
        count += 1
    for line in lines:
        line.sort(key=lambda piece: piece.box[0])
    return sorted(lines, key=lambda line: sum(piece.box[1] + piece.box[3] for piece in line) / len(line))


def _tallest(pieces: list[Piece]) -> float:
    """The height of the tallest piece, unless a few tower above all others: a crease, or a strip of shadow."""
    if not pieces:
        return 0
    heights = np.sort([piece.height for piece in pieces])
    share = np.cumsum(heights) / heights.sum()
    return float(min(heights[-1], TOWERING * heights[np.searchsorted(share, 0.5)]))


def _offsets(piece: Piece, boxes: np.ndarray, tallest: float) -> np.ndarray:
    """How far the middles of boxes (..., 4) lie from a piece's in height, in heights of the taller, within what the
    page's digits have."""
    tops, bottoms = boxes[..., 1], boxes[..., 3]
    height = np.maximum(np.maximum(piece.height, bottoms - tops), 0.6 * tallest)
    return np.abs(piece.box[1] + piece.box[3] - tops - bottoms) / 2 / np.minimum(height, tallest)


def _nearest(piece: Piece, laid: np.ndarray, tallest: float) -> tuple[float, int]:
    """The offset of the laid pieces (N, 5) that is least, more where one is not beside this piece; and its line."""
    if not len(laid):
        return 1.0, 0
    left, top, right, bottom, line = laid.T
    gap = np.maximum(piece.box[0], left) - np.minimum(piece.box[2], right)
    # Beside is what has less than a height of the taller between, sideways.
    is_beside = gap < np.maximum(piece.height, bottom - top)
    offset = _offsets(piece, laid[:, :4], tallest) + np.where(is_beside, 0, 0.3)
    least = offset.min()
    return float(least), int(line[offset == least].min())


def _seams(ink: np.ndarray, most: int) -> list[np.ndarray]:
    """The cheapest ways from top to bottom, from the left: each a column for every row."""
    height, width = ink.shape
    # A step sideways costs a little, so that a seam through nothing goes straight.
    step = 0.05
    down, up = np.array(ink), np.array(ink)
    for row in range(1, height):
        down[row] += _cheapest(down[row - 1], step)
        up[-1 - row] += _cheapest(up[-row], step)
    middle = height // 2
    cost = down[middle] + up[middle] - ink[middle]
    distance = max(2, int(CUT_DISTANCE * height))
    cost[:distance] = cost[-distance:] = np.inf
    columns: list[int] = []
    for column in np.argsort(cost, kind="stable"):
        if not np.isfinite(cost[column]) or len(columns) == most:
            break
        if all(abs(column - other) >= distance for other in columns):
            columns.append(int(column))
    seams = []
    for column in sorted(columns):
        seam = np.empty(height, int)
        seam[middle] = column
        for row in range(middle - 1, -1, -1):
            seam[row] = _follow(down[row], seam[row + 1], step)
        for row in range(middle + 1, height):
            seam[row] = _follow(up[row], seam[row - 1], step)
        seams.append(seam)
    return seams


def _cheapest(row: np.ndarray, step: float) -> np.ndarray:
    """For each column the cheapest of its three neighbours in the row before."""
    best = row.copy()
    np.minimum(best[1:], row[:-1] + step, out=best[1:])
    np.minimum(best[:-1], row[1:] + step, out=best[:-1])
    return best


def _follow(row: np.ndarray, column: int, step: float) -> int:
    choices = [c for c in (column, column - 1, column + 1) if 0 <= c < len(row)]
    return min(choices, key=lambda c: row[c] + step * (c != column))
