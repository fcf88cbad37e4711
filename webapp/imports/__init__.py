"""The import of a folder of CSV files, documents and a messaging.toml: all or nothing, every error told.

Read folder.py first: it is the table of contents."""
