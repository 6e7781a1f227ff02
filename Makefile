# Appmax Checkout. Two commands do all the set-up: `make run` and `make test`; `make install` is for production.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run smoke manage demo-data simulator
.PHONY: test coverage mutation lint format hooks hooks-install drills audit image
.PHONY: bench bench-compare bench-admin
.PHONY: requirements clean
.PHONY: install migrate logs down
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' \
		$(firstword $(MAKEFILE_LIST))

##@ Try it

run: $(VENV)/ready  ## the whole stack with a simulated Appmax; Ctrl-C stops it
	@exec $(BIN)/python -m dev.run

smoke: $(VENV)/ready  ## drive the running stack: install, sell, pay by Pix and card, be told, refund
	@$(BIN)/python -m dev.smoke

manage: $(VENV)/ready  ## manage.py of the running stack: ARGS="create_api_key --name shop"
	@$(BIN)/python -m dev.manage $(ARGS)

demo-data: $(VENV)/ready  ## fill the running stack with a small believable set: ARGS="--orders 2000 --events 10000"
	@$(BIN)/python -m dev.manage demo $(ARGS)

simulator: $(VENV)/ready  ## the simulated Appmax alone, for an app started in another way; Ctrl-C stops it
	@exec $(BIN)/python -m dev.simulator

##@ Change it

test: $(VENV)/ready  ## linters and the suite without drills; some tests: ARGS="tests/orders -k pix"
	@exec $(BIN)/python -m dev.test $(ARGS)

coverage: $(VENV)/ready  ## which branches of the product the suite takes, and which not
	@exec $(BIN)/python -m dev.test --coverage

mutation: $(VENV)/ready  ## put faults into the rules that must not break; each has to fail a test: ARGS=orders/status.py
	@exec $(BIN)/python -m dev.mutation $(ARGS)

lint: $(VENV)/ready  ## the linters alone
	@exec $(BIN)/python -m dev.test --lint

format: $(VENV)/ready  ## what ruff can mend by itself
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

hooks: $(VENV)/ready  ## what git runs before a commit, over everything: ruff, migrations, a scan for secrets
	@$(BIN)/pre-commit run --all-files

hooks-install: $(VENV)/ready  ## have git run them before each commit
	@$(BIN)/pre-commit install

requirements: $(VENV)/ready  ## compile requirements*.in; newer versions of what they need: ARGS=--upgrade
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean:  ## forget the local data (orders, secrets, logs)
	rm -rf .data

##@ Prove it

drills: $(VENV)/ready  ## break it: kill, fill, cut and restart its parts, and a table of what was seen
	@exec $(BIN)/python -m dev.test tests/drills $(ARGS)

audit: $(VENV)/ready  ## known vulnerabilities of what is pinned
	@$(BIN)/python -m dev.audit

image: $(VENV)/ready  ## the Dockerfile's steps without an engine, up to a gunicorn that answers
	@$(BIN)/python -m dev.image

##@ Measure it

bench: $(VENV)/ready  ## requests/s by kind beside two floors, with wrk: EVENTS=0,1000000 SECONDS=10 SAVE=file COMPARE=file
	@exec $(BIN)/python -m benchmarks.load

bench-compare: $(VENV)/ready  ## the same, compared with the last run
	@SAVE=$${SAVE:-.data/bench.json} COMPARE=$${COMPARE:-.data/bench.json} $(BIN)/python -m benchmarks.load

bench-admin: $(VENV)/ready  ## the back office's pages on large tables: ORDERS=1000000 EVENTS=5000000
	@exec $(BIN)/python -m benchmarks.admin_pages

##@ Run it in production, with Docker Compose (docs/deploy.md)

install:  ## .env with new keys, image, services, migrations: APP_URL=https://checkout.example.com
	@$(PYTHON) -m dev.install

migrate:  ## inside the app's container
	docker compose exec app python manage.py migrate

logs:  ## of all containers, as they come
	docker compose logs --follow --tail 100

down:  ## stop and remove the containers; the data stay in their volumes
	docker compose down

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make requirements" $(ARGS)

$(VENV)/ready: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "installing the requirements into $(VENV); this happens once"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@$(BIN)/pip check
	@touch $@
