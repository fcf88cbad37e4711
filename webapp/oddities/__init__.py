"""Oddities: what differs in a run from what was usual. They inform, and never hold anything up."""
