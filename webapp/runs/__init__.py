"""Runs on the pages and the command line: overview, list, one run. How delivery works: docs/delivery.md."""
