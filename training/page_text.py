"""Make up what is written on pages: numbers, arithmetic, words, letters and signs."""

import numpy as np

from training.glyph_library import GREEK, LETTERS

NON_MARK_SIGNS = "=x()%$#÷→~v*"

# Letters that can't be distinguished from a digit where they stand alone.
DIGIT_LIKE_LETTERS = "OoDQlIiLZzSsBbqgGTtJjyYuUhAβ"


def random_number(random: np.random.Generator) -> str:
    """Return a number as people write it: digits, and marks between them."""
    kind = random.random()
    length = min(12, 1 + int(random.exponential(3)))
    digits = "".join(map(str, random.integers(0, 10, length)))
    if kind < 0.5:
        return digits
    if kind < 0.62:
        whole = str(random.integers(1, 10 ** int(random.integers(1, 7))))
        rounded = whole[:1] + "0" * (len(whole) - 1) if random.random() < 0.5 else whole
        grouped = f"{int(rounded):,}"
        end = ("", ".", ",", "-", ".-", "=", ".=")[random.integers(7)]
        return (grouped.replace(",", ".") if random.random() < 0.6 else grouped) + end
    if kind < 0.74:
        point = ".,"[random.integers(2)]
        return digits + point + "".join(map(str, random.integers(0, 10, random.integers(1, 4))))
    if kind < 0.87:
        separator = "///-.:"[random.integers(6)]
        parts = [f"{n:02d}" if random.random() < 0.7 else str(n) for n in random.integers(1, 60, random.integers(2, 4))]
        if random.random() < 0.4:
            parts[-1] = str(random.integers(1900, 2100))
        return separator.join(parts)
    if kind < 0.92:
        return "-+-"[random.integers(3)] + digits
    return str(random.integers(1, 10)) + "0" * int(random.integers(1, 7))


def random_arithmetic(random: np.random.Generator) -> list[str]:
    """Return the tokens of a calculation: numbers and signs."""
    tokens = []
    for position in range(random.integers(2, 7)):
        if position:
            tokens.append("+-x/÷=+-x="[random.integers(10)])
        digits = str(random.integers(0, 10 ** int(random.integers(1, 4))))
        if random.random() < 0.35:
            tokens += ["(", digits] if random.random() < 0.5 else [digits, ")"]
        else:
            tokens.append(digits)
    return tokens


def random_word(random: np.random.Generator) -> str:
    """Return two to eight random letters."""
    letters = LETTERS[:26] if random.random() < 0.7 else GREEK if random.random() < 0.15 else LETTERS
    word = "".join(letters[i] for i in random.integers(0, len(letters), random.integers(2, 9)))
    return word.capitalize() if random.random() < 0.3 else word


def random_sign(random: np.random.Generator) -> str:
    """Return a sign that is not a mark of CLASSES."""
    return NON_MARK_SIGNS[random.integers(len(NON_MARK_SIGNS))]


def random_letter(random: np.random.Generator) -> str:
    """Return a Latin or Greek letter."""
    alphabet = GREEK if random.random() < 0.25 else LETTERS
    return alphabet[random.integers(len(alphabet))]
