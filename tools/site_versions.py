"""Add the site of a release to those of earlier ones.

``python tools/site_versions.py SITES 1.2.3``. SITES is what is published: a folder for each minor
version, ``latest`` with the newest one, the list that the site's version menu reads, and a first
page that leads to ``latest``.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from site_pages import build_site

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEST = "latest"
_FIRST_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>napari-colorgan</title>
<meta http-equiv="refresh" content="0; url={LATEST}/index.html">
</head>
<body><a href="{LATEST}/index.html">napari-colorgan</a></body>
</html>
"""


def main(arguments: Sequence[str]) -> int:
    """Build this version's site into the sites and return the builder's exit code."""
    return add_version(Path(arguments[0]), arguments[1])


def add_version(sites: Path, release: str) -> int:
    """Build the site of a release and bring the list of versions up to date.

    Parameters
    ----------
    sites : Path
        The folder that is published.
    release : str
        The release, such as "1.2.3"; it replaces the site of "1.2.2".

    Returns
    -------
    int
        0, or 1 if the site can't be built; then nothing is changed.
    """
    release_version = Version(release)
    name = f"{release_version.major}.{release_version.minor}"
    code = build_site(sites / name)
    if code != 0:
        return code
    listed = sites / "versions.json"
    known = json.loads(listed.read_text("utf-8")) if listed.is_file() else []
    names = {each["version"] for each in known} | {name}
    newest, *older = sorted(names, key=Version, reverse=True)
    if newest == name:
        shutil.rmtree(sites / LATEST, ignore_errors=True)
        shutil.copytree(sites / name, sites / LATEST)
    entries = [{"version": newest, "title": newest, "aliases": [LATEST]}]
    entries += [{"version": each, "title": each, "aliases": []} for each in older]
    listed.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    (sites / "index.html").write_text(_FIRST_PAGE, encoding="utf-8")
    # Otherwise GitHub leaves out names that begin with an underscore.
    (sites / ".nojekyll").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
