"""Pieces of ink -> digits: which pieces make one, and where one piece is two.

Every way to take a line apart is a path through its pieces; what each step might be is asked of the network, and the
most probable path wins. So strokes that were lifted join and digits that touch part, with no rule of how digits look.
(Over-segmentation and the best path: Burges et al., "Shortest path segmentation", 1992.) It knows nothing of images.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from digits.frame import DIGIT_SIDE, frame
from digits.segment import Page, Piece, together
from digits.shapes import broadest, is_blot, is_lying

# A piece that is one digit with this certainty, with no other near, is taken as it is.
CLEAR = 0.9

# Pieces further apart than this part of the taller one's height don't make one digit.
JOIN_GAP = 0.2

# The most cuts through one piece.
MOST_CUTS = 8

# The most pieces that make one digit, and its largest width in heights of its line.
MOST_PIECES = 4
WIDEST = 1.7

# What each cut through ink costs, as a factor on the probability of the path: cutting wants a reason.
CUT_COST = 0.15

# Trust in digits that were cut apart where no digit stands by itself: it may as well be a letter.
LONE_CUT = 0.35

# A blot so many times as broad as the strokes of digits is no work of their pen.
THING = 2

# A picture with no side longer, in pixels, is one of a single digit: nothing is cut there.
TINY = 32

# A piece smaller than this part of its line may be no digit at all, at this price.
DOT = 0.3
DOT_COST = 0.02

# All of a page's pieces may be one digit, if they are so many at most, and no further apart than this part of the
# largest; those that lie over one another are, unless several digits are so much likelier.
MOST_STROKES = 6
ONE_GAP = 0.5
ONE_COST = 0.2

# What a page's pieces and the candidates made of them may cost, in calls of the network; so many pixels, to be cut out
# and framed, cost another one. Once that is spent the other lines are taken as they stand: where so much is doubtful,
# there are hardly digits.
MOST_CALLS = 900
PIXELS_A_CALL = 100_000

Classify = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Guess:
    """What one piece is if it is one digit.

    Attributes:
        piece: where it lies.
        frame: float32 (28, 28): what the network saw.
        probabilities: float32 (10,), of every digit; sums to 1.
        is_digit: how probable it is that this is one digit at all; 0 for a blot.
        is_blot: whether it is solid, as no digit is.
        is_cut: whether it was cut from a larger piece.
        trust: how far that is trusted, 0..1.
    """

    piece: Piece
    frame: np.ndarray
    probabilities: np.ndarray
    is_digit: float
    is_blot: bool = False
    is_cut: bool = False
    trust: float = 1.0

    @cached_property
    def certainty(self) -> float:
        """How probable it is that this is the digit that it is read as."""
        return float(self.probabilities.max()) * self.is_digit * self.trust


def assemble(pages: list[Page], classify: Classify) -> list[list[list[Guess]]]:
    """Reads pages.

    Args:
        pages: pages taken apart; pieces that are cut are cut in their labels.
        classify: frames (N, 28, 28) -> probabilities (N, 10) and is_digit (N,).

    Returns:
        For every page its lines, and for every line its digits from the left.
    """
    # Every piece by itself, and all of a page's as one digit where they are few: in one call of the network.
    wholes = [_whole(page) for page in pages]
    asked = [
        (page, piece)
        for page, whole in zip(pages, wholes)
        for piece in (*(piece for line in page.lines for piece in line), *whole)
    ]
    guesses = iter(_guesses(asked, classify))
    read = []
    for page, whole in zip(pages, wholes):
        alone = [[next(guesses) for _ in line] for line in page.lines]
        as_one = [next(guesses) for _ in whole]
        lines = _without_things(list(_read_lines(page, alone, classify)))
        certainty = math.prod(guess.certainty for digits in lines for guess in digits)
        # A digit whose strokes lie far apart is still one if that is likelier. Side by side they are digits as a rule;
        # over one another, or on a tiny picture, they are strokes as a rule.
        needed = certainty * (ONE_COST if len(lines) > 1 or _is_tiny(page) else 1)
        read.append([as_one] if as_one and as_one[0].certainty > needed else _with_trust(lines))
    return read


def _without_things(lines: list[list[Guess]]) -> list[list[Guess]]:
    """Drops blots that no pen made which wrote clear digits on the page, a coin or a thumb; and lines left empty."""
    if any(guess.is_blot for digits in lines for guess in digits):
        pens = [_pen(guess) for digits in lines for guess in digits if guess.certainty > CLEAR]
        limit = THING * max(pens, default=math.inf)
        lines = [[guess for guess in digits if not (guess.is_blot and _pen(guess) > limit)] for digits in lines]
    return [digits for digits in lines if digits]


def _pen(guess: Guess) -> float:
    """How broad a piece's strokes are where they are broadest, in pixels of the page."""
    return broadest(guess.frame) * guess.piece.size / DIGIT_SIDE


def _with_trust(lines: list[list[Guess]]) -> list[list[Guess]]:
    """Less trust in digits that were cut from larger pieces, on a page where none stands clearly by itself."""
    if any(guess.certainty > CLEAR and not guess.is_cut for line in lines for guess in line):
        return lines
    return [[replace(guess, trust=LONE_CUT) if guess.is_cut else guess for guess in line] for line in lines]


def _is_tiny(page: Page) -> bool:
    """Whether the picture is one of those that hold a single digit, and no room for another."""
    return max(page.ink.shape) <= TINY


