"""What only training needs: data, augmentation, networks, export and report.

Serving never imports this package, so TensorFlow is needed here and nowhere else.
"""
