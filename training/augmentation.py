"""Random changes to 28x28 digits, as Keras layers that act in training only.

Every image of a batch gets a change of its own. The layers take and return float32 images of shape (N, 28, 28, 1) in
0..1, ink bright; whatever comes in from outside the picture is paper (0). They know nothing of labels: each change is
small enough to leave the digit what it was.
"""

import keras
import numpy as np
from keras import ops


class RandomWarp(keras.layers.Layer):
    """Rotation, zoom, shear, shift and elastic distortion, in one bilinear resampling.

    One resampling instead of five keeps strokes sharp. The elastic part is a free-form deformation: random shifts on
    a coarse grid of control points, spread smoothly by cubic B-splines (Rueckert et al., 1999; for digits, the idea
    is Simard et al.'s, 2003).

    Args:
        rotation: largest angle, in degrees, either way.
        zoom: largest relative change of size, drawn anew for both axes together and, at half of it, for each alone.
        shear: largest horizontal shear, as a slope.
        shift: largest move, as a fraction of the picture's side.
        elastic: standard deviation of a control point's move, in pixels.
        control_points: control points along each side.
        seed: seed of the layer's own random numbers.
    """

    def __init__(self, rotation, zoom, shear, shift, elastic, control_points=5, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.rotation, self.zoom, self.shear, self.shift = rotation, zoom, shear, shift
        self.elastic, self.control_points = elastic, control_points
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        if not training:
            return images
        count, (side, _) = ops.shape(images)[0], images.shape[1:3]

        def uniform(limit, *shape):
            return keras.random.uniform((count, *shape), -limit, limit, seed=self.random)

        # Where each pixel of the new picture comes from in the old one: x' = matrix @ x + shift, about the centre.
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

        # Spreading the control points' moves over the pixels is a matrix product along each axis.
        spread = ops.convert_to_tensor(_bspline_weights(side, self.control_points), "float32")
        moves = self.elastic * keras.random.normal(
            (count, 2, self.control_points, self.control_points), seed=self.random
        )
        moves = ops.matmul(ops.matmul(spread, moves), ops.transpose(spread))
        source = source + ops.transpose(ops.reshape(moves, (count, 2, side * side)), (0, 2, 1))
        return _bilinear(images, source)


class RandomStroke(keras.layers.Layer):
    """Thinner or thicker strokes: a blend of the image with its 3x3 minimum or maximum.

    Args:
        amount: largest weight of the minimum or maximum in the blend, 0 to 1.
        seed: seed of the layer's own random numbers.
    """

    def __init__(self, amount, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.amount = amount
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        if not training:
            return images
        weight = keras.random.uniform((ops.shape(images)[0], 1, 1, 1), -self.amount, self.amount, seed=self.random)
        thicker = ops.max_pool(images, 3, 1, "same")
        thinner = -ops.max_pool(-images, 3, 1, "same")
        return images + ops.maximum(weight, 0) * (thicker - images) + ops.maximum(-weight, 0) * (thinner - images)


class RandomDirt(keras.layers.Layer):
    """What cleaning leaves of bad pictures: blur, grain, and thin straight lines, of ink or rubbed out.

    Each image has each of the three with the chance `share`.

    Args:
        share: chance of each kind of dirt, 0 to 1.
        blur: largest weight of a blurred image in the blend with it, 0 to 1.
        grain: largest standard deviation of the grain.
        seed: seed of the layer's own random numbers.
    """

    def __init__(self, share, blur=1.0, grain=0.15, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.share, self.blur, self.grain = share, blur, grain
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        if not training:
            return images
        count, side = ops.shape(images)[0], images.shape[1]

        def uniform(low, high):
            return keras.random.uniform((count, 1, 1, 1), low, high, seed=self.random)

        def chosen():
            return ops.cast(uniform(0, 1) < self.share, "float32")

        # A line through the picture: where x * cos + y * sin is near `at`.
        along = ops.convert_to_tensor((np.arange(side) - (side - 1) / 2).astype(np.float32))
        angle, at, half = uniform(0, np.pi), uniform(-side / 3, side / 3), uniform(0.3, 1.0)
        distance = ops.abs(ops.cos(angle) * along[:, None, None] + ops.sin(angle) * along[None, :, None] - at)
        line = chosen() * uniform(0.2, 1) * ops.clip(half + 0.5 - distance, 0, 1)
        is_ink = ops.cast(uniform(0, 1) < 0.5, "float32")
        images = ops.maximum(images * (1 - (1 - is_ink) * line), is_ink * line)

        # Binomial weights of 5 x 5: a standard deviation of one pixel.
        weights = np.outer(*[[1, 4, 6, 4, 1]] * 2).astype(np.float32)[..., None, None] / 256
        blurred = ops.conv(images, weights, padding="same")
        images = images + chosen() * uniform(0, self.blur) * (blurred - images)

        grain = chosen() * uniform(0, self.grain) * keras.random.normal(ops.shape(images), seed=self.random)
        return ops.clip(images + grain, 0, 1)


def _bspline_weights(side, control_points):
    """(side, control_points) weights of cubic B-splines whose knots span the picture; rows sum to at most 1."""
    position = np.linspace(0, control_points - 1, side)[:, None]
    distance = np.abs(position - np.arange(control_points)[None])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far)


def _bilinear(images, source):
    """Samples images (N, S, S, 1) at source (N, S*S, 2), rows then columns in pixels; paper outside."""
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
