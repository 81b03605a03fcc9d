"""train_export.py trains, exports and evaluates on a small part of MNIST, and reports errors."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest

from digits import DigitReader
from digits.classifier import Classifier

REPOSITORY = Path(__file__).parents[2]


def command(folder, *arguments):
    return [
        *(sys.executable, "train_export.py", "--networks", "digits"),
        *("--out", str(folder / "models"), "--runs", str(folder / "runs")),
        *map(str, arguments),
    ]


def train(folder, *arguments):
    return subprocess.run(command(folder, *arguments), capture_output=True, text=True, cwd=REPOSITORY)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mnist_path):
    folder = tmp_path_factory.mktemp("trained")
    done = train(folder, "--data", mnist_path, "--limit", 3000, "--epochs", 4, "--arch", "three-conv", "--seed", 3, 4)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_a_model_trained_on_few_images_reads(trained, mnist):
    folder, _ = trained
    reader = DigitReader(folder / "models" / "digits.onnx")
    texts = [reading.text for reading in reader.read_many(mnist["x_test"][:300])]
    # Guessing gives a tenth; 3,000 images are enough for well over nine tenths.
    assert np.mean([text == str(label) for text, label in zip(texts, mnist["y_test"])]) > 0.85


def test_the_metrics_are_those_of_the_model(trained, mnist):
    folder, _ = trained
    figures = json.loads((folder / "models" / "metrics" / "shipped.json").read_text())
    classifier = Classifier(folder / "models" / "digits.onnx")
    probabilities, _ = classifier.classify(mnist["x_test"][:3000] / np.float32(255))
    right = (probabilities.argmax(1) == mnist["y_test"][:3000]).mean()
    assert figures["test_accuracy"] == pytest.approx(right, abs=1e-9)
    assert figures["test_errors"] == sum(figures["test_errors_by_digit"])
    confusion = np.array(figures["test_confusion"])
    assert confusion.sum(1).tolist() == figures["test_images_by_digit"]
    assert (confusion.sum(1) - confusion.diagonal()).tolist() == figures["test_errors_by_digit"]
    assert json.loads(classifier.metadata["training"])["seeds"] == [3, 4]
    assert json.loads(classifier.metadata["labels"]) == list("0123456789")


def test_pictures_and_model_card_are_written(trained):
    folder, done = trained
    for seed in (3, 4):
        for name in ("history.png", "confusion.png", "predictions.png", "mistakes.png"):
            assert (folder / "runs" / f"three-conv-seed{seed}" / name).read_bytes().startswith(b"\x89PNG")
        figures = json.loads((folder / "models" / "metrics" / f"three-conv-seed{seed}.json").read_text())
        assert len(figures["history"]["val_loss"]) == 4
    for name in ("history.png", "confusion.png"):
        assert (folder / "models" / name).read_bytes().startswith(b"\x89PNG")
    card = (folder / "models" / "README.md").read_text()
    assert "three-conv" in card
    assert "%" in card
    assert "epoch 4/4" in done.stderr + done.stdout
    # The card lists the changed options, and has no figures on real handwriting, which this model was not measured on.
    assert "--arch three-conv --seed 3 4 --epochs 4 --limit 3000\n" in card
    assert "real handwriting" not in card


@pytest.fixture
def models(tmp_path):
    return Path(shutil.copytree(REPOSITORY / "models", tmp_path / "models"))


def write_card(models):
    from training.report import write_model_card

    write_model_card(models)
    return (models / "README.md").read_text()


def test_the_shipped_card_is_up_to_date(models):
    assert write_card(models) == (REPOSITORY / "models" / "README.md").read_text()


def test_the_card_does_not_count_other_runs_as_the_shipped_network(models):
    run = json.loads((models / "metrics" / "standardized-seed1.json").read_text())
    other = run | {"seed": 7, "test_accuracy": 0.9, "test_errors": 1000}
    (models / "metrics" / "standardized-seed7.json").write_text(json.dumps(other))
    before, after = (REPOSITORY / "models" / "README.md").read_text(), write_card(models)
    assert "\n| 7 |" not in after
    (alone,) = (line for line in before.splitlines() if "one network alone" in line)
    assert alone in after


def test_the_card_quotes_accuracy_only_of_the_measured_model(models):
    assert "## On real handwriting" in write_card(models)
    with (models / "digits.onnx").open("ab") as model:
        model.write(b"another")
    assert "## On real handwriting" not in write_card(models)


def test_the_card_names_networks_of_an_older_script(models):
    assert "An older version of the script trained `three-conv` and `two-block`" in write_card(models)
    for name in ("three-conv", "two-block"):
        path = models / "metrics" / f"{name}-seed0.json"
        run = json.loads(path.read_text()) | {"variants": 0.15, "certain_from": 0.45}
        path.write_text(json.dumps(run))
    card = write_card(models)
    assert "older version" not in card
    assert "Other rows come from the same command" in card


def test_no_temporary_files_are_left(trained):
    folder, _ = trained
    assert not [p for p in folder.rglob("*") if "part" in p.name]


def test_resume_continues_after_the_last_epoch(trained, mnist_path, tmp_path):
    first = ("--data", mnist_path, "--limit", 600, "--arch", "three-conv", "--seed", 1, "--keep-model")
    assert train(tmp_path, *first, "--epochs", 2).returncode == 0
    done = train(tmp_path, *first, "--epochs", 4, "--resume")
    assert done.returncode == 0, done.stderr
    output = done.stdout + done.stderr
    assert "epoch 3/4" in output
    assert "epoch 1/4" not in output
    figures = json.loads((tmp_path / "models" / "metrics" / "three-conv-seed1.json").read_text())
    assert figures["epochs"] == 4
    assert not (tmp_path / "models" / "digits.onnx").exists()


@pytest.mark.parametrize("data", ["nowhere.npz", "README.md"])
def test_invalid_data_gives_one_message_and_leaves_the_model(data, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "digits.onnx").write_bytes(b"old")
    done = train(tmp_path, "--data", data)
    assert done.returncode == 2
    assert done.stderr.strip().count("\n") == 0
    assert "Traceback" not in done.stderr
    assert (tmp_path / "models" / "digits.onnx").read_bytes() == b"old"


@pytest.mark.parametrize("option", ["--epochs", "--head-epochs", "--batch-size", "--limit", "--patience"])
def test_zero_is_refused_for_positive_options(option, tmp_path):
    done = train(tmp_path, option, 0)
    assert done.returncode == 2
    assert f"argument {option}: invalid positive value: '0'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_checkpoint_gives_one_message(tmp_path, mnist_path):
    run = tmp_path / "runs" / "three-conv-seed1"
    run.mkdir(parents=True)
    (run / "progress.json").write_text('{"history": {"loss": [0.')
    done = train(tmp_path, "--data", mnist_path, "--limit", 100, "--arch", "three-conv", "--seed", 1, "--resume")
    assert done.returncode == 3
    assert f"The checkpoint in {run} is damaged." in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_packages_give_one_message():
    # Hides Keras, as in an environment without the training's packages.
    code = "import sys; sys.modules['keras'] = None; import train_export; sys.exit(train_export.main([]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 2
    assert done.stderr == "Training needs keras: pip install -r requirements-dev.txt.\n"


def test_ctrl_c_exports_the_best_model_so_far(tmp_path, mnist_path):
    arguments = (
        "--data",
        mnist_path,
        "--limit",
        1500,
        "--epochs",
        500,
        "--patience",
        500,
        "--arch",
        "three-conv",
        "--seed",
        1,
    )
    process = subprocess.Popen(
        command(tmp_path, *arguments), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    progress = tmp_path / "runs" / "three-conv-seed1" / "progress.json"
    deadline = time.monotonic() + 120
    while not progress.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "best model so far" in output
    assert "--resume" in output
    model = tmp_path / "runs" / "three-conv-seed1" / "digits.onnx"
    assert DigitReader(model).read(np.zeros((30, 30), np.uint8)).text == ""
    assert not (tmp_path / "models" / "digits.onnx").exists()


def build_untrained(name):
    """Return a digit network and its head."""
    from training import networks

    network = networks.NETWORKS[name]()
    return network, networks.build_is_digit_head(network)


def test_a_failed_check_leaves_the_old_model(tmp_path):
    from training import export

    old = tmp_path / "digits.onnx"
    old.write_bytes(b"old")
    images = np.random.default_rng(0).random((40, 28, 28, 1), np.float32)
    export.export_onnx(*build_untrained("three-conv"), 1.0, {"labels": "[]"}, images, tmp_path / "good.onnx")

    def convert_to_other_network(both, temperature):
        """Convert to another network's graph."""
        return onnx.load(tmp_path / "good.onnx")

    original, export._convert = export._convert, convert_to_other_network
    try:
        with pytest.raises(export.ExportError, match="disagrees"):
            export.export_onnx(*build_untrained("three-conv"), 1.0, {}, images, old)
    finally:
        export._convert = original
    assert old.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


@pytest.mark.parametrize("name", ["standardized", "two-block", "three-conv"])
def test_parity_with_keras_holds_for_every_network(name, tmp_path):
    from training import export

    images = np.random.default_rng(1).random((64, 28, 28, 1), np.float32)
    export.export_onnx(*build_untrained(name), 1.3, {"labels": "[]"}, images, tmp_path / "model.onnx")


def test_training_the_head_does_not_change_the_network(mnist_path):
    import argparse

    from training.data import load_mnist
    from training.fit import fit_is_digit_head
    from training.networks import three_conv

    train = load_mnist(str(mnist_path), 400).train
    network = three_conv()
    before = network.get_weights()
    args = argparse.Namespace(
        rotation=12, zoom=0.1, shear=0.2, shift=0.06, elastic=0.7, stroke=0.4, dirt=0.1, variants=0.1, others=0.3,
        head_epochs=1, batch_size=64, learning_rate=2e-3,
    )  # fmt: skip
    fit_is_digit_head(network, train, 0, args)
    for weights_before, weights_after in zip(before, network.get_weights()):
        np.testing.assert_array_equal(weights_before, weights_after)
