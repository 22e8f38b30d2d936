"""The folder of a run: its config, its lock, its log of events and its checkpoints.

A run has no other state: whoever has the folder can follow the run, resume it, or read what it did.
"""
