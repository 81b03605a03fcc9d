"""Serve a typical page, as a baseline for benchmarks: Flask, a file upload, model.predict for each request.

    waitress-serve --port 5000 benchmarks.flask_keras:app

The network has the shipped architecture with random weights, which do not change its speed.
"""

import numpy as np
from flask import Flask, Response, jsonify, request
from PIL import Image

from benchmarks.rivals import build_keras_network

model = build_keras_network()
app = Flask(__name__)


@app.get("/")
def page() -> str:
    """Return the upload form."""
    return '<form method="post" action="/predict" enctype="multipart/form-data"><input type="file" name="image"></form>'


@app.post("/predict")
def predict() -> Response:
    """Read the uploaded image as one digit."""
    image = Image.open(request.files["image"]).convert("L").resize((28, 28))
    pixels = np.asarray(image, np.float32).reshape(1, 28, 28, 1) / 255
    probabilities = model.predict(pixels, verbose=0)[0][0]
    return jsonify(digit=int(probabilities.argmax()), probability=float(probabilities.max()))
