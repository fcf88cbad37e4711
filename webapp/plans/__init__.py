"""Plans: recurring rules that make runs."""
