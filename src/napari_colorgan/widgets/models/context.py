"""What everything that is done with models shares: the library, and ways to ask and to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.library.store import ModelLibrary
    from napari_colorgan.widgets.models.library_tasks import LibraryTasks
    from napari_colorgan.widgets.shared.ask_bar import AskBar
    from napari_colorgan.widgets.shared.message import Message


@dataclass(frozen=True, eq=False)
class ModelsContext:
    """The panel's parts that a task needs.

    Attributes
    ----------
    library : callable
        Returns the library in the folders of the moment.
    tasks : LibraryTasks
        Does what takes time.
    ask : AskBar
        Asks the user.
    message : Message
        Tells the user.
    refresh : callable
        Shows the library anew, and chooses the model of a name if one is given.
    """

    library: Callable[[], ModelLibrary]
    tasks: LibraryTasks
    ask: AskBar
    message: Message
    refresh: Callable[[str | None], None]
