"""Films: video files read frame by frame through PyAV, and written in parts that outlive a kill.

``source.py`` is what a film says of its frames; ``frames.py`` decodes them one at a time;
``writer.py`` encodes parts, ``container.py`` puts them together with the input's sound; and
``sequence.py`` takes numbered pictures for a film.
"""

from napari_colorgan.io.film.source import FilmSource

__all__ = ["FilmSource"]
