# Two commands from a fresh clone: `make demo` and `make test`. Each does its own set-up.
SHELL := /bin/bash
RUN := .venv/bin/

.PHONY: help demo test coverage lint bench docs conformance setup servers lock clean
help:  ## This list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup  ## Load the Python standard library into an embedded database and ask it questions.
	@$(RUN)polystore demo $(ARGS)

test: setup servers  ## Every test, on real servers that the tests start themselves.
	$(RUN)python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

coverage: setup servers  ## Which lines and branches the tests reach; takes twice as long.
	$(RUN)python -m pytest -n auto --maxprocesses 4 --dist loadfile --cov --cov-report=term:skip-covered --cov-fail-under=90 $(ARGS)

lint: setup  ## Format, lint, types, layers.
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)basedpyright --level error
	$(RUN)lint-imports --no-logo
	$(RUN)python tools/generate_sync.py --check

bench: setup servers  ## Measure against the bare driver, in one run.
	@tools/peers.sh
	$(RUN)python -m bench $(ARGS)

docs: setup  ## The documentation site, into site/; a warning is an error.
	$(RUN)python tools/docs_reference.py
	$(RUN)zensical build --strict --clean

conformance: setup servers  ## The kit's reports on the backends, into docs/conformance/.
	$(RUN)python tools/conformance.py $(ARGS)

setup:
	@tools/setup.sh

servers:
	@tools/servers.sh
	@tools/raganything.sh

lock: setup  ## Resolve the dependencies anew; ARGS=--upgrade takes newer ones.
	tools/lock.sh $(ARGS)

clean:  ## Remove everything that is not in the repository, the demo's database included.
	-@test ! -x $(RUN)polystore || $(RUN)python -m polystore_postgres.embedded stop .polystore
	rm -rf .venv .tools .polystore .pytest_cache .ruff_cache .hypothesis .coverage .cache site
