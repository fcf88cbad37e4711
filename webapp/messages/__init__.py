"""From an invoice to the bytes of its mail."""
