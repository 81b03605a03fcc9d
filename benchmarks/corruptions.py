"""Ways in which a small picture of a digit goes bad: each takes uint8 (28, 28), ink bright, and gives the same form.

They know nothing of the reader, and were chosen before it was measured on them: what Mu and Gilmer's MNIST-C (2019)
has that a scanner, a camera or a sheet of paper really does.
"""

from collections.abc import Callable

import cv2
import numpy as np

Corruption = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _bytes(image: np.ndarray) -> np.ndarray:
    return image.clip(0, 255).round().astype(np.uint8)


def gaussian_noise(image, random):
    return _bytes(image + random.normal(0, 45, image.shape))


def shot_noise(image, random):
    return _bytes(random.poisson(image / 255 * 12 + 0.6) * 255 / 12)


def salt_and_pepper(image, random):
    chance = random.random(image.shape)
    return np.where(chance < 0.04, 0, np.where(chance > 0.96, 255, image)).astype(np.uint8)


def gaussian_blur(image, random):
    return cv2.GaussianBlur(image, (0, 0), 1.6)


def motion_blur(image, random):
    kernel = np.zeros((7, 7), np.float32)
    angle = random.uniform(0, np.pi)
    for t in np.linspace(-3, 3, 25):
        kernel[round(3 + t * np.sin(angle)), round(3 + t * np.cos(angle))] = 1
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def fog(image, random):
    mist = cv2.resize(random.random((4, 4)).astype(np.float32), (28, 28), interpolation=cv2.INTER_CUBIC)
    return _bytes(0.5 * image + 150 * mist)


def low_contrast(image, random):
    return _bytes(110 + 0.15 * image)


def brightness(image, random):
    return _bytes(image * 0.6 + 100)


def stripes(image, random):
    """Three bright stripes, as of a folded or badly scanned sheet."""
    striped = image.copy()
    start, lean = int(random.integers(0, 8)), random.uniform(-0.3, 0.3)
    y, x = np.indices(image.shape)
    for number in range(3):
        line = np.abs(y - (start + 9 * number + lean * (x - 14))) < 0.7
        striped[line] = np.maximum(striped[line], 150)
    return striped


def ruled_paper(image, random):
    ruled = image.copy()
    rows = np.arange(int(random.integers(0, 9)), 28, 9)
    ruled[rows] = np.maximum(ruled[rows], 80)
    return ruled


def squared_paper(image, random):
    squared = image.copy()
    for lines in (squared, squared.T):
        at = np.arange(int(random.integers(0, 7)), 28, 7)
        lines[at] = np.maximum(lines[at], 70)
    return squared


def spatter(image, random):
    spattered = image.copy()
    for _ in range(6):
        y, x = random.integers(1, 27, 2)
        cv2.circle(spattered, (int(x), int(y)), int(random.integers(0, 2)), int(random.integers(120, 256)), -1)
    return spattered


CORRUPTIONS: dict[str, Corruption] = {
    corruption.__name__.replace("_", " "): corruption
    for corruption in (
        gaussian_noise,
        shot_noise,
        salt_and_pepper,
        gaussian_blur,
        motion_blur,
        fog,
        low_contrast,
        brightness,
        stripes,
        ruled_paper,
        squared_paper,
        spatter,
    )
}
