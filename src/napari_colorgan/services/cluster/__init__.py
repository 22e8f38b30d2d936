"""Colorizing on the workers of dask.distributed: one machine's, or a cluster's.

``connection.py`` finds or starts the workers, ``worker.py`` is what they do, ``feed.py`` hands
tasks out so that the scheduler never holds many, and ``job.py`` is the job that a caller runs.
"""
