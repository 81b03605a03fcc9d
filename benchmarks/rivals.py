"""The same network in the hands of others: how long one digit takes them, how long they take to start, what they hold.

    python -m benchmarks.rivals [--save FILE]

Every way is written as its users write it and runs in a process of its own, held to one core and then to two, on the
same frame: this reader's classifier, onnxruntime as it comes, OpenCV's DNN module and LiteRT on the same graph, and
Keras, called and by `predict`. Keras and LiteRT run the shipped architecture with weights of chance: those don't change
its speed. Nothing here is about accuracy.
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

from tqdm import tqdm

from benchmarks.tables import show

RUNS = 200
MODEL = Path(__file__).resolve().parent.parent / "models" / "digits.onnx"

Ask = Callable[[], object]


def ours(frame) -> Ask:
    from digits.classifier import Classifier

    classifier = Classifier()
    return lambda: classifier.classify(frame)


def onnxruntime_as_it_comes(frame) -> Ask:
    import onnxruntime

    session = onnxruntime.InferenceSession(MODEL)
    return lambda: session.run(None, {"image": frame})


def opencv_dnn(frame) -> Ask:
    import cv2

    network = cv2.dnn.readNetFromONNX(str(MODEL))
    names = network.getUnconnectedOutLayersNames()

    def ask():
        network.setInput(frame)
        return network.forward(names)

    return ask


def lite_rt(frame) -> Ask:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(keras_network())
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    inlet, outlets = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()

    def ask():
        interpreter.set_tensor(inlet, frame)
        interpreter.invoke()
        return [interpreter.get_tensor(outlet["index"]) for outlet in outlets]

    return ask


def keras_called(frame) -> Ask:
    network = keras_network()
    return lambda: [output.numpy() for output in network(frame, training=False)]


def keras_predict(frame) -> Ask:
    network = keras_network()
    return lambda: network.predict(frame, verbose=0)


def keras_network():
    """Two networks and their heads, averaged, as they ship."""
    import keras

    from training import networks

    image = keras.Input((28, 28, 1))
    digits, is_digit = [], []
    for _ in range(2):
        network = networks.standardized()
        digits.append(keras.ops.softmax(network(image)))
        is_digit.append(keras.ops.sigmoid(networks.is_digit_head(network)(image)))
    return keras.Model(image, [keras.layers.average(digits), keras.layers.average(is_digit)])


WAYS: dict[str, Callable[..., Ask]] = {
    "this reader": ours,
    "onnxruntime as it comes": onnxruntime_as_it_comes,
    "OpenCV DNN": opencv_dnn,
    "LiteRT": lite_rt,
    "Keras, called": keras_called,
    "Keras, predict": keras_predict,
}

# What has to be installed for each, besides what it needs in turn.
NEEDS = {
    "this reader": ("onnxruntime", "opencv-python-headless", "pillow", "tqdm"),
    "onnxruntime as it comes": ("onnxruntime",),
    "OpenCV DNN": ("opencv-python-headless",),
    "LiteRT": ("tensorflow",),
    "Keras, called": ("tensorflow",),
    "Keras, predict": ("tensorflow",),
}


def measure(way: str) -> dict[str, float]:
    """In a process that does nothing else: milliseconds a digit, megabytes that it holds."""
    import numpy as np

    frame = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    ask = WAYS[way](frame)
    ask()
    first = time.time()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"milliseconds": 1000 * statistics.median(times), "first_answer": first, "megabytes": held}


def in_a_process(way: str, cores: int) -> dict[str, float]:
    """Measures a way in a new process on so many cores; adds the seconds from its start to its first answer."""
    held_to = f"import os; os.sched_setaffinity(0, range({cores})); from benchmarks import rivals; import json; "
    code = held_to + f"print(json.dumps(rivals.measure({way!r})))"
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    return {**figures, "start": figures["first_answer"] - began}


def installed(packages: tuple[str, ...]) -> float:
    """Megabytes of packages and of all that they need."""
    known: set[str] = set()
    waiting = list(packages)
    size = 0
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in known:
            continue
        known.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # needed on other systems only
        size += sum(path.stat().st_size for file in distribution.files or () if (path := Path(file.locate())).is_file())
        waiting += [
            re.match(r"[\w.-]+", needed)[0] for needed in distribution.requires or () if "extra ==" not in needed
        ]
    return size / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there as well")
    args = parser.parse_args()
    lines = [
        "| the same network by | one core | ratio | two cores | ratio | start to first answer | memory | installed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    base = None
    for way in tqdm(WAYS, leave=False):
        try:
            one, two = in_a_process(way, 1), in_a_process(way, 2)
        except subprocess.CalledProcessError as error:
            why = error.stderr.strip().splitlines()[-1][:80]
            lines.append(f"| {way} | does not run: {why} | | | | | | |")
            continue
        base = base or (one["milliseconds"], two["milliseconds"])
        lines.append(
            f"| {way} | {one['milliseconds']:.2f} ms | {one['milliseconds'] / base[0]:.1f} "
            f"| {two['milliseconds']:.2f} ms | {two['milliseconds'] / base[1]:.1f} "
            f"| {one['start']:.2f} s | {one['megabytes']:.0f} MB | {installed(NEEDS[way]):.0f} MB |"
        )
    lines += [
        "",
        "On one core onnxruntime as it comes still uses all: it places its threads itself, wherever it is held.",
    ]
    show(lines, args.save)


if __name__ == "__main__":
    main()
