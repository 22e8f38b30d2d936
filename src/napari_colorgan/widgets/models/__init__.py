"""The Models panel: list, inspect, import, export, rename and delete models."""
