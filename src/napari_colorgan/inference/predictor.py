"""From gray planes to colour planes: the one door between numpy's planes and tensors."""
# Over 300 lines: how planes are predicted, and when a prediction is of use again, are one thing.

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_colorgan.core.device import free_memory, memory_errors, resolve_device
from napari_colorgan.core.execution import get_runner
from napari_colorgan.core.resampling import Window
from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.inference.geometry import Geometry, common_shape, row_bands
from napari_colorgan.inference.kept_prediction import KeptPrediction, checksum_of
from napari_colorgan.inference.memory import MemoryPlan
from napari_colorgan.inference.painting import Painter
from napari_colorgan.inference.plane_prediction import PlanePrediction
from napari_colorgan.inference.scaled_plane import ScaledPlane, hint_batch
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.inference.whole_plane import middle_features, whole_features, whole_predictions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.core.networks.hint_propagation import HintPropagation
    from napari_colorgan.guidance.guides import PlaneGuides
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.plane_parts import PlaneParts
    from napari_colorgan.inference.settings import Scale
    from napari_colorgan.inference.stack import ColorPlane
    from napari_colorgan.inference.tiling import TileGrid

# Pixels that the network sees at once: on CPUs more are slower, as they fall out of the cache.
_BATCH_PIXELS = {"cpu": 2**18, "cuda": 2**23, "mps": 2**21}
_ROWS_PIXELS = 2**24  # painted before they are written, where a plane is done by rows


