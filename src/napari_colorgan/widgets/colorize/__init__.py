"""The Colorize panel: from a gray layer and a form to colour layers."""
