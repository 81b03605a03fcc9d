"""Print Markdown tables, and save them for the documents that quote them.

This module knows nothing of their content.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path


def show(lines: Sequence[str], save: Path | None) -> None:
    """Print lines, and write them to a file if a path is given."""
    text = "\n".join(lines)
    print(text)
    if save:
        save.parent.mkdir(parents=True, exist_ok=True)
        save.write_text(text + "\n")


def measured_with(*models: str | os.PathLike) -> str:
    """Return the line that names the model files that the figures were measured with."""
    digests = [hashlib.sha256(Path(model).read_bytes()).hexdigest()[:16] for model in models]
    described = [f"{Path(model).name}, whose SHA-256 begins with {digest}" for model, digest in zip(models, digests)]
    return f"Measured with {', and '.join(described)}."
