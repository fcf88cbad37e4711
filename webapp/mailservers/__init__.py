"""Mail servers: their connection slots, and back-off when one is in trouble."""
