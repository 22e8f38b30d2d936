"""Hints: the user's own colours, in layers of napari and in a section of the Colorize panel."""
