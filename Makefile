# What a newcomer calls. Each target sets up what it needs first; `make help` lists them.
.DEFAULT_GOAL := help
N ?= 1000
.PHONY: help setup run test test-languages test-found test-security test-faults test-kills bench lint advisories format translations screenshots

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/make \1\t/p' Makefile

setup:  ## makes .venv with everything that Mailrun needs; does nothing when that is up to date
	@bin/setup

run: setup  ## starts everything on this machine, with demo data: http://127.0.0.1:8000
	@exec .venv/bin/mailrun up

test: setup  ## runs the whole test suite
	@exec .venv/bin/python -m pytest -n auto

test-languages: setup  ## the browser tests in Dutch and in English, each with a time zone of its own
	@MAILRUN_TEST_READER=nl@Europe/Amsterdam .venv/bin/python -m pytest -n auto tests/browsing
	@MAILRUN_TEST_READER=en@America/St_Johns .venv/bin/python -m pytest -n auto tests/browsing

test-faults: setup  ## every row of the fault table, the slow ones too, three times; prints a table
	@exec .venv/bin/python -m tests.faults.table

test-found: setup  ## what strangers found, by id, in real time where it needs that (half an hour)
	@exec .venv/bin/python -m tests.found_table

test-security: setup  ## the security checks C1 to C30, by id; prints a table
	@exec .venv/bin/python -m tests.security.table

test-kills: setup  ## kills N=1000 workers at random stages of an SMTP conversation; prints what was lost or repeated
	@exec .venv/bin/python -m tests.faults.kill_storm --kills $(N)

lint: setup  ## style, types, tiers of the rooms, templates, words
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/djlint --lint --quiet templates
	@.venv/bin/python bin/check_text.py
	@.venv/bin/python bin/translations.py --check

advisories: setup  ## says which pinned dependencies are on an OSV export: make advisories FILE=all.zip
	@.venv/bin/python bin/advisories.py "$(FILE)"

translations: setup  ## gathers the texts to translate into translations/*.po
	@.venv/bin/python bin/translations.py

format: setup  ## lets ruff put the code in order
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

screenshots: setup  ## takes the pictures in docs/screenshots again (with Chromium)
	@.venv/bin/python -m tests.browsing.screenshots

bench: setup  ## measures speed: make bench, make bench ONLY=send, make bench QUICK=1 (benchmarks/README.md)
	@exec .venv/bin/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick) $(BENCH)
