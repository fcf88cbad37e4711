"""Imports in the browser: files are uploaded, how they are written is found out, a worker checks them and,
when a person presses Apply, imports them (webapp/imports).

Read work.py first: it is the table of contents."""
