"""Second factors: authenticator apps, recovery codes and passkeys. The pages are in users."""
