"""The types of boxes: (left, top, right, bottom), where right and bottom are exclusive."""

Box = tuple[float, float, float, float]
PixelBox = tuple[int, int, int, int]  # whole pixels
