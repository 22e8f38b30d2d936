"""The data of a training: from files, folders and arrays to what is trained and measured on.

`prepare.prepare_dataset` is the door. It decodes every picture once, leaves out the nearly gray
ones, holds some out and counts; everything after it (training, validation, the comparison with
the base, cross-validation, the model's card) uses its `Dataset` and decodes nothing again, as
far as the decoded pictures fit into the memory that the config allows.
"""
