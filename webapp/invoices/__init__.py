"""Invoices and their documents, seen and changed in the browser."""
