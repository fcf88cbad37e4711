"""One SMTP conversation: connect, log in, offer a message, read the replies. No database, no request."""
