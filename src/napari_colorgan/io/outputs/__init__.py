"""Outputs that appear whole or not at all, whoever writes them, and however it ends."""
