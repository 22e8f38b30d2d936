"""Self-contained HTML pages: templates whose values are escaped, and pictures inside them.

The templates lie in ``templates/``. They are rendered by jinja2, which torch brings along, so that
no report joins markup by hand and a hostile file name stays text.
"""

from __future__ import annotations

import base64
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from napari_colorgan.texts import printable

if TYPE_CHECKING:
    import numpy as np
    from jinja2 import Environment


def render(template: str, **values: Any) -> str:
    """Return a page.

    Parameters
    ----------
    template : str
        A file of ``templates/``.
    **values
        What the template names; texts are escaped.
    """
    return _environment().get_template(template).render(**values)


def embed_picture(rgb: np.ndarray, quality: int = 80) -> str:
    """Return an 8-bit image (H, W, 3) as a data URI, a JPEG that needs no file of its own.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
        The image.
    quality : int
        Of the JPEG, 1…95.
    """
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=quality, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _safe(value: Any) -> Any:
    """Return a value without what acts on the page's reader; markup of templates stays."""
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return printable(value) if is_text else value


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("napari_colorgan.services"),
        autoescape=True,
        # Names from anywhere, in a page that a browser shows.
        finalize=_safe,
        # A value that a template names and nobody gives is a mistake, not an empty text.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
