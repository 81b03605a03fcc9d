"""Run a reader in a process of its own: images arrive on its standard input, readings leave on its standard output.

    python -m digits.parallel.worker MODEL

Each message is a pickle: first READY, then one response for each request. The process ends when its standard input is
closed, and therefore with the process that started it, however that ends. process_pool.py sends the requests.
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
    """Respond to requests until standard input is closed."""
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output that a library prints must not mix with responses
    cv2.setNumThreads(1)
    try:
        reader = DigitReader(sys.argv[1])
    except ModelError:  # the parent process loads the same model, and reports the error
        sys.exit(1)
    response: object = READY
    try:
        while True:
            pickle.dump(response, responses, pickle.HIGHEST_PROTOCOL)
            responses.flush()
            response = read_images(reader, pickle.load(sys.stdin.buffer))
    except (EOFError, BrokenPipeError):
        os._exit(0)  # no output is buffered, so that no cleanup is needed


def read_images(reader: DigitReader, images: Sequence[ImageSource]) -> list[Reading | ImageError]:
    """Return the reading of each image, or the error that says why it can't be read."""
    try:
        return list(reader.read_many(images))
    except ImageError as error:
        if len(images) == 1:
            return [error]
        return [reading for image in images for reading in read_images(reader, [image])]


if __name__ == "__main__":
    main()
