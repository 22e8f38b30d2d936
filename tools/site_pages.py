"""Build the documentation's site: ``python tools/site_pages.py [SITE]``.

The pages are those of ``docs/`` and some that are made from the code: the command line from its
commands, settings from their declarations, error messages from the places that raise them, and the
changelog. These are not written to ``docs/``, so that they cannot differ from the code.
Zensical builds the site, since it is the maintained successor of Material for MkDocs, checks links
and anchors, and needs four seconds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from site_messages import messages_page
from site_settings import settings_page

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str]) -> int:
    """Build the site and return the builder's exit code."""
    return build_site(Path(arguments[0]) if arguments else ROOT / "site")


def build_site(site: Path) -> int:
    """Bring all pages together and build the site.

    Parameters
    ----------
    site : Path
        The folder of the site; what was in it is replaced once the new site is whole.

    Returns
    -------
    int
        0, or 1 where a link, an anchor or a page is wrong; then `site` is left as it was.
    """
    with tempfile.TemporaryDirectory(prefix="colorgan-site-") as folder:
        project = Path(folder)
        _collect_pages(project / "docs")
        (project / "src").symlink_to(ROOT / "src", target_is_directory=True)
        shutil.copy(ROOT / "mkdocs.yml", project)
        builder = Path(sys.executable).with_name("zensical")
        command = [builder, "build", "--strict", "--clean"]
        code = subprocess.run(command, cwd=project, check=False).returncode
        if code == 0:
            shutil.rmtree(site, ignore_errors=True)
            shutil.copytree(project / "site", site)
    return code


def _collect_pages(folder: Path) -> None:
    shutil.copytree(ROOT / "docs", folder)
    for path, text in generated_pages().items():
        page = folder / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")


def generated_pages() -> dict[str, str]:
    """Return the Markdown of the pages that are made from the code, by their path in the site."""
    return {
        "reference/command-line.md": command_line_page(),
        "reference/settings.md": settings_page(),
        "reference/changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "how-to/messages.md": messages_page(ROOT / "src" / "napari_colorgan"),
    }


def command_line_page() -> str:
    """Return the help of every command as Markdown."""
    import typer
    from typer.cli import get_docs_for_click

    from napari_colorgan.__main__ import build_program

    command = typer.main.get_command(build_program())
    context = typer.Context(command, info_name="napari-colorgan")
    text = get_docs_for_click(obj=command, ctx=context, name="napari-colorgan")
    return text.replace("# `napari-colorgan`", "# Command line", 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
