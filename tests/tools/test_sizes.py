"""What is too long is found, and docstrings don't count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sizes

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_finds_long_files_and_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "ROOT", tmp_path)
    body = "    pass\n" * (sizes.LONGEST_FUNCTION - 1)
    text = '    """Say.\n' + "\n" * 50 + '    """\n'
    short, long = tmp_path / "short.py", tmp_path / "long.py"
    short.write_text(f"def short():\n{text}{body}")
    assert list(sizes.complaints(short)) == []
    long.write_text(f"def long():\n{body}    pass\n" + "\n" * sizes.LONGEST_FILE)
    assert [complaint.split()[0] for complaint in sizes.complaints(long)] == [
        "long.py:",
        "long.py:1:",
    ]


def test_a_long_file_may_give_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "ROOT", tmp_path)
    path = tmp_path / "table.py"
    filling = "\n" * sizes.LONGEST_FILE
    path.write_text(f'"""A table."""\n\n# Over 300 lines: one table of one file.\n{filling}')
    assert list(sizes.complaints(path)) == []
    path.write_text(f'"""A table."""\n\n# Its rows.\n# Over 300 lines: one table.\n{filling}')
    assert len(list(sizes.complaints(path))) == 1
    longest = "\n" * sizes.LONGEST_FILE_WITH_REASON
    path.write_text(f'"""A table."""\n\n# Over 300 lines: one table of one file.\n{longest}')
    assert len(list(sizes.complaints(path))) == 1
