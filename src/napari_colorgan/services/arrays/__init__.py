"""Arrays to colour arrays, in memory or on disk, by blocks of planes."""
