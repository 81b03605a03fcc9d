"""The classes of the page network: what a character on a page is.

The order of CLASSES is that of the network's outputs. To add a class see CONTRIBUTING, "Change which marks are read".
"""

# Digits, then marks. OTHER is everything else: letters, signs, scribbles. The loss excludes IGNORED characters.
CLASSES = "0123456789.,-/:+"
OTHER = len(CLASSES)
IGNORED = -1
