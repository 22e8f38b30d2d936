"""From the form and the viewer to the plans of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import InputError, ModelError
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.services.arrays.mixed_stack import MixedStack
from napari_colorgan.widgets.colorize.channels import channel_axis, split_channels
from napari_colorgan.widgets.colorize.plan import RunPlan, prediction_settings
from napari_colorgan.widgets.shared.layers import (
    current_index,
    display_range,
    is_colorizable,
    is_result,
    layer_axes,
    layer_levels,
)
from napari_colorgan.widgets.shared.preferences import load_preferences

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.library.store import ModelEntry
    from napari_colorgan.widgets.colorize.form import ColorizeForm
    from napari_colorgan.widgets.colorize.preview import Previews
    from napari_colorgan.widgets.hints.controller import HintsController


class Planner:
    """Makes plans of what the form says now.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    form : ColorizeForm
        The form.
    previews : Previews
        Whose predictions a run may use.
    hints : HintsController
        What the user gives to guide the colours.
    """

    def __init__(
        self, viewer: Viewer, form: ColorizeForm, previews: Previews, hints: HintsController
    ) -> None:
        self._viewer = viewer
        self._form = form
        self._previews = previews
        self._hints = hints
        self._mixed: tuple[Any, tuple[Any, ...]] = (None, ())

    def sources(self, layer: Image) -> list[Image]:
        """Return the layers of a run: the chosen one, those selected with it, or its channels.

        Parameters
        ----------
        layer : napari.layers.Image
            The chosen layer.
        """
        channels = split_channels(self._viewer, layer)
        if len(channels) > 1 and self._form.channels.choice == "each":
            return channels
        selected = [
            other
            for other in self._viewer.layers
            if other in self._viewer.layers.selection
            and is_colorizable(other)
            and not is_result(other)
        ]
        mixes = len(channels) > 1 and self._form.channels.choice == "mix"
        return selected if layer in selected and not mixes else [layer]

    def plans(self, layer: Image | None, *, keep_both: bool) -> list[RunPlan]:
        """Return the plans of the runs that follow one another.

        Parameters
        ----------
        layer : napari.layers.Image or None
            The chosen layer.
        keep_both : bool
            Whether earlier results stay.

        Raises
        ------
        InputError
            If there is no image.
        ModelError
            If there is no model.
        """
        if layer is None:
            raise InputError(
                expected="an image layer",
                got="none",
                action="Open an image, or one of File > Open Sample > ColorGAN.",
            )
        entry = self._form.model.entry
        if entry is None:
            raise ModelError(
                expected="at least one model",
                got="an empty library",
                action="Reinstall the plugin, or put a model file into your models folder.",
            )
        return [self._plan(each, entry, keep_both) for each in self.sources(layer)]

    def preview(self, layer: Image | None) -> RunPlan:
        """Return the plan of the chosen layer alone.

        Parameters
        ----------
        layer : napari.layers.Image or None
            The chosen layer.
        """
        plans = self.plans(layer, keep_both=False)
        return next(plan for plan in plans if plan.layer == layer)

    def _plan(self, layer: Image, entry: ModelEntry, keep_both: bool) -> RunPlan:
        axes = layer_axes(layer)
        channel = channel_axis(layer)
        choice = self._form.channels.choice
        levels, display = self._levels(layer, channel)
        shape = tuple(levels[0].shape)
        current = list(current_index(layer, self._viewer.dims))
        if channel is not None and choice == "mix":
            current[axes.outer.index(channel)] = 0
        single = axes.outer.index(channel) if channel is not None and choice == "one" else None
        first = tuple(current)
        # Hints are for one image; others that are selected beside it have none.
        sources = self._hints.sources() if layer == self._hints.image else None
        kept = None if sources else self._previews.kept(levels[0], first, display, None)
        return RunPlan(
            layer=layer,
            levels=levels,
            display=display,
            block=self._form.planes.block(axes, shape, first, single),
            first=first,
            entry=entry,
            settings=prediction_settings(self._form.options, load_preferences(), entry),
            replace=not keep_both,
            kept=kept,
            sources=sources,
        )

    def _levels(self, layer: Image, channel: str | None) -> tuple[tuple[Any, ...], DisplayRange]:
        """Return the arrays that are colorized, and how they are shown."""
        levels, display = tuple(layer_levels(layer)), display_range(layer)
        parts = split_channels(self._viewer, layer)
        if self._form.channels.choice != "mix" or (channel is None and len(parts) < 2):
            return levels, display
        place = None if channel is None else layer_axes(layer).letters.index(channel)
        shown = [display_range(part) for part in parts]
        key = (
            place,
            *((id(layer_levels(part)[0]), each) for part, each in zip(parts, shown, strict=True)),
        )
        if key != self._mixed[0]:
            # Kept, since a preview knows its stack by its identity.
            by_level = zip(*(layer_levels(part) for part in parts), strict=True)
            mixed = [
                MixedStack(list(zip(arrays, shown, strict=True)), place) for arrays in by_level
            ]
            self._mixed = (key, tuple(mixed))
        return self._mixed[1], DisplayRange(0.0, 1.0)
