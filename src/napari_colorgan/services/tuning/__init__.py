"""The parts of a fine-tuning: its request, its material, its settings and its verdict."""
