"""Compare runtimes on the digit network: time per digit, time to the first answer, memory and installed size.

    python -m benchmarks.rivals [--save FILE]

The runtimes are this reader's classifier, onnxruntime with its default options, OpenCV's DNN module and LiteRT on the
same graph, and Keras, called directly and with `predict`. Each is used as its users use it, in its own process, limited
to one core and then to two, on the same image. Keras and LiteRT run the shipped architecture with random weights, which
do not change its speed. This module does not measure accuracy.
"""

import argparse
import importlib.metadata
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from benchmarks.tables import show

# The packages under test are imported where they are used: memory and start of each runtime are measured.
if TYPE_CHECKING:
    import keras
    import numpy as np

TIMED_CALLS = 200
MODEL_PATH = Path(__file__).resolve().parent.parent / "models" / "digits.onnx"

Classify = Callable[[], object]  # classifies one image


def this_reader(frame: "np.ndarray") -> Classify:
    """Load this reader's classifier."""
    from digits.classifier import Classifier

    classifier = Classifier()
    return lambda: classifier.classify(frame)


def default_onnxruntime(frame: "np.ndarray") -> Classify:
    """Load the shipped file with onnxruntime's default options."""
    import onnxruntime

    session = onnxruntime.InferenceSession(MODEL_PATH)
    return lambda: session.run(None, {"image": frame})


def opencv_dnn(frame: "np.ndarray") -> Classify:
    """Load the shipped file with OpenCV's DNN module."""
    import cv2

    network = cv2.dnn.readNetFromONNX(str(MODEL_PATH))
    names = network.getUnconnectedOutLayersNames()

    def classify() -> object:
        network.setInput(frame)
        return network.forward(names)

    return classify


def lite_rt(frame: "np.ndarray") -> Classify:
    """Convert the Keras network to LiteRT."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(build_keras_network())
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    input_index, outputs = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()

    def classify() -> object:
        interpreter.set_tensor(input_index, frame)
        interpreter.invoke()
        return [interpreter.get_tensor(output["index"]) for output in outputs]

    return classify


def keras_call(frame: "np.ndarray") -> Classify:
    """Build the Keras network, to call it directly."""
    network = build_keras_network()
    return lambda: [output.numpy() for output in network(frame, training=False)]


def keras_predict(frame: "np.ndarray") -> Classify:
    """Build the Keras network, to use its predict method."""
    network = build_keras_network()
    return lambda: network.predict(frame, verbose=0)


def build_keras_network() -> "keras.Model":
    """Build the shipped architecture: the average of two networks and of their heads."""
    import keras

    from training import networks

    image = keras.Input((28, 28, 1))
    digits, is_digit = [], []
    for _ in range(2):
        network = networks.standardized()
        digits.append(keras.ops.softmax(network(image)))
        is_digit.append(keras.ops.sigmoid(networks.build_is_digit_head(network)(image)))
    return keras.Model(image, [keras.layers.average(digits), keras.layers.average(is_digit)])


RUNTIMES: dict[str, Callable[..., Classify]] = {
    "this reader": this_reader,
    "onnxruntime as it comes": default_onnxruntime,
    "OpenCV DNN": opencv_dnn,
    "LiteRT": lite_rt,
    "Keras, called": keras_call,
    "Keras, predict": keras_predict,
}

# Packages of each runtime, without their dependencies.
REQUIRED_PACKAGES = {
    "this reader": ("onnxruntime", "opencv-python-headless", "pillow", "tqdm"),
    "onnxruntime as it comes": ("onnxruntime",),
    "OpenCV DNN": ("opencv-python-headless",),
    "LiteRT": ("tensorflow",),
    "Keras, called": ("tensorflow",),
    "Keras, predict": ("tensorflow",),
}


def measure(runtime: str) -> dict[str, float]:
    """Measure a runtime in this process, which should do nothing else.

    Returns:
        "milliseconds": median per digit; "first_answer": its time, seconds since the epoch; "megabytes": peak memory.
    """
    import numpy as np

    frame = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    classify = RUNTIMES[runtime](frame)
    classify()
    first_answer = time.time()
    times = []
    for _ in range(TIMED_CALLS):
        started = time.perf_counter()
        classify()
        times.append(time.perf_counter() - started)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"milliseconds": 1000 * statistics.median(times), "first_answer": first_answer, "megabytes": megabytes}


def measure_in_process(runtime: str, cores: int) -> dict[str, float]:
    """Run `measure` in a new process on `cores` cores; add "start", the seconds from its start to its first answer."""
    imports = f"import os; os.sched_setaffinity(0, range({cores})); from benchmarks import rivals; import json; "
    code = imports + f"print(json.dumps(rivals.measure({runtime!r})))"
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    return {**figures, "start": figures["first_answer"] - started}


def installed_megabytes(packages: tuple[str, ...]) -> float:
    """Return the installed size of packages with all their dependencies, in megabytes."""
    seen: set[str] = set()
    waiting = list(packages)
    size = 0
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a dependency of other systems
        size += sum(path.stat().st_size for file in distribution.files or () if (path := Path(file.locate())).is_file())
        waiting += [
            re.match(r"[\w.-]+", needed)[0] for needed in distribution.requires or () if "extra ==" not in needed
        ]
    return size / 1e6


def main() -> None:
    """Measure all runtimes and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="also write the table to this file")
    args = parser.parse_args()
    lines = [
        "| the same network by | one core | ratio | two cores | ratio | start to first answer | memory | installed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    base = None
    for runtime in tqdm(RUNTIMES, leave=False):
        try:
            one_core, two_cores = measure_in_process(runtime, 1), measure_in_process(runtime, 2)
        except subprocess.CalledProcessError as error:
            reason = error.stderr.strip().splitlines()[-1][:80]
            lines.append(f"| {runtime} | does not run: {reason} | | | | | | |")
            continue
        base = base or (one_core["milliseconds"], two_cores["milliseconds"])
        lines.append(
            f"| {runtime} | {one_core['milliseconds']:.2f} ms | {one_core['milliseconds'] / base[0]:.1f} "
            f"| {two_cores['milliseconds']:.2f} ms | {two_cores['milliseconds'] / base[1]:.1f} "
            f"| {one_core['start']:.2f} s | {one_core['megabytes']:.0f} MB "
            f"| {installed_megabytes(REQUIRED_PACKAGES[runtime]):.0f} MB |"
        )
    lines += [
        "",
        "On one core onnxruntime as it comes still uses all: it places its threads itself, wherever it is held.",
    ]
    show(lines, args.save)


if __name__ == "__main__":
    main()
