"""Reads handwritten digits: any image in, the number and how sure it is out.

from digits import DigitReader
reading = DigitReader().read("photo.jpg")
print(reading.text, reading.digits[0].top(3))
"""

from digits.classifier import ModelError
from digits.images import ImageError
from digits.reader import Digit, DigitReader, Reading, Stages

__all__ = ["Digit", "DigitReader", "ImageError", "ModelError", "Reading", "Stages"]
