"""Parts of an evaluation: its truth, baselines, scores, results and reports."""
