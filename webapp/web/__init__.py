"""Manners that all pages share. Knows no feature."""
