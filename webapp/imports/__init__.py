"""An import folder becomes customers, invoices, documents and definitions: all of it, or nothing."""
