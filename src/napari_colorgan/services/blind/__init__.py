"""Blind comparisons: people judge colorizations of the same images without knowing whose they are.

`study` says what is compared, and keeps votes. `tally` counts them, with intervals. `page` makes a
page of HTML that several people fill in. The panel in napari judges the user's own layers.
"""
