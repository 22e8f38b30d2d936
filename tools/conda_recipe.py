"""Write the conda-forge recipe from pyproject.toml: ``python tools/conda_recipe.py``.

conda-forge keeps a copy in its own repository ("feedstock"), whose bot raises the version. What can
drift is the list of dependencies; this script says it anew, and a test compares.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "packaging" / "conda-forge" / "recipe.yaml"

# Where conda-forge's name is another one. `dask-core` has no numpy, which is listed anyway.
CONDA_NAMES = {
    "dask[array]": "dask-core",
    "matplotlib": "matplotlib-base",
    "torch": "pytorch",
}
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+(?:\[[^\]]*\])?)\s*(.*)")

_TEMPLATE = """\
# Made by tools/conda_recipe.py from pyproject.toml; conda-forge's bot raises version and sha256.
schema_version: 1

context:
  name: napari-colorgan
  version: "{version}"
  python_min: "{python}"

package:
  name: ${{{{ name }}}}
  version: ${{{{ version }}}}

source:
  url: https://pypi.org/packages/source/n/napari-colorgan/napari_colorgan-${{{{ version }}}}.tar.gz
  sha256: "{sha256}"

build:
  number: 0
  noarch: python
  script: ${{{{ PYTHON }}}} -m pip install . -vv --no-deps --no-build-isolation
  python:
    entry_points:
      - {entry_point}

requirements:
  host:
    - python ${{{{ python_min }}}}.*
    - pip
{host}
  run:
    - python >=${{{{ python_min }}}}
{run}

tests:
  - python:
      imports:
        - napari_colorgan
      pip_check: true
      python_version: ${{{{ python_min }}}}.*
  - script:
      - napari-colorgan --help
      - napari-colorgan models list
    requirements:
      run:
        - python ${{{{ python_min }}}}.*

about:
  homepage: {homepage}
  documentation: {documentation}
  repository: {repository}
  summary: {summary}
  license: {license}
  license_file: LICENSE

extra:
  recipe-maintainers:
    - napari-colorgan
"""


def conda_requirement(requirement: str) -> str:
    """Return a requirement as conda-forge spells it: "dask[array]>=1" is "dask-core >=1"."""
    match = _REQUIREMENT.fullmatch(requirement)
    assert match is not None, requirement
    name, version = match.groups()
    return f"{CONDA_NAMES.get(name, name)} {version}".strip()


def make_recipe(settings: dict[str, Any], version: str = "0.1.0", sha256: str = "0" * 64) -> str:
    """Return the recipe.

    Parameters
    ----------
    settings : dict
        pyproject.toml.
    version, sha256 : str
        Of the source archive on PyPI.
    """
    project = settings["project"]
    ((program, target),) = project["scripts"].items()

    def listed(requirements: list[str]) -> str:
        # What is required twice has its stricter line last in pyproject.toml.
        lines = {line.split()[0]: line for line in map(conda_requirement, requirements)}
        return "\n".join(f"    - {line}" for line in lines.values())

    return _TEMPLATE.format(
        version=version,
        python=project["requires-python"].removeprefix(">="),
        sha256=sha256,
        entry_point=f"{program} = {target}",
        host=listed(settings["build-system"]["requires"]),
        run=listed(project["dependencies"]),
        homepage=project["urls"]["Homepage"],
        documentation=project["urls"]["Documentation"],
        repository=project["urls"]["Source Code"],
        summary=project["description"],
        license=project["license"],
    )


if __name__ == "__main__":
    RECIPE.write_text(
        make_recipe(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))),
        encoding="utf-8",
    )
