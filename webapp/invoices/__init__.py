"""Invoices and their documents."""
