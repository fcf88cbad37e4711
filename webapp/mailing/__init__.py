"""The craft of mail: templates to text, text to bytes. No database, no request."""
