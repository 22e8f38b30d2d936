"""The command line, one file for each group of commands.

A module here imports nothing heavy before one of its commands runs: ``--help`` has to answer at
once.
"""
