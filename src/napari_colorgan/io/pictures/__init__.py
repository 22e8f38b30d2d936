"""Pictures of a single plane, decoded whole.

`pillow` has what Pillow decodes and what all pictures share; `png`, `jpeg` and `boxes` (JPEG 2000
and JPEG XL) keep what Pillow would lose.
"""
