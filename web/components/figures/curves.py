"""Training curves as SVG. The page's style sheet colours them by their classes, and its texts caption them.

It draws the history of training runs and knows nothing of where they come from.
"""

import math
from collections.abc import Callable

# The drawing and its margins around the curves, in units of the SVG.
CHART_WIDTH, CHART_HEIGHT = 420, 240
LEFT_MARGIN, TOP_MARGIN, RIGHT_MARGIN, BOTTOM_MARGIN = 46, 10, 10, 28
DASH_PATTERNS = ("none", "6 4", "2 3", "8 3 2 3")  # one per run

# Logarithmic, of the loss and of the error rate: late improvements are small.
SCALES: dict[str, Callable[[float], float]] = {
    "loss": math.log10,
    "accuracy": lambda accuracy: -math.log10(max(1 - accuracy, 1e-6)),
}
TICKS = {"loss": (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3), "accuracy": (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)}

History = dict[str, list[float]]


def draw_curves(histories: list[History], quantity: str) -> str:
    """Return an SVG of one quantity per epoch, of several runs, on the training and the validation images.

    Args:
        histories: per run, lists with a value for each epoch: "loss", "val_loss", "accuracy", "val_accuracy".
        quantity: "loss" or "accuracy".
    """
    values = [value for history in histories for name in (quantity, f"val_{quantity}") for value in history[name]]
    epochs = max(len(history[quantity]) for history in histories)
    scale = SCALES[quantity]
    low, high = scale(min(values)), scale(max(values))

    def x(epoch: float) -> float:
        return LEFT_MARGIN + (CHART_WIDTH - LEFT_MARGIN - RIGHT_MARGIN) * (epoch - 1) / max(1, epochs - 1)

    def y(value: float) -> float:
        height = CHART_HEIGHT - TOP_MARGIN - BOTTOM_MARGIN
        return CHART_HEIGHT - BOTTOM_MARGIN - height * (scale(value) - low) / max(1e-9, high - low)

    elements = []
    for value in filter(lambda tick: min(values) <= tick <= max(values), TICKS[quantity]):
        label = f"{value:g}" if quantity == "loss" else f"{100 * value:g}%"
        elements.append(f'<path class="grid" d="M{LEFT_MARGIN} {y(value):.1f}H{CHART_WIDTH - RIGHT_MARGIN}"/>')
        elements.append(f'<text x="{LEFT_MARGIN - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{label}</text>')
    for epoch in sorted({1, epochs, *range(5, epochs - 1, 5)}):
        elements.append(f'<text x="{x(epoch):.1f}" y="{CHART_HEIGHT - 8}" text-anchor="middle">{epoch}</text>')
    for name, css_class in ((quantity, "training"), (f"val_{quantity}", "validation")):
        for run, history in enumerate(histories):
            points = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in enumerate(history[name], 1))
            dashes = DASH_PATTERNS[run % len(DASH_PATTERNS)]
            elements.append(f'<polyline class="{css_class}" stroke-dasharray="{dashes}" points="{points}"/>')
    return f'<svg viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}" aria-hidden="true">{"".join(elements)}</svg>'
