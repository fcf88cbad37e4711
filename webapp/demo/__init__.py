"""The demo company, Noordlicht Telecom: invented, but of one piece. Loaded once, into an empty database."""
