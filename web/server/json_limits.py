"""The limits of a JSON body, checked before parsing: a parsed value takes up to a hundred times its bytes in memory.

The check counts characters with the fast methods of bytes and builds no value. Whether the text is valid JSON is left
to the parser.
"""

import re

MAX_JSON_VALUES = 10_000  # the page requests 8 files at a time, of 3 values each
MAX_JSON_DEPTH = 32  # Gradio walks through the parsed value recursively


def is_too_complex(body: bytes) -> bool:
    """Return whether a JSON text has more values than MAX_JSON_VALUES or nests them deeper than MAX_JSON_DEPTH.

    UTF-16 and UTF-32 count as too complex, because JSON between programs must be UTF-8 (RFC 8259).
    """
    if b"\0" in body or body.count(b'"') > 4 * MAX_JSON_VALUES:  # a key and a value have two quotes each
        return True
    if b"\\" in body:  # base64 has no backslash, so the many bytes of an image are not copied
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    outside_strings = b"".join(body.split(b'"')[::2])
    if sum(map(outside_strings.count, (b",", b"[", b"]", b"{", b"}"))) > MAX_JSON_VALUES:
        return True
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", outside_strings):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_JSON_DEPTH:
            return True
    return False
