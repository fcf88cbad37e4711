"""The mail catcher: an SMTP server that keeps every mail to look at, and forwards none."""
