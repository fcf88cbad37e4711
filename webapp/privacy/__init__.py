"""Personal data: how long they are kept, exported for one customer, and erased on request."""
