"""Model files that say something else of themselves."""

from pathlib import Path

import onnx


def with_metadata(model: Path, path: Path, **said: str | None) -> Path:
    """Write a copy of a model with other metadata to `path`, and return that; what is None is left out."""
    copy = onnx.load(model)
    properties = {entry.key: entry.value for entry in copy.metadata_props} | said
    onnx.helper.set_model_props(copy, {key: value for key, value in properties.items() if value is not None})
    onnx.save(copy, path)
    return path
