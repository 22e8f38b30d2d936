"""Colour for grayscale images."""
