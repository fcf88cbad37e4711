"""Tables, constraints, indices, statuses and the database behind them. No verbs: what to do lives in the
features."""
