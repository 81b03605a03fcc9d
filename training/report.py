"""What a training run tells people: figures, pictures and the model card.

The pictures that show MNIST images stay in the run's own folder. The model card is made from the model file,
models/metrics/ and benchmarks/accuracy.md alone, so that it can be written anew without training anything.
"""

import hashlib
import itertools
import json
import os
import statistics
import time
from pathlib import Path

import matplotlib
import numpy as np

from training.calibration import expected_calibration_error

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

# The whole road's figures, which benchmarks/accuracy.py measures.
ACCURACY = Path(__file__).resolve().parent.parent / "benchmarks" / "accuracy.md"

RIGHT, WRONG = "#1a7f37", "#cf222e"


def test_figures(probabilities: np.ndarray, labels: np.ndarray) -> dict:
    """Accuracy, errors by digit, confusion and calibration of probabilities (N, 10) against labels (N,).

    Row by row, the confusion tells how often each digit was read as which.
    """
    wrong = probabilities.argmax(1) != labels
    return {
        "test_images": len(labels),
        "test_accuracy": float(1 - wrong.mean()),
        "test_errors": int(wrong.sum()),
        "test_errors_by_digit": [int(wrong[labels == digit].sum()) for digit in range(10)],
        "test_images_by_digit": [int((labels == digit).sum()) for digit in range(10)],
        "test_confusion": confusion(labels, probabilities.argmax(1)).tolist(),
        "test_calibration_error": round(expected_calibration_error(probabilities.max(1), ~wrong), 5),
    }


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """How often each digit was read as which: int (10, 10), a row for every digit."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def latency_ms(classifier, images: np.ndarray, runs: int = 300) -> float:
    """Median milliseconds for one image on one core."""
    times = []
    for image in images[np.arange(runs) % len(images)]:
        began = time.perf_counter()
        classifier.classify(image[None])
        times.append(time.perf_counter() - began)
    return round(1000 * statistics.median(times), 3)


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(part, path)


def draw_pictures(run: Path, history: dict, images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> None:
    """history.png, confusion.png, predictions.png and mistakes.png; images are (N, 28, 28) in 0..1."""
    draw_history(run / "history.png", {"": history})
    draw_confusion(run / "confusion.png", confusion(labels, probabilities.argmax(1)))
    some = np.random.default_rng(0).permutation(len(labels))[:40]
    _draw_digits(run / "predictions.png", some, images, labels, probabilities, "Forty test digits")
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    surest = wrong[np.argsort(-probabilities[wrong].max(1))][:40]
    _draw_digits(run / "mistakes.png", surest, images, labels, probabilities, "The surest mistakes")


def draw_history(path: Path, histories: dict) -> None:
    """Loss and accuracy by epoch, of one run or of several by their seeds."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    styles = ("-", "--", ":", "-.")
    for (seed, history), style in zip(histories.items(), itertools.cycle(styles)):
        epochs = range(1, len(history["loss"]) + 1)
        of_seed = f", seed {seed}" if len(histories) > 1 else ""
        for axes, name in ((left, "loss"), (right, "accuracy")):
            axes.plot(epochs, history[name], style, label=f"training (augmented){of_seed}", color="#8c959f")
            axes.plot(epochs, history[f"val_{name}"], style, label=f"validation{of_seed}", color="#0969da")
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
    """How often each digit was read as which: int (10, 10)."""
    off_diagonal = np.where(np.eye(10, dtype=bool), 0, counts)
    figure, axes = plt.subplots(figsize=(6, 5.6), layout="constrained")
    axes.imshow(off_diagonal, cmap="Reds", vmin=0, vmax=max(1, off_diagonal.max()))
    for row in range(10):
        for column in range(10):
            if counts[row, column]:
                colour = RIGHT if row == column else "black"
                axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=9)
    axes.set(xticks=range(10), yticks=range(10), xlabel="read as", ylabel="is", title="Confusion on the test set")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw_digits(path, chosen, images, labels, probabilities, title):
    rows = max(1, -(-len(chosen) // 10))
    figure, axes = plt.subplots(rows, 10, figsize=(11, 1.5 * rows + 0.5), squeeze=False, layout="constrained")
    for place in axes.flat:
        place.axis("off")
    for place, index in zip(axes.flat, chosen):
        read = int(probabilities[index].argmax())
        is_right = read == labels[index]
        place.imshow(1 - images[index], cmap="gray", vmin=0, vmax=1)
        text = f"{read}  {probabilities[index].max():.0%}" + ("" if is_right else f"  (is {labels[index]})")
        place.set_title(text, color=RIGHT if is_right else WRONG, fontsize=9)
    figure.suptitle(title)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write_model_card(models: Path) -> None:
    """models/README.md from the figures in models/metrics/, the shipped model's and every run's, and from what
    benchmarks/accuracy.md says of models/digits.onnx, if it says anything."""
    figures = {path.stem: json.loads(path.read_text()) for path in sorted((models / "metrics").glob("*.json"))}
    if "shipped" not in figures:
        return  # networks were compared, and none was shipped
    shipped, pages = figures.pop("shipped"), figures.pop("pages", None)
    by_network: dict[str, list[dict]] = {}
    for run in figures.values():
        by_network.setdefault(run["arch"], []).append(run)
    table = ACCURACY.read_text().strip() if ACCURACY.exists() else ""
    digests = (hashlib.sha256((models / name).read_bytes()).hexdigest() for name in ("digits.onnx", "pages.onnx"))
    is_measured = all(f"begins with {digest[:16]}" in table for digest in digests)
    (models / "README.md").write_text(_card(shipped, by_network, pages, table if is_measured else ""))


def _card(shipped, by_network, pages, table):
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

Written by `train_export.py` from the figures in `metrics/`; the model file carries those of its training in its metadata.

## The digit network, digits.onnx

| | |
|---|---|
| reads | one handwritten digit, framed 28x28 as MNIST frames its digits |
| input | `image`, float32 (N, 28, 28, 1) in 0..1, ink bright |
| output | `probabilities`, float32 (N, 10), rows sum to 1: which digit; scaling, softmax and calibration are inside the graph |
| further output | `is_digit`, float32 (N,), 0..1: whether the frame shows one digit at all |
| network | {_network(shipped)}, {shipped["parameters"]:,} parameters (`training/networks.py`) |
| size | {shipped["bytes"] / 1e6:.2f} MB |
| speed | {shipped["latency_ms"]:.2f} ms an image on one core |
| MNIST test accuracy | **{shipped["test_accuracy"]:.2%}** ({shipped["test_errors"]} of {shipped["test_images"]:,} wrong); one network alone: {_spread([100 * f["test_accuracy"] for f in siblings])} |
| calibration | expected calibration error {shipped["test_calibration_error"]:.4f} on the test set; the logits of each network are divided by a temperature that was fitted on the validation split |
| certain from | {shipped["certain_from"]:.4f}: below this, `probability` times `is_digit`, the reader says that it is unsure |
| trained on | {shipped["train_images"]:,} images of MNIST's training set, augmented (`training/augmentation.py`), and on what the code makes of them: slashed zeros, ones with a flag and a foot, crossed sevens, fine pens; `is_digit`, on the finished network, also on what is no digit: pieces, digits that touch, turned digits, scribbles, letters and signs (`training/synthesis.py`) |

### How good the digit network is

Every network was trained on the same split; "ways added" is how many images in other ways of writing joined its training
images, as a part of these. The best epoch and the calibration are chosen on a validation split of the training set; the
test set is read once, at the end.

| network | parameters | size | one image, one core | epochs | ways added | MNIST test accuracy | seeds |
|---|---|---|---|---|---|---|---|
{rows}

The shipped network, seed by seed:

| seed | validation | test | test errors | epochs | best epoch | training |
|---|---|---|---|---|---|---|
{seeds}

Errors of the shipped file by digit:

| {digits} |
|{"---|" * 10}
| {errors} |

![Loss and accuracy by epoch](history.png)
![Confusion matrix on the test set](confusion.png)

{_on_real_handwriting(table)}## How to make it again

    python train_export.py --data mnist.npz --arch {shipped["arch"]} --seed {" ".join(map(str, shipped["seeds"]))}{_options(shipped)}

Without `--data`, Keras downloads MNIST.{_on_other_rows(shipped, by_network)}

{_page_network(pages)}
## What it is bad at

- What is no digit gets the digit that it resembles most, marked as unsure: often, not always. Letters such as l, O, S, Z
  are digits to it.
- MNIST was written by American census workers and pupils around 1990. Other ways of writing are known to it only as the
  code draws them: a one with a level or a long flag is still taken for a seven now and then.
- The digit network reads what the frame shows: where a character stands is the page network's word.
- The standard error of a test of 10,000 images is about 0.05 points at this level, and some 15 of its labels are
  doubtful: differences of a few hundredths between models mean nothing.
"""


def _page_network(pages):
    """The section on the page network, where one was trained."""
    if pages is None:
        return ""
    losses = ", ".join(
        f"{part} {loss:.3f}" for part, loss in zip(("centre", "class", "box", "small"), pages["validation"])
    )
    judge = pages["judge"]
    runs = [*pages.get("before", []), pages]
    tiles, steps, minutes = (sum(run[key] for run in runs) for key in ("tiles", "steps", "train_minutes"))
    commands = [f"    python train_export.py --networks pages --page-steps {run['steps']}" for run in runs]
    # Each run but the first starts from the file of the one before.
    commands[1:] = [
        f"{command} --page-learning-rate {run['learning_rate']:g} --page-start models/pages.onnx"
        for command, run in zip(commands[1:], runs[1:])
    ]
    listed = "\n".join(commands)
    return f"""## The page network, pages.onnx

| | |
|---|---|
| finds | digits, the marks . , - / : + and other writing on a picture, with their boxes |
| input | `page`, float32 (1, H, W, 3) in 0..1, sRGB, H and W multiples of 32 |
| output, at a quarter of the size | `centre` (1, h, w): that the middle of a character lies in the cell; `characters` (1, h, w, 22): logits of 17 classes, offset of the middle in cells, logarithms of width, height and of the hand's digit height in units of 16 pixels; `small` (1, h, w): that writing there is too small to be read |
| network | fully convolutional, down to a 32nd of the picture and back up to a quarter, {pages["parameters"]:,} parameters (`training/page_network.py`) |
| size | {pages["bytes"] / 1e6:.2f} MB, weights in half precision |
| trained on | {tiles:,} composed tiles of 256x256 pixels, {steps:,} steps in {len(runs)} runs, {minutes:.0f} minutes of one core and another that composes, {pages["precision"]}; {pages["fonts"]} handwriting fonts |
| validation losses | {losses}, on composed pages of validation digits |
| weighed with the digit network | exponents {judge["page_weight"]:.2f} (page) and {judge["crop_weight"]:.2f} (crop); characters count from {judge["centre_from"]:.2f} on, digits are certain from {judge["certain_from"]:.3f} on |

A network like it is made with `make fonts` and

{listed}

The shipped file is not these commands' own to the last bit: while it was trained, runs were stopped and resumed, and more
kinds of pages were added to what is composed.

"""


def _network(shipped):
    seeds = shipped["seeds"]
    return f"`{shipped['arch']}`" if len(seeds) == 1 else f"the average of {len(seeds)} of `{shipped['arch']}`"


def _on_real_handwriting(table):
    """The section, where the figures are this model's own."""
    if not table:
        return ""
    return f"""## On real handwriting

The whole road, from image to text, as `python -m benchmarks.accuracy` measured it; what the sets are, and what the columns
mean, is said in the README.

{table}

"""


def _options(shipped):
    """What was not at its default, as it is given on the command line."""
    return "".join(f" --{name.replace('_', '-')} {value}" for name, value in shipped.get("options", {}).items())


def _on_other_rows(shipped, by_network):
    """How the rows of other networks were made: as the shipped one's, or by an older version of the script."""
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
        text += f"\nAn older version of the script trained {' and '.join(older)}; today's would give other figures."
    return text


def _on_cores(cores):
    return f" on {cores} core(s)" if cores else ", resumed"


def _network_row(name, runs):
    accuracies = [100 * figures["test_accuracy"] for figures in runs]
    first = runs[0]
    return (
        f"| `{name}` | {first['parameters']:,} | {first['bytes'] / 1e6:.2f} MB | {first['latency_ms']:.2f} ms "
        f"| {first['epochs']} | {first.get('variants', 0):.0%} | {_spread(accuracies)} | {len(runs)} |"
    )


def _by_accuracy(item):
    return -statistics.mean(figures["test_accuracy"] for figures in item[1])


def _spread(accuracies):
    if len(accuracies) < 2:
        return f"{accuracies[0]:.2f} %"
    return (
        f"mean {statistics.mean(accuracies):.2f} % ± {statistics.stdev(accuracies):.2f} over {len(accuracies)} seeds "
        f"({min(accuracies):.2f} to {max(accuracies):.2f} %)"
    )
