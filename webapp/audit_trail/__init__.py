"""The audit trail as people see it: listed, searched, verified, let go of after a time."""
