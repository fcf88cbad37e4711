"""State changes: every transition of runs and results, and the counts that change with them."""
