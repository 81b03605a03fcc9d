"""The limits of a JSON body, checked before it is parsed: a value takes up to a hundred times its bytes in memory.

It counts with the fast methods of bytes and builds no value. Whether the text is JSON at all is the parser's to say.
"""

import re

MAX_VALUES = 10_000  # the page asks for 8 files at a time, of 3 values each
MAX_DEPTH = 32  # Gradio walks through what it is sent by recursion


def is_too_complex(body: bytes) -> bool:
    """Return whether a JSON text holds more values than MAX_VALUES or nests them deeper than MAX_DEPTH.

    UTF-16 and UTF-32, which JSON between programs must not be (RFC 8259), are too complex as well.
    """
    if b"\0" in body or body.count(b'"') > 4 * MAX_VALUES:  # a key and a value have two quotes each
        return True
    if b"\\" in body:  # which no image has, so that its many bytes are not copied
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    outside_strings = b"".join(body.split(b'"')[::2])
    if sum(map(outside_strings.count, (b",", b"[", b"]", b"{", b"}"))) > MAX_VALUES:
        return True
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", outside_strings):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False
