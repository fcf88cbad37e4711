"""Customers and their clusters, seen and changed in the browser."""
