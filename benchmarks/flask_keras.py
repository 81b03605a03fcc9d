"""The page that many projects have, to measure ours against: Flask, an uploaded file, model.predict for each request.

    waitress-serve --port 5000 benchmarks.flask_keras:app

The network is the shipped one's architecture; its weights are random, which takes just as long.
"""

import numpy as np
from flask import Flask, jsonify, request
from PIL import Image

from benchmarks.rivals import keras_network

model = keras_network()
app = Flask(__name__)


@app.get("/")
def page():
    return '<form method="post" action="/predict" enctype="multipart/form-data"><input type="file" name="image"></form>'


@app.post("/predict")
def predict():
    image = Image.open(request.files["image"]).convert("L").resize((28, 28))
    pixels = np.asarray(image, np.float32).reshape(1, 28, 28, 1) / 255
    probabilities = model.predict(pixels, verbose=0)[0][0]
    return jsonify(digit=int(probabilities.argmax()), probability=float(probabilities.max()))
