"""The training loop: what Keras's `fit` leaves open.

After every epoch the moving average of the weights is judged on the validation split and, where it is the best so far,
kept as best.weights.h5; last.weights.h5 and progress.json hold what a resumed run needs.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from training.augmentation import RandomDirt, RandomStroke, RandomWarp
from training.calibration import cross_entropy, softmax
from training.data import Digits, joined
from training.networks import is_digit_head
from training.synthesis import NOT_A_DIGIT, others, variants


class CheckpointError(RuntimeError):
    """A run can't be resumed from what it left; the message says what to do."""


@dataclass
class Trained:
    """How a training went: its history by epoch, the best epoch (from 1; 0 where none was finished), whether ctrl-C
    ended it, and its seconds, those before a --resume included."""

    history: dict[str, list[float]]
    best_epoch: int
    interrupted: bool
    seconds: float


def fit(network, train, validation, seed: int, args, run: Path) -> Trained:
    """Trains `network` on augmented images and on other ways of writing, synthesized anew in every epoch.

    Its best weights are then in run/best.weights.h5. Raises CheckpointError where it can't be resumed.
    """
    model = _augmented(network, seed, args)
    count = int(args.variants * len(train.labels))
    steps = -(-(len(train.labels) + count) // args.batch_size)

    def epoch(random):
        return joined(train, variants(train, count, random))

    warm_up = min(steps, args.epochs * steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        args.learning_rate / 20, args.epochs * steps - warm_up, warmup_target=args.learning_rate, warmup_steps=warm_up
    )
    # A short run must not be judged by the weights it began with: the average reaches back over a tenth at most.
    ema = min(args.ema, max(0.0, 1 - 10 / (args.epochs * steps)))
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=args.weight_decay, use_ema=True, ema_momentum=ema, ema_overwrite_frequency=None
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gain", "beta", "gamma"])
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    # The optimizer's own variables must exist before a checkpoint can fill them.
    optimizer.build(model.trainable_variables)

    keeper = _Keeper(network, validation, args, run, steps)
    first_epoch = keeper.restore(model) if args.resume else 0
    interrupted = False
    try:
        if first_epoch < args.epochs and not keeper.is_done():
            model.fit(
                _Batches(epoch, seed, args.batch_size, first_epoch),
                initial_epoch=first_epoch,
                epochs=args.epochs,
                callbacks=[keeper],
                verbose=0,
            )
    except KeyboardInterrupt:
        interrupted = True
    finally:
        keeper.close()
    return Trained(keeper.history, keeper.best_epoch, interrupted, keeper.seconds)


def fit_is_digit(network, train, seed: int, args) -> keras.Model:
    """Trains the head that tells digits from the rest, on top of a trained network that stays as it is.

    What is no digit is synthesized anew in every epoch. Returns the head: image -> one logit.
    """
    head = is_digit_head(network)
    model = _augmented(head, seed, args)
    counts = [int(part * len(train.labels)) for part in (args.variants, args.others)]

    def epoch(random):
        digits = joined(train, variants(train, counts[0], random), others(train, counts[1], random))
        return Digits(digits.images, (digits.labels != NOT_A_DIGIT).astype(np.float32)[:, None])

    batches = _Batches(epoch, seed, args.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(args.learning_rate, args.head_epochs * len(batches))
    model.compile(keras.optimizers.AdamW(schedule), keras.losses.BinaryCrossentropy(from_logits=True))
    bar = tqdm(total=args.head_epochs, desc="is it a digit", unit="epoch")
    step = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: bar.update())
    model.fit(batches, epochs=args.head_epochs, callbacks=[step], verbose=0)
    bar.close()
    return head


class _Batches(keras.utils.PyDataset):
    """Shuffled batches of images and labels that are made anew for every epoch.

    Args:
        make: (numpy's random generator) -> Digits; as many in every epoch.
        seed: with the number of the epoch, the seed of that generator: a resumed run sees what it would have seen.
        batch_size: images a step.
        epoch: the first epoch's number, from 0.
    """

    def __init__(self, make: Callable[[np.random.Generator], Digits], seed: int, batch_size: int, epoch: int = 0):
        super().__init__()
        self.make, self.seed, self.batch_size, self.epoch = make, seed, batch_size, epoch
        self._begin()

    def _begin(self) -> None:
        random = np.random.default_rng((self.seed, self.epoch))
        digits = self.make(random)
        order = random.permutation(len(digits.labels))
        self.images, self.labels = digits.images[order], digits.labels[order]

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, number: int):
        batch = slice(number * self.batch_size, (number + 1) * self.batch_size)
        return self.images[batch], self.labels[batch]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._begin()


def _augmented(network, seed: int, args) -> keras.Model:
    """The network behind the augmentation, which acts in training only."""
    image = keras.Input((28, 28, 1))
    x = RandomWarp(args.rotation, args.zoom, args.shear, args.shift, args.elastic, seed=seed)(image)
    x = RandomStroke(args.stroke, seed=seed)(x)
    x = RandomDirt(args.dirt, seed=seed)(x)
    return keras.Model(image, network(x))


class _Keeper(keras.callbacks.Callback):
    """Validates, keeps checkpoints, stops early and shows progress."""

    def __init__(self, network, validation, args, run, steps):
        super().__init__()
        self.network, self.validation, self.args, self.run, self.steps = network, validation, args, run, steps
        self.history = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
        self.best_epoch = 0
        self.seconds = 0.0
        self.bar = None

    def restore(self, model):
        """Takes up the last checkpoint; returns the number of epochs that are done."""
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
                f"The checkpoint in {self.run} is damaged. The same command without --resume begins anew."
            ) from error
        return len(self.history["loss"])

    def is_done(self):
        return self.best_epoch and len(self.history["loss"]) - self.best_epoch >= self.args.patience

    def on_train_begin(self, logs=None):
        if self.bar is None:
            self.bar = tqdm(
                total=self.args.epochs * self.steps,
                initial=len(self.history["loss"]) * self.steps,
                unit="step",
                desc=self.run.name,
                mininterval=0.5 if os.isatty(2) else 60,  # a log file needs no line a second
            )

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch_began = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        variables = self.model.trainable_variables
        raw = [keras.ops.convert_to_numpy(variable) for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)  # the moving average takes the weights' place
        loss, accuracy = self._validate()
        for name, value in zip(self.history, (logs["loss"], logs["accuracy"], loss, accuracy)):
            self.history[name].append(float(value))
        if loss <= min(self.history["val_loss"]):
            self.best_epoch = epoch + 1
            self._save(self.network, "best.weights.h5")
        for variable, value in zip(variables, raw):
            variable.assign(value)
        self.seconds += time.monotonic() - self.epoch_began

        self._save(self.model, "last.weights.h5")
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

    def close(self):
        if self.bar:
            self.bar.close()

    def _validate(self):
        logits = self.network.predict(self.validation.images, batch_size=500, verbose=0)
        right = logits.argmax(1) == self.validation.labels
        return cross_entropy(softmax(logits), self.validation.labels), float(right.mean())

    def _save(self, model, name):
        """In one step: a run that is killed leaves the old checkpoint or the new one."""
        part = self.run / f"part.{name}"
        model.save_weights(part)
        os.replace(part, self.run / name)