def _whole(page: Page) -> list[Piece]:
    """All pieces of a page as one, in a list; an empty list where they are one already, or too many or too wide."""
    pieces = [piece for line in page.lines for piece in line]
    if not 2 <= len(pieces) <= MOST_STROKES:
        return []
    whole = together(pieces)
    reach = ONE_GAP * max(piece.size for piece in pieces)
    is_near = all(any(_distance(piece, other) <= reach for other in pieces if other is not piece) for piece in pieces)
    return [whole] if is_near and whole.width <= WIDEST * whole.height else []


def _guesses(pieces: list[tuple[Page, Piece]], classify: Classify) -> list[Guess]:
    frames = np.array([frame(page.cut_out(piece)) for page, piece in pieces])
    blots = [is_blot(framed) for framed in frames]
    return [
        Guess(piece, framed, probabilities, 0.0 if blot else float(is_digit), blot)
        for (_, piece), framed, blot, probabilities, is_digit in zip(pieces, frames, blots, *classify(frames))
    ]


def _read_lines(page: Page, alone: list[list[Guess]], classify: Classify) -> Iterator[list[Guess]]:
    calls = float(MOST_CALLS - sum(map(len, alone)))
    for line, guesses in zip(page.lines, alone):
        digits, spent = _read_line(page, line, guesses, classify, calls)
        calls -= spent
        yield digits


def _read_line(
    page: Page, line: list[Piece], guesses: list[Guess], classify: Classify, calls: float
) -> tuple[list[Guess], float]:
    """The digits of a line, given what each piece is by itself, and how many of the page's `calls` that took."""
    height = max(piece.height for piece in line)
    is_alone = [
        all(other is piece or piece.gap(other) > JOIN_GAP * height for other in line[max(0, at - 3) : at + 4])
        for at, piece in enumerate(line)
    ]
    if all(alone and guess.certainty > CLEAR for alone, guess in zip(is_alone, guesses)):
        return guesses, 0

    # Doubtful pieces that are wide enough for two digits are cut; a part knows the piece that it was cut from.
    is_doubtful = [
        guess.certainty < CLEAR
        and not guess.is_blot
        and not _is_tiny(page)
        and piece.width > 0.5 * height
        and piece.height > 0.5 * height
        and not (piece.width > WIDEST * piece.height and is_lying(page.cut_out(piece)))
        for piece, guess in zip(line, guesses)
    ]
    if sum(MOST_CUTS * _calls(piece) for piece, doubtful in zip(line, is_doubtful) if doubtful) + len(line) > calls:
        return guesses, calls
    atoms: list[tuple[Piece, Piece]] = []
    for piece, doubtful in zip(line, is_doubtful):
        atoms += [(part, piece) for part in (page.cut(piece, MOST_CUTS) if doubtful else [piece])]

    spans = [
        (start, end)
        for start in range(len(atoms))
        for end in range(start + 1, min(len(atoms), start + MOST_PIECES * 3) + 1)
        if _may_be_one([part for part, _ in atoms[start:end]], [whole for _, whole in atoms[start:end]], height)
    ]
    candidates = [together([part for part, _ in atoms[start:end]]) for start, end in spans]
    spent = sum(map(_calls, candidates))
    if spent > calls:
        return guesses, calls
    steps: dict[int, list[tuple[int, Guess]]] = {}
    for (start, end), guess in zip(spans, _guesses([(page, piece) for piece in candidates], classify)):
        is_cut = any(0 < at < len(atoms) and atoms[at - 1][1] is atoms[at][1] for at in (start, end))
        steps.setdefault(start, []).append((end, replace(guess, is_cut=is_cut)))
    return _best_path(atoms, steps, height), spent


def _calls(piece: Piece) -> float:
    """What it costs to ask what a piece is, in calls of the network."""
    return 1 + piece.width * piece.height / PIXELS_A_CALL


def _best_path(atoms: list[tuple[Piece, Piece]], steps: dict[int, list[tuple[int, Guess]]], height: int) -> list[Guess]:
    # From the right: the best way to read all from each atom on, and its logarithm of probability.
    best: list[tuple[float, list[Guess]]] = [(0.0, [])]
    for start in range(len(atoms) - 1, -1, -1):
        ways = []
        for end, guess in steps.get(start, []):
            score, rest = best[len(atoms) - end]
            # A cut was made where the next atom comes from the same piece.
            is_cut = end < len(atoms) and atoms[end][1] is atoms[end - 1][1]
            score += math.log(max(guess.certainty, 1e-9)) + (math.log(CUT_COST) if is_cut else 0)
            if end < len(atoms) and _is_within(atoms[end][0], guess.piece):
                score += math.log(ONE_COST)
            ways.append((score, [guess, *rest]))
        if atoms[start][0].size < DOT * height:
            score, rest = best[len(atoms) - start - 1]
            ways.append((score + math.log(DOT_COST), rest))
        best.append(max(ways, key=lambda way: way[0]))
    return best[-1][1]


def _may_be_one(parts: list[Piece], wholes: list[Piece], height: int) -> bool:
    if len({id(whole) for whole in wholes}) > MOST_PIECES or together(parts).width > WIDEST * height:
        return len(parts) == 1
    return all(
        whole is other or part.gap(beside) <= JOIN_GAP * height
        for part, beside, whole, other in zip(parts, parts[1:], wholes, wholes[1:])
    )


def _is_within(piece: Piece, other: Piece) -> bool:
    """Whether a piece lies inside another's box, as the slash of a zero does that touches no side."""
    return together([piece, other]).box == other.box


def _distance(piece: Piece, other: Piece) -> int:
    """The empty space between two pieces, sideways or up and down, whichever is wider, in pixels."""
    above = max(piece.box[1], other.box[1]) - min(piece.box[3], other.box[3])
    return max(piece.gap(other), above)
