# Every task a person needs; each sets up what it needs. `make help` lists them.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PLATFORMS ?=
export PLATFORMS
# Tests start hundreds of processes, each of which would compile all modules where nothing is kept.
unexport PYTHONDONTWRITEBYTECODE
UPGRADE ?= --upgrade
IMAGE ?= auto-ai-router
TAG ?= dev
# Tests run side by side, one more than there are cores since many wait, but no more than 8 since each of
# them may start an API server. With ARGS they run one by one.
WORKERS = $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 8 ? n + 1 : 8)))
PARALLEL = $(if $(ARGS),,-n $(WORKERS) --dist worksteal)
# Coverage takes time and a file for each process, so only the gate takes it with every run.
COVERAGE ?=
# A file: few tests that fail run once more, alone, and those that pass then are listed there. For the gate.
AGAIN ?=
TRY = $(if $(AGAIN),$(BIN)/python scripts/again.py $(AGAIN)) $(BIN)/python

# Any chromium will do; where there is none, the one of Debian is installed.
CHROMIUM := $(or $(shell command -v chromium),/usr/bin/chromium)

.DEFAULT_GOAL := help
.PHONY: help run test processes integration lint format types bench bench-compare bench-hostile bench-ledger bench-page bench-reload bench-scroll image kubernetes e2e browser collectors cluster cluster-down translations commands observability readme docs lock clean

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## Serve built-in mock models on 127.0.0.1:8080 (ARGS="-f file.yaml" for your own)
	@exec $(BIN)/airouter serve $(ARGS)

test: $(VENV)/.dev ## Run the tests of the router (ARGS="-k name" for some; COVERAGE=1 holds 95 % of its lines)
	$(if $(COVERAGE),rm -f .coverage .coverage.*)
	$(TRY) $(if $(COVERAGE),-m coverage run) -m pytest $(PARALLEL) $(ARGS)
	$(if $(COVERAGE),$(BIN)/python -m coverage combine -q)
	$(if $(COVERAGE),$(BIN)/python -m coverage report --fail-under=95)

processes: $(VENV)/.dev ## Run the tests of whole router processes: signals, reloads and kills under load (ARGS="-k name" for some)
	$(TRY) -m pytest tests/process $(PARALLEL) $(ARGS)

integration: $(VENV)/.dev kubernetes ## Run the tests of the operator and the chart on a real API server (ARGS="-k name" for some)
	$(TRY) -m pytest tests/operator tests/chart $(PARALLEL) $(ARGS)

lint: $(VENV)/.dev ## Style and the rules of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@PYTHONPATH=scripts $(BIN)/python -m house
	$(BIN)/hadolint Dockerfile

format: $(VENV)/.dev ## Mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@PYTHONPATH=scripts $(BIN)/python -m house --shrink

types: $(VENV)/.dev ## mypy --strict
	$(BIN)/mypy

bench: $(VENV)/.dev ## Compare with nginx on this machine; writes benchmarks/results.md
	$(BIN)/python -m benchmarks $(ARGS)

PIN = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
  --no-emit-find-links --custom-compile-command "make lock" -q pyproject.toml locks/build.in

bench-hostile: $(VENV)/.dev ## One client's worst beside another's small requests; writes benchmarks/hostile/results.md (ARGS="--minutes 30" soaks)
	$(BIN)/python -m benchmarks.hostile $(ARGS)

bench-compare: $(VENV)/.dev ## The router beside LiteLLM, which it installs for itself; writes the table of docs/comparison.md
	$(BIN)/python -m benchmarks.compare $(ARGS)

bench-page: $(VENV)/.dev ## What the page at /vhealth takes: for each request, and for those who look
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.page $(ARGS)

bench-scroll: $(VENV)/.dev $(CHROMIUM) ## How smoothly a Chromium scrolls that page, of 200 credentials and 500 models
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.page.scrolling $(ARGS)

bench-reload: $(VENV)/.dev kubernetes ## From a patch to every pod, on a real API server; writes benchmarks/reload/results.md
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.reload $(ARGS)

