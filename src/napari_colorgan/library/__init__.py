"""Models as files with their cards, and the folders they are kept in."""
