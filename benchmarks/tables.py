"""Tables in Markdown, printed and kept for the documents that quote them. It knows nothing of what they say."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path


def show(lines: Sequence[str], save: Path | None) -> None:
    """Prints lines; and writes them to a file, if there is to be one."""
    text = "\n".join(lines)
    print(text)
    if save:
        save.parent.mkdir(parents=True, exist_ok=True)
        save.write_text(text + "\n")


def measured_with(*models: str | os.PathLike) -> str:
    """The line that says which models the figures belong to."""
    digests = [hashlib.sha256(Path(model).read_bytes()).hexdigest()[:16] for model in models]
    named = [f"{Path(model).name}, whose SHA-256 begins with {digest}" for model, digest in zip(models, digests)]
    return f"Measured with {', and '.join(named)}."
