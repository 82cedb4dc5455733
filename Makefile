# Plain verbs. Any of them may be the first command after a clone: what it needs, it makes.

BIN := .venv/bin
READY := .venv/.ready
PACKAGES := ledger projections schemas ops

.DEFAULT_GOAL := help
.PHONY: setup demo test lint types generate bench soak kafka-up kafka-down clean help

setup: $(READY) ## make .venv with pinned dependencies (every other target does this by itself)

demo: $(READY) ## a working day in several provinces on an embedded database, with the books shown
	@$(BIN)/onecard demo

# More at once than a machine of two cores has: half of the time tests wait for brokers and processes, not for a core.
test: $(READY) ## run every test, three at a time (ARGS="-k name" and the like are passed on)
	@$(BIN)/python -m pytest -n 3 --dist loadfile $(ARGS)

lint: $(READY) ## ruff: style and formatting, without changing anything
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY) ## mypy over the product
	@$(BIN)/python -m mypy $(PACKAGES)

generate: $(READY) ## write the files that are derived from the schemas, the rules, the commands and the scenarios
	@$(BIN)/python -m schemas.generate
	@$(BIN)/onecard config example >docs/configuration.toml
	@$(BIN)/python -m ops.commands
	@$(BIN)/python -m ops.scenarios

bench: $(READY) ## figures of this machine beside its raw limits
	@$(BIN)/onecard bench

soak: $(READY) ## the slow, random tests for a long time (SOAK=examples per property)
	@ONECARD_SOAK=$(or $(SOAK),5000) $(BIN)/python -m pytest -n 2 --dist loadfile tests

kafka-up: $(READY) ## a Kafka broker on this machine, to stay; prints the settings to export (needs Java 17 and Maven)
	@$(BIN)/python -m ops.kafka up

kafka-down: $(READY) ## stop that broker; its data stays
	@$(BIN)/python -m ops.kafka down

clean: ## remove .venv and what the tools left behind; never the store in .onecard
	@rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

# The stamp is written last: a setup that was interrupted is done again.
$(READY): pyproject.toml constraints.txt
	@python=""; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "onecard-ledger needs Python 3.11 or newer; python3 here is: $$(python3 --version 2>&1)." >&2; \
	  echo "Install a newer one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; \
	fi; \
	echo "Making .venv with $$($$python --version) (once, about a minute) ..." >&2; \
	$$python -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[embedded,dev]'
	@touch $@
