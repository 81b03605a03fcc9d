"""Learning curves as SVG, in the page's own colours: classes are styled where they are shown, words are said there.

It draws the history of training runs, and knows nothing of where they come from.
"""

import math

WIDTH, HEIGHT = 420, 240
LEFT, TOP, RIGHT, BOTTOM = 46, 10, 10, 28
DASHES = ("none", "6 4", "2 3", "8 3 2 3")

SCALES = {"loss": math.log10, "accuracy": lambda accuracy: -math.log10(max(1 - accuracy, 1e-6))}
TICKS = {"loss": (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3), "accuracy": (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)}

History = dict[str, list[float]]


def curves(histories: list[History], quantity: str) -> str:
    """One quantity of several runs, epoch by epoch, on the training images and on those kept aside.

    Args:
        histories: of every run, lists with a value for each epoch: "loss", "val_loss", "accuracy", "val_accuracy".
        quantity: "loss" or "accuracy". The scale is that of the logarithm of the loss, or of the part that is wrong:
            what is learnt last is small.
    """
    values = [value for history in histories for name in (quantity, f"val_{quantity}") for value in history[name]]
    epochs = max(len(history[quantity]) for history in histories)
    scale = SCALES[quantity]
    low, high = scale(min(values)), scale(max(values))

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / max(1, epochs - 1)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (scale(value) - low) / max(1e-9, high - low)

    parts = []
    for value in filter(lambda tick: min(values) <= tick <= max(values), TICKS[quantity]):
        said = f"{value:g}" if quantity == "loss" else f"{100 * value:g}%"
        parts.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{said}</text>')
    for epoch in sorted({1, epochs, *range(5, epochs - 1, 5)}):
        parts.append(f'<text x="{x(epoch):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{epoch}</text>')
    for name, drawn in ((quantity, "training"), (f"val_{quantity}", "validation")):
        for at, history in enumerate(histories):
            points = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in enumerate(history[name], 1))
            dashes = DASHES[at % len(DASHES)]
            parts.append(f'<polyline class="{drawn}" stroke-dasharray="{dashes}" points="{points}"/>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'
