"""File > Save: layers to files that keep scale, units, axes, place and origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils import progress
from napari.utils.notifications import show_info

from napari_colorgan import __version__
from napari_colorgan.errors import FileError
from napari_colorgan.io import OUTPUT_SUFFIXES, stack_writer
from napari_colorgan.io.formats import output_format
from napari_colorgan.services.colorize import as_text
from napari_colorgan.widgets.layer_files.place import PLACE_KEY, LayerPlace
from napari_colorgan.widgets.layer_files.reader import DEFAULT_SUFFIX, prefer_reader
from napari_colorgan.widgets.shared.layers import METADATA_KEY, layer_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.axes import Axes, PlaneIndex
    from napari_colorgan.io.file_format import FileFormat

# Bytes beyond ASCII, the suffix and temporaries need the rest of a name's 255.
_LONGEST_NAME = 100


@dataclass(frozen=True, eq=False)
class PixelType:
    """How the values of a layer become those of a file.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the file.
    factor : float
        What the layer's values are multiplied by; 1 keeps them as they are.
    notice : str
        What is said of it, empty where nothing changes.
    """

    dtype: np.dtype[Any]
    factor: float = 1.0
    notice: str = ""

    def convert(self, plane: np.ndarray) -> np.ndarray:
        """Return a plane in the file's type.

        Parameters
        ----------
        plane : ndarray, shape (Y, X[, S])
            In the layer's type.
        """
        if self.factor == 1.0:
            return plane.astype(self.dtype, copy=False)
        top = np.iinfo(self.dtype).max
        # A plane that holds NaN is shown black there.
        scaled = np.nan_to_num(plane.astype(np.float64) * self.factor)
        return np.rint(np.clip(scaled, 0, top)).astype(self.dtype)


def write_image(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write one image layer, as npe2 asks for it.

    Parameters
    ----------
    path : str
        Where to; a name without a suffix gets ".colorgan.tif".
    data, meta : object
        The layer's data and its keyword arguments.

    Returns
    -------
    list of str
        The file.

    Raises
    ------
    FileError
        If the format can't hold the layer, or the file can't be written.
    AxesError
        If the layer has more than 5 dimensions.
    """
    target = Path(path)
    # A dialog asks before it replaces the name that was typed, not the one that is made of it.
    overwrite = target.suffix.lower() in OUTPUT_SUFFIXES
    if not target.suffix:
        target = target.with_name(target.name + DEFAULT_SUFFIX)
    return [str(_write_layer(target, Image(data, **meta), overwrite=overwrite))]


def write_images(path: str, layer_data: Sequence[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write several image layers into a folder, as npe2 asks for it.

    Parameters
    ----------
    path : str
        The folder, which is made if it isn't there.
    layer_data : sequence of tuple
        Data, keyword arguments and type of each layer.

    Returns
    -------
    list of str
        The files, named after the layers.

    Raises
    ------
    FileError
        If a file can't be written, or is there already; those before it stay.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    return [
        str(_write_layer(folder / (file_stem(meta["name"]) + DEFAULT_SUFFIX), Image(data, **meta)))
        for data, meta, _ in layer_data
    ]


def file_stem(name: str) -> str:
    """Return a layer's name as every system takes it for a file.

    Parameters
    ----------
    name : str
        The layer's name.
    """
    clean = "".join("_" if c in '<>:"/\\|?*' or c < " " else c for c in name)
    return clean[:_LONGEST_NAME].strip(" .") or "image"


def pixel_type(layer: Image, form: FileFormat) -> PixelType | None:
    """Return how a layer's values become those of a format's files.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    form : FileFormat
        The format.

    Returns
    -------
    PixelType or None
        Colours of float become 16 bit, or 8 where the format has no more. None for gray values
        that the format can't hold and that aren't between known limits.
    """
    dtype = np.dtype(layer_levels(layer)[0].dtype)
    kept = dtype.name in form.dtypes and not (layer.rgb and dtype.kind == "f")
    if kept:
        return PixelType(dtype.newbyteorder("="))
    if not layer.rgb and METADATA_KEY not in layer.metadata:
        return None
    bits = 16 if "uint16" in form.dtypes else 8
    top = float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0
    factor = (2**bits - 1) / top
    notice = f"Written as {bits} bit: 0 to {top:g} became 0 to {2**bits - 1}."
    return PixelType(np.dtype(f"uint{bits}"), factor, notice)


def _write_layer(path: Path, layer: Image, *, overwrite: bool = False) -> Path:
    form = output_format(path)
    kind = pixel_type(layer, form)
    if kind is None:
        raise FileError(
            expected=f"colours, or gray values of {' or '.join(form.dtypes)}, for {form.name}",
            got=f"{layer_levels(layer)[0].dtype} in the layer '{layer.name}'",
            action="Convert its type, or choose napari's own entry in the list of file types.",
        )
    place = _scaled_limits(LayerPlace.of_layer(layer), kind)
    axes, data = place.axes, layer_levels(layer)[0]
    shape = tuple(data.shape)
    has_alpha = axes.has_samples and axes.size(shape, "S") == 4
    keeps_alpha = has_alpha and form.alpha
    samples = 3 if axes.has_samples else 0
    with stack_writer(
        path,
        axes.output_shape(shape, samples),
        kind.dtype,
        axes.output if samples else axes.scalar,
        scale=_positive(place.attributes["scale"]),
        units=place.attributes["units"],
        translate=tuple(place.attributes["translate"].tolist()),
        metadata=_description(layer, place),
        overwrite=overwrite,
        alpha=partial(_alpha, data, axes, kind) if keeps_alpha else None,
    ) as target:
        indices = list(axes.plane_indices(shape))
        for index in progress(indices, desc=f"Saving {path.name}"):
            plane = axes.read_plane(data, index)
            target.write(index, kind.convert(plane[..., :3] if samples else plane))
    _say(path, kind, lost_alpha=has_alpha and not keeps_alpha)
    return path


def _alpha(data: Any, axes: Axes, kind: PixelType, index: PlaneIndex) -> np.ndarray:
    return kind.convert(axes.read_plane(data, index)[..., 3])


def _say(path: Path, kind: PixelType, *, lost_alpha: bool) -> None:
    notices = [kind.notice] if kind.notice else []
    if lost_alpha:
        notices.append("Transparency is left out: this format can't hold it.")
    if prefer_reader(path):
        notices.append(
            "napari will open files of this kind of name with ColorGAN from now on; "
            "Preferences > Plugins has the choice."
        )
    if notices:
        show_info(f"{path.name}: {' '.join(notices)}")


def _scaled_limits(place: LayerPlace, kind: PixelType) -> LayerPlace:
    """Return the place with contrast limits of the file's values."""
    limits = place.attributes.get("contrast_limits")
    if limits is None or kind.factor == 1.0:
        return place
    scaled = tuple(limit * kind.factor for limit in limits)
    return replace(place, attributes={**place.attributes, "contrast_limits": scaled})


def _positive(scale: np.ndarray) -> tuple[float, ...]:
    """Return sizes of pixels: a negative scale is a mirrored layer, not a negative size."""
    return tuple(np.abs(scale).tolist())


def _description(layer: Image, place: LayerPlace) -> dict[str, str]:
    origin = layer.metadata.get(METADATA_KEY)
    known = origin if isinstance(origin, dict) else {}
    return {
        **as_text({"software": f"napari-colorgan {__version__}", **known}),
        PLACE_KEY: place.to_text(),
    }
