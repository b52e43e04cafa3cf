# Commands for people; `make help` lists them. Each sets up what is missing first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# Hundreds of programs start in the tests: each module is compiled once, whatever the machine says.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup demo test test-long check bench dev lock licences releases audit generate docs screenshots clean

BIN := .venv/bin
READY := .venv/.ready

# The sample that `make demo` loads; say otherwise in the environment.
EV_BOOTSTRAP ?= canonical_stations:data/stations.csv canonical:data/sessions.csv
EV_TIMEZONE ?= Europe/Lisbon

# More workers than cores, since a test waits for programs half of its time. A file's tests stay
# together, so that they share what they start; files come in the order of `conftest.py`.
TEST_WORKERS ?= $(shell expr $$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) + 2)
PYTEST = $(BIN)/pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder \
	--durations 20 --durations-min 10

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

$(READY): requirements.lock pyproject.toml infra/nodered/package-lock.json .ci/setup .ci/mosquitto
	@.ci/setup
	@touch $@

setup: $(READY) ## make .venv with everything in it, and .venv/bin/ev-pipeline

demo: export EV_BOOTSTRAP := $(EV_BOOTSTRAP)
demo: export EV_TIMEZONE := $(EV_TIMEZONE)
demo: setup ## start the local stack, load the sample, train, label; Ctrl-C stops it
	@exec $(BIN)/ev-pipeline demo

test: setup ## run every test but the long ones
	@.ci/chromium
	@.ci/prometheus
	@$(PYTEST) -m "not long"

test-long: setup ## run the long tests, which take many minutes
	@$(PYTEST) -m long --timeout 3600

check: setup ## format, lint, types, layers, dead code, definitions, lock file, docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/vulture
	@$(BIN)/python -c 'import dagster as dg; from ev_pipeline.definitions import definitions; \
		dg.Definitions.validate_loadable(definitions())'
	@$(BIN)/pytest -q ev_pipeline_tests/house

bench: setup ## run every benchmark and print its table
	@set -e; for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

dev: export EV_HOME := .ev-dev
dev: export EV_POSTGRES_PORT ?= 15442
dev: export EV_DAGSTER_PORT ?= 3010
dev: export EV_MQTT_PORT ?= 8893
dev: export EV_METRICS_PORT ?= 9474
dev: export EV_NODERED_PORT ?= 1890
dev: export EV_BOOTSTRAP := $(EV_BOOTSTRAP)
dev: export EV_TIMEZONE := $(EV_TIMEZONE)
dev: setup ## a second stack on this checkout; runs use the code as it is
	@exec $(BIN)/ev-pipeline up

lock: setup ## write requirements.lock anew from pyproject.toml
	@uv=$$(command -v uv || echo .uv/bin/uv); $$uv pip compile --universal --generate-hashes \
		--all-extras --group dev pyproject.toml -o requirements.lock --no-header --quiet

licences: setup ## list the licences of everything locked; fails where one is no permissive or weak copyleft
	@$(BIN)/python -m infra.supply_chain.licences

releases: setup ## write down when our dependencies were last released; fails after two years without
	@$(BIN)/python -m infra.supply_chain.releases

audit: setup ## scan everything locked for known vulnerabilities; fails where nobody can be asked
	@$(BIN)/python -m infra.supply_chain.vulnerabilities

generate: setup ## write the sample in data/ anew, the same byte for byte
	@$(BIN)/python -m simulator generate --out data

docs: setup ## write the generated pages of docs/ anew, and build the site in site/
	@$(BIN)/python -m docs.reference
	@$(BIN)/python -m docs.site

screenshots: setup ## take the pictures of the dashboard in docs/ anew
	@.ci/chromium
	@$(BIN)/python -m docs.screenshots

clean: ## remove what make made, but not .ev, where a local stack keeps its data
	rm -rf .venv .uv .uv-cache .cache build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
