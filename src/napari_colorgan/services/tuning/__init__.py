"""The parts of a fine-tuning beside its dataset and its training.

Before it: recipes adapted to a base (`recipe`), estimates (`estimate`), layers written to a run
directory (`preparing`) and the process that trains (`process`). After it: the comparison with the
base (`comparison`), which a few held-out planes only decide together with a `cross_validation`,
the report, and the way into the library.
"""
