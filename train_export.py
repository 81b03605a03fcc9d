"""Train the digit network and the page network on MNIST, export them to ONNX, and report their accuracy.

    python train_export.py                      # download MNIST, train, replace the models in models/
    python train_export.py --data mnist.npz     # the same from a local copy
    python train_export.py --networks pages --resume --page-steps 40000    # resume the page network's training
    python train_export.py --networks pages --page-start models/pages.onnx    # start from a file's weights
    python train_export.py --networks pages --page-steps 0 --page-start A.onnx B.onnx    # average two files' weights
    python train_export.py --networks digits --arch two-block --seed 0 --keep-model    # another digit network

The digit network, for every seed: build, train, choose the best epoch on the validation set, calibrate, export, compare
the file with Keras, evaluate once on the test set. The shipped model is the average of all seeds' networks, evaluated
in the same way.
The page network: train on pages that are composed of MNIST's training digits, export, compare the file with Keras, fit
the weights that combine both networks' outputs on pages of validation digits.
A run writes checkpoints, pictures and model to runs/NETWORK-seedN/ and figures to models/metrics/. At the end the model
card models/README.md is written again.
"""

import argparse
import importlib.util
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # hides TensorFlow's start-up messages

from digits import __version__  # noqa: E402
from digits.classifier import FRAME_CONTRACT, Classifier  # noqa: E402
from training.data import DataError, Mnist, load_mnist  # noqa: E402

# Exit statuses.
MISSING_PACKAGES, INVALID_DATA, FAILED_CHECK, INTERRUPTED = 2, 2, 3, 130

# Packages that only training needs.
TRAINING_PACKAGES = ("keras", "matplotlib", "onnx", "tensorflow", "tf2onnx")

# Options that the metadata leaves out: they don't change the training, or the model card names them anyway.
UNRECORDED_OPTIONS = (
    "data",
    "out",
    "runs",
    "keep_model",
    "resume",
    "arch",
    "seed",
    "threads",
    "networks",
    "page_workers",
)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    option = parser.add_argument
    option("--data", metavar="PATH", help="MNIST as .npz or as a folder of IDX .gz files; else Keras downloads it")
    option("--out", type=Path, default=Path("models"), help="folder of the model, its card and its metrics")
    option("--runs", type=Path, default=Path("runs"), help="folder for checkpoints and pictures, one folder per run")
    option("--keep-model", action="store_true", help="record the figures, but do not replace the model in --out")
    option("--resume", action="store_true", help="continue from this run's last checkpoint")
    option("--networks", nargs="+", choices=["digits", "pages"], default=["digits", "pages"], help="networks to train")
    option(
        "--arch",
        choices=["standardized", "two-block", "three-conv"],
        default="standardized",
        help="architecture of the digit network",
    )
    option("--seed", type=int, nargs="+", default=[0, 1], help="seeds; the average of their networks is shipped")
    option("--epochs", type=positive, default=20, help="epochs of the learning-rate schedule")
    option("--head-epochs", type=positive, default=5, help="epochs of the head that detects non-digits")
    option("--patience", type=positive, default=12, help="stop after this many epochs without a lower validation loss")
    option("--batch-size", type=positive, default=128, help="images per step")
    option("--learning-rate", type=float, default=2e-3, help="peak of the schedule: warm-up, then cosine to zero")
    option("--weight-decay", type=float, default=0.02, help="decoupled weight decay (AdamW)")
    option("--ema", type=float, default=0.998, help="momentum of the weights' moving average, which is exported")
    option("--rotation", type=float, default=12, help="augmentation: largest rotation, degrees")
    option("--zoom", type=float, default=0.12, help="augmentation: largest relative change of size")
    option("--shear", type=float, default=0.2, help="augmentation: largest shear, as a slope")
    option("--shift", type=float, default=0.06, help="augmentation: largest shift, as a fraction of the side")
    option("--elastic", type=float, default=0.7, help="augmentation: elastic distortion, pixels (standard deviation)")
    option("--stroke", type=float, default=0.4, help="augmentation: largest blend with thinner or thicker strokes")
    option("--dirt", type=float, default=0.1, help="augmentation: probability of blur, of noise and of a line")
    option("--variants", type=float, default=0.15, help="writing variants to add, as a fraction of the images")
    option("--others", type=float, default=0.4, help="non-digits to add for the head, as a fraction of the images")
    option("--page-steps", type=not_negative, default=18000, help="page network: training steps; 0 trains nothing")
    option("--page-batch-size", type=positive, default=16, help="page network: tiles of 256x256 pixels per step")
    option("--page-learning-rate", type=float, default=2e-3, help="page network: learning rate before it falls")
    option(
        "--page-start",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="page network: start from an exported file's weights, or from the average of several files' weights",
    )
    option("--page-workers", type=positive, default=1, help="page network: processes that compose pages")
    option(
        "--judged-pages",
        type=positive,
        default=1500,
        help="pages to fit the weights that combine both networks' outputs",
    )
    option("--threads", type=int, default=0, help="cores to use; 0 uses all")
    option(
        "--precision",
        choices=["auto", "float32", "mixed_bfloat16"],
        default="auto",
        help="arithmetic of the training; auto uses bfloat16 where the processor has instructions for it",
    )
    option("--limit", type=positive, help="maximum number of images of each set, for a trial run")
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    """Parse an integer of at least 1; argparse names this function in its error message."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def not_negative(text: str) -> int:
    """Parse an integer of at least 0; argparse names this function in its error message."""
    if int(text) < 0:
        raise ValueError
    return int(text)


def changed_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options that change the digit network and are not at their defaults, by name."""
    defaults = vars(parse_arguments([]))
    names = [name for name in defaults if name not in UNRECORDED_OPTIONS and not name.startswith("page_")]
    return {name: vars(args)[name] for name in names if vars(args)[name] != defaults[name]}


