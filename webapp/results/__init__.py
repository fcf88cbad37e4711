"""Message results on the pages: the table, one result, and what a person can do with them."""
