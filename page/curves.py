"""Learning curves as SVG, in the page's own colours: classes are styled where they are shown, words are said there.

It draws the history of training runs, and knows nothing of where they come from.
"""

import math

WIDTH, HEIGHT = 420, 240
LEFT, TOP, RIGHT, BOTTOM = 46, 10, 10, 28
DASHES = ("none", "6 4", "2 3", "8 3 2 3")

History = dict[str, list[float]]


def curves(histories: list[History], quantity: str) -> str:
    """One quantity of several runs, epoch by epoch, on the training images and on those kept aside.

    Args:
        histories: of every run, lists with a value for each epoch: "loss", "val_loss", "accuracy", "val_accuracy".
        quantity: "loss", drawn on a logarithmic scale, or "accuracy".
    """
    values = [value for history in histories for name in (quantity, f"val_{quantity}") for value in history[name]]
    epochs = max(len(history[quantity]) for history in histories)
    scale = math.log10 if quantity == "loss" else float
    low, high = scale(min(values)), scale(max(values))

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / max(1, epochs - 1)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (scale(value) - low) / max(1e-9, high - low)

    parts = []
    for value in _ticks(min(values), max(values), quantity):
        said = f"{value:g}" if quantity == "loss" else f"{value:.1%}"
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


def _ticks(low: float, high: float, quantity: str) -> list[float]:
    if quantity == "loss":
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        return [tick for power in powers for tick in (10.0**power, 3 * 10.0**power) if low <= tick <= high]
    step = next(step for step in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2) if (high - low) / step <= 5)
    return [step * at for at in range(math.ceil(low / step), math.floor(high / step) + 1)]