def main(arguments: list[str] | None = None) -> int:
    """Train what the options select; return the exit status."""
    args = parse_arguments(arguments)
    missing = [name for name in TRAINING_PACKAGES if not importlib.util.find_spec(name)]
    if missing:
        print(f"Training needs {', '.join(missing)}: pip install -r requirements-dev.txt.", file=sys.stderr)
        return MISSING_PACKAGES
    try:
        mnist = load_mnist(args.data, args.limit)
    except DataError as error:
        print(error, file=sys.stderr)
        return INVALID_DATA

    from training import report

    run = {"digits": run_digit_training, "pages": run_page_training}
    for network in ("digits", "pages"):
        if network in args.networks and (status := run[network](mnist, args)):
            return status
    report.write_model_card(args.out)
    return 0


def run_digit_training(mnist: Mnist, args: argparse.Namespace) -> int:
    """Train the digit network from every seed and replace the model in --out; return the exit status."""
    from training import export, fit, report

    runs = []
    for seed in args.seed:
        run = args.runs / f"{args.arch}-seed{seed}"
        try:
            runs.append((run, train_digit_network(mnist, seed, run, args)))
        except KeyboardInterrupt as interrupt:
            message = str(interrupt) or f"Stopped. The best weights so far are in {run}."
            print(f"{message} The model in {args.out} is left as it was. The same command with --resume goes on.")
            return INTERRUPTED
        except (export.ExportError, fit.CheckpointError) as error:
            print(f"{error} The model in {args.out} is left as it was.", file=sys.stderr)
            return FAILED_CHECK

    for run, metrics in runs:
        report.write_json(args.out / "metrics" / f"{run.name}.json", metrics)
    if not args.keep_model:
        try:
            export_shipped_model(mnist, runs, args.out)
        except export.ExportError as error:
            print(f"{error} The model in {args.out} is left as it was.", file=sys.stderr)
            return FAILED_CHECK
        print(f"{args.out / 'digits.onnx'} is the new model.")
    return 0


def run_page_training(mnist: Mnist, args: argparse.Namespace) -> int:
    """Train the page network from the first seed and replace the model in --out; return the exit status."""
    from training import export, fit

    run = args.runs / f"pages-seed{args.seed[0]}"
    try:
        train_page_network(mnist, args.seed[0], run, args)
    except KeyboardInterrupt:
        print(f"Stopped. The last checkpoint is in {run}; the same command with --resume goes on.")
        return INTERRUPTED
    except (export.ExportError, fit.CheckpointError) as error:
        print(f"{error} The model in {args.out} is left as it was.", file=sys.stderr)
        return FAILED_CHECK
    return 0


