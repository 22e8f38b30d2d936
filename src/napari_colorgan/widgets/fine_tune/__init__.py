"""The Fine-tune panel: colour layers in, a model of the user's own out."""
