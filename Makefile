# Every command sets up what it needs first, inside this folder only.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
STAGE ?= local
PORT ?= 4566
TIME_SCALE ?= 60
CONTAINER ?=
ENFORCE_IAM ?=
CAPACITY ?=
ASSUME ?=
BIN := .venv/bin
UV := $(BIN)/uv
UV_INSTALL := $(UV) pip install --quiet --require-hashes --no-deps --compile-bytecode

export PATH := $(CURDIR)/$(BIN):$(PATH)
# Caches stay in this folder, and nothing is asked of the network that set-up did not fetch.
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export npm_config_cache := $(CURDIR)/.cache/npm
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/.cache/jsii
export CDK_HOME := $(CURDIR)/.cache/cdk
export CDK_DISABLE_CLI_TELEMETRY := true

# The CDK keeps a cache in the home folder. Nothing below needs the real one.
AT_HOME := HOME="$(CURDIR)/.cache/home"

LOCKS := requirements-dev.txt $(addprefix requirements/,bootstrap.txt data.txt)

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.ready .venv-model-server/.ready node_modules/.ready ## install everything into this folder

# Programs that nobody here wrote, which tests and benchmarks run as they are.
.PHONY: clients
clients: .venv-peers/.ready .venv-aws-cli/.ready .venv-checkov/.ready

.venv/.ready: $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, {sys.executable} is {sys.version.split()[0]}: try make PYTHON=python3.12")'
	@echo "setup: Python packages"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r requirements/bootstrap.txt
	@$(UV_INSTALL) --python .venv -r requirements-dev.txt -r requirements/data.txt
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@touch $@

.venv-model-server/.ready: model_server/requirements.txt .venv/.ready
	@echo "setup: model server"
	@$(PYTHON) -m venv --clear --without-pip .venv-model-server
	@$(UV_INSTALL) --python .venv-model-server -r model_server/requirements.txt
	@touch $@

.venv-peers/.ready: benchmarks/requirements.txt .venv/.ready
	@echo "setup: peers to measure against"
	@$(PYTHON) -m venv --clear --without-pip .venv-peers
	@$(UV_INSTALL) --python .venv-peers -r benchmarks/requirements.txt
	@touch $@

.venv-aws-cli/.ready: requirements/aws-cli.txt .venv/.ready
	@echo "setup: AWS CLI"
	@$(PYTHON) -m venv --clear --without-pip .venv-aws-cli
	@$(UV_INSTALL) --python .venv-aws-cli -r requirements/aws-cli.txt
	@touch $@

.venv-checkov/.ready: requirements/checkov.txt .venv/.ready
	@echo "setup: checkov"
	@$(PYTHON) -m venv --clear --without-pip .venv-checkov
	@$(UV_INSTALL) --python .venv-checkov -r requirements/checkov.txt
	@touch $@

node_modules/.ready: package-lock.json requirements/node.txt scripts/install-cdk-cli.sh .venv/.ready
	@echo "setup: CDK CLI"
	@scripts/install-cdk-cli.sh
	@touch $@

.PHONY: lock
lock: .venv/.ready ## compile the lock files from pyproject.toml
	@compile="$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header"; \
	$$compile --group synth -o requirements.txt; \
	$$compile --group dev -o requirements-dev.txt; \
	$$compile --group model-server -o model_server/requirements.txt; \
	$$compile --group bootstrap -o requirements/bootstrap.txt; \
	$$compile --group node -o requirements/node.txt; \
	$$compile --group peers -o benchmarks/requirements.txt; \
	$$compile --group aws-cli -o requirements/aws-cli.txt; \
	$$compile --group checkov -o requirements/checkov.txt; \
	$$compile --group data --no-deps -o requirements/data.txt

.PHONY: demo
demo: setup ## deploy to the local cloud and send it scanned pages, from zero instances and back
	@$(AT_HOME) $(BIN)/python -m local_cloud.demo

.PHONY: local
local: setup ## the local cloud in the foreground, with STAGE deployed (PORT, TIME_SCALE, CONTAINER='IMAGE=COMMAND', ENFORCE_IAM=1, CAPACITY='TYPE=COUNT', ASSUME='NAME=VALUE')
	@$(AT_HOME) $(BIN)/python -m local_cloud.foreground --stage $(STAGE) --port $(PORT) --time-scale $(TIME_SCALE) \
		$(if $(CONTAINER),--container '$(CONTAINER)') $(if $(ENFORCE_IAM),--enforce-iam) \
		$(CAPACITY:%=--capacity '%') $(ASSUME:%=--assume '%')

.PHONY: test
test: setup clients ## all tests that need no AWS account
	@$(AT_HOME) $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: proof
proof: setup ## simulate the scaling under every combination of what AWS leaves open; takes hours of computing
	@$(AT_HOME) SCALING_PROOF=whole $(BIN)/pytest -n auto --dist load tests/infrastructure/test_scaling_promises.py \
		tests/infrastructure/test_scaling_random.py

.PHONY: bench
bench: setup clients ## measure, with the peers side by side: one table, and benchmarks/results/
	@$(AT_HOME) $(BIN)/python -m benchmarks

.PHONY: probe-aws
probe-aws: setup ## ask an AWS account what its documentation leaves open; asks before it spends, cleans up
	@$(BIN)/pytest tests/aws --aws --capture=no

.PHONY: check
check: setup ## format, lint, types, import rules, tests, synthesis with compliance; CI runs it, then the demo
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/zizmor --quiet --offline --strict-collection .github
	@$(MAKE) --no-print-directory -j 2 types clients
	@$(MAKE) --no-print-directory test
	@echo "synth: local dev prod"
	@printf '%s\n' local dev prod | $(AT_HOME) xargs -P 3 -I STAGE cdk synth --quiet --no-notices -c stage=STAGE -c scaling=on -o cdk.out/STAGE
	@$(BIN)/cfn-lint

.PHONY: types
types: setup
	@$(BIN)/mypy .

.PHONY: format
format: setup ## format the code and mend what lint can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: snapshots
snapshots: setup ## accept the templates as they are now; review the difference
	@$(AT_HOME) $(BIN)/pytest tests/infrastructure/test_stack_snapshots.py --snapshot-update
