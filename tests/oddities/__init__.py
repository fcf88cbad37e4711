"""What differs in a run from what was usual."""
