"""TIFF, OME-TIFF and ImageJ TIFF.

The `reader` opens a file lazily; `tags` and `metadata` are what it says beside its pixels, checked
before tifffile acts on it, and `libtiff` decodes what tifffile doesn't. The `writer` lays out a
file of the full size and fills it plane by plane.
"""