def train_page_network(mnist: Mnist, seed: int, run: Path, args: argparse.Namespace) -> None:
    """Train and export the page network, and fit its fusion with the digit network.

    Writes pages.onnx to `run`, and to --out as well unless --keep-model is set.

    Raises:
        ExportError: the exported file failed a check.
        CheckpointError: the run can't be resumed.
    """
    import keras
    import tensorflow as tf

    from digits.pages import PAGE_CONTRACT, PageNetwork
    from training import export_pages, report
    from training.classes import CLASSES
    from training.fit_fusion import fit_score_fusion
    from training.fit_pages import PageOptions, fit_pages
    from training.glyph_library import GlyphLibrary
    from training.pages import compose_tile

    if args.threads:
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    precision = fastest_precision() if args.precision == "auto" else args.precision
    keras.mixed_precision.set_global_policy(precision)
    keras.utils.set_random_seed(seed)
    options = PageOptions(
        args.page_steps,
        args.page_batch_size,
        args.page_learning_rate,
        args.page_workers,
        args.resume,
        tuple(args.page_start),
    )
    network, history = fit_pages(mnist.train, mnist.validation, seed, options, run)
    held_out = GlyphLibrary(mnist.validation)
    runs_before: list[dict[str, Any]] = []
    for path in args.page_start:
        runs_before += [run for run in export_pages.read_training_runs(path) if run not in runs_before]
    metrics: dict[str, Any] = {
        "seed": seed,
        "parameters": network.count_params(),
        "steps": args.page_steps,
        "learning_rate": args.page_learning_rate,
        "tiles": args.page_steps * args.page_batch_size,
        "train_minutes": round(history[-1]["seconds"] / 60, 1),
        "precision": precision,
        "fonts": len(held_out.handwriting_fonts),
        "validation": history[-1]["validation"],
        "averaged_files": len(args.page_start),
        "before": runs_before,
        "versions": {"digits": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
    }
    metadata = {
        "page": PAGE_CONTRACT,
        "classes": json.dumps([*CLASSES, ""]),
        "code_version": __version__,
        "training": json.dumps(metrics),
    }
    model = run / "pages.onnx"
    random = np.random.default_rng(seed)
    pictures = np.stack([compose_tile(held_out, random).picture for _ in range(6)])
    export_pages.export_pages(network, metadata, pictures, model)
    classifier = Classifier(args.out / "digits.onnx")
    fusion = fit_score_fusion(PageNetwork(model), classifier, held_out, args.judged_pages, seed + 1)
    export_pages.add_metadata(model, {**metadata, "judge": fusion.to_metadata()})
    metrics |= {"bytes": model.stat().st_size, "judge": json.loads(fusion.to_metadata())}
    report.write_json(run / "metrics.json", metrics)
    if not args.keep_model:
        report.write_json(args.out / "metrics" / "pages.json", metrics)
        shutil.copyfile(model, args.out / ".pages.onnx.part")
        os.replace(args.out / ".pages.onnx.part", args.out / "pages.onnx")
        print(f"{args.out / 'pages.onnx'} is the new model.")


def train_digit_network(mnist: Mnist, seed: int, run: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Train, export and evaluate one digit network; write digits.onnx, metrics.json and pictures to `run`.

    Returns:
        The metrics.

    Raises:
        ExportError: the exported file failed a check.
        CheckpointError: the run can't be resumed.
        KeyboardInterrupt: ctrl-C was pressed; the message says which model was saved.
    """
    import keras
    import tensorflow as tf

    from training import calibration, export, networks, report
    from training.fit import fit_digit_network, fit_is_digit_head

    if args.threads:
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    precision = fastest_precision() if args.precision == "auto" else args.precision
    keras.mixed_precision.set_global_policy(precision)
    keras.utils.set_random_seed(seed)
    run.mkdir(parents=True, exist_ok=True)
    network = networks.NETWORKS[args.arch]()
    print(f"{args.arch}: {network.count_params():,} parameters, {len(mnist.train.labels):,} images, {precision}")

    result = fit_digit_network(network, mnist.train, mnist.validation, seed, args, run)
    if result.best_epoch == 0:
        raise KeyboardInterrupt("Stopped before the first epoch ended: there is nothing to keep yet.")
    network.load_weights(run / "best.weights.h5")
    started = time.monotonic()
    head = fit_is_digit_head(network, mnist.train, seed, args)
    head_seconds = time.monotonic() - started
    logits = network.predict(mnist.validation.images, batch_size=500, verbose=0)
    temperature = calibration.fit_temperature(logits, mnist.validation.labels)
    validation = calibration.softmax(logits / temperature)
    metrics: dict[str, Any] = {
        "arch": args.arch,
        "seed": seed,
        "parameters": int(keras.Model(network.input, [network.output, head.output]).count_params()),
        "epochs": len(result.history["loss"]),
        "best_epoch": result.best_epoch,
        "train_minutes": round((result.seconds + head_seconds) / 60, 1),
        "cores": None
        if args.resume
        else args.threads or os.cpu_count(),  # a resumed run does not know the cores of the runs before
        "precision": precision,
        "train_images": len(mnist.train.labels),
        "variants": args.variants,
        "options": changed_options(args),
        "temperature": temperature,
        "certain_from": calibration.MIN_CERTAINTY,
        "validation_loss": calibration.cross_entropy(validation, mnist.validation.labels),
        "validation_accuracy": float((validation.argmax(1) == mnist.validation.labels).mean()),
        "versions": {"digits": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
    }

    model = run / "digits.onnx"
    export.export_onnx(network, head, temperature, model_metadata(metrics), mnist.test.images, model)
    if result.interrupted:
        raise KeyboardInterrupt(f"Stopped. The best model so far (epoch {result.best_epoch}) is {model}.")

    # The test set's labels are used only here, and change only the report.
    classifier = Classifier(model)
    probabilities, _ = classifier.classify(mnist.test.images)
    metrics |= report.test_figures(probabilities, mnist.test.labels)
    metrics |= {"bytes": model.stat().st_size, "latency_ms": report.latency_ms(classifier, mnist.test.images)}
    metrics |= {"history": {name: [round(x, 6) for x in values] for name, values in result.history.items()}}
    report.write_json(run / "metrics.json", metrics)
    report.draw_pictures(run, result.history, mnist.test.images[..., 0], mnist.test.labels, probabilities)
    print(
        f"test accuracy {metrics['test_accuracy']:.2%}, {metrics['bytes'] / 1e6:.2f} MB, "
        f"{metrics['latency_ms']:.2f} ms an image; pictures in {run}"
    )
    return metrics


def model_metadata(metrics: dict[str, Any]) -> dict[str, str]:
    """Return the metadata of a digit network's file; digits/classifier.py reads labels, frame and certain_from."""
    return {
        "labels": json.dumps([str(digit) for digit in range(10)]),
        "frame": FRAME_CONTRACT,
        "certain_from": repr(metrics["certain_from"]),
        "code_version": __version__,
        "training": json.dumps(metrics),
    }


def export_shipped_model(mnist: Mnist, runs: list[tuple[Path, dict[str, Any]]], out: Path) -> None:
    """Export the average of all runs to `out`, evaluate it, and write its figures and pictures there.

    Args:
        mnist: the data.
        runs: folder and metrics of each run.
        out: folder of the shipped model.

    Raises:
        ExportError: the averaged file failed a check.
    """
    from training import ensemble, report

    members = [metrics for _, metrics in runs]
    metrics: dict[str, Any] = {
        **{key: members[0][key] for key in ("arch", "train_images", "variants", "options", "certain_from", "versions")},
        "seeds": [member["seed"] for member in members],
        "parameters": sum(member["parameters"] for member in members),
    }
    model = out / "digits.onnx"
    files = [run / "digits.onnx" for run, _ in runs]
    ensemble.export_average(files, model_metadata(metrics), mnist.test.images, model)
    classifier = Classifier(model)
    probabilities, _ = classifier.classify(mnist.test.images)
    metrics |= report.test_figures(probabilities, mnist.test.labels)
    metrics |= {"bytes": model.stat().st_size, "latency_ms": report.latency_ms(classifier, mnist.test.images)}
    report.write_json(out / "metrics" / "shipped.json", metrics)
    report.draw_history(out / "history.png", {member["seed"]: member["history"] for member in members})
    report.draw_confusion(out / "confusion.png", np.array(metrics["test_confusion"]))


def fastest_precision() -> str:
    """Return the fastest precision: bfloat16 is up to 4 times as fast with hardware support, and slower without."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    return "mixed_bfloat16" if "amx_bf16" in flags or "avx512_bf16" in flags else "float32"


if __name__ == "__main__":
    sys.exit(main())
