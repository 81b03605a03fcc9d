"""Every text a visitor can see, in one place, and the sentences that say what was read."""

from digits import Digit, Reading

TITLE = "Handwritten digits"
TAGLINE = "Write a digit or a whole number, or show a photo of one: it is read as you go, and says how sure it is."
EXAMPLES = "Examples, drawn on this page"
TOP_3 = "Top 3"

PAD = {
    "pad": "Drawing pad: write digits here with a mouse, a finger or a pen",
    "hint": "Write a digit here, or a whole number",
    "hint_more": "You can also drop, paste or choose a photo",
    "width": "Pen width",
    "thin": "Thin pen",
    "medium": "Medium pen",
    "thick": "Thick pen",
    "eraser": "Eraser",
    "undo": "Undo (Ctrl+Z)",
    "clear": "Clear (Delete)",
    "photo": "Photo",
    "choose_photo": "Choose a photo or an image file",
    "camera": "Camera",
    "take_photo": "Take a photo",
    "shutter": "Take the photo",
    "close": "Back to the pad",
    "no_preview": "No preview: this browser can't show the file.",
    "no_camera": "The camera can't be used here. Choose a photo instead.",
    "not_uploaded": "The file could not be sent. Please try again, or try a smaller one.",
}

ANSWER = {"choose": "Digits read: choose the one that the top 3 and the bars show", "unsure": "unsure"}
BARS = {"title": "All ten digits"}

EMPTY = "Nothing to read yet: write a digit on the pad, and the answer appears here."
NO_DIGIT = "No digit found here. Write it larger or darker, or try another photo."
NO_IMAGE = "There is no image to read: send one as a file."
BROKEN_DATA = "The image is damaged: it is not valid base64. Please send it again."
NOT_SENT = "This file was not sent from here: send the image itself."
NO_LINKS = "Links are not opened here: send the image itself, as a file or as a data: URL."

PREDICT = "Read the handwritten digits in an image (PNG, JPEG, WebP, GIF, BMP, TIFF), upright or rotated by its EXIF."


def not_listening(host: str | None, port: int | None) -> str:
    """Why the page could not be opened."""
    where = f"{host or '127.0.0.1'}, {f'port {port}' if port else 'any port from 7860 to 7959'}"
    return f"Can't listen on {where}: taken, or no address of this machine. Choose others with --port and --host."


def example(name: str) -> str:
    """An example by the name of its file: 5-4079 is the fifth, and shows 4079."""
    return f"Example: {name.partition('-')[2]}"


def percent(probability: float) -> int:
    """Whole percents, rounded down, and 99 at most: nobody can be 100 % sure of another's handwriting."""
    return min(99, int(100 * probability))


def sentence(reading: Reading) -> str:
    """What was read, and how sure it is, in one sentence."""
    digits = reading.digits
    if not digits:
        return NO_DIGIT
    if len(digits) == 1:
        return _one_digit(digits[0])
    number = reading.text.replace("\n", " / ")
    weakest = min(digits, key=lambda digit: digit.probability)
    unsure = sum(not digit.certain for digit in digits)
    if not unsure:
        return f"This is {number}, least sure of the {_shown(weakest)}."
    if unsure == 1:
        return f"This may be {number}: the {_shown(weakest)} is unsure."
    return f"This may be {number}: {unsure} of {len(digits)} digits are unsure, most of all the {_shown(weakest)}."


def _one_digit(digit: Digit) -> str:
    if digit.certain:
        return f"This is {_article(digit.label)} {_shown(digit)}."
    _, (second, probability) = digit.top(2)
    return (
        f"Not sure: this may be {_article(digit.label)} {_shown(digit)}, "
        f"or {_article(second)} {second} ({percent(probability)} %)."
    )


def _shown(digit: Digit) -> str:
    return f"{digit.label} ({percent(digit.probability)} %)"


def _article(label: str) -> str:
    return "an" if label == "8" else "a"
