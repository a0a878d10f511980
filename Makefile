# Two commands from a fresh clone: `make demo` and `make test`. Each does its own set-up.
SHELL := /bin/bash
RUN := .venv/bin/
# RAG-Anything runs beside the LightRAG that it asks for, an older one than ours, and these.
RAGANYTHING := . plugins/polystore-lightrag plugins/polystore-memory plugins/polystore-postgres
# Tests wait for servers a good part of their time: half as many workers more than cores.
WORKERS := $(shell n=$$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 )); echo $$(( n > 4 ? 4 : n < 2 ? 2 : n )))
# By file, for modules share servers, and in order: what takes longest comes first.
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test coverage lint bench docs conformance setup servers lock clean
help:  ## This list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup  ## Load the Python standard library into an embedded database and ask it questions.
	@$(RUN)polystore demo $(ARGS)

test: setup servers  ## Every test, on real servers that the tests start themselves.
	$(RUN)python -m pytest $(SPREAD) $(ARGS)

coverage: setup servers  ## Which lines and branches the tests reach; takes twice as long.
	$(RUN)python -m pytest $(SPREAD) --cov --cov-report=term:skip-covered --cov-fail-under=90 $(ARGS)

lint: setup  ## Format, lint, types, layers.
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)basedpyright --level error
	$(RUN)lint-imports --no-logo
	$(RUN)python tools/generate_sync.py --check

bench: setup servers  ## Measure against the bare driver, in one run.
	@tools/environment.sh peers bench/peers/there
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
	@tools/environment.sh raganything plugins/polystore-lightrag/raganything $(RAGANYTHING)

lock: setup  ## Resolve the dependencies anew; ARGS=--upgrade takes newer ones.
	tools/lock.sh $(ARGS)

clean:  ## Remove everything that is not in the repository, the demo's database included.
	-@test ! -x $(RUN)polystore || $(RUN)python -m polystore_postgres.embedded stop .polystore
	rm -rf .venv .tools .polystore .pytest_cache .ruff_cache .hypothesis .coverage .cache site