bench-ledger: $(VENV)/.dev ## The operator's ledger, asked by 200 pods; writes benchmarks/ledger/results.md
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.ledger $(ARGS)

image: ## Build both images with docker, podman or buildah (TAG=dev, PLATFORMS=linux/amd64,linux/arm64, IMAGE_FLAGS="...")
	scripts/build-image router $(IMAGE):$(TAG)
	scripts/build-image operator $(IMAGE)-operator:$(TAG)

kubernetes: $(VENV)/.dev ## Fetch or build the API server, Helm, kubeconform and Prometheus of the tests, once (needs Go 1.26)
	@PYTHONPATH=tests $(BIN)/python -m support.kubernetes

e2e: $(VENV)/.dev ## Install the chart on a real node and try everything there (Debian, root)
	$(TRY) -m pytest tests/e2e -o faulthandler_timeout=2700 $(ARGS)

browser: $(VENV)/.dev $(CHROMIUM) ## Look at the page with a real browser (Debian, root, where no chromium is installed)
	$(TRY) -m pytest tests/browser $(ARGS)

/usr/bin/chromium:
	@echo "Installing Chromium"
	@apt-get install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null || \
	  { echo "make browser needs chromium (fix: install it, or run this as root on Debian)" >&2; exit 1; }

collectors: $(VENV)/.dev ## Show a request to a real Jaeger and OpenTelemetry Collector, which it builds once (needs Go 1.26)
	$(BIN)/python -m pytest tests/collectors -o faulthandler_timeout=2700 $(ARGS)

cluster: $(VENV)/.dev ## A real one-node Kubernetes on this machine (Debian, root); prints its KUBECONFIG
	@PYTHONPATH=tests $(BIN)/python -m support.kubernetes.node up

cluster-down: $(VENV)/.dev ## Take it down, whatever state it is in
	@PYTHONPATH=tests $(BIN)/python -m support.kubernetes.node down

translations: $(VENV)/.dev ## Make docs/translations.md and docs/crossings.md anew, from the tests of the translations
	@PYTHONPATH=tests:router $(BIN)/python -m contract.matrix.table

commands: $(VENV)/.dev ## Make docs/commands.md anew, from what the commands say of themselves
	@PYTHONPATH=tests:router $(BIN)/python -m support.command_docs

observability: $(VENV)/.dev ## Make the table of metrics in docs/observability.md anew, from what a router exports
	@PYTHONPATH=tests:router $(BIN)/python -m support.metrics_table

readme: $(VENV)/.dev ## Make the chart's table of values anew, from the comments in values.yaml
	@PYTHONPATH=tests $(BIN)/python -m chart.readme

docs: $(VENV)/.docs ## Build the site of docs/ in site/; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html"

lock: $(VENV)/.dev ## Pin every dependency again, to the newest that fits (UPGRADE= keeps what is pinned)
	$(PIN) $(UPGRADE) -o locks/run.txt
	$(PIN) $(UPGRADE) --extra operator -c locks/run.txt -o locks/operator.txt
	$(PIN) $(UPGRADE) --extra operator --extra dev -c locks/operator.txt -o locks/dev.txt
	$(PIN) $(UPGRADE) --extra docs -c locks/dev.txt -o locks/docs.txt

clean: ## Forget the environment and every cache
	rm -rf $(VENV) site .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*

$(VENV)/bin/python:
	@python=$$(scripts/find-python) && echo "Making $(VENV) with $$python" && $$python -m venv $(VENV)

# The lock files pin and hash every package; the project itself is installed in place.
define install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/$(1).txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
endef

$(VENV)/.run: locks/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the router runs with"
	$(call install,run)

$(VENV)/.dev: locks/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what development needs"
	$(call install,dev)

$(VENV)/.docs: locks/docs.txt pyproject.toml | $(VENV)/.dev
	@echo "Installing what the site is built with"
	$(call install,docs)
