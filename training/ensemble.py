"""Export the average of networks that were trained from different seeds, as one ONNX file.

The networks make different errors, and where they disagree the average is less confident: it is slightly more accurate
than its members and better calibrated (Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation
using deep ensembles", 2017). Weights are stored in half precision, so that the file of two networks is as large as that
of one; they are cast to single precision when the file is loaded. This module works on ONNX files, and knows nothing of
how they were trained.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from digits.classifier import DIGIT_OUTPUTS
from training.export import ExportError, run_model, write_checked_model

# Maximum difference between the file's outputs, whose weights are rounded to 11 bits, and the average of the members'.
AVERAGE_TOLERANCE = 0.005

# Tensors with fewer elements keep their precision: they are shapes and scales, and add little to the file's size.
MIN_HALF_PRECISION_ELEMENTS = 256


def export_average(members: list[Path], metadata: dict[str, str], images: np.ndarray, path: Path) -> None:
    """Write the average of models as one model, compare it with them, and then replace `path` atomically.

    Args:
        members: one or more files written by export.export_onnx.
        metadata: the file's metadata_props.
        images: float32 (N, 28, 28, 1); the file must agree with the mean of its members on every image.
        path: the file to write or replace.

    Raises:
        ExportError: the file failed a check; `path` is unchanged.
    """
    model = _average([onnx.load(member) for member in members])
    write_checked_model(model, metadata, lambda part: _check_average(part, members, images), path)


def _average(members: list[onnx.ModelProto]) -> onnx.ModelProto:
    """Build one graph: the members in parallel on one input, and the mean of each of their outputs."""
    graphs = [
        compose.add_prefix(member, f"member{number}/", rename_inputs=False).graph
        for number, member in enumerate(members)
    ]
    means = [
        helper.make_node(
            "Mean", [f"member{number}/{output}" for number in range(len(members))], [output], f"mean_{output}"
        )
        for output in DIGIT_OUTPUTS
    ]
    weights, casts = _to_half_precision([initializer for graph in graphs for initializer in graph.initializer])
    graph = helper.make_graph(
        casts + [node for graph in graphs for node in graph.node] + means,
        "average",
        list(members[0].graph.input),
        [next(value for value in members[0].graph.output if value.name == output) for output in DIGIT_OUTPUTS],
        weights,
    )
    model = helper.make_model(graph, opset_imports=members[0].opset_import)
    model.ir_version = members[0].ir_version
    return model


def _to_half_precision(
    weights: Sequence[onnx.TensorProto],
) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    """Return weights in half precision, and the nodes that cast them to single precision under their old names."""
    stored: list[onnx.TensorProto] = []
    casts: list[onnx.NodeProto] = []
    for weight in weights:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < MIN_HALF_PRECISION_ELEMENTS:
            stored.append(weight)
            continue
        half_name = f"{weight.name}/half"
        stored.append(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), half_name))
        casts.append(helper.make_node("Cast", [half_name], [weight.name], f"{half_name}/cast", to=TensorProto.FLOAT))
    return stored, casts


def store_in_half_precision(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace a model's weights by weights in half precision, in place, and return it."""
    weights, casts = _to_half_precision(model.graph.initializer)
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(weights)
    model.graph.node.extend(nodes)
    return model


def _check_average(path: Path, members: list[Path], images: np.ndarray) -> None:
    """Raise ExportError where an output differs from the members' mean by more than AVERAGE_TOLERANCE."""
    average = run_model(path, images)
    expected = [run_model(member, images) for member in members]
    difference = max(
        float(np.abs(actual - np.mean(of_members, 0)).max()) for actual, *of_members in zip(average, *expected)
    )
    if not difference <= AVERAGE_TOLERANCE:
        raise ExportError(
            f"The averaged model disagrees with its members by up to {difference:.1e} "
            f"(at most {AVERAGE_TOLERANCE:.0e} is allowed)."
        )
