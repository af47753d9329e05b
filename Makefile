# The commands of every day. `make run` and `make test` do all the set-up themselves.
.PHONY: setup run drill test test-slow test-faults test-servers check fix faults
.DEFAULT_GOAL := run

PYTEST = .venv/bin/python -m pytest

setup:           ## make .venv with everything (nothing to do when nothing changed)
	@deploy/setup.sh

run: setup       ## with yujing.toml (or YUJING_SETTINGS) the real monitor; without, the drill
	@if [ -n "$$YUJING_SETTINGS" ] || [ -f yujing.toml ]; then exec .venv/bin/yujing run; else exec .venv/bin/yujing drill; fi

drill: setup     ## a written crisis of an invented brand, at 60 × speed
	@exec .venv/bin/yujing drill

test: setup      ## the tests (minutes)
	$(PYTEST) -m "not slow"

test-slow: setup ## whole-product runs and kills (up to an hour)
	$(PYTEST) -m slow --ignore=tests/faults  # the fault rows have commands of their own

test-faults: setup ## the fault rows in a size for every day (as root, with strace and ELASTICSEARCH_URL for all of them)
	$(PYTEST) -m slow tests/faults

test-servers: setup ## contract, differential and recovery tests of the archive alone, on ELASTICSEARCH_URL (indices of their own, removed after)
	@[ -n "$$ELASTICSEARCH_URL" ] || { echo "Set ELASTICSEARCH_URL to a server of your own, like http://127.0.0.1:9200 (with https also ?ca=FILE)" >&2; exit 1; }
	$(PYTEST) -m server tests/incidents/archive

check: setup     ## lint, types, fast tests of pure code (a minute; `make test` has the rest)
	.venv/bin/ruff check .
	.venv/bin/mypy
	$(PYTEST) -m "not slow and not browser and not server and not process and not long" -x

fix: setup       ## let the linter mend what it can
	.venv/bin/ruff check --fix .

faults: setup    ## the fault matrix, one line of figures a row (half an hour; as root and with strace for all rows)
	.venv/bin/python bench/faults.py
