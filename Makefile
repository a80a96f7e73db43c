# Installation, the development stack and the tests. `make` alone lists the targets.
#
# Honoured by every target: BILLING_RUN_DIR (.run), BILLING_PORT (8443), BILLING_WORKERS (2 × cores),
# BILLING_DATABASE_URL (a PostgreSQL of your own). More in Scripts/stack.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run start stop status reload build docs test check conformance model chaos bench format lint packages clean
# Steps of one goal depend on each other's results; swift build uses all cores by itself.
.NOTPARALLEL:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## install, build and start the whole stack in the foreground; Ctrl-C ends it
	@exec Scripts/stack run

start: build ## the same in the background; returns when it is ready
	@exec Scripts/stack start

stop: ## end the stack that runs in the background
	@exec Scripts/stack stop

status: ## show the stack's processes and whether it is ready
	@exec Scripts/stack status

reload: build ## put a new build and new configuration in work without losing a request
	@exec Scripts/stack reload

build: packages ## build the program (release): .build/release/billing
	@Scripts/build

docs: build ## build the documentation: .build/docs, served at /docs/ by the stack
	@Scripts/docs/build

test: ## install, build and run every test
	@Scripts/install-packages build run test
	@Scripts/build
	@Scripts/test

check: ## lint and all tests: what CI runs
	@Scripts/install-packages build run test
	@Scripts/lint
	@Scripts/build
	@Scripts/test

conformance: build ## hold the program against its own OpenAPI document for some minutes (SEED=1)
	@Scripts/install-packages build run test
	@Scripts/conformance

model: build ## play random histories beside the reference model for some minutes (SEED=1 MINUTES=10)
	@Scripts/install-packages build run test
	@Scripts/model

chaos: build ## crash it for an hour: nothing lost, nothing twice (SEED= MINUTES=60 ONLY=S3,S5)
	@Scripts/install-packages build run test
	@Scripts/chaos

bench: build ## measure it beside its baselines for about an hour (QUICK=1 WRITE=1 ONLY=P1,P5)
	@Scripts/install-packages build run bench
	@Scripts/bench

format: ## format the Swift sources
	@swift format --in-place --parallel --recursive Sources Tests

lint: ## check format, scripts and the nginx configuration
	@Scripts/install-packages build run test
	@Scripts/lint

packages: ## install the Debian packages that are missing
	@Scripts/install-packages build run

clean: ## remove what was built (the data in .run stay)
	@rm -rf .build
