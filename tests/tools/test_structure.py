"""The figures of a small checkout whose faults are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import structure

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """
[[tool.importlinter.contracts]]
type = "layers"
layers = ["widgets | cli", "services", "core"]
"""
FILES = {
    "__init__.py": "def __getattr__(name):\n    from napari_colorgan.services import verbs\n",
    "widgets/__init__.py": "",
    "widgets/panel.py": "from napari_colorgan.services.verbs import run\n_other = _third = 0\n",
    "widgets/form.py": "def build():\n    from napari_colorgan.cli import app\n",
    "cli/__init__.py": "",
    "cli/app.py": "from napari_colorgan.services import verbs\nfrom napari_colorgan import name\n",
    "services/__init__.py": "",
    "services/verbs.py": "import napari_colorgan.core.first\nfrom napari_colorgan import name\n",
    "core/__init__.py": "",
    "core/first.py": (
        '"""One."""\n\n# Why.\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n'
        "    from napari_colorgan.core.second import Second  # noqa\n"
    ),
    "core/second.py": "def use():\n    from napari_colorgan.core import third\n",
    "core/third.py": (
        'from .x import y\nfrom napari_colorgan.core.first import a\n\nZ = """\n\n"""\n'
    ),
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    for name, text in FILES.items():
        path = tmp_path / "src" / structure.PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_first.py").write_text(
        "class A:\n    def f(self, m):\n        self._own = m.__name__\n"
        "        return m._other, m._of_napari\n\n\nmonkeypatch.setattr(m, '_third', 0)\n"
    )
    return tmp_path


def test_circles_run_through_functions_and_type_checking(checkout: Path) -> None:
    circles = structure.import_circles(structure.read_modules(checkout))
    core = f"{structure.PACKAGE}.core"
    assert circles == [[f"{core}.first", f"{core}.second", f"{core}.third"]]


def test_imports_go_upwards_sideways_and_to_the_package(checkout: Path) -> None:
    modules = structure.read_modules(checkout)
    found = structure.imports_upwards(modules, structure.room_rows(checkout))
    assert [text.removeprefix(f"{structure.PACKAGE}.") for text in found] == [
        f"services.verbs -> {structure.PACKAGE}",
        f"widgets.form -> {structure.PACKAGE}.cli.app",
    ]


def test_modules_with_one_importer(checkout: Path) -> None:
    single = structure.with_one_importer(structure.read_modules(checkout))
    assert [module.name.rpartition(".")[2] for module in single] == ["app", "second", "third"]


def test_lines_of_code_and_comments() -> None:
    assert structure.count_lines(FILES["core/first.py"]) == (3, 1)
    assert structure.count_lines(FILES["core/third.py"]) == (5, 0)


def test_private_reads_are_of_what_the_source_defines(checkout: Path) -> None:
    found = structure.private_reads(checkout)
    assert [text.partition(" ")[0].rpartition(":")[2] for text in found] == ["7", "4"]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.95, 4), (1, 4)])
def test_percentile(share: float, expected: int) -> None:
    assert structure.percentile([4, 1, 3, 2], share) == expected


def test_prints_the_table_and_the_places(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert structure.main([str(checkout)]) == 0
    table = capsys.readouterr().out
    assert "source files" in table
    assert "longest files" not in table
    structure.main([str(checkout), "--list"])
    assert "longest files" in capsys.readouterr().out
