"""Mail servers: their connections, and waiting for one that is in trouble."""
