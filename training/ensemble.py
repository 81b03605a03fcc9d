"""Networks that were trained from different seeds -> one ONNX file that answers with their average.

Each network errs in its own way, and where they disagree the average is less sure: it is a little better than its
members, and knows better when it does not know. (Lakshminarayanan et al., "Simple and scalable predictive uncertainty
estimation using deep ensembles", 2017.) Weights are kept in half precision, so that two networks take the room of one;
they are single precision again once the file is loaded. It works on ONNX files alone, and knows nothing of how they
were trained.
"""

from pathlib import Path

import numpy as np

from digits.classifier import OUTPUTS
from training.export import ExportError, outputs, put_in_place

# How far the average of the members as they are may lie from the file's, whose weights are rounded to 11 bits.
TOLERANCE = 0.005

# Smaller tensors are kept as they are: they are shapes and scales, and hardly take room.
LEAST_ROUNDED = 256


def export_average(members: list[Path], metadata: dict[str, str], images: np.ndarray, path: Path) -> None:
    """Writes the average of models as one, proves it against them, and only then puts it in its place, in one step.

    Args:
        members: files made by export.export_onnx; one is enough.
        metadata: goes into the file's metadata_props.
        images: float32 (N, 28, 28, 1); the file and the mean of its members must agree on every one.
        path: the file to write or replace.

    Raises:
        ExportError: the file failed a check; what was at `path` is untouched.
    """
    import onnx

    model = _average([onnx.load(member) for member in members])
    put_in_place(model, metadata, lambda part: _check(part, members, images), path)


def _average(members):
    """One graph: the members side by side on one input, and the mean of each of their outputs."""
    from onnx import compose, helper

    graphs = [
        compose.add_prefix(member, f"member{at}/", rename_inputs=False).graph for at, member in enumerate(members)
    ]
    means = [
        helper.make_node("Mean", [f"member{at}/{output}" for at in range(len(members))], [output], f"mean_{output}")
        for output in OUTPUTS
    ]
    weights, casts = _rounded([initializer for graph in graphs for initializer in graph.initializer])
    graph = helper.make_graph(
        casts + [node for graph in graphs for node in graph.node] + means,
        "average",
        list(members[0].graph.input),
        [next(value for value in members[0].graph.output if value.name == output) for output in OUTPUTS],
        weights,
    )
    model = helper.make_model(graph, opset_imports=members[0].opset_import)
    model.ir_version = members[0].ir_version
    return model


def _rounded(weights):
    """Weights in half precision, and the nodes that make them single precision again under their own names."""
    from onnx import TensorProto, helper, numpy_helper

    kept, casts = [], []
    for weight in weights:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < LEAST_ROUNDED:
            kept.append(weight)
            continue
        half = f"{weight.name}/half"
        kept.append(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [weight.name], f"{half}/cast", to=TensorProto.FLOAT))
    return kept, casts


def halved(model):
    """The same model with its weights kept in half precision."""
    weights, casts = _rounded(model.graph.initializer)
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(weights)
    model.graph.node.extend(nodes)
    return model


def _check(path: Path, members: list[Path], images: np.ndarray) -> None:
    ours = outputs(path, images)
    theirs = [outputs(member, images) for member in members]
    difference = max(float(np.abs(one - np.mean(others, 0)).max()) for one, *others in zip(ours, *theirs))
    if not difference <= TOLERANCE:
        raise ExportError(
            f"The averaged model disagrees with its members by up to {difference:.1e} "
            f"(at most {TOLERANCE:.0e} is allowed)."
        )
