"""Signing in elsewhere: at an OpenID provider, or at a proxy that names the person (docs/sign-on.md)."""
