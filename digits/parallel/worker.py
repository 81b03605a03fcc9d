"""A reader in a process of its own: images come in by its standard input, readings go out by its standard output.

    python -m digits.parallel.worker MODEL

Each message is a pickle: first one that it is ready, then one answer to each question. It ends when its standard input
does, and so with the process that started it, however that ends. See cores.py, which asks.
"""

import os
import pickle
import sys
from collections.abc import Sequence

import cv2

from digits.classifier import ModelError
from digits.images import ImageError, ImageSource
from digits.reader import DigitReader
from digits.reading import Reading

READY = "ready"


def main() -> None:
    """Answer until there is nobody to ask."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    cv2.setNumThreads(1)
    try:
        reader = DigitReader(sys.argv[1])
    except ModelError:  # whoever asks loads the same one, and says what is wrong with it
        sys.exit(1)
    answer: object = READY
    try:
        while True:
            pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
            answer = read_all(reader, pickle.load(sys.stdin.buffer))
    except (EOFError, BrokenPipeError):
        os._exit(0)  # nothing is left to be written


def read_all(reader: DigitReader, images: Sequence[ImageSource]) -> list[Reading | ImageError]:
    """The reading of each image, or why it can't be read."""
    try:
        return list(reader.read_many(images))
    except ImageError as error:
        if len(images) == 1:
            return [error]
        return [reading for image in images for reading in read_all(reader, [image])]


if __name__ == "__main__":
    main()
