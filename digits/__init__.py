"""Read handwritten numbers: any image in, the numbers and their probabilities out.

from digits import DigitReader
reading = DigitReader().read("photo.jpg")
print(reading.text, reading.digits[0].top(3))
"""

from digits.classifier import ModelError
from digits.images import ImageError
from digits.reader import DigitReader, Stages
from digits.reading import Digit, Mark, Number, Reading

__all__ = ["Digit", "DigitReader", "ImageError", "Mark", "ModelError", "Number", "Reading", "Stages", "__version__"]

# The only definition of the version. The wheel, the command line, the page and the metadata of new models use it.
__version__ = "1.1.0"
