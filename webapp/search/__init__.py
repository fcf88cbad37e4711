"""Find anything: customers, invoices, addresses, mails and runs by what a person knows of them."""
