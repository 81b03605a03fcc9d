"""Every text a visitor can see, in the visitor's language: languages/*.json, one file each, all with the same keys.

The language is the first that the browser asks for, English where it is none of ours. What the server says is put
together here, by the request's own header; what stands on the page is put there by the browser (`HEAD`), and by
Gradio's translation where the component is Gradio's (`translated`). What only programs are told is English.
"""

import json
from pathlib import Path

import gradio as gr

from digits import Digit, ImageError, Reading

FALLBACK = "en"
LANGUAGES: dict[str, dict] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("languages/*.json"))
}

# For Gradio's own components: translated("page.top_3").
translated = gr.I18n(**LANGUAGES)

# For everything else in the browser: `texts.pad.hint` in templates and scripts, set before the page is built.
HEAD = f"""<script>
{{
  const languages = {json.dumps(LANGUAGES, ensure_ascii=False)};
  const language = navigator.language.split('-')[0];
  window.texts = languages[language] ?? languages.{FALLBACK};
  document.documentElement.lang = language in languages ? language : '{FALLBACK}';
}}
</script>"""

MOST_PERCENT = 99
LIKELY = 0.8

# To programs, and to those who preview a link to the page.
TITLE = LANGUAGES[FALLBACK]["page"]["title"]
NO_IMAGE = "There is no image to read: send one as a file."
BROKEN_DATA = "The image is damaged: it is not valid base64. Please send it again."
NOT_SENT = "This is neither a file that was sent here nor a data: URL: send the image itself."
NO_LINKS = "Links are not opened here: send the image itself, as a file or as a data: URL."
NOT_UNDERSTOOD = 'This could not be understood: send a file, or {"url": "data:image/png;base64,..."}.'
BROKEN_JSON = 'The JSON could not be understood: send {"image": "data:image/png;base64,..."}.'
COMPLEX_JSON = "The JSON holds too many values, or nests them too deeply."
FILES_ONLY = "Send up to 8 files as multipart/form-data, each in a field named files."
JSON_ONLY = "Send the body as application/json."
WRONG_TYPE = "Send the image itself as the body, as image/* or application/octet-stream, or as application/json."
POST_ONLY = "Send an image here with POST."
NO_ENDPOINT = "There is no endpoint of this name; the images go to /predict."
TOO_SLOW = "The request took too long to arrive. Please send it again."
BUSY = "Too much is being read just now. Please come again in {seconds} s."
OUR_FAULT = "Something went wrong here; it is not what was sent."
PREDICT = (
    "Read the handwritten numbers in an image (PNG, JPEG, WebP, GIF, BMP, TIFF): digits, numbers with marks such as "
    "12.50, several lines, tables; upright, rotated by its EXIF, or stored sideways or upside down. Answers the text, "
    "the digits with their probabilities, the numbers and the marks, each with its box in pixels, whether a digit or "
    "number is certain, the cells of a table, and by how many degrees the image was turned to read it. Send the image "
    "itself, as a file or as a data: URL: links are not opened."
)


class Texts:
    """The texts of one language, and the sentences that are made of them.

    Args:
        language: one of LANGUAGES.
    """

    def __init__(self, language: str):
        self._texts = LANGUAGES[language]

    def say(self, key: str, **facts: object) -> str:
        """The text of a key such as "answer.empty", with facts in its places."""
        section, _, name = key.partition(".")
        return self._texts[section][name].format(**facts)

    def problem(self, error: ImageError) -> str:
        """Why an image could not be read."""
        if not error.reason:
            return str(error)
        name = error.facts.get("name") or self.say("not_read.the_file")
        return self.say(f"not_read.{error.reason}", **{**error.facts, "name": name})

    def sentence(self, reading: Reading) -> str:
        """What was read, and how sure it is, in one sentence; a second one where the image was turned to read it."""
        if not reading.digits:
            return self.say("answer.no_digit")
        said = self._what_was_read(reading)
        return f"{said} {self.say(f'answer.turned_{reading.rotation}')}" if reading.rotation else said

    def _what_was_read(self, reading: Reading) -> str:
        weakest = reading.digits[reading.least_sure]
        facts: dict[str, object] = {"digit": weakest.label, "percent": percent(weakest.probability)}
        facts["number"] = reading.text.replace("\n", " / ")
        if reading.table:
            facts["number"] = self.say("answer.a_table", rows=len(reading.table), columns=len(reading.table[0]))
        unsure = sum(not digit.certain for digit in reading.digits)
        if not unsure and not reading.certain:
            return self.say("answer.left_out" if not reading.complete else "answer.mark_unsure", **facts)
        if reading.text == weakest.label:
            return self._one(weakest, facts)
        facts |= {"unsure": unsure, "count": len(reading.digits)}
        if not unsure:
            return self.say("answer.many_sure" if facts["percent"] == MOST_PERCENT else "answer.many", **facts)
        if unsure == len(reading.digits):
            return self.say("answer.all_unsure", **facts)
        return self.say("answer.many_one_unsure" if unsure == 1 else "answer.many_unsure", **facts)

    def _one(self, digit: Digit, facts: dict[str, object]) -> str:
        names = self._texts["answer"]["a_digit"]
        _, (second, probability) = digit.top(2)
        facts |= {"a_digit": names[int(digit.label)], "a_second": names[int(second)]}
        facts |= {"second_percent": percent(probability)}
        if digit.certain:
            return self.say("answer.one", **facts)
        # Where one digit is much the likeliest, the doubt is whether this is a digit.
        return self.say("answer.one_doubted" if digit.probability > LIKELY else "answer.one_unsure", **facts)


def spoken_by(request: gr.Request | None) -> Texts:
    """The texts in the language that a request asks for first."""
    asked = request.headers.get("accept-language", "") if request else ""
    language = asked.partition(",")[0].partition(";")[0].partition("-")[0].strip().lower()
    return Texts(language if language in LANGUAGES else FALLBACK)


def percent(probability: float) -> int:
    """Whole percents, rounded down, and 99 at most: nobody can be 100 % sure of another's handwriting."""
    return min(MOST_PERCENT, int(100 * probability))


def too_large(limit: int) -> str:
    """What was sent is larger than a limit in bytes; to programs."""
    return f"This is too large: at most {limit // 2**20} MB can be sent."


def not_listening(host: str | None, port: int | None) -> str:
    """Why the page could not be opened; to whoever started it."""
    where = f"{host or '127.0.0.1'}, {f'port {port}' if port else 'any port from 7860 to 7959'}"
    why = "taken, not allowed, or no address of this machine"
    return f"Can't listen on {where}: {why}. Choose others with --port and --host."
