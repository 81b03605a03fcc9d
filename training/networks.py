"""Build the digit networks, each from a 28x28 image to ten logits, and the head that detects whether it is a digit.

Augmentation, training and the final softmax are in other modules.
"""

from typing import Any, TypeAlias

import keras
from keras import layers, ops

Tensor: TypeAlias = keras.KerasTensor

# Keeps the variance of activations at one through a ReLU (Brock et al., 2021, section 3).
RELU_GAIN = 1.7139


class StandardizedConv2D(layers.Layer):
    """Convolve and apply a ReLU, with weights standardized per output channel and a learned gain.

    Scaled weight standardization takes the place of batch normalization (Brock et al., "Characterizing signal
    propagation to close the performance gap in unnormalized ResNets", 2021): it costs nothing per pixel, makes an
    image's output independent of its batch, and is folded into a plain convolution on export.
    """

    def __init__(self, filters: int, kernel_size: int = 3, strides: int = 1, **kwargs: Any) -> None:
        # Without autocast the weights are float32 until they are standardized.
        super().__init__(autocast=False, **kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides

    def build(self, input_shape: tuple[int, ...]) -> None:
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape, initializer="he_normal", name="kernel")
        self.gain = self.add_weight((self.filters,), initializer="ones", name="gain")
        self.bias = self.add_weight((self.filters,), initializer="zeros", name="bias")
        self.fan_in = self.kernel_size**2 * input_shape[-1]

    def call(self, inputs: Tensor) -> Tensor:
        mean, variance = ops.moments(self.kernel, axes=(0, 1, 2), keepdims=True)
        kernel = (self.kernel - mean) * ops.rsqrt(variance * self.fan_in + 1e-4) * self.gain * RELU_GAIN
        inputs, kernel, bias = (ops.cast(x, self.compute_dtype) for x in (inputs, kernel, self.bias))
        return ops.relu(ops.conv(inputs, kernel, self.strides, padding="same") + bias)

    def get_config(self) -> dict[str, Any]:
        config = {"filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides}
        return {**super().get_config(), **config}


def standardized() -> keras.Model:
    """Build six standardized 3x3 convolutions in three stages and a global average: the network that is shipped."""
    x = image = keras.Input((28, 28, 1), name="image")
    for stage, filters in enumerate((32, 64, 128)):
        if stage:
            x = layers.MaxPooling2D()(x)
        x = StandardizedConv2D(filters)(x)
        x = StandardizedConv2D(filters)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10, dtype="float32")(x))


def two_block() -> keras.Model:
    """Build two blocks of convolution, batch normalization, pooling and dropout, and a wide dense layer."""
    x = image = keras.Input((28, 28, 1), name="image")
    for filters in (64, 128):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Dense(512, activation="relu")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(10, dtype="float32")(x))


def three_conv() -> keras.Model:
    """Build three convolutions, two poolings and a small dense layer: the smallest of the three."""
    x = image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(32, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(10, dtype="float32")(x))


def build_is_digit_head(network: keras.Model) -> keras.Model:
    """Build the head that detects whether an image shows exactly one digit: a branch on a trained network's features.

    The network's own weights are frozen. A network that is trained on both tasks classifies digits less accurately
    (measured: 99.6 % on the MNIST test set instead of 99.7 %).

    Returns:
        A model from image to one logit, of which only the head's weights can be trained.
    """
    network.trainable = False
    last_maps = [layer.output for layer in network.layers if len(layer.output.shape) == 4][-1]
    x = StandardizedConv2D(32)(last_maps)
    pooled = [layers.GlobalAveragePooling2D(dtype="float32")(maps) for maps in (x, last_maps)]
    x = layers.Concatenate(dtype="float32")([*pooled, network.output])
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model(network.input, layers.Dense(1, dtype="float32")(x))


NETWORKS = {"standardized": standardized, "two-block": two_block, "three-conv": three_conv}
