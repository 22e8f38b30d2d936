"""Models ready to predict, by name or file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.library.model_file import Model

# The model that was used last: a live preview uses the same one for every change of a setting.
_last: dict[tuple[str, int, int], Model] = {}


def load_model(model: str | Path | Model) -> Model:
    """Return a model, ready to use.

    Parameters
    ----------
    model : str, pathlib.Path or Model
        A name in the library, a model file's path, or a model, which is returned as it is.

    Returns
    -------
    Model
        Its card and its generator. The last one is cached until its file changes.

    Raises
    ------
    ModelError
        If there is no such model, or its file can't be used.

    Examples
    --------
    >>> from napari_colorgan import load_model
    >>> model = load_model("natural")
    >>> model.card.name, model.card.scale
    ('natural', 'fit')
    """
    if not isinstance(model, str | Path):
        return model
    from napari_colorgan.library.store import ModelLibrary

    library = ModelLibrary()
    entry = library.find(model)
    stat = entry.path.stat()
    # A file that has been replaced is another model, although it has the same name.
    key = (str(entry.path.resolve()), stat.st_mtime_ns, stat.st_size)
    loaded = _last.get(key)
    if loaded is None:
        loaded = library.load(entry)
        _last.clear()
        _last[key] = loaded
    return loaded


def make_predictor(model: Model, settings: PredictionSettings) -> PlanePredictor:
    """Return a model's predictor; where a setting is None, the model's card decides.

    Parameters
    ----------
    model : Model
        The model.
    settings : PredictionSettings
        The user's choices.

    Raises
    ------
    InputError
        If the settings ask for an uncertainty that the model does not predict.
    DeviceError
        If this machine has no such device.
    """
    from napari_colorgan.inference.predictor import PlanePredictor

    card, generator = model.card, model.generator
    if settings.uncertainty and generator.config.head != "distribution":
        raise InputError(
            expected="a model that predicts a distribution of colours, for its uncertainty",
            got=f"'{card.name}', which predicts one colour a pixel",
            action="Choose another model, or do without the uncertainty.",
        )
    return PlanePredictor(generator, settings.resolved(card), working_size=card.working_size)
