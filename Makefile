# The commands of the project. Everything that `make` installs goes into .venv and the user's cache, but for PostgreSQL
# (and util-linux), which scripts/prepare takes from Debian where we are root.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: help demo test test-long cluster-up cluster-down test-cluster test-cluster-long lint bench bench-cluster docs docs-serve reference clean lock

help: ## What there is to call
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt constraints-bootstrap.txt scripts/make-venv
	@PYTHON="$(PYTHON)" scripts/make-venv $(VENV)
	@touch $(STAMP)

demo: $(STAMP) ## Run an Airflow DAG file on real data; RUNTIME=kubernetes: on a real Kubernetes (Linux, root)
	@if [[ "$(RUNTIME)" == kubernetes ]]; then $(VENV)/bin/python -m scripts.demo_cluster; else scripts/demo; fi

test: $(STAMP) ## Lint and every suite that this machine can run
	@scripts/prepare
	@$(VENV)/bin/python -m tests.corpus.keep
	@$(VENV)/bin/python scripts/run-suites

test-long: $(STAMP) ## Long property tests, ten years of schedules, the kill loop, the soak
	@scripts/prepare
	@$(VENV)/bin/python scripts/run-suites --long

cluster-up: $(STAMP) ## A real Kubernetes on this machine, to try things on (Linux, root); built at the first call
	@scripts/prepare-cluster >/dev/null
	@$(VENV)/bin/python -m tests.support.cluster up

cluster-down: $(STAMP) ## End it
	@$(VENV)/bin/python -m tests.support.cluster down

test-cluster: $(STAMP) ## Tests on a real Kubernetes: one of our own, or the one KUBECONFIG names
	@[[ -n "$$KUBECONFIG" ]] || scripts/prepare-cluster >/dev/null
	@TRADEWIND_TEST_KUBECONFIG="$$KUBECONFIG" $(VENV)/bin/python -m pytest tests/cluster

test-cluster-long: $(STAMP) ## Of these, those that take long: lost nodes, thousands of pods
	@[[ -n "$$KUBECONFIG" ]] || scripts/prepare-cluster >/dev/null
	@TRADEWIND_TEST_KUBECONFIG="$$KUBECONFIG" $(VENV)/bin/python -m pytest tests/cluster --long -m long

lint: $(STAMP) ## ruff, mypy, import-linter
	@scripts/lint

bench: $(STAMP) ## Beside Apache Airflow, in one run (installs it, and PostgreSQL where we are root)
	@scripts/prepare
	@bench/run

bench-cluster: $(STAMP) ## Pods on a real Kubernetes beside Apache Airflow and a bare client (Linux, root)
	@scripts/prepare
	@bench/run --cluster

docs: $(STAMP) ## The documentation's site, into .site/; warnings are errors
	@$(VENV)/bin/python scripts/docs

docs-serve: $(STAMP) ## The same on http://127.0.0.1:8000, built anew at every change
	@$(VENV)/bin/python scripts/docs --serve

reference: $(STAMP) ## The reference pages in docs/, made anew from the code
	@$(VENV)/bin/python -m scripts.reference

lock: $(STAMP) ## Make the constraints files anew from pyproject.toml
	@scripts/lock

clean: ## Remove what builds and tests left; the caches of the user stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .reports .demo .site .cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