class PlanePredictor:
    """Colorize planes with a generator.

    Parameters
    ----------
    generator : Generator
        The network; a copy of it is used.
    settings : PredictionSettings
        The user's choices; where they are None, the next three hold.
    scale : {"fit", "native"} or float
        The model's working scale.
    working_size : int
        The short side, in pixels, that "fit" brings planes to.
    strength, temperature : float
        The model's; see `PredictionSettings`.

    Raises
    ------
    DeviceError
        If the machine has no such device.
    """

    def __init__(
        self,
        generator: Generator,
        settings: PredictionSettings | None = None,
        *,
        scale: Scale = "fit",
        working_size: int = 256,
        strength: float = 1.0,
        temperature: float = 1.0,
    ) -> None:
        self.settings = settings or PredictionSettings()
        self._scale: Scale = scale if self.settings.scale is None else self.settings.scale
        self._working_size = working_size
        chosen = self.settings
        self._recommended_strength = strength
        self.strength = strength if chosen.strength is None else chosen.strength
        self._temperature = temperature if chosen.temperature is None else chosen.temperature
        self._notices: list[str] = []
        self._source = generator
        self._start_on(resolve_device(self.settings.device))

    def batch_size(self, plane_shape: tuple[int, ...], *, anywhere: bool = False) -> int:
        """Return how many planes of a shape are best predicted in one call.

        Parameters
        ----------
        plane_shape : tuple of int
            Rows and columns of the planes.
        anywhere : bool, default: False
            The same on every machine: programs that share a stack have to divide it alike.
        """
        geometry = self._geometry(plane_shape)
        if anywhere:
            return max(1, _BATCH_PIXELS["cpu"] // geometry.pixels)
        return self._memory.batch_size(geometry)

    def tiles(self, plane_shape: tuple[int, ...]) -> TileGrid:
        """Return the tiles in which a plane is predicted; one if it fits the memory.

        Parameters
        ----------
        plane_shape : tuple of int
            Rows and columns of the plane.
        """
        return self._memory.grid(self._geometry(plane_shape))

    def fits(self, plane_shape: tuple[int, ...], plane_bytes: int) -> bool:
        """Return whether a plane, its values and its result fit the memory limit; see `Predictor`.

        Parameters
        ----------
        plane_shape, plane_bytes
            The plane's size, and what its values take.
        """
        result = self._memory.bytes_beside_network(self._geometry(plane_shape))
        return result + plane_bytes <= self._memory.limit

    def predict_rows(
        self, plane: PlaneParts, display: DisplayRange, guides: PlaneGuides | None
    ) -> Iterator[tuple[int, ColorPlane]]:
        """Colorize a plane of which neither values nor result are held as a whole.

        Parameters
        ----------
        plane, display, guides
            As for `predict`, of one plane.

        Yields
        ------
        int, ColorPlane
            The number of the first row of a band of rows, and its colours.
        """
        other = copy.copy(self)  # whose plan leaves the result out
        other._memory = replace(self._memory, result_bytes=0)
        hinted = guides is not None
        (prediction,) = other.analyze([plane], display, [guides], embedding=hinted)
        painter, columns = other.painter(prediction, guides), range(plane.shape[1])
        for rows in row_bands((plane.shape[0], plane.shape[1]), _ROWS_PIXELS):
            with torch.inference_mode(), memory_errors(self.device):
                part = painter.paint(Window(range(rows.start, rows.stop), columns))
            yield rows.start, part

    def take_notices(self) -> list[str]:
        """Return sentences for the user since the last call: memory ran out, and what was done."""
        notices, self._notices = self._notices, []
        return notices

    def add_notice(self, text: str) -> None:
        """Note a sentence for the user, to be taken with the others."""
        self._notices.append(text)

    @property
    def propagation(self) -> HintPropagation | None:
        """What carries hints to similar cells, on the CPU; None if the model has none."""
        return self._propagation

    @property
    def device(self) -> torch.device:
        """Where the network runs now."""
        return self._runner.device

    def predict(
        self,
        planes: Sequence[np.ndarray],
        display: DisplayRange,
        guides: Sequence[PlaneGuides | None] | None = None,
    ) -> list[ColorPlane]:
        """Colorize planes of one shape.

        Parameters
        ----------
        planes : sequence of ndarray
            Each (H, W), or (H, W, 3 or 4) to be recoloured from its lightness; any real dtype.
        display : DisplayRange
            How values are shown, the same for a whole stack.
        guides : sequence of PlaneGuides or None, optional
            What guides each plane; hints are of the planes' size.

        Returns
        -------
        list of ColorPlane
            In the planes' order. Their L* is that of the planes as shown.

        Raises
        ------
        InputError
            If the planes differ in shape, or are none, or the hints don't fit them.
        MemoryLimitError
            If the planes can't be predicted within the memory limit.
        """
        by_plane = list(guides) if guides is not None else [None] * len(planes)
        geometry = self._geometry(common_shape(planes, by_plane))
        colored: list[ColorPlane] = []
        while len(colored) < len(planes):
            count = min(self.batch_size(planes[0].shape), len(planes) - len(colored))
            batch = slice(len(colored), len(colored) + count)
            try:
                with torch.inference_mode(), memory_errors(self.device):
                    predictions = self._analyze(planes[batch], display, geometry, by_plane[batch])
                    colored += [
                        self.painter(prediction, guide).paint()
                        for prediction, guide in zip(predictions, by_plane[batch], strict=True)
                    ]
            except MemoryLimitError as error:
                # The same planes once more, in less memory.
                self._reduce_memory(error, geometry, count)
        return colored

    def analyze(
        self,
        planes: Sequence[np.ndarray | PlaneParts],
        display: DisplayRange,
        guides: Sequence[PlaneGuides | None] | None = None,
        *,
        likely: int = 0,
        embedding: bool = True,
    ) -> list[PlanePrediction]:
        """Run the network on planes of one shape, once for any guides that follow.

        Parameters
        ----------
        planes, display, guides
            As for `predict`. A network without hint propagation is shown the hints.
        likely : int
            How many likely colours of each place are kept, see `Prediction`.
        embedding : bool
            Whether guides may follow.

        Returns
        -------
        list of PlanePrediction
            In the planes' order.
        """
        by_plane = list(guides) if guides is not None else [None] * len(planes)
        geometry = self._geometry(common_shape(planes, by_plane))
        analyzed: list[PlanePrediction] = []
        while len(analyzed) < len(planes):
            count = min(self.batch_size(planes[0].shape), len(planes) - len(analyzed))
            batch = slice(len(analyzed), len(analyzed) + count)
            try:
                with torch.inference_mode(), memory_errors(self.device):
                    part = by_plane[batch]
                    analyzed += self._analyze(
                        planes[batch], display, geometry, part, embedding=embedding, likely=likely
                    )
            except MemoryLimitError as error:
                self._reduce_memory(error, geometry, count)
        return analyzed

    def describe(self, planes: Iterable[np.ndarray | PlaneParts], display: DisplayRange) -> Tensor:
        """Return pooled features of planes of one shape, to compare whole planes and pictures by.

        Parameters
        ----------
        planes, display
            As for `predict`; few enough for one pass of the network.

        Returns
        -------
        Tensor, shape (N, C)
            Each of length 1, on the CPU: the encoder's features of two coarsest levels, averaged.
        """
        return whole_features(planes, display, self._runner)

    def with_features(self, prediction: PlanePrediction) -> PlanePrediction:
        """Return a prediction with its plane's pooled features, see `describe`."""
        source = prediction.source
        return replace(prediction, features=self.describe([source.plane], source.display)[0])

    def with_settings(self, settings: PredictionSettings) -> PlanePredictor:
        """Return a predictor that paints its predictions in another way, with the same network.

        Parameters
        ----------
        settings : PredictionSettings
            Only `strength`, `chroma_limit` and `dtype` may differ.
        """
        other = copy.copy(self)
        other.settings = settings
        other.strength = self._recommended_strength
        if settings.strength is not None:
            other.strength = settings.strength
        return other

    def painter(self, prediction: PlanePrediction, guides: PlaneGuides | None) -> Painter:
        """Return what paints a plane in the colours that its prediction and guides give it.

        Parameters
        ----------
        prediction : PlanePrediction
            What `analyze` returned.
        guides : PlaneGuides or None
            The plane's.
        """
        with torch.inference_mode():
            colors = prediction.colors(guides, self._propagation, self.strength)
            return Painter(colors, self.device, self.settings.dtype, self.settings.chroma_limit)

    def margin(self) -> int | None:
        """Return how far around a part of a plane pixels influence its colours.

        Returns
        -------
        int or None
            In pixels of the plane, a multiple of the network's stride; None where the scale
            depends on the plane's size, so that the colours of a part depend on all of it.
        """
        if self._scale == "fit":
            return None
        factor = 1.0 if self._scale == "native" else float(self._scale)
        stride = self._source.stride
        return -(-round(self._memory.halo / factor) // stride) * stride

    def keep(
        self, plane: np.ndarray, display: DisplayRange, guides: PlaneGuides | None = None
    ) -> KeptPrediction:
        """Run the network over a plane, and note how, so that its prediction can be used again.

        Parameters
        ----------
        plane : ndarray
            As for `predict`.
        display : DisplayRange
            How its values are shown.
        guides : PlaneGuides, optional
            What guides it.

        Returns
        -------
        KeptPrediction
            For `painter`, also of a predictor with another strength or chroma limit.
        """
        (prediction,) = self.analyze([plane], display, [guides])
        return KeptPrediction(prediction, self._way, checksum_of(plane))

    def would_predict(self, kept: KeptPrediction, plane: np.ndarray, display: DisplayRange) -> bool:
        """Return whether `predict` would predict for a plane what was kept.

        Parameters
        ----------
        kept : KeptPrediction
            What was predicted for the same plane, shown in the same way.
        plane : ndarray
            The plane.
        display : DisplayRange
            How its values are shown.
        """
        geometry = self._geometry(plane.shape)
        source = kept.prediction.source
        if (geometry, display) != (source.geometry, source.display) or self.settings.uncertainty:
            return False
        if not self._runner.prepared:
            self._runner.prepare()
        return self._way == kept.way

    @property
    def _way(self) -> tuple[object, ...]:
        """What a prediction depends on beside the plane."""
        return (self._runner.generator, self._runner.dtype, self._temperature)

    def _start_on(self, device: torch.device) -> None:
        self._runner = get_runner(self._source, device, self.settings.precision)
        # Predictions of whole planes are on the CPU, whatever the network runs on.
        propagation = self._source.hint_propagation
        self._propagation = None if propagation is None else copy.deepcopy(propagation).cpu().eval()
        # RGB, and a float32 where the uncertainty is requested.
        pixel = 3 * np.dtype(self.settings.dtype).itemsize + 4 * self.settings.uncertainty
        generator = self._source
        self._memory = MemoryPlan(
            # Other programs, and the viewer with its layers, need memory, too.
            limit=self.settings.memory_limit or free_memory(device) // 4,
            network_bytes=generator.footprint.bytes_per_pixel,
            result_bytes=0 if device.type == "cuda" else pixel,
            stride=generator.stride,
            output_stride=generator.fine_stride,
            halo=-(-generator.footprint.halo // generator.stride) * generator.stride,
            batch_pixels=_BATCH_PIXELS[device.type],
        )

    def _geometry(self, plane_shape: tuple[int, ...]) -> Geometry:
        shape = (int(plane_shape[0]), int(plane_shape[1]))
        return Geometry.of(shape, self._scale, self._working_size, self._source.stride)

    def _analyze(
        self,
        planes: Sequence[np.ndarray | PlaneParts],
        display: DisplayRange,
        geometry: Geometry,
        guides: Sequence[PlaneGuides | None],
        *,
        embedding: bool = False,
        likely: int = 0,
    ) -> list[PlanePrediction]:
        views = [ScaledPlane(plane, display, geometry) for plane in planes]
        if not self._runner.prepared:
            self._runner.prepare()
        self._memory.network_bytes = self._runner.bytes_per_pixel
        hints = None
        if self._propagation is None:
            hints = hint_batch(views, guides)
        embedding = embedding or any(guide is not None for guide in guides)
        known = [guide.predicted if guide else None for guide in guides]
        new = whole_predictions(
            [view for view, prediction in zip(views, known, strict=True) if prediction is None],
            self._runner,
            self._memory.grid(geometry),
            self._working_size,
            hints,
            temperature=self._temperature,
            uncertainty=self.settings.uncertainty,
            embedding=embedding and self._propagation is not None,
            likely=likely,
        )
        return [
            PlanePrediction(
                view,
                next(new) if prediction is None else prediction,
                self.describe([view.plane], display)[0] if guide and guide.references else None,
            )
            for view, prediction, guide in zip(views, known, guides, strict=True)
        ]

    def pooled_features(
        self, plane: np.ndarray | PlaneParts, display: DisplayRange
    ) -> Tensor | None:
        """Return what tells of which kind a plane is, (D,); see `middle_features`.

        Parameters
        ----------
        plane, display
            As for `predict`.
        """
        view = ScaledPlane(plane, display, self._geometry(plane.shape))
        return middle_features(view, self._runner, self._working_size)

    def _reduce_memory(self, error: MemoryLimitError, geometry: Geometry, planes: int) -> None:
        """Plan with less memory after it ran out, or raise the error if there is no way."""
        notice = self._memory.reduce_memory(geometry, planes)
        if notice is None:
            if self.device.type == "cpu":
                raise error
            notice = f"Memory ran out on {self.device}: the CPU takes over, more slowly."
            self._start_on(torch.device("cpu"))
        self._notices.append(notice)
