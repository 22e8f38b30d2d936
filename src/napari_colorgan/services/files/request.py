"""What a user asks to be done with files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_colorgan.errors import InputError
from napari_colorgan.guidance.sources import UNGUIDED
from napari_colorgan.inference.settings import PredictionSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_colorgan.guidance.guides import GuideProvider
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.io.file_format import NgffVersion
    from napari_colorgan.io.outputs.part import Part
    from napari_colorgan.library.model_file import Model


@dataclass(frozen=True, eq=False)
class FilesRequest:
    """Which files to colorize, with which model, and where to.

    Attributes
    ----------
    inputs : sequence of str or pathlib.Path
        Files, folders and patterns; see :func:`napari_colorgan.services.files.tasks.plan_files`.
    output : str or pathlib.Path
        A file for a single input; a folder for several or a folder's.
    model : str, pathlib.Path or Model
        A name in the library, a file, or a loaded model.
    settings : PredictionSettings
        How the model is used; its `uncertainty` is ignored, see below.
    axes : str, optional
        One letter for each axis of the inputs, where their files are silent or wrong.
    uncertainty : str or pathlib.Path, optional
        Where the uncertainties go, like `output`; None writes none.
    overwrite : bool
        Whether outputs that are there may be replaced. Inputs never are.
    range : str
        How values are shown: "auto", "stored", "minmax", "full" or "LOW,HIGH"; see
        :meth:`napari_colorgan.inference.display.DisplayRange.of_stack`.
    guides : GuideProvider, optional
        What guides each plane, the same for each file; `sources` are then passed over.
    sources : GuideSources
        What the user gives to guide the colours; hints with a file's name count for that file.
    image : str, optional
        Which image of files that hold several, by its number, from 0, or its name.
    part : Part, optional
        Which part of the files is done here; or of the planes, where one input goes to one
        OME-Zarr. Outputs that are there count as done.
    ngff : {"0.5", "0.4"}
        The version of OME-Zarr that is written.
    """

    inputs: Sequence[str | Path]
    output: str | Path
    model: str | Path | Model = "natural"
    settings: PredictionSettings = field(default_factory=PredictionSettings)
    axes: str | None = None
    uncertainty: str | Path | None = None
    overwrite: bool = False
    range: str = "auto"
    guides: GuideProvider | None = None
    sources: GuideSources = UNGUIDED
    image: str | None = None
    part: Part | None = None
    ngff: NgffVersion = "0.5"

    def __post_init__(self) -> None:
        if self.part is not None and self.overwrite:
            raise InputError(
                expected="a part of the work, or outputs that are replaced",
                got="both",
                action="Delete the old outputs first; a part counts what is there as done.",
            )
