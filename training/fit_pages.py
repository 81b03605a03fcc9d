"""Train the page network on pages that other processes compose during training.

The learning rate is constant after its warm-up and falls to zero over the last part of the run, so that a run can be
resumed with more steps. A checkpoint holds the weights, their moving average, which is exported, and the optimizer's
state.
"""

import json
import multiprocessing
import os
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from training.data import Digits
from training.export_pages import load_average_weights
from training.fit import CheckpointError
from training.glyph_library import GlyphLibrary
from training.page_network import build_page_network, page_loss
from training.page_targets import draw_target_maps
from training.pages import compose_tile

WARM_UP_STEPS = 300
DECAY_FRACTION = 0.3  # of all steps, the last ones, in which the learning rate falls to zero
EMA_MOMENTUM = 0.9985  # of the moving average of the weights
STEPS_PER_CHECKPOINT = 500
VALIDATION_BATCH_COUNT = 12
BATCH_QUEUE_SIZE = 6  # composed batches that wait for the training
LOSS_TERMS = ("centre", "class", "box", "small")  # in the order of page_loss


Batch = tuple[np.ndarray, np.ndarray]  # pictures and target maps


@dataclass(frozen=True)
class PageOptions:
    """Options of the page network's training; see train_export.py.

    Attributes:
        steps: number of training steps; 0 only evaluates the initial weights.
        batch_size: tiles per step.
        learning_rate: learning rate before it falls.
        workers: number of processes that compose pages.
        resume: whether to continue from the run's last checkpoint.
        start_from: exported files, the average of whose weights is the initial weights; empty for random weights.
    """

    steps: int
    batch_size: int
    learning_rate: float
    workers: int
    resume: bool
    start_from: tuple[Path, ...]


def _compose_batch(library: GlyphLibrary, count: int, random: np.random.Generator) -> Batch:
    """Compose a batch: pictures uint8 (N, TILE_SIDE, TILE_SIDE, 3) and their target maps."""
    pages = [compose_tile(library, random) for _ in range(count)]
    return np.stack([page.picture for page in pages]), np.stack([draw_target_maps(page) for page in pages])


def _run_worker(queue: "multiprocessing.Queue[Batch]", digits: Digits, count: int, seed: tuple[int, ...]) -> None:
    """Put batches of `count` tiles into the queue until the process is terminated; runs in a process of its own."""
    import cv2

    cv2.setNumThreads(1)
    os.nice(5)  # training has priority; while it waits for pages, the workers get its core
    library, random = GlyphLibrary(digits), np.random.default_rng(seed)
    while True:
        queue.put(_compose_batch(library, count, random))


