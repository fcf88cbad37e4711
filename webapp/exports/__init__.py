"""Everything that is stored of customers, invoices and messages, as a folder that an import takes.

Read folder.py first: it is the table of contents."""
