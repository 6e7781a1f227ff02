# Appmax Checkout. Two commands do all the set-up: `make run` and `make test`; `make install` is for production.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run smoke manage demo-data simulator
.PHONY: test coverage mutation lint format hooks hooks-install drills audit fresh image containers
.PHONY: bench bench-compare bench-admin profile
.PHONY: requirements clean run-packages dev-packages
.PHONY: install upgrade backup restore key migrate logs down
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' \
		$(firstword $(MAKEFILE_LIST))

##@ Try it

run: run-packages  ## the whole stack with a simulated Appmax; Ctrl-C stops it
	@exec $(BIN)/python -m dev.run

smoke: run-packages  ## drive the running stack: install, sell, pay by Pix, card and wallets, be told, refund
	@$(BIN)/python -m dev.smoke

manage: run-packages  ## manage.py of the running stack: ARGS="create_api_key --name shop"
	@$(BIN)/python -m dev.manage $(ARGS)

demo-data: run-packages  ## fill the running stack with a small believable set: ARGS="--orders 2000 --events 10000"
	@$(BIN)/python -m dev.manage demo $(ARGS)

simulator: run-packages  ## the simulated Appmax alone, for an app started in another way; Ctrl-C stops it
	@exec $(BIN)/python -m dev.simulator

##@ Change it

test: dev-packages  ## linters and the suite without drills; some tests: ARGS="tests/orders -k pix"
	@exec $(BIN)/python -m dev.test $(ARGS)

coverage: dev-packages  ## which branches of the product the suite takes, and which not
	@exec $(BIN)/python -m dev.test --coverage

mutation: dev-packages  ## put faults into the rules that must not break; each has to fail a test: ARGS=status
	@exec $(BIN)/python -m dev.mutation $(ARGS)

lint: dev-packages  ## the linters alone
	@exec $(BIN)/python -m dev.test --lint

format: dev-packages  ## what ruff can mend by itself
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

hooks: dev-packages  ## what git runs before a commit, over everything: ruff, migrations, a scan for secrets
	@$(BIN)/pre-commit run --all-files

hooks-install: dev-packages  ## have git run them before each commit
	@$(BIN)/pre-commit install

requirements: dev-packages  ## compile requirements*.in; newer versions of what they need: ARGS=--upgrade
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) -c requirements.txt requirements-run.in -o requirements-run.txt
	@$(COMPILE) -c requirements-run.txt requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) requirements-compose.in -o requirements-compose.txt

clean:  ## forget the local data (orders, secrets, logs)
	rm -rf .data

run-packages:  ## .venv with what make run needs, which begins with this
	@$(PYTHON) -m dev.venv requirements-run.txt

dev-packages:  ## .venv with what all else needs, which begins with this
	@$(PYTHON) -m dev.venv requirements-dev.txt

##@ Prove it

drills: dev-packages  ## break it: kill, fill, cut and restart its parts, and a table of what was seen
	@exec $(BIN)/python -m dev.test tests/drills $(ARGS)

audit: dev-packages  ## known vulnerabilities of what is pinned
	@$(BIN)/python -m dev.audit

fresh: dev-packages  ## install the locks as a new machine would, with an old pip and while newer releases are out
	@$(BIN)/python -m dev.fresh

image: dev-packages  ## the Dockerfile's steps without an engine, up to a gunicorn that answers
	@$(BIN)/python -m dev.image

containers:  ## docs/deploy.md to the letter, with real Docker, by root on a machine in a folder: CONTAINERS=FOLDER keeps packages
	@exec $(PYTHON) -m dev.containers

##@ Measure it

bench: dev-packages  ## each kind of request in turn with the floor, with wrk: KINDS=webhook,pix ROUNDS=3 OTHER=URL SAVE=file
	@exec $(BIN)/python -m benchmarks.load

bench-compare: dev-packages  ## the same, compared with the last run
	@SAVE=$${SAVE:-.data/bench.json} COMPARE=$${COMPARE:-.data/bench.json} $(BIN)/python -m benchmarks.load

profile: dev-packages  ## processor time, statements and log lines of one request of each kind, and where the time goes
	@exec $(BIN)/python -m benchmarks.profile

bench-admin: dev-packages  ## the back office's pages on large tables: ORDERS=1000000 EVENTS=5000000
	@exec $(BIN)/python -m benchmarks.admin_pages

##@ Run it in production, with Docker Compose (docs/deploy.md)

install:  ## .env with new keys, image, services, migrations: APP_URL=https://checkout.example.com
	@$(PYTHON) -m dev.install

upgrade:  ## to the version that is checked out: build, check and migrate first, and only then replace what runs
	@$(PYTHON) -m dev.upgrade

backup:  ## dump the database that is in use to backups/, and keep the newest: KEEP=14
	@$(PYTHON) -m dev.backup backup

restore:  ## a dump into a new database, and go on with that: DUMP=backups/….dump
	@$(PYTHON) -m dev.backup restore $(DUMP)

key:  ## print a new key for FIELD_ENCRYPTION_KEYS
	@$(PYTHON) -c 'from dev import install; print(install.fernet_key())'

migrate:  ## inside the app's container
	docker compose run --rm migrate

logs:  ## of all containers, as they come
	docker compose logs --follow --tail 100

down:  ## stop and remove the containers; the data stay in their volumes
	docker compose down

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make requirements" $(ARGS)
