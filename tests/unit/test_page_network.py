"""The page network's training: output shape, loss, export, and error messages."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from digits.classifier import DEFAULT_MODEL

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def network():
    from training.page_network import build_page_network

    return build_page_network()


def test_maps_have_a_quarter_of_the_pictures_size(network):
    assert network.predict(np.zeros((2, 64, 96, 3), np.float32), verbose=0).shape == (2, 16, 24, 24)


def targets_and_maps():
    """Return the targets of a page, and maps that predict them."""
    from training.page_targets import (
        CENTRE_CHANNEL,
        FIRST_BOX_CHANNEL,
        FIRST_CLASS_CHANNEL,
        SMALL_CHANNEL,
        draw_target_maps,
    )
    from training.pages import Page

    boxes = np.array([(20, 30, 44, 70), (100, 20, 106, 60)], np.float32)
    page = Page(np.zeros((128, 160, 3), np.uint8), boxes, np.array([7, 1]), np.array([40, 40], np.float32))
    targets = draw_target_maps(page)
    maps = np.full((*targets.shape[:2], 24), -12.0, np.float32)
    maps[..., CENTRE_CHANNEL][targets[..., 0] == 1] = 12
    for label in (7, 1):
        maps[..., FIRST_CLASS_CHANNEL + label][targets[..., 2] == label] = 12
    maps[..., FIRST_BOX_CHANNEL:SMALL_CHANNEL] = targets[..., 4:9]
    return targets[None], maps[None]


def test_the_loss_is_lowest_for_correct_maps():
    from training.page_network import page_loss

    targets, maps = targets_and_maps()
    lowest = page_loss(targets, maps)[0].numpy()
    assert lowest < 0.01
    for channel in (0, 8, 2, 18, 20, 22, 23):
        wrong = maps.copy()
        wrong[..., channel] = -wrong[..., channel] + 1
        assert page_loss(targets, wrong)[0].numpy() > lowest + 0.01, channel


def test_cells_that_do_not_count_add_no_loss():
    from training.page_network import page_loss

    targets, maps = targets_and_maps()
    before = page_loss(targets, maps)[0].numpy()
    targets[0, 2, 2, 1] = 0
    maps[0, 2, 2, 0] = 12
    assert page_loss(targets, maps)[0].numpy() == pytest.approx(before, abs=1e-4)


def test_a_file_that_differs_from_keras_is_refused(network, tmp_path):
    from training import export_pages
    from training.export import ExportError
    from training.page_network import build_page_network

    pictures = np.random.default_rng(0).integers(0, 255, (3, 256, 256, 3), np.uint8)
    path = tmp_path / "pages.onnx"
    export_pages.export_pages(network, {"page": "x"}, pictures, path)
    assert path.stat().st_size < 3_000_000
    before = path.read_bytes()
    other = build_page_network()
    other.set_weights([weights + 0.3 for weights in network.get_weights()])
    original = export_pages._convert
    export_pages._convert = lambda network: onnx.load(path)
    try:
        with pytest.raises(ExportError, match="disagrees"):
            export_pages.export_pages(other, {"page": "x"}, pictures, path)
    finally:
        export_pages._convert = original
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["pages.onnx"]


def test_weights_loaded_from_the_shipped_file_give_its_outputs():
    from digits.pages import DEFAULT_PAGE_MODEL
    from training import export_pages
    from training.page_network import build_page_network

    other = build_page_network()
    export_pages.load_exported_weights(other, DEFAULT_PAGE_MODEL)
    picture = np.random.default_rng(1).uniform(0, 1, (1, 96, 128, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(DEFAULT_PAGE_MODEL, providers=["CPUExecutionProvider"])
    (characters,) = session.run(["characters"], {"page": picture})
    maps = export_pages.as_float32(other).predict(picture, verbose=0)
    # Weights have 11 bits in the file: logits of about ten differ by a few hundredths at most.
    np.testing.assert_allclose(maps[..., 1:-1], characters, atol=0.1)
    with pytest.raises(export_pages.ExportError, match="convolutions"):
        export_pages.load_exported_weights(other, DEFAULT_MODEL)


def test_files_are_averaged_weight_by_weight(tmp_path):
    from digits.pages import DEFAULT_PAGE_MODEL
    from training import export_pages
    from training.page_network import build_page_network

    # A file whose weights of the last layer, the only ones without a standardization, are three times as large.
    model = onnx.load(DEFAULT_PAGE_MODEL)
    for tensor in model.graph.initializer:
        if any(name in tensor.name for name in export_pages._DENSE_NAMES):
            tensor.CopyFrom(onnx.numpy_helper.from_array(3 * onnx.numpy_helper.to_array(tensor), tensor.name))
    onnx.save(model, tmp_path / "other.onnx")

    network = build_page_network()
    export_pages.load_exported_weights(network, DEFAULT_PAGE_MODEL)
    one = network.get_weights()
    export_pages.load_average_weights(network, [DEFAULT_PAGE_MODEL, tmp_path / "other.onnx"])
    average = network.get_weights()
    for before, after in zip(one[:-2], average[:-2], strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-6)
    for before, after in zip(one[-2:], average[-2:], strict=True):
        np.testing.assert_allclose(after, 2 * before, rtol=1e-3, atol=1e-6)


def test_a_file_lists_its_training_runs(tmp_path):
    from digits.pages import DEFAULT_PAGE_MODEL
    from training import export_pages

    runs = export_pages.read_training_runs(DEFAULT_PAGE_MODEL)
    assert sum(run["tiles"] for run in runs) > 200_000
    figures = {"steps": 7, "learning_rate": 0.1, "tiles": 28, "train_minutes": 1, "before": runs}
    model = onnx.load(DEFAULT_PAGE_MODEL)
    onnx.helper.set_model_props(model, {"training": json.dumps(figures)})
    onnx.save(model, tmp_path / "next.onnx")
    assert export_pages.read_training_runs(tmp_path / "next.onnx") == [
        *runs,
        {key: figures[key] for key in list(figures)[:4]},
    ]
    with pytest.raises(export_pages.ExportError, match="how it was trained"):
        export_pages.read_training_runs(REPOSITORY / "README.md")


def train_pages(folder, *arguments):
    command = [sys.executable, "train_export.py", "--networks", "pages", "--out", folder / "models"]
    command += ["--runs", folder / "runs", "--page-batch-size", 2, "--judged-pages", 3, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=REPOSITORY)


def test_a_short_training_fails_and_is_resumed(tmp_path, mnist_path):
    shutil.copytree(REPOSITORY / "models", tmp_path / "models")
    before = (tmp_path / "models" / "pages.onnx").read_bytes()
    data = ("--data", mnist_path, "--limit", 500)
    done = train_pages(tmp_path, *data, "--page-steps", 2)
    assert done.returncode == 3, done.stderr
    assert "found no digit" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "models" / "pages.onnx").read_bytes() == before
    resumed = train_pages(tmp_path, *data, "--page-steps", 3, "--resume")
    assert "step 3:" in resumed.stderr + resumed.stdout
    assert "step 2:" not in resumed.stderr + resumed.stdout
    for name in ("pages.weights.h5", "pages.npz"):
        (tmp_path / "runs" / "pages-seed0" / name).write_bytes(b"torn")
        damaged = train_pages(tmp_path, *data, "--page-steps", 4, "--resume")
        assert damaged.returncode == 3
        assert "is damaged" in damaged.stderr
        assert "Traceback" not in damaged.stderr


def test_no_step_ships_the_average_of_the_files_to_start_from(tmp_path, mnist_path):
    models = shutil.copytree(REPOSITORY / "models", tmp_path / "models")
    files = [models / "pages.onnx"] * 2
    done = train_pages(
        tmp_path, "--data", mnist_path, "--limit", 500, "--page-steps", 0, "--page-start", *files, "--judged-pages", 40
    )
    assert done.returncode == 0, done.stderr
    assert (models / "pages.onnx").read_bytes() != (REPOSITORY / "models" / "pages.onnx").read_bytes()
    picture = {"page": np.random.default_rng(1).uniform(0, 1, (1, 96, 128, 3)).astype(np.float32)}
    # The same network: its weights are rounded once more.
    shipped, averaged = (
        onnxruntime.InferenceSession(folder / "pages.onnx").run(["centre"], picture)[0]
        for folder in (REPOSITORY / "models", models)
    )
    np.testing.assert_allclose(averaged, shipped, atol=0.02)
    metrics = json.loads((models / "metrics" / "pages.json").read_text())
    assert metrics["steps"] == 0
    assert metrics["averaged_files"] == 2
    assert "average of the last 2 runs' files" in (models / "README.md").read_text()


def test_score_fusion_is_fitted_to_both_networks(mnist_path):
    from digits.classifier import Classifier
    from digits.pages import PageNetwork
    from training.data import load_mnist
    from training.fit_fusion import fit_score_fusion
    from training.glyph_library import GlyphLibrary

    library = GlyphLibrary(load_mnist(str(mnist_path), 2000).validation)
    fusion = fit_score_fusion(PageNetwork(), Classifier(), library, 40, 0)
    assert fusion.page_weight + fusion.crop_weight > 0.5
    shipped = json.loads(PageNetwork().metadata["judge"])
    assert fusion.page_weight == pytest.approx(shipped["page_weight"], abs=0.4)
    assert 0 < fusion.min_centre_probability < 1
    assert 0.5 < fusion.min_certainty <= 1
