"""What workers do: thin. A job is one call of a verb; no rule and no query lives here."""
