"""Imports a folder of CSV files, documents and a messaging.toml: all or nothing, with every error reported.

Read folder.py first: it is the table of contents."""
