"""The panels in napari: the only room, beside the samples, that knows napari and Qt."""
