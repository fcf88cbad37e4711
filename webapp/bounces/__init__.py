"""Mails that come back: read in mailboxes, understood, matched with the mail that they are about."""
