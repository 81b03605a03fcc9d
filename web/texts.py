"""The texts that visitors and API callers read: languages/*.json, one file per language, all with the same keys.

The browser's first language decides; without a file for it, the page is English. Three places insert texts: the server
composes sentences in the language of the request, the browser fills the page's templates (`HEAD_SCRIPT`), and Gradio
translates its own components (`translate`). Messages of the API and of the command line are English.
"""

import json
from pathlib import Path
from typing import Any

import gradio as gr

from digits import Digit, ImageError, Reading

FALLBACK = "en"
LANGUAGES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("languages/*.json"))
}

# For Gradio's own components: translate("page.top_3").
translate = gr.I18n(**LANGUAGES)

# For templates and scripts in the browser, as `texts.pad.hint`. The head runs before the page is built.
HEAD_SCRIPT = f"""<script>
{{
  const languages = {json.dumps(LANGUAGES, ensure_ascii=False)};
  const language = navigator.language.split('-')[0];
  window.texts = languages[language] ?? languages.{FALLBACK};
  document.documentElement.lang = language in languages ? language : '{FALLBACK}';
}}
</script>"""

MAX_PERCENT = 99  # the highest percentage shown: no reader can be 100 % sure of someone's handwriting
CLEAR_WINNER_PROBABILITY = 0.8  # above it, an uncertain digit is more likely no digit than another digit

# Messages of the API and for link previews.
TITLE = LANGUAGES[FALLBACK]["page"]["title"]
NO_IMAGE = "There is no image to read. Send one as a file."
INVALID_BASE64 = "The image is damaged: it is not valid base64. Please send it again."
NOT_UPLOADED = "This is neither an uploaded file nor a data: URL. Send the image itself."
LINKS_NOT_FOLLOWED = "Links are not opened. Send the image itself, as a file or as a data: URL."
INVALID_REQUEST = 'The request could not be understood. Send a file, or {"url": "data:image/png;base64,..."}.'
INVALID_JSON = 'The JSON could not be understood. Send {"image": "data:image/png;base64,..."}.'
JSON_TOO_COMPLEX = "The JSON has too many values or too many nested levels."
FILES_ONLY = "Send up to 8 files as multipart/form-data, each in a field named files."
JSON_ONLY = "Send the body as application/json."
UNSUPPORTED_TYPE = (
    "Send the image itself as the body, as image/* or application/octet-stream, or send application/json."
)
POST_ONLY = "Use POST to send an image."
UNKNOWN_ENDPOINT = "There is no such endpoint. Send images to /predict."
BODY_TIMEOUT = "The request took too long to arrive. Please send it again."
BUSY = "Too many images are being read at the moment. Please try again in {seconds} s."
INTERNAL_ERROR = "An error occurred on the server. The request did not cause it."
PREDICT_DESCRIPTION = (
    "Read the handwritten numbers in an image (PNG, JPEG, WebP, GIF, BMP, TIFF): digits, numbers with marks such as "
    "12.50, several lines, tables. The image may be upright, rotated by its EXIF, or stored sideways or upside down. "
    "Returns the text, the digits with their probabilities, the numbers and the marks, each with its box in pixels, "
    "whether a digit or number is certain, the cells of a table, and by how many degrees the image was turned to read "
    "it. Send the image itself, as a file or as a data: URL. Links are not opened."
)


class Texts:
    """The texts of one language, and the sentences composed from them.

    Args:
        language: one of LANGUAGES.
    """

    def __init__(self, language: str):
        self._texts = LANGUAGES[language]

    def text(self, key: str, **values: object) -> str:
        """Return the text of a key such as "answer.empty", with its placeholders replaced by values."""
        section, _, name = key.partition(".")
        return self._texts[section][name].format(**values)

    def error_message(self, error: ImageError) -> str:
        """Return why an image could not be read."""
        if not error.reason:
            return str(error)
        name = error.facts.get("name") or self.text("not_read.the_file")
        return self.text(f"not_read.{error.reason}", **{**error.facts, "name": name})

    def describe(self, reading: Reading) -> str:
        """Return a sentence on what was read and how certain it is, and a second one where the image was turned."""
        if not reading.digits:
            return self.text("answer.no_digit")
        sentence = self._describe_digits(reading)
        return f"{sentence} {self.text(f'answer.turned_{reading.rotation}')}" if reading.rotation else sentence

    def _describe_digits(self, reading: Reading) -> str:
        weakest = reading.digits[reading.least_sure]
        values: dict[str, object] = {"digit": weakest.label, "percent": whole_percent(weakest.probability)}
        values["number"] = reading.text.replace("\n", " / ")
        if reading.table:
            values["number"] = self.text("answer.a_table", rows=len(reading.table), columns=len(reading.table[0]))
        uncertain = sum(not digit.certain for digit in reading.digits)
        if not uncertain and not reading.certain:
            return self.text("answer.left_out" if not reading.complete else "answer.mark_uncertain", **values)
        if reading.text == weakest.label:
            return self._describe_single(weakest, values)
        values |= {"uncertain": uncertain, "count": len(reading.digits)}
        if not uncertain:
            return self.text("answer.many_certain" if values["percent"] == MAX_PERCENT else "answer.many", **values)
        if uncertain == len(reading.digits):
            return self.text("answer.all_uncertain", **values)
        return self.text("answer.many_one_uncertain" if uncertain == 1 else "answer.many_uncertain", **values)

    def _describe_single(self, digit: Digit, values: dict[str, object]) -> str:
        names = self._texts["answer"]["a_digit"]
        _, (second, probability) = digit.top(2)
        values |= {"a_digit": names[int(digit.label)], "a_second": names[int(second)]}
        values |= {"second_percent": whole_percent(probability)}
        if digit.certain:
            return self.text("answer.one", **values)
        is_clear_winner = digit.probability > CLEAR_WINNER_PROBABILITY
        return self.text("answer.one_maybe_no_digit" if is_clear_winner else "answer.one_uncertain", **values)


def texts_for_request(request: gr.Request | None) -> Texts:
    """Return the texts in the first language that a request accepts, English where there is no file for it."""
    accepted = request.headers.get("accept-language", "") if request else ""
    language = accepted.partition(",")[0].partition(";")[0].partition("-")[0].strip().lower()
    return Texts(language if language in LANGUAGES else FALLBACK)


def whole_percent(probability: float) -> int:
    """Return a probability in whole percents, rounded down, MAX_PERCENT at most."""
    return min(MAX_PERCENT, int(100 * probability))


def too_large_message(limit: int) -> str:
    """Return the message that a body is larger than a limit in bytes."""
    return f"This is too large. At most {limit // 2**20} MB can be sent."


def cannot_listen_message(host: str | None, port: int | None) -> str:
    """Return why the page could not be opened, for whoever started it."""
    address = f"{host or '127.0.0.1'}, {f'port {port}' if port else 'any port from 7860 to 7959'}"
    reason = "taken, not allowed, or no address of this machine"
    return f"Can't listen on {address}: {reason}. Choose others with --port and --host."
