"""Which invoices a run includes, which of them can be sent, and why the others cannot."""
