"""Serve a typical page, as a baseline for benchmarks: Gradio's sketchpad and a Keras model.

    GRADIO_SERVER_PORT=5001 python -m benchmarks.gradio_keras

The network has the shipped architecture with random weights, which do not change its speed and memory.
"""

import gradio as gr
import numpy as np
from PIL import Image

from benchmarks.rivals import build_keras_network

model = build_keras_network()


def predict(drawing: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the probability of each digit."""
    image = Image.fromarray(drawing["composite"]).convert("L").resize((28, 28))
    pixels = np.asarray(image, np.float32).reshape(1, 28, 28, 1) / 255
    probabilities = model.predict(pixels, verbose=0)[0][0]
    return {str(digit): float(probability) for digit, probability in enumerate(probabilities)}


if __name__ == "__main__":
    gr.Interface(predict, gr.Sketchpad(), gr.Label(num_top_classes=3)).launch()