def fit_pages(
    train: Digits, validation: Digits, seed: int, options: PageOptions, run: Path
) -> tuple[keras.Model, list[dict[str, Any]]]:
    """Train a page network.

    Args:
        train: MNIST's digits for the training pages.
        validation: MNIST's digits for the validation pages.
        seed: seed of the workers' random generators.
        options: see PageOptions.
        run: folder for checkpoints: pages.weights.h5 holds the moving average of the weights, pages.npz the rest of
            what resuming needs.

    Returns:
        The network, with the moving average of its weights, and the history, one entry per checkpoint.

    Raises:
        CheckpointError: the run can't be resumed.
        ExportError: the file with the initial weights can't be used.
    """
    run.mkdir(parents=True, exist_ok=True)
    network = build_page_network()
    if options.start_from:
        load_average_weights(network, options.start_from)
    optimizer = keras.optimizers.AdamW(
        _LearningRate(options.learning_rate, options.steps), weight_decay=0.01, global_clipnorm=5.0
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gain"])
    optimizer.build(network.trainable_variables)
    average = [tf.Variable(variable.value, trainable=False) for variable in network.trainable_variables]
    step, history = _restore_checkpoint(run, network, optimizer, average) if options.resume else (0, [])

    @tf.function
    def train_step(pictures: tf.Tensor, targets: tf.Tensor, momentum: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss, terms = page_loss(targets, network(tf.cast(pictures, tf.float32) / 255, training=True))
        variables = network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        for mean, variable in zip(average, variables):
            mean.assign(momentum * mean + (1 - momentum) * variable)
        return terms

    @tf.function
    def validate(pictures: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        return page_loss(targets, network(tf.cast(pictures, tf.float32) / 255, training=False))[1]

    held_out = GlyphLibrary(validation)
    fixed_random = np.random.default_rng(0)
    validation_batches = [
        _compose_batch(held_out, options.batch_size, fixed_random) for _ in range(VALIDATION_BATCH_COUNT)
    ]

    def measure_validation_losses() -> np.ndarray:
        return np.mean([validate(*batch).numpy() for batch in validation_batches], 0)

    if not options.steps:
        return network, [{"step": 0, "seconds": 0.0, "train": [], "validation": measure_validation_losses().tolist()}]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(maxsize=BATCH_QUEUE_SIZE)
    arguments = (queue, train, options.batch_size)
    workers = [
        context.Process(target=_run_worker, args=(*arguments, (seed, step, number)), daemon=True)
        for number in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    recent_losses: list[tf.Tensor] = []
    earlier_seconds = history[-1]["seconds"] if history else 0.0
    bar = tqdm(total=options.steps, initial=step, unit="step", desc=run.name, mininterval=0.5 if os.isatty(2) else 60)
    started = time.monotonic()
    try:
        while step < options.steps:
            pictures, targets = queue.get()
            momentum = min(EMA_MOMENTUM, (1 + step) / (10 + step))
            recent_losses.append(train_step(pictures, targets, np.float32(momentum)))
            step += 1
            bar.update()
            if step % STEPS_PER_CHECKPOINT == 0 or step == options.steps:
                losses = np.mean([loss.numpy() for loss in recent_losses], 0)
                recent_losses = []
                raw_values = [variable.numpy() for variable in network.trainable_variables]
                _assign_weights(network, average)
                validation_losses = measure_validation_losses()
                _save_weights(network, run / "pages.weights.h5")
                for variable, value in zip(network.trainable_variables, raw_values):
                    variable.assign(value)
                seconds = earlier_seconds + time.monotonic() - started
                history.append(
                    {
                        "step": step,
                        "seconds": seconds,
                        "train": losses.tolist(),
                        "validation": validation_losses.tolist(),
                    }
                )
                _save_checkpoint(run, network, optimizer, history)
                terms = zip(LOSS_TERMS, losses, validation_losses)
                losses_text = ", ".join(f"{term} {loss:.4f}/{validation:.4f}" for term, loss, validation in terms)
                speed = step / seconds * options.batch_size
                bar.write(f"step {step}: {losses_text} (training/validation), {speed:.0f} tiles a second")
    finally:
        for worker in workers:
            worker.terminate()
        bar.close()
    _assign_weights(network, average)
    return network, history


class _LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to the peak, stay there, and fall linearly to zero."""

    def __init__(self, peak: float, steps: int) -> None:
        self.peak, self.steps = peak, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        rising = (step + 1) / min(WARM_UP_STEPS, max(1, self.steps // 4))
        falling = (self.steps - step) / (DECAY_FRACTION * self.steps)
        return self.peak * tf.minimum(1.0, tf.minimum(rising, falling))

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps}


def _assign_weights(network: keras.Model, values: Sequence[tf.Tensor]) -> None:
    """Set the network's trainable weights."""
    for variable, value in zip(network.trainable_variables, values):
        variable.assign(value)


def _save_weights(network: keras.Model, path: Path) -> None:
    """Save the network's weights atomically."""
    part = path.with_name(f"part.{path.name}")
    network.save_weights(part)
    os.replace(part, path)


def _save_checkpoint(
    run: Path, network: keras.Model, optimizer: keras.optimizers.Optimizer, history: list[dict[str, Any]]
) -> None:
    """Save weights, optimizer state and history to run/pages.npz atomically."""
    values = [variable.numpy() for variable in [*network.trainable_variables, *optimizer.variables]]
    part = run / "part.pages.npz"
    np.savez(part, history=json.dumps(history), **{f"v{number}": value for number, value in enumerate(values)})
    os.replace(part, run / "pages.npz")


def _restore_checkpoint(
    run: Path, network: keras.Model, optimizer: keras.optimizers.Optimizer, average: list[tf.Variable]
) -> tuple[int, list[dict[str, Any]]]:
    """Load the last checkpoint in place; return the number of finished steps and the history.

    Raises:
        CheckpointError: the checkpoint is damaged.
    """
    path = run / "pages.npz"
    if not path.exists():
        print(f"There is no checkpoint in {run} yet: starting from the beginning.")
        return 0, []
    try:
        with np.load(path) as saved:
            history = json.loads(str(saved["history"]))
            for number, variable in enumerate([*network.trainable_variables, *optimizer.variables]):
                if variable.name != "learning_rate":
                    variable.assign(saved[f"v{number}"])
        raw_values = [variable.numpy() for variable in network.trainable_variables]
        network.load_weights(run / "pages.weights.h5")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"The checkpoint in {run} is damaged. Run the same command without --resume to start again."
        ) from error
    for mean, variable, value in zip(average, network.trainable_variables, raw_values):
        mean.assign(variable.value)
        variable.assign(value)
    return history[-1]["step"], history
