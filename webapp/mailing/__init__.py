"""The craft of mail: templates to text, text to bytes, bytes to a server. No database, no request."""
