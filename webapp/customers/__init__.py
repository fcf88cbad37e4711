"""Customer clusters and customers."""
