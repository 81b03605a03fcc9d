"""Report a training run: figures, pictures and the model card.

Pictures that show MNIST images are written to the run's own folder only. The model card is generated from the model
files, models/metrics/ and benchmarks/accuracy.md, so that it can be written again without training.
"""

import hashlib
import itertools
import json
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from digits.classifier import Classifier
from training.calibration import expected_calibration_error

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

# The figures of the whole pipeline, measured by benchmarks/accuracy.py.
ACCURACY_TABLE = Path(__file__).resolve().parent.parent / "benchmarks" / "accuracy.md"

Figures = dict[str, Any]  # the figures of a run or of the shipped model, as in models/metrics/
History = Mapping[str, list[float]]  # loss, accuracy, val_loss and val_accuracy by epoch

# Colours in pictures.
CORRECT_COLOUR, WRONG_COLOUR = "#1a7f37", "#cf222e"


def test_figures(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return accuracy, errors by digit, confusion and calibration of probabilities (N, 10) against labels (N,)."""
    wrong = probabilities.argmax(1) != labels
    return {
        "test_images": len(labels),
        "test_accuracy": float(1 - wrong.mean()),
        "test_errors": int(wrong.sum()),
        "test_errors_by_digit": [int(wrong[labels == digit].sum()) for digit in range(10)],
        "test_images_by_digit": [int((labels == digit).sum()) for digit in range(10)],
        "test_confusion": count_confusions(labels, probabilities.argmax(1)).tolist(),
        "test_calibration_error": round(expected_calibration_error(probabilities.max(1), ~wrong), 5),
    }


def count_confusions(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Count how often each digit was read as which: int (10, 10), one row per true digit."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def latency_ms(classifier: Classifier, images: np.ndarray, runs: int = 300) -> float:
    """Measure the median milliseconds for one image on one core."""
    times = []
    for image in images[np.arange(runs) % len(images)]:
        started = time.perf_counter()
        classifier.classify(image[None])
        times.append(time.perf_counter() - started)
    return round(1000 * statistics.median(times), 3)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(part, path)


def draw_pictures(
    run: Path, history: History, images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray
) -> None:
    """Draw history.png, confusion.png, predictions.png and mistakes.png into the run's folder.

    Args:
        run: folder of the run.
        history: loss and accuracy by epoch.
        images: test images (N, 28, 28) in 0..1.
        labels: int (N,).
        probabilities: float (N, 10).
    """
    draw_history(run / "history.png", {"": history})
    draw_confusion(run / "confusion.png", count_confusions(labels, probabilities.argmax(1)))
    sample = np.random.default_rng(0).permutation(len(labels))[:40]
    _draw_digits(run / "predictions.png", sample, images, labels, probabilities, "Forty test digits")
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    most_confident = wrong[np.argsort(-probabilities[wrong].max(1))][:40]
    _draw_digits(run / "mistakes.png", most_confident, images, labels, probabilities, "The surest mistakes")


def draw_history(path: Path, histories: Mapping[Any, History]) -> None:
    """Plot loss and accuracy by epoch, of one run or of several runs by seed."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    styles = ("-", "--", ":", "-.")
    for (seed, history), style in zip(histories.items(), itertools.cycle(styles)):
        epochs = range(1, len(history["loss"]) + 1)
        seed_text = f", seed {seed}" if len(histories) > 1 else ""
        for axes, name in ((left, "loss"), (right, "accuracy")):
            axes.plot(epochs, history[name], style, label=f"training (augmented){seed_text}", color="#8c959f")
            axes.plot(epochs, history[f"val_{name}"], style, label=f"validation{seed_text}", color="#0969da")
    for axes, title in ((left, "Loss"), (right, "Accuracy")):
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
    left.set_yscale("log")
    lowest = min(min(history["val_accuracy"]) for history in histories.values())
    right.set_ylim(max(0.0, min(0.98, lowest - 0.005)), 1.0)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_confusion(path: Path, counts: np.ndarray) -> None:
    """Draw a confusion matrix, int (10, 10), one row per true digit."""
    off_diagonal = np.where(np.eye(10, dtype=bool), 0, counts)
    figure, axes = plt.subplots(figsize=(6, 5.6), layout="constrained")
    axes.imshow(off_diagonal, cmap="Reds", vmin=0, vmax=max(1, off_diagonal.max()))
    for row in range(10):
        for column in range(10):
            if counts[row, column]:
                colour = CORRECT_COLOUR if row == column else "black"
                axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=9)
    axes.set(xticks=range(10), yticks=range(10), xlabel="read as", ylabel="is", title="Confusion on the test set")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw_digits(
    path: Path, chosen: np.ndarray, images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, title: str
) -> None:
    """Draw the images at the chosen indices with what they were read as."""
    rows = max(1, -(-len(chosen) // 10))
    figure, axes = plt.subplots(rows, 10, figsize=(11, 1.5 * rows + 0.5), squeeze=False, layout="constrained")
    for cell in axes.flat:
        cell.axis("off")
    for cell, index in zip(axes.flat, chosen):
        read = int(probabilities[index].argmax())
        is_correct = read == labels[index]
        cell.imshow(1 - images[index], cmap="gray", vmin=0, vmax=1)
        text = f"{read}  {probabilities[index].max():.0%}" + ("" if is_correct else f"  (is {labels[index]})")
        cell.set_title(text, color=CORRECT_COLOUR if is_correct else WRONG_COLOUR, fontsize=9)
    figure.suptitle(title)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write_model_card(models: Path) -> None:
    """Write the model card README.md into a folder with digits.onnx, pages.onnx and metrics/.

    The card quotes benchmarks/accuracy.md if that was measured with these models. There is no card without
    metrics/shipped.json.
    """
    figures = {path.stem: json.loads(path.read_text()) for path in sorted((models / "metrics").glob("*.json"))}
    if "shipped" not in figures:
        return  # digit networks were compared, but none was shipped
    shipped, pages = figures.pop("shipped"), figures.pop("pages", None)
    by_network: dict[str, list[Figures]] = {}
    for run in figures.values():
        by_network.setdefault(run["arch"], []).append(run)
    table = ACCURACY_TABLE.read_text().strip() if ACCURACY_TABLE.exists() else ""
    digests = (hashlib.sha256((models / name).read_bytes()).hexdigest() for name in ("digits.onnx", "pages.onnx"))
    is_measured = all(f"begins with {digest[:16]}" in table for digest in digests)
    (models / "README.md").write_text(_card(shipped, by_network, pages, table if is_measured else ""))


def _card(shipped: Figures, by_network: dict[str, list[Figures]], pages: Figures | None, table: str) -> str:
    """Return the text of the model card; `table` is empty where accuracy was measured with other models."""
    siblings = [figures for figures in by_network[shipped["arch"]] if figures["seed"] in shipped["seeds"]]
    rows = "\n".join(_network_row(name, runs) for name, runs in sorted(by_network.items(), key=_by_accuracy))
    seeds = "\n".join(
        f"| {f['seed']} | {f['validation_accuracy']:.2%} | {f['test_accuracy']:.2%} | {f['test_errors']} "
        f"| {f['epochs']} | {f['best_epoch']} | {f['train_minutes']:.0f} min{_on_cores(f['cores'])}, {f['precision']} |"
        for f in siblings
    )
    digits = " | ".join(str(digit) for digit in range(10))
    errors = " | ".join(
        f"{wrong} of {all_}" for wrong, all_ in zip(shipped["test_errors_by_digit"], shipped["test_images_by_digit"])
    )
    return f"""# Model card: digits.onnx and pages.onnx

Written by `train_export.py` from the figures in `metrics/`. Each model file has the figures of its training in its metadata.

## The digit network, digits.onnx

| | |
|---|---|
| reads | one handwritten digit, scaled and centred in 28x28 pixels as in MNIST |
| input | `image`, float32 (N, 28, 28, 1) in 0..1, ink bright |
| output | `probabilities`, float32 (N, 10), rows sum to 1: the probability of each digit; scaling, softmax and calibration are inside the graph |
| further output | `is_digit`, float32 (N,), 0..1: the probability that the image shows exactly one digit |
| network | {_network(shipped)}, {shipped["parameters"]:,} parameters (`training/networks.py`) |
| size | {shipped["bytes"] / 1e6:.2f} MB |
| speed | {shipped["latency_ms"]:.2f} ms an image on one core |
| MNIST test accuracy | **{shipped["test_accuracy"]:.2%}** ({shipped["test_errors"]} of {shipped["test_images"]:,} wrong); one network alone: {_spread([100 * f["test_accuracy"] for f in siblings])} |
| calibration | expected calibration error {shipped["test_calibration_error"]:.4f} on the test set; the logits of each network are divided by a temperature that was fitted on the validation set |
| certain from | {shipped["certain_from"]:.4f}: below this threshold of `probability` times `is_digit` the digit is marked as uncertain |
| trained on | {shipped["train_images"]:,} images of MNIST's training set, augmented (`training/augmentation.py`), and on writing variants synthesized from them: slashed zeros, ones with a flag and a foot, crossed sevens, fine pens; the head `is_digit`, on the finished network, also on non-digits: cut digits, touching digits, rotated digits, scribbles, letters and signs (`training/synthesis.py`) |

### How good the digit network is

Every network was trained on the same split. "Variants added" is the number of synthesized writing variants, relative to
the number of training images. The best epoch and the calibration are chosen on a validation set, which is split off the
training set; the test set is used once, at the end.

| network | parameters | size | one image, one core | epochs | variants added | MNIST test accuracy | seeds |
|---|---|---|---|---|---|---|---|
{rows}

The shipped network, by seed:

| seed | validation | test | test errors | epochs | best epoch | training |
|---|---|---|---|---|---|---|
{seeds}

Errors of the shipped file by digit:

| {digits} |
|{"---|" * 10}
| {errors} |

![Loss and accuracy by epoch](history.png)
![Confusion matrix on the test set](confusion.png)

{_on_real_handwriting(table)}## How to reproduce it

    python train_export.py --data mnist.npz --arch {shipped["arch"]} --seed {" ".join(map(str, shipped["seeds"]))}{_options(shipped)}

Without `--data`, Keras downloads MNIST.{_on_other_rows(shipped, by_network)}

{_page_network(pages)}
## Limitations

- A character that is not a digit is read as the digit that it resembles most. It is often marked as uncertain, but not
  always. Letters such as l, O, S and Z are read as digits.
- MNIST was written by American census workers and pupils around 1990. The network knows other ways of writing only from
  synthesized images: a one with a horizontal or long flag is sometimes read as a seven.
- The digit network classifies crops. The page network decides where characters are.
- At this accuracy the standard error of a test of 10,000 images is about 0.05 percentage points, and about 15 of its
  labels are doubtful: differences of a few hundredths of a point between models are not significant.
"""


def _page_network(pages: Figures | None) -> str:
    """Return the section on the page network, if one was trained."""
    if pages is None:
        return ""
    losses = ", ".join(
        f"{part} {loss:.3f}" for part, loss in zip(("centre", "class", "box", "small"), pages["validation"])
    )
    fusion = pages["judge"]
    runs = [*pages.get("before", []), *([pages] if pages["steps"] else [])]
    averaged = pages.get("averaged_files", 0)
    average = f"; the weights are the average of the last {averaged} runs' files" if averaged > 1 else ""
    tiles, steps, minutes = (sum(run[key] for run in runs) for key in ("tiles", "steps", "train_minutes"))
    commands = [f"    python train_export.py --networks pages --page-steps {run['steps']}" for run in runs]
    # Each run except the first starts from the previous run's file.
    commands[1:] = [
        f"{command} --page-learning-rate {run['learning_rate']:g} --page-start models/pages.onnx"
        for command, run in zip(commands[1:], runs[1:])
    ]
    if averaged > 1:
        files = " ".join(f"RUN{number}.onnx" for number in range(len(runs) - averaged + 1, len(runs) + 1))
        commands.append(f"    python train_export.py --networks pages --page-steps 0 --page-start {files}")
    listed = "\n".join(commands)
    return f"""## The page network, pages.onnx

| | |
|---|---|
| detects | digits, the marks . , - / : + and other writing in a picture, with their boxes |
| input | `page`, float32 (1, H, W, 3) in 0..1, sRGB, H and W multiples of 32 |
| output, at a quarter of the size | `centre` (1, h, w): the probability that the cell contains the centre of a character; `characters` (1, h, w, 22): logits of 17 classes, offset of the centre in cells, logarithms of width, height and of the writer's digit height in units of 16 pixels; `small` (1, h, w): the probability that writing there is too small to be read |
| network | fully convolutional, down to a 32nd of the picture and back up to a quarter, {pages["parameters"]:,} parameters (`training/page_network.py`) |
| size | {pages["bytes"] / 1e6:.2f} MB, weights in half precision |
| trained on | {tiles:,} composed tiles of 256x256 pixels, {steps:,} steps in {len(runs)} runs, {minutes:.0f} minutes on one core and another one that composes pages, {pages["precision"]}; {pages["fonts"]} handwriting fonts{average} |
| validation losses | {losses}, on composed pages of validation digits |
| combined with the digit network | exponents {fusion["page_weight"]:.2f} (page) and {fusion["crop_weight"]:.2f} (crop); characters are accepted from {fusion["centre_from"]:.2f} on, digits are certain from {fusion["certain_from"]:.3f} on |

Commands for a similar network, after `make fonts`:

{listed}

These commands do not reproduce the shipped file bit for bit: during its training, runs were stopped and resumed, and
further kinds of pages were added.

"""


def _network(shipped: Figures) -> str:
    """Name the shipped network."""
    seeds = shipped["seeds"]
    return f"`{shipped['arch']}`" if len(seeds) == 1 else f"the average of {len(seeds)} of `{shipped['arch']}`"


def _on_real_handwriting(table: str) -> str:
    """Return the section on real handwriting, if it was measured with these models."""
    if not table:
        return ""
    return f"""## On real handwriting

The whole pipeline, from image to text, measured by `python -m benchmarks.accuracy`. The [figures](../docs/figures.md)
explain the sets and the columns.

{table}

"""


def _options(shipped: Figures) -> str:
    """Return the options that were not at their defaults, as on the command line."""
    return "".join(f" --{name.replace('_', '-')} {value}" for name, value in shipped.get("options", {}).items())


def _on_other_rows(shipped: Figures, by_network: dict[str, list[Figures]]) -> str:
    """Say how other networks were trained: like the shipped one, or by an older version of the script."""
    others = {name: runs for name, runs in sorted(by_network.items()) if name != shipped["arch"]}
    older = [
        f"`{name}`"
        for name, runs in others.items()
        if any("variants" not in run or run["certain_from"] != shipped["certain_from"] for run in runs)
    ]
    text = ""
    if len(older) < len(others):
        text += " Other rows come from the same command with their network, seed and options, and `--keep-model`."
    if older:
        text += f"\nAn older version of the script trained {' and '.join(older)}; the current version would give other figures."
    return text


def _on_cores(cores: int | None) -> str:
    """Say on how many cores a run was trained."""
    return f" on {cores} core(s)" if cores else ", resumed"


def _network_row(name: str, runs: list[Figures]) -> str:
    """Return the table row of an architecture."""
    accuracies = [100 * figures["test_accuracy"] for figures in runs]
    first = runs[0]
    return (
        f"| `{name}` | {first['parameters']:,} | {first['bytes'] / 1e6:.2f} MB | {first['latency_ms']:.2f} ms "
        f"| {first['epochs']} | {first.get('variants', 0):.0%} | {_spread(accuracies)} | {len(runs)} |"
    )


def _by_accuracy(item: tuple[str, list[Figures]]) -> float:
    """Return the key that sorts architectures by falling accuracy."""
    return -statistics.mean(figures["test_accuracy"] for figures in item[1])


def _spread(accuracies: list[float]) -> str:
    """Return mean, standard deviation and range of accuracies, in percent."""
    if len(accuracies) < 2:
        return f"{accuracies[0]:.2f} %"
    return (
        f"mean {statistics.mean(accuracies):.2f} % ± {statistics.stdev(accuracies):.2f} over {len(accuracies)} seeds "
        f"({min(accuracies):.2f} to {max(accuracies):.2f} %)"
    )
