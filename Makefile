# The only tool a newcomer needs besides Python 3.11-3.13: `make` lists what there is.
PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin

export AIRFLOW_HOME := $(CURDIR)
export PATH := $(BIN):$(PATH)
export UV_PYTHON_DOWNLOADS := never
export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help env demo up test test-spark check fix docs bench kills fuzz lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

env: .venv/.ready .secrets/.ready  ## create .venv from the lock file (hashes required) and Airflow's keys

.venv/.ready: requirements.lock pyproject.toml
	@echo "installing the locked environment into .venv (about 1.5 GB; once)"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/python -c 'import sys; assert (3, 11) <= sys.version_info[:2] < (3, 14), f"Python 3.11 to 3.13 needed, this is {sys.version.split()[0]}: make PYTHON=python3.12 env"'
	@test -x .venv/bin/uv || .venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@VIRTUAL_ENV=$(CURDIR)/.venv .venv/bin/uv pip install --quiet --require-hashes --compile-bytecode -r requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/.venv .venv/bin/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.secrets/.ready:
	@umask 077 && mkdir -p .secrets && for key in fernet api jwt; do \
	  $(PYTHON) -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode(), end="")' > .secrets/$$key; done
	@touch $@

demo: env  ## a month of a seeded organisation through the whole pipeline, the last night by Airflow
	@nowguard demo

up: env  ## emulator, Airflow and JupyterLab on loopback, to explore by hand (Ctrl-C ends them)
	@nowguard up

test: env  ## the whole test suite (CI runs this)
	@python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

check: env  ## format, lint, types, import rules, generated docs
	@ruff format --check . && ruff check .
	@mypy
	@lint-imports
	@for page in contracts policies posture cli emulator; do python -m pipelines.$$page.docs --check || exit 1; done
	@python -m pipelines.contracts.docs_access --check

fix: env  ## format and repair what the linter can
	@ruff check --fix --quiet . ; ruff format --quiet .

docs: env  ## regenerate the pages that are derived from contracts, policies and recommendations
	@for page in contracts policies posture cli emulator; do python -m pipelines.$$page.docs || exit 1; done
	@python -m pipelines.contracts.docs_access

bench: env  ## the benchmarks of docs/benchmarks.md (minutes; compares with dlt in an environment of its own)
	@test -x .venv-bench/bin/python || { $(PYTHON) -m venv .venv-bench && .venv-bench/bin/python -m pip install --quiet 'dlt[parquet]>=1.31,<2'; }
	@python -m bench.extraction.run --dlt-python .venv-bench/bin/python
	@python -m bench.policies.run
	@python -m bench.posture.run
	@python bench/enrichment/bench.py

test-spark: env  ## every policy's cases on PySpark as well (needs Java 17)
	@test -x .venv-spark/bin/python || $(PYTHON) -m venv .venv-spark
	@VIRTUAL_ENV=$(CURDIR)/.venv-spark .venv/bin/uv pip install --quiet --require-hashes -r requirements-spark.lock
	@VIRTUAL_ENV=$(CURDIR)/.venv-spark .venv/bin/uv pip install --quiet --no-deps --no-build-isolation -e .
	@.venv-spark/bin/python -m pytest -q -m spark tests/policies

kills: env  ## kill a run at every named place, run again, compare with an undisturbed one
	@NOWGUARD_TEST_KILLS=all python -m pytest -q tests/steps -k kill_9

fuzz: env  ## judge forty drawn windows of each policy again, reordered and in parts
	@NOWGUARD_TEST_WINDOWS=$${NOWGUARD_TEST_WINDOWS:-40} python -m pytest -q -n 2 tests/policies/test_windows.py

lock: .venv/.ready  ## resolve again and rewrite the lock files
	@.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --python-version 3.11 --extra notebooks --extra dev pyproject.toml -o requirements.lock
	@.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --python-version 3.11 --extra spark --extra dev pyproject.toml -o requirements-spark.lock

clean:  ## remove what runs and tests wrote (keeps .venv)
	@rm -rf data/lake data/warehouse data/state data/tmp data/demo data/logs data/report logs airflow.db* .pytest_cache .mypy_cache .ruff_cache
