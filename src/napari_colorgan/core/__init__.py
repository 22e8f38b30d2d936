"""Tensors in, tensors out: colour spaces, networks, losses, metrics and devices.

Nothing here knows image files, NumPy images or napari. `build.build_generator` makes a network,
`prediction.finish` turns what it predicts into colours.
"""
