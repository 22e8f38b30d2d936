"""A result beside its gray source, and the mark that its colours are predicted."""
