"""Train the page network on pages that are composed while it trains.

Other processes compose the tiles. The learning rate is constant after its warm-up and falls to zero over the last part,
so that a run can be resumed with more steps. Checkpoints hold the weights, their moving average (which is what is
exported) and the optimizer's state.
"""

import json
import multiprocessing
import os
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from training.data import Digits
from training.export_pages import take_weights
from training.fit import CheckpointError
from training.hands import Shapes
from training.page_network import page_loss, page_network
from training.page_targets import target_maps
from training.pages import compose_tile

WARM_UP_STEPS = 300
# This part of all steps, the last one, is for the falling learning rate.
DECAY = 0.3
EMA_MOMENTUM = 0.9985
CHECKPOINT_STEPS = 500
VALIDATION_BATCHES = 12
PARTS = ("centre", "class", "box", "small")


@dataclass(frozen=True)
class PageOptions:
    """Options of a training of the page network; see train_export.py.

    Attributes:
        start_from: an exported file, whose weights the network starts with; None for random ones.
    """

    steps: int
    batch_size: int
    learning_rate: float
    workers: int
    resume: bool
    start_from: Path | None


def _batch(shapes: Shapes, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Compose a batch: pictures uint8 (N, TILE, TILE, 3) and their target maps (targets.target_maps)."""
    pages = [compose_tile(shapes, random) for _ in range(count)]
    return np.stack([page.picture for page in pages]), np.stack([target_maps(page) for page in pages])


def _work(queue, digits: Digits, count: int, seed: tuple[int, ...]) -> None:
    """Compose batches for ever; runs in a process of its own."""
    import cv2

    cv2.setNumThreads(1)
    os.nice(5)  # training comes first; where it waits for pages, they get the core all the same
    shapes, random = Shapes(digits), np.random.default_rng(seed)
    while True:
        queue.put(_batch(shapes, count, random))


def fit_pages(train: Digits, validation: Digits, seed: int, options: PageOptions, run: Path):
    """Train a page network.

    Args:
        train, validation: MNIST's digits to compose pages with.
        run: folder for checkpoints: pages.weights.h5 is the moving average of the weights, pages.last.weights.h5 and
            pages.json are what resuming needs.

    Returns:
        The network, with the moving average of its weights; and its history, one entry a checkpoint.

    Raises:
        CheckpointError: the run can't be resumed.
        ExportError: the file to start from can't be used.
    """
    run.mkdir(parents=True, exist_ok=True)
    network = page_network()
    if options.start_from:
        take_weights(network, options.start_from)
    optimizer = keras.optimizers.AdamW(
        _Schedule(options.learning_rate, options.steps), weight_decay=0.01, global_clipnorm=5.0
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gain"])
    optimizer.build(network.trainable_variables)
    average = [tf.Variable(variable.value, trainable=False) for variable in network.trainable_variables]
    step, history = _restored(run, network, optimizer, average) if options.resume else (0, [])

    @tf.function
    def train_step(pictures, targets, momentum):
        with tf.GradientTape() as tape:
            loss, parts = page_loss(targets, network(tf.cast(pictures, tf.float32) / 255, training=True))
        variables = network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        for mean, variable in zip(average, variables):
            mean.assign(momentum * mean + (1 - momentum) * variable)
        return parts

    @tf.function
    def validate(pictures, targets):
        return page_loss(targets, network(tf.cast(pictures, tf.float32) / 255, training=False))[1]

    held_out = Shapes(validation)
    fixed = np.random.default_rng(0)
    checks = [_batch(held_out, options.batch_size, fixed) for _ in range(VALIDATION_BATCHES)]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(maxsize=6)
    arguments = (queue, train, options.batch_size)
    workers = [
        context.Process(target=_work, args=(*arguments, (seed, step, number)), daemon=True)
        for number in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    recent: list = []
    before = history[-1]["seconds"] if history else 0.0
    bar = tqdm(total=options.steps, initial=step, unit="step", desc=run.name, mininterval=0.5 if os.isatty(2) else 60)
    began = time.monotonic()
    try:
        while step < options.steps:
            pictures, targets = queue.get()
            momentum = min(EMA_MOMENTUM, (1 + step) / (10 + step))
            recent.append(train_step(pictures, targets, np.float32(momentum)))
            step += 1
            bar.update()
            if step % CHECKPOINT_STEPS == 0 or step == options.steps:
                losses = np.mean([loss.numpy() for loss in recent], 0)
                recent = []
                raw = [variable.numpy() for variable in network.trainable_variables]
                _assign(network, average)
                checked = np.mean([validate(*batch).numpy() for batch in checks], 0)
                _save(network, run / "pages.weights.h5")
                for variable, value in zip(network.trainable_variables, raw):
                    variable.assign(value)
                seconds = before + time.monotonic() - began
                history.append(
                    {"step": step, "seconds": seconds, "train": losses.tolist(), "validation": checked.tolist()}
                )
                _checkpoint(run, network, optimizer, history)
                told = ", ".join(f"{part} {loss:.4f}/{check:.4f}" for part, loss, check in zip(PARTS, losses, checked))
                speed = step / seconds * options.batch_size
                bar.write(f"step {step}: {told} (training/validation), {speed:.0f} tiles a second")
    finally:
        for worker in workers:
            worker.terminate()
        bar.close()
    _assign(network, average)
    return network, history


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        rising = (step + 1) / min(WARM_UP_STEPS, max(1, self.steps // 4))
        falling = (self.steps - step) / (DECAY * self.steps)
        return self.peak * tf.minimum(1.0, tf.minimum(rising, falling))

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}


def _assign(network: keras.Model, values) -> None:
    for variable, value in zip(network.trainable_variables, values):
        variable.assign(value)


def _save(network: keras.Model, path: Path) -> None:
    part = path.with_name(f"part.{path.name}")
    network.save_weights(part)
    os.replace(part, path)


def _checkpoint(run: Path, network: keras.Model, optimizer, history) -> None:
    values = [variable.numpy() for variable in [*network.trainable_variables, *optimizer.variables]]
    part = run / "part.pages.npz"
    np.savez(part, history=json.dumps(history), **{f"v{number}": value for number, value in enumerate(values)})
    os.replace(part, run / "pages.npz")


def _restored(run: Path, network: keras.Model, optimizer, average) -> tuple[int, list[dict]]:
    """Take up the last checkpoint; returns the number of steps that are done and the history."""
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
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"The checkpoint in {run} is damaged. The same command without --resume begins anew."
        ) from error
    raw = [variable.numpy() for variable in network.trainable_variables]
    network.load_weights(run / "pages.weights.h5")
    for mean, variable, value in zip(average, network.trainable_variables, raw):
        mean.assign(variable.value)
        variable.assign(value)
    return history[-1]["step"], history
