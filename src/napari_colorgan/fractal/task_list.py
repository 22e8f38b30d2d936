"""The tasks, as Fractal's manifest is made from them."""

from fractal_task_tools.task_models import ParallelTask

AUTHORS = "The napari-colorgan developers"
DOCS_LINK = "https://napari-colorgan.github.io/napari-colorgan/how-to/scale.html"

TASK_LIST = [
    ParallelTask(
        name="Colorize images",
        executable="fractal/colorize_image.py",
        output_types={"colorized": True},
        category="Image Processing",
        tags=["colorization", "deep learning", "virtual staining"],
        meta={"cpus_per_task": 4, "mem": 8000},
    )
]
