"""Tables, constraints, indexes, statuses and the database behind them. No verbs: what to do is in the
rooms."""
