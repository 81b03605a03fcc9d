"""Write model files with changed metadata."""

from pathlib import Path

import onnx


def with_metadata(model: Path, path: Path, **changes: str | None) -> Path:
    """Write a copy of a model with changed metadata to `path`, and return `path`; a key with None is removed."""
    copy = onnx.load(model)
    properties = {entry.key: entry.value for entry in copy.metadata_props} | changes
    onnx.helper.set_model_props(copy, {key: value for key, value in properties.items() if value is not None})
    onnx.save(copy, path)
    return path
