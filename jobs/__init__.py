"""What workers do: each job is one call of a verb; no rule and no query lives here."""
