"""Second factors, without their pages."""
