"""Keras layers that augment 28x28 digits, in training only.

Every image of a batch is changed independently. The layers take and return float32 images of shape (N, 28, 28, 1) in
0..1, ink bright; pixels from outside the image are background (0). Each change is small enough to keep the label. The
layers know nothing of labels.
"""

from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

Tensor: TypeAlias = keras.KerasTensor


class RandomWarp(keras.layers.Layer):
    """Rotate, zoom, shear, shift and distort images, in one bilinear resampling.

    One resampling instead of five keeps strokes sharp. The elastic part is a free-form deformation: random
    displacements of a coarse grid of control points, interpolated by cubic B-splines (Rueckert et al., 1999; Simard et
    al., 2003, applied the idea to digits).

    Args:
        rotation: largest angle in either direction, degrees.
        zoom: largest relative change of size: one random value for both axes, and one of half this size for each axis.
        shear: largest horizontal shear, as a slope.
        shift: largest translation, as a fraction of the image's side.
        elastic: standard deviation of a control point's displacement, pixels.
        control_points: number of control points along each side.
        seed: seed of the layer's random generator.
    """

    def __init__(
        self,
        rotation: float,
        zoom: float,
        shear: float,
        shift: float,
        elastic: float,
        control_points: int = 5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.rotation, self.zoom, self.shear, self.shift = rotation, zoom, shear, shift
        self.elastic, self.control_points = elastic, control_points
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        if not training:
            return images
        count, (side, _) = ops.shape(images)[0], images.shape[1:3]

        def uniform(limit: float, *shape: int) -> Tensor:
            return keras.random.uniform((count, *shape), -limit, limit, seed=self.random)

        # The position in the input image that each output pixel is sampled at: matrix @ x + shift, about the centre.
        angle, shear = uniform(np.radians(self.rotation)), uniform(self.shear)
        size = uniform(self.zoom)
        scale_y, scale_x = (ops.exp(size + uniform(self.zoom / 2)) for _ in range(2))
        cos, sin = ops.cos(angle), ops.sin(angle)
        matrix = (
            ops.stack([ops.stack([cos, -sin], 1), ops.stack([sin + shear * cos, cos - shear * sin], 1)], 1)
            * ops.stack([scale_y, scale_x], 1)[:, :, None]
        )
        centre = (side - 1) / 2
        grid = np.stack(np.meshgrid(*[np.arange(side) - centre] * 2, indexing="ij"), -1).reshape(-1, 2)
        source = ops.matmul(ops.convert_to_tensor(grid, "float32"), ops.transpose(matrix, (0, 2, 1)))
        source = source + uniform(self.shift * side, 1, 2) + centre

        # Interpolating the control points' displacements to all pixels is a matrix product along each axis.
        spread = ops.convert_to_tensor(_bspline_weights(side, self.control_points), "float32")
        displacements = self.elastic * keras.random.normal(
            (count, 2, self.control_points, self.control_points), seed=self.random
        )
        displacements = ops.matmul(ops.matmul(spread, displacements), ops.transpose(spread))
        source = source + ops.transpose(ops.reshape(displacements, (count, 2, side * side)), (0, 2, 1))
        return _sample_bilinear(images, source)


class RandomStrokeWidth(keras.layers.Layer):
    """Make strokes thinner or thicker: blend the image with its 3x3 minimum or maximum.

    Args:
        amount: largest weight of the minimum or maximum in the blend, 0 to 1.
        seed: seed of the layer's random generator.
    """

    def __init__(self, amount: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.amount = amount
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        if not training:
            return images
        weight = keras.random.uniform((ops.shape(images)[0], 1, 1, 1), -self.amount, self.amount, seed=self.random)
        thicker = ops.max_pool(images, 3, 1, "same")
        thinner = -ops.max_pool(-images, 3, 1, "same")
        return images + ops.maximum(weight, 0) * (thicker - images) + ops.maximum(-weight, 0) * (thinner - images)


class RandomArtifacts(keras.layers.Layer):
    """Add the artifacts that preprocessing leaves in bad pictures: blur, noise, and thin lines of ink or of background.

    Each of the three is added independently, with the same probability.

    Args:
        probability: probability of each kind of artifact, 0 to 1.
        blur: largest weight of a blurred image in the blend with it, 0 to 1.
        noise: largest standard deviation of the noise.
        seed: seed of the layer's random generator.
    """

    def __init__(
        self, probability: float, blur: float = 1.0, noise: float = 0.15, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.probability, self.blur, self.noise = probability, blur, noise
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        if not training:
            return images
        count, side = ops.shape(images)[0], images.shape[1]

        def uniform(low: float, high: float) -> Tensor:
            return keras.random.uniform((count, 1, 1, 1), low, high, seed=self.random)

        def is_chosen() -> Tensor:
            return ops.cast(uniform(0, 1) < self.probability, "float32")

        # A line through the image: the pixels at which x * cos + y * sin is close to `offset`.
        along = ops.convert_to_tensor((np.arange(side) - (side - 1) / 2).astype(np.float32))
        angle, offset, half_width = uniform(0, np.pi), uniform(-side / 3, side / 3), uniform(0.3, 1.0)
        distance = ops.abs(ops.cos(angle) * along[:, None, None] + ops.sin(angle) * along[None, :, None] - offset)
        line = is_chosen() * uniform(0.2, 1) * ops.clip(half_width + 0.5 - distance, 0, 1)
        is_ink = ops.cast(uniform(0, 1) < 0.5, "float32")
        images = ops.maximum(images * (1 - (1 - is_ink) * line), is_ink * line)

        # Binomial weights, 5x5: a standard deviation of one pixel.
        binomial = np.array([1, 4, 6, 4, 1])
        weights = np.outer(binomial, binomial).astype(np.float32)[..., None, None] / 256
        blurred = ops.conv(images, weights, padding="same")
        images = images + is_chosen() * uniform(0, self.blur) * (blurred - images)

        noise = is_chosen() * uniform(0, self.noise) * keras.random.normal(ops.shape(images), seed=self.random)
        return ops.clip(images + noise, 0, 1)


def _bspline_weights(side: int, control_points: int) -> np.ndarray:
    """Return weights (side, control_points) of cubic B-splines whose knots span the image; rows sum to at most 1."""
    position = np.linspace(0, control_points - 1, side)[:, None]
    distance = np.abs(position - np.arange(control_points)[None])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far)


def _sample_bilinear(images: Tensor, source: Tensor) -> Tensor:
    """Sample images (N, S, S, 1) at positions (N, S*S, 2), row before column, in pixels; outside is background."""
    side = images.shape[1]
    padded_side = side + 2
    pixels = ops.reshape(ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0))), (-1,))
    source = ops.clip(source + 1, 0, side + 0.999)
    corner = ops.floor(source)
    (down, right) = ops.unstack(source - corner, axis=-1)
    row, column = ops.unstack(ops.cast(corner, "int32"), axis=-1)
    first = ops.arange(ops.shape(images)[0], dtype="int32")[:, None] * padded_side**2
    index = first + row * padded_side + column
    top = ops.take(pixels, index) * (1 - right) + ops.take(pixels, index + 1) * right
    index = index + padded_side
    bottom = ops.take(pixels, index) * (1 - right) + ops.take(pixels, index + 1) * right
    return ops.reshape(top * (1 - down) + bottom * down, (-1, side, side, 1))
