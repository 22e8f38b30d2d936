"""Tasks for the Fractal platform, which runs them on the images of OME-Zarr collections.

``task_list.py`` lists them; from it and their docstrings ``fractal-manifest create --package
napari-colorgan --task-list-path fractal.task_list`` makes ``__FRACTAL_MANIFEST__.json``.
"""
