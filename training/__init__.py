"""Train, evaluate and export both networks: data, augmentation, page synthesis, networks, training loops, report.

Only training needs TensorFlow: the code that serves requests never imports this package.
"""
