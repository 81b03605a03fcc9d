"""Ink -> the digits on it, each cut out by itself, line by line in reading order.

Ink that hangs together is a piece; specks, borders and rules are dropped, pieces of one digit are joined, and digits
are laid in lines. It knows how digits lie on a page and nothing of which digit is which.
"""

from dataclasses import dataclass

import cv2
import numpy as np

# Ink counts as a stroke from `STRONG` on; fainter ink down to `WEAK` belongs to the stroke that it touches.
STRONG = 0.5
WEAK = 0.25

# A piece smaller than this part of the largest is a speck.
SPECK = 0.12


@dataclass(frozen=True)
class Segment:
    """One digit's place and its ink.

    Attributes:
        box: (left, top, right, bottom), in pixels of the ink; right and bottom lie just outside.
        ink: float32 (H, W): the ink of this digit alone, with the soft rim round the box.
        line: the number of its line, from 0 at the top.
    """

    box: tuple[int, int, int, int]
    ink: np.ndarray
    line: int


@dataclass
class _Piece:
    left: int
    top: int
    right: int
    bottom: int
    labels: list[int]

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def size(self) -> int:
        return max(self.width, self.height)


def segment(ink: np.ndarray) -> list[Segment]:
    """Finds the digits on a page.

    Args:
        ink: float32 (H, W) in 0..1, 1 = ink.

    Returns:
        The digits, line by line from the top, each line from the left; empty where there are none.
    """
    pieces, labels = _pieces(ink)
    pieces = _without_frames(pieces, labels)
    pieces = _without_specks(pieces)
    pieces = _joined(pieces)
    segments = []
    for number, line in enumerate(_lines(pieces)):
        for piece in line:
            segments.append(_cut_out(piece, ink, labels, number))
    return segments


def _cut_out(piece: _Piece, ink: np.ndarray, labels: np.ndarray, line: int) -> Segment:
    # One pixel round the piece holds the soft rim of its strokes, which a small picture can't spare.
    area = (slice(max(0, piece.top - 1), piece.bottom + 1), slice(max(0, piece.left - 1), piece.right + 1))
    own = np.isin(labels[area], piece.labels)
    rim = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & (labels[area] == 0)
    box = (piece.left, piece.top, piece.right, piece.bottom)
    return Segment(box, np.where(own | rim, ink[area], 0).astype(np.float32), line)


def _pieces(ink: np.ndarray) -> tuple[list[_Piece], np.ndarray]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink > WEAK).astype(np.uint8), connectivity=8)
    is_strong = np.zeros(count, bool)
    is_strong[np.unique(labels[ink > STRONG])] = True
    pieces = []
    for label in range(1, count):
        left, top, width, height, _ = map(int, stats[label])
        if is_strong[label]:
            pieces.append(_Piece(left, top, left + width, top + height, [label]))
    return pieces, labels


def _without_frames(pieces: list[_Piece], labels: np.ndarray) -> list[_Piece]:
    """Drops what runs along the border of the picture: its frame, the edge of the table, a strip of shadow."""
    height, width = labels.shape
    rim = max(2, min(height, width) // 50)
    kept = []
    for piece in pieces:
        own = np.isin(labels, piece.labels)
        # The part of each side of the picture along which this piece runs.
        sides = (own[:rim].any(0), own[-rim:].any(0), own[:, :rim].any(1), own[:, -rim:].any(1))
        along = [side.mean() for side in sides]
        is_frame = sum(part > 0.7 for part in along) >= 2
        is_strip = max(along) > 0.5 and min(piece.width / width, piece.height / height) < 0.2
        if not (is_frame or is_strip):
            kept.append(piece)
    return kept


def _without_specks(pieces: list[_Piece]) -> list[_Piece]:
    if not pieces:
        return []
    largest = max(piece.size for piece in pieces)
    return [piece for piece in pieces if piece.size >= max(SPECK * largest, 3)]


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """Joins pieces of one digit: those that lie over one another, such as a five and its bar."""
    pieces = sorted(pieces, key=lambda piece: -piece.height)
    joined: list[_Piece] = []
    for piece in pieces:
        for whole in joined:
            overlap = min(piece.right, whole.right) - max(piece.left, whole.left)
            gap = max(piece.top, whole.top) - min(piece.bottom, whole.bottom)
            is_part = piece.height < 0.6 * whole.height
            if is_part and overlap > 0.4 * min(piece.width, whole.width) and gap < 0.25 * whole.height:
                whole.left, whole.right = min(whole.left, piece.left), max(whole.right, piece.right)
                whole.top, whole.bottom = min(whole.top, piece.top), max(whole.bottom, piece.bottom)
                whole.labels += piece.labels
                break
        else:
            joined.append(piece)
    return joined


def _lines(pieces: list[_Piece]) -> list[list[_Piece]]:
    """Lays pieces in lines: a piece belongs to the line that its middle falls in."""
    lines: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.left):
        middle = (piece.top + piece.bottom) / 2
        best, best_distance = None, 0.0
        for line in lines:
            # The line may climb or fall: its last digit is the one to compare with.
            last = line[-1]
            distance = abs(middle - (last.top + last.bottom) / 2)
            reach = 0.5 * max(last.height, piece.height)
            if distance < reach and (best is None or distance < best_distance):
                best, best_distance = line, distance
        if best is None:
            lines.append([piece])
        else:
            best.append(piece)
    return sorted(lines, key=lambda line: sum(piece.top + piece.bottom for piece in line) / len(line))
