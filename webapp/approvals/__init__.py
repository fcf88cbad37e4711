"""Four eyes: what the second person sees of a run that waits, and the limits above which runs wait."""
