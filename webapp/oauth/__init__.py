"""OAuth 2 for mail: tokens that mail servers and mailboxes are logged in to with (docs/oauth.md)."""
