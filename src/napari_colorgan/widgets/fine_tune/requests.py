"""From the form to the request that the training service takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import InputError, ModelError
from napari_colorgan.library.names import check_name, free_name, name_of_file, same_name
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.tuning.folders import new_run_folder
from napari_colorgan.services.tuning.recipe import adapt_recipe, write_recipe
from napari_colorgan.widgets.fine_tune.layers import layer_source
from napari_colorgan.widgets.shared.model_picker import preferred_library
from napari_colorgan.widgets.shared.preferences import load_preferences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.services.runs import TuningRun
    from napari_colorgan.services.tuning.preparing import ArraySource
    from napari_colorgan.services.tuning.recipe import RecipeValues
    from napari_colorgan.widgets.fine_tune.form import TrainingForm


def layer_sources(form: TrainingForm) -> list[ArraySource]:
    """Return the checked layers as training data, whole or limited to regions.

    Parameters
    ----------
    form : TrainingForm
        The filled form.

    Raises
    ------
    InputError
        If a layer can't be trained on.
    """
    data, region = form.data, form.region.value
    sources = [layer_source(layer, region, data.gray_input_of(layer)) for layer in data.layers]
    return [source for source in sources if source is not None]


def make_request(
    form: TrainingForm,
    sources: Sequence[ArraySource],
    recipe: str | Path,
    values: RecipeValues | None = None,
) -> FineTuneRequest:
    """Return the request for the form's settings.

    Parameters
    ----------
    form : TrainingForm
        The form.
    sources : sequence of ArraySource
        The result of `layer_sources`.
    recipe : str or Path
        The recipe's name, or a TOML file.
    values : RecipeValues or None
        The recipe's values for the base model. If the form differs from them, a recipe with the
        form's values is written into the run's folder.

    Raises
    ------
    ColorganError
        If there is nothing to train on, no base, or the name is taken or impossible.
    """
    entry = form.base.entry
    if entry is None:
        raise ModelError(
            expected="a model to start from",
            got="an empty library",
            action="Reinstall the plugin, or import a model.",
        )
    if not sources and not form.data.paths:
        raise InputError(
            expected="colour images to train on",
            got="none that are checked and inside the region",
            action="Open colour images, or add files and folders, and check them.",
        )
    names = [other.name for other in preferred_library().entries()]
    typed = form.name.text().strip()
    name = check_name(typed) if typed else free_name(f"{entry.name} tuned", names)
    if any(same_name(name, other) for other in names):
        raise ModelError(
            expected="a name that is not taken",
            got=f"“{name}”, which is in the library",
            action="Choose another name.",
        )
    device, settings, output = form.value("device"), form.settings, new_run_folder(name)
    if values is not None and settings.differs_from_recipe:
        table = adapt_recipe(recipe, values, settings.size.value, settings.rate.value())
        recipe = write_recipe(table, output)
    return FineTuneRequest(
        data=tuple(form.data.paths),
        output=output,
        base=entry.path.absolute(),
        minutes=form.chosen_minutes if form.chosen_epochs is None else None,
        epochs=form.chosen_epochs,
        name=name,
        adversarial=form.value("adversarial"),
        hold_out=form.value("hold_out"),
        scale=form.value("scale"),
        device=load_preferences().device if device == "preferences" else device,
        recipe=recipe,
    )


def base_name(run: TuningRun) -> str:
    """Return the name of the model that a run started from.

    Parameters
    ----------
    run : TuningRun
        A run with its request.

    Raises
    ------
    TrainingError
        If the run's request can't be read.
    """
    return name_of_file(Path(str(run.request.base)))
