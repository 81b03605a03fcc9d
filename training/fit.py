"""Train the digit network and its is_digit head.

After every epoch the moving average of the weights is evaluated on the validation set and, where it is the best so far,
saved as best.weights.h5. last.weights.h5 and progress.json hold what a resumed run needs.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from training.augmentation import RandomArtifacts, RandomStrokeWidth, RandomWarp
from training.calibration import cross_entropy, softmax
from training.data import Digits, concatenate
from training.networks import build_is_digit_head
from training.synthesis import NOT_A_DIGIT, synthesize_non_digits, synthesize_variants

Logs = dict[str, float] | None  # what Keras passes to callbacks


class CheckpointError(RuntimeError):
    """A run can't be resumed from its checkpoint; the message says what to do."""


@dataclass
class TrainingResult:
    """The result of a training.

    Attributes:
        history: loss, accuracy, val_loss and val_accuracy by epoch.
        best_epoch: number of the best epoch, from 1; 0 where no epoch was finished.
        interrupted: whether ctrl-C ended the training.
        seconds: duration, with that of the runs before a --resume.
    """

    history: dict[str, list[float]]
    best_epoch: int
    interrupted: bool
    seconds: float


def fit_digit_network(
    network: keras.Model, train: Digits, validation: Digits, seed: int, args: argparse.Namespace, run: Path
) -> TrainingResult:
    """Train on augmented images and on writing variants, which are synthesized again for every epoch.

    Args:
        network: 28x28 image -> ten logits; run/best.weights.h5 holds its best weights afterwards.
        train: training images.
        validation: images that choose the best epoch.
        seed: seed of all random generators.
        args: the options of train_export.py.
        run: folder for checkpoints.

    Raises:
        CheckpointError: the run can't be resumed.
    """
    model = _add_augmentation(network, seed, args)
    count = int(args.variants * len(train.labels))
    steps = -(-(len(train.labels) + count) // args.batch_size)

    def make_epoch(random: np.random.Generator) -> Digits:
        return concatenate(train, synthesize_variants(train, count, random))

    warm_up = min(steps, args.epochs * steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        args.learning_rate / 20, args.epochs * steps - warm_up, warmup_target=args.learning_rate, warmup_steps=warm_up
    )
    # The average covers at most a tenth of the run, so that the initial weights do not dominate it in a short run.
    ema = min(args.ema, max(0.0, 1 - 10 / (args.epochs * steps)))
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=args.weight_decay, use_ema=True, ema_momentum=ema, ema_overwrite_frequency=None
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gain", "beta", "gamma"])
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    # The optimizer's own variables must exist before a checkpoint can fill them.
    optimizer.build(model.trainable_variables)

    checkpoints = CheckpointCallback(network, validation, args, run, steps)
    first_epoch = checkpoints.restore(model) if args.resume else 0
    interrupted = False
    try:
        if first_epoch < args.epochs and not checkpoints.is_done():
            model.fit(
                _EpochBatches(make_epoch, seed, args.batch_size, first_epoch),
                initial_epoch=first_epoch,
                epochs=args.epochs,
                callbacks=[checkpoints],
                verbose=0,
            )
    except KeyboardInterrupt:
        interrupted = True
    finally:
        checkpoints.close()
    return TrainingResult(checkpoints.history, checkpoints.best_epoch, interrupted, checkpoints.seconds)


def fit_is_digit_head(network: keras.Model, train: Digits, seed: int, args: argparse.Namespace) -> keras.Model:
    """Train the head that detects whether an image is a digit, on top of a trained network, which does not change.

    Non-digits are synthesized again for every epoch.

    Args:
        network: trained network, 28x28 image -> ten logits.
        train: training images.
        seed: seed of all random generators.
        args: the options of train_export.py.

    Returns:
        The head: 28x28 image -> one logit.
    """
    head = build_is_digit_head(network)
    model = _add_augmentation(head, seed, args)
    variant_count, non_digit_count = (int(part * len(train.labels)) for part in (args.variants, args.others))

    def make_epoch(random: np.random.Generator) -> Digits:
        variants = synthesize_variants(train, variant_count, random)
        digits = concatenate(train, variants, synthesize_non_digits(train, non_digit_count, random))
        return Digits(digits.images, (digits.labels != NOT_A_DIGIT).astype(np.float32)[:, None])

    batches = _EpochBatches(make_epoch, seed, args.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(args.learning_rate, args.head_epochs * len(batches))
    model.compile(keras.optimizers.AdamW(schedule), keras.losses.BinaryCrossentropy(from_logits=True))
    bar = tqdm(total=args.head_epochs, desc="is it a digit", unit="epoch")
    progress = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: bar.update())
    model.fit(batches, epochs=args.head_epochs, callbacks=[progress], verbose=0)
    bar.close()
    return head


class _EpochBatches(keras.utils.PyDataset):
    """Shuffled batches of images and labels, with new images for every epoch.

    Args:
        make: (random generator) -> Digits, the same number of images for every epoch.
        seed: seeds the random generator together with the epoch's number, so that a resumed run sees the same images.
        batch_size: images per step.
        epoch: number of the first epoch, from 0.
    """

    def __init__(
        self, make: Callable[[np.random.Generator], Digits], seed: int, batch_size: int, epoch: int = 0
    ) -> None:
        super().__init__()
        self.make, self.seed, self.batch_size, self.epoch = make, seed, batch_size, epoch
        self._start_epoch()

    def _start_epoch(self) -> None:
        random = np.random.default_rng((self.seed, self.epoch))
        digits = self.make(random)
        order = random.permutation(len(digits.labels))
        self.images, self.labels = digits.images[order], digits.labels[order]

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        batch = slice(number * self.batch_size, (number + 1) * self.batch_size)
        return self.images[batch], self.labels[batch]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._start_epoch()


def _add_augmentation(network: keras.Model, seed: int, args: argparse.Namespace) -> keras.Model:
    """Put the augmentation layers, which act in training only, before the network."""
    image = keras.Input((28, 28, 1))
    x = RandomWarp(args.rotation, args.zoom, args.shear, args.shift, args.elastic, seed=seed)(image)
    x = RandomStrokeWidth(args.stroke, seed=seed)(x)
    x = RandomArtifacts(args.dirt, seed=seed)(x)
    return keras.Model(image, network(x))


class CheckpointCallback(keras.callbacks.Callback):
    """Evaluate after each epoch, save checkpoints, stop early and show progress.

    Args:
        network: the digit network, without augmentation.
        validation: images that choose the best epoch.
        args: the options of train_export.py.
        run: folder for checkpoints.
        steps: steps per epoch.
    """

    def __init__(
        self, network: keras.Model, validation: Digits, args: argparse.Namespace, run: Path, steps: int
    ) -> None:
        super().__init__()
        self.network, self.validation, self.args, self.run, self.steps = network, validation, args, run, steps
        self.history: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
        self.best_epoch = 0
        self.seconds = 0.0
        self.bar: Any = None  # a tqdm bar, from on_train_begin on

    def restore(self, model: keras.Model) -> int:
        """Load the last checkpoint, and return the number of finished epochs.

        Raises:
            CheckpointError: the checkpoint is damaged.
        """
        progress = self.run / "progress.json"
        if not progress.exists():
            print(f"There is no checkpoint in {self.run} yet: starting from the beginning.")
            return 0
        try:
            saved = json.loads(progress.read_text())
            model.load_weights(self.run / "last.weights.h5")
            self.history, self.best_epoch, self.seconds = saved["history"], saved["best_epoch"], saved["seconds"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"The checkpoint in {self.run} is damaged. Run the same command without --resume to start again."
            ) from error
        return len(self.history["loss"])

    def is_done(self) -> bool:
        return self.best_epoch > 0 and len(self.history["loss"]) - self.best_epoch >= self.args.patience

    def on_train_begin(self, logs: Logs = None) -> None:
        if self.bar is None:
            self.bar = tqdm(
                total=self.args.epochs * self.steps,
                initial=len(self.history["loss"]) * self.steps,
                unit="step",
                desc=self.run.name,
                mininterval=0.5 if os.isatty(2) else 60,  # one line a second is too much for a log file
            )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.epoch_started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        variables = self.model.trainable_variables
        raw_values = [keras.ops.convert_to_numpy(variable) for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)  # replaces the weights by their moving average
        loss, accuracy = self._evaluate()
        for name, value in zip(self.history, (logs["loss"], logs["accuracy"], loss, accuracy)):
            self.history[name].append(float(value))
        if loss <= min(self.history["val_loss"]):
            self.best_epoch = epoch + 1
            self._save_weights(self.network, "best.weights.h5")
        for variable, value in zip(variables, raw_values):
            variable.assign(value)
        self.seconds += time.monotonic() - self.epoch_started

        self._save_weights(self.model, "last.weights.h5")
        progress = {"history": self.history, "best_epoch": self.best_epoch, "seconds": self.seconds}
        part = self.run / "progress.json.part"
        part.write_text(json.dumps(progress))
        os.replace(part, self.run / "progress.json")
        self.bar.write(
            f"epoch {epoch + 1}/{self.args.epochs}: loss {logs['loss']:.4f}, validation loss {loss:.4f}, "
            f"accuracy {accuracy:.2%}" + (" (best)" if self.best_epoch == epoch + 1 else "")
        )
        if self.is_done():
            self.bar.write(f"No better validation loss for {self.args.patience} epochs: stopping early.")
            self.model.stop_training = True

    def close(self) -> None:
        if self.bar:
            self.bar.close()

    def _evaluate(self) -> tuple[float, float]:
        """Return loss and accuracy on the validation set."""
        logits = self.network.predict(self.validation.images, batch_size=500, verbose=0)
        is_correct = logits.argmax(1) == self.validation.labels
        return cross_entropy(softmax(logits), self.validation.labels), float(is_correct.mean())

    def _save_weights(self, model: keras.Model, name: str) -> None:
        """Save weights atomically: a run that is killed leaves the old checkpoint or the new one."""
        part = self.run / f"part.{name}"
        model.save_weights(part)
        os.replace(part, self.run / name)
