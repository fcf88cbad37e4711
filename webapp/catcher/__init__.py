"""The mail catcher: an SMTP server that keeps every mail for looking at, and sends none on."""
