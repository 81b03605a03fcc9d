"""Corrupt small pictures of digits: each function takes and returns uint8 (28, 28), ink bright.

The corruptions are those of MNIST-C (Mu and Gilmer, 2019) that a scanner, a camera or a sheet of paper can cause. They
were chosen before the reader was measured on them. This module knows nothing of the reader.
"""

from collections.abc import Callable

import cv2
import numpy as np

Corruption = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _to_uint8(image: np.ndarray) -> np.ndarray:
    return image.clip(0, 255).round().astype(np.uint8)


def gaussian_noise(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _to_uint8(image + random.normal(0, 45, image.shape))


def shot_noise(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _to_uint8(random.poisson(image / 255 * 12 + 0.6) * 255 / 12)


def salt_and_pepper(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    value = random.random(image.shape)
    return np.where(value < 0.04, 0, np.where(value > 0.96, 255, image)).astype(np.uint8)


def gaussian_blur(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), 1.6)


def motion_blur(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    kernel = np.zeros((7, 7), np.float32)
    angle = random.uniform(0, np.pi)
    for t in np.linspace(-3, 3, 25):
        kernel[round(3 + t * np.sin(angle)), round(3 + t * np.cos(angle))] = 1
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def fog(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    mist = cv2.resize(random.random((4, 4)).astype(np.float32), (28, 28), interpolation=cv2.INTER_CUBIC)
    return _to_uint8(0.5 * image + 150 * mist)


def low_contrast(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _to_uint8(110 + 0.15 * image)


def brightness(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _to_uint8(image * 0.6 + 100)


def stripes(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw three bright stripes, as on a folded or badly scanned sheet."""
    striped = image.copy()
    start, slope = int(random.integers(0, 8)), random.uniform(-0.3, 0.3)
    y, x = np.indices(image.shape)
    for number in range(3):
        line = np.abs(y - (start + 9 * number + slope * (x - 14))) < 0.7
        striped[line] = np.maximum(striped[line], 150)
    return striped


def ruled_paper(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    ruled = image.copy()
    rows = np.arange(int(random.integers(0, 9)), 28, 9)
    ruled[rows] = np.maximum(ruled[rows], 80)
    return ruled


def squared_paper(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    squared = image.copy()
    for lines in (squared, squared.T):
        positions = np.arange(int(random.integers(0, 7)), 28, 7)
        lines[positions] = np.maximum(lines[positions], 70)
    return squared


def spatter(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
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
