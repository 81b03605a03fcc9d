"""The page network: a picture -> where characters are, what they are, and where writing is too small to be read.

A fully convolutional encoder down to a 32nd of the picture and back up to a quarter of it, after CenterNet (Zhou et
al., "Objects as points", 2019): a heat map of characters' centres, and at each centre its class and box. Here too is
the loss. It knows nothing of how pages are composed or read.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from training.networks import StandardizedConv2D
from training.page_targets import CENTRE, CHANNELS, FIRST_BOX, FIRST_CLASS, SIZE, SMALL


def page_network() -> keras.Model:
    """Build the network: float32 (N, H, W, 3) in 0..1, H and W multiples of 32 -> float32 (N, H/4, W/4, CHANNELS)."""
    image = keras.Input((None, None, 3), name="page")
    x = layers.Rescaling(4.0, -2.0, dtype="float32")(image)
    x = StandardizedConv2D(16, strides=2)(x)
    quarter = _block(StandardizedConv2D(24, strides=2)(x))
    eighth = _block(_block(StandardizedConv2D(48, strides=2)(quarter)))
    sixteenth = _block(_block(StandardizedConv2D(80, strides=2)(eighth)))
    coarse = _block(_block(StandardizedConv2D(112, strides=2)(sixteenth)))
    x = _merged(coarse, sixteenth, 80)
    x = _merged(x, eighth, 56)
    x = _merged(x, quarter, 48)
    start = np.zeros(CHANNELS, np.float32)
    start[[CENTRE, SMALL]] = -4.0  # few cells hold a centre, so that the first steps are not spent on saying so
    maps = layers.Dense(CHANNELS, dtype="float32", bias_initializer=keras.initializers.Constant(start))(x)
    return keras.Model(image, maps)


def _block(x):
    """Two convolutions beside an identity."""
    y = StandardizedConv2D(x.shape[-1])(x)
    y = StandardizedConv2D(x.shape[-1])(y)
    return layers.Average()([x, y])


def _merged(coarse, fine, filters: int):
    """A coarse map, enlarged twice, beside a fine one."""
    coarse = layers.UpSampling2D(interpolation="nearest")(StandardizedConv2D(filters, kernel_size=1)(coarse))
    fine = StandardizedConv2D(filters, kernel_size=1)(fine)
    return StandardizedConv2D(filters)(layers.Average()([coarse, fine]))


# So many characters on a tile make its loss a mean over them.
UNIT_COUNT = 20.0**0.5


@tf.function
def page_loss(targets, maps):
    """Return the loss of a batch and its parts: centre, class, box, small.

    Of each tile, a part is summed over its characters and divided by the root of their number: a tile of one large
    digit counts less than a page of a hundred small ones, but far more than one of them.
    """
    heat, counts = targets[..., 0], targets[..., 1]
    centre = tf.sigmoid(maps[..., CENTRE])
    log_centre, log_rest = tf.math.log_sigmoid(maps[..., CENTRE]), tf.math.log_sigmoid(-maps[..., CENTRE])
    is_centre = tf.cast(heat > 0.999, tf.float32) * counts
    cells = (1, 2)
    roots = UNIT_COUNT * tf.sqrt(tf.reduce_sum(is_centre, cells) + 1.0)
    # The focal loss of CornerNet and CenterNet: cells near a centre count little.
    positive = is_centre * (1 - centre) ** 2 * log_centre
    negative = (1 - is_centre) * counts * (1 - heat) ** 4 * centre**2 * log_rest
    centre_loss = -tf.reduce_mean(tf.reduce_sum(positive + negative, cells) / roots)
    weight = targets[..., 3]
    # Each character has several cells: their weights sum to one, about.
    weight = weight * tf.reduce_sum(is_centre, cells, True) / (tf.reduce_sum(weight, cells, True) + 1.0)
    labels = tf.cast(targets[..., 2], tf.int32)
    logits = maps[..., FIRST_CLASS:FIRST_BOX]
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    class_loss = tf.reduce_mean(tf.reduce_sum(weight * cross_entropy, cells) / roots)
    error = tf.abs(targets[..., 4:9] - maps[..., FIRST_BOX : SIZE + 1])
    weighted = weight[..., None] * error * [1.0, 1.0, 1.0, 1.0, 0.5]
    box_loss = tf.reduce_mean(tf.reduce_sum(weighted, (1, 2, 3)) / roots)
    flags = tf.cast(targets[..., 9], tf.int32)
    is_small = tf.cast(flags % 2, tf.float32)
    small_counts = tf.cast(flags // 2, tf.float32)
    small = tf.nn.sigmoid_cross_entropy_with_logits(is_small, maps[..., SMALL])
    small_loss = tf.reduce_mean(small_counts * small)
    small_loss += 0.1 * tf.reduce_sum(is_small * error[..., 4]) / (tf.reduce_sum(is_small) + 1.0)
    loss = centre_loss + class_loss + 0.5 * box_loss + 2 * small_loss
    return loss, tf.stack([centre_loss, class_loss, box_loss, small_loss])
