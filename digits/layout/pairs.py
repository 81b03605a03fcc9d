"""Find pairs of close values without comparing every pair."""

import numpy as np


def find_pairs_within(values: np.ndarray, others: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the pairs whose second value lies within the reach of the first.

    Args:
        values: float (M,).
        others: float (N,).
        reach: float (M,), the largest distance of each first value.

    Returns:
        Indices into `values` and into `others`, int (P,) each.
    """
    order = others.argsort(kind="stable")
    ordered = others[order]
    first, last = np.searchsorted(ordered, values - reach), np.searchsorted(ordered, values + reach)
    counts = last - first
    i = np.repeat(np.arange(len(values)), counts)
    j = np.arange(len(i)) - np.repeat(counts.cumsum() - counts - first, counts)
    return i, order[j]
