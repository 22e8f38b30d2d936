"""The Colorize folder panel: files of a folder in, colour files in another folder out."""
