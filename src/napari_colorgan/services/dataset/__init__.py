"""The data of a training: from files, folders and arrays to training and held-out pictures.

`prepare.prepare_dataset` is the door. It decodes every picture once, leaves out the nearly gray
ones, holds some out and counts. Everything after it (training, validation, the comparison with
the base, cross-validation, the model's card) uses its `Dataset`. Pictures are decoded again only
where they don't fit into the memory that the config allows.
"""
