"""What all pages share. Knows no room."""
