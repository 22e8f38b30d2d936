"""What several panels use: layers, worker threads, preferences and small Qt controls."""
