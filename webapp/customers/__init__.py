"""Customers and their clusters."""
