"""Help: the short pages of docs/help, shown in the product and searched."""
