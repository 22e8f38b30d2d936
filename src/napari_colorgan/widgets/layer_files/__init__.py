"""Layers to files and back, as napari's File menu asks for it."""
