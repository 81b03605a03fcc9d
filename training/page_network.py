"""Build the page network and its loss: detect and classify characters, and find writing that is too small to be read.

The network is fully convolutional, down to a 32nd of the picture's size and back up to a quarter, after CenterNet (Zhou
et al., "Objects as points", 2019): it predicts a heat map of the characters' centres, and a class and a box at each
centre. This module knows nothing of how pages are composed or read.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from training.networks import StandardizedConv2D, Tensor
from training.page_targets import (
    CENTRE_CHANNEL,
    CHANNEL_COUNT,
    FIRST_BOX_CHANNEL,
    FIRST_CLASS_CHANNEL,
    SIZE_CHANNEL,
    SMALL_CHANNEL,
)


def build_page_network() -> keras.Model:
    """Build the network: float32 (N, H, W, 3) in 0..1, H and W multiples of 32 -> float32 (N, H/4, W/4, CHANNELS)."""
    image = keras.Input((None, None, 3), name="page")
    x = layers.Rescaling(4.0, -2.0, dtype="float32")(image)
    x = StandardizedConv2D(16, strides=2)(x)
    quarter = _residual_block(StandardizedConv2D(24, strides=2)(x))
    eighth = _residual_block(_residual_block(StandardizedConv2D(48, strides=2)(quarter)))
    sixteenth = _residual_block(_residual_block(StandardizedConv2D(80, strides=2)(eighth)))
    coarse = _residual_block(_residual_block(StandardizedConv2D(112, strides=2)(sixteenth)))
    x = _merge_scales(coarse, sixteenth, 80)
    x = _merge_scales(x, eighth, 56)
    x = _merge_scales(x, quarter, 48)
    initial_bias = np.zeros(CHANNEL_COUNT, np.float32)
    initial_bias[
        [CENTRE_CHANNEL, SMALL_CHANNEL]
    ] = -4.0  # few cells are positive; without this bias the first steps would only learn that
    maps = layers.Dense(CHANNEL_COUNT, dtype="float32", bias_initializer=keras.initializers.Constant(initial_bias))(x)
    return keras.Model(image, maps)


def _residual_block(x: Tensor) -> Tensor:
    """Average the input and two convolutions of it."""
    y = StandardizedConv2D(x.shape[-1])(x)
    y = StandardizedConv2D(x.shape[-1])(y)
    return layers.Average()([x, y])


def _merge_scales(coarse: Tensor, fine: Tensor, filters: int) -> Tensor:
    """Merge a coarse feature map, upsampled by 2, with a fine one."""
    coarse = layers.UpSampling2D(interpolation="nearest")(StandardizedConv2D(filters, kernel_size=1)(coarse))
    fine = StandardizedConv2D(filters, kernel_size=1)(fine)
    return StandardizedConv2D(filters)(layers.Average()([coarse, fine]))


# Square root of the number of characters for which a tile's loss is the mean over its characters.
ROOT_REFERENCE_COUNT = 20.0**0.5


@tf.function
def page_loss(targets: tf.Tensor, maps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the loss of a batch, and its terms: centre, class, box, small.

    Each term is summed over the characters of a tile and divided by the square root of their number. A tile of one
    large digit has less weight than a page of a hundred small ones, but far more weight than one of these.

    Args:
        targets: float32 (N, H/4, W/4, 10), see page_targets.draw_target_maps.
        maps: float32 (N, H/4, W/4, CHANNEL_COUNT), the network's output.
    """
    heat, counts = targets[..., 0], targets[..., 1]
    centre = tf.sigmoid(maps[..., CENTRE_CHANNEL])
    log_centre, log_rest = (
        tf.math.log_sigmoid(maps[..., CENTRE_CHANNEL]),
        tf.math.log_sigmoid(-maps[..., CENTRE_CHANNEL]),
    )
    is_centre = tf.cast(heat > 0.999, tf.float32) * counts
    cells = (1, 2)
    roots = ROOT_REFERENCE_COUNT * tf.sqrt(tf.reduce_sum(is_centre, cells) + 1.0)
    # The focal loss of CornerNet and CenterNet: cells near a centre have little weight.
    positive = is_centre * (1 - centre) ** 2 * log_centre
    negative = (1 - is_centre) * counts * (1 - heat) ** 4 * centre**2 * log_rest
    centre_loss = -tf.reduce_mean(tf.reduce_sum(positive + negative, cells) / roots)
    weight = targets[..., 3]
    # A character has several cells, whose weights are scaled to sum to about one.
    weight = weight * tf.reduce_sum(is_centre, cells, True) / (tf.reduce_sum(weight, cells, True) + 1.0)
    labels = tf.cast(targets[..., 2], tf.int32)
    logits = maps[..., FIRST_CLASS_CHANNEL:FIRST_BOX_CHANNEL]
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    class_loss = tf.reduce_mean(tf.reduce_sum(weight * cross_entropy, cells) / roots)
    error = tf.abs(targets[..., 4:9] - maps[..., FIRST_BOX_CHANNEL : SIZE_CHANNEL + 1])
    weighted = weight[..., None] * error * [1.0, 1.0, 1.0, 1.0, 0.5]
    box_loss = tf.reduce_mean(tf.reduce_sum(weighted, (1, 2, 3)) / roots)
    flags = tf.cast(targets[..., 9], tf.int32)
    is_small = tf.cast(flags % 2, tf.float32)
    small_counts = tf.cast(flags // 2, tf.float32)
    small = tf.nn.sigmoid_cross_entropy_with_logits(is_small, maps[..., SMALL_CHANNEL])
    small_loss = tf.reduce_mean(small_counts * small)
    small_loss += 0.1 * tf.reduce_sum(is_small * error[..., 4]) / (tf.reduce_sum(is_small) + 1.0)
    loss = centre_loss + class_loss + 0.5 * box_loss + 2 * small_loss
    return loss, tf.stack([centre_loss, class_loss, box_loss, small_loss])
