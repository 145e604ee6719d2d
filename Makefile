# make demo      the whole study on simulated cohorts, offline, in the folder demo/
# make estimate  what a run would take, before it: jobs, CPU and GPU hours, disk; CONFIG=mine.yaml FOLDER=../mine
#                as in README.md, DEVICE=gpu for a cluster, ARGS="--forceall" and others go to snakemake
# make check     results compared with what their jobs wrote; RESULTS=demo/results for those of the demo
# make test      the tests that every change must pass
# make test-all  those and the long ones
# make lint      formatting and style
# make bench     GexFlow timed beside its peers, an hour or more; ITEM=gene-quantile-1 times one (benchmarks/README.md)
# make lock      requirements.txt from pyproject.toml

PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
RESULTS ?= results
CORES ?= all
FOLDER ?= .
DEVICE ?= auto
INSTALLED = $(VENV)/.installed
PEERS = $(VENV)-bench/.installed

.PHONY: help install demo estimate check test test-all lint bench lock

help:
	@sed -n 's/^# //p' Makefile

install: $(INSTALLED)

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("GexFlow needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

demo: $(INSTALLED)
	$(VENV)/bin/snakemake --cores $(CORES) --max-threads 1 --configfile resources/demo/config.yaml --directory $(DEMO) --quiet rules
	@echo "Report: $(abspath $(DEMO))/results/report/index.html"

estimate: $(INSTALLED)
	@$(VENV)/bin/python scripts/estimate_study.py --cores $(CORES) --directory $(FOLDER) --device $(DEVICE) \
		$(if $(CONFIG),--configfile $(CONFIG)) -- $(ARGS)

check: $(INSTALLED)
	$(VENV)/bin/python scripts/check_results.py $(RESULTS)

# Tests that run Snakemake, and those on a Slurm, which mostly wait, run beside the others and are shown after them. More
# at once on two cores were no faster. One thread each: threads that wait for a busy core made a training six times as
# long.
BESIDE = workflow slurm

test: export OMP_NUM_THREADS = 1
test: $(INSTALLED)
	@folder=$$(mktemp -d); jobs=; trap 'kill $$jobs 2> /dev/null; rm -rf "$$folder"' EXIT; trap 'exit 130' INT TERM; \
	for part in $(BESIDE); do \
		$(VENV)/bin/python -m pytest -m "not long and $$part" > "$$folder/$$part" 2>&1 & jobs="$$jobs $$!"; \
	done; \
	$(VENV)/bin/python -m pytest -m "not long and not (workflow or slurm)"; code=$$?; \
	for job in $$jobs; do wait $$job || code=1; done; cat "$$folder"/*; exit $$code

test-all: $(INSTALLED)
	@echo "Tests of commit $$(git rev-parse HEAD)$$(git diff --quiet HEAD || echo ' with uncommitted changes')"
	$(VENV)/bin/python -m pytest
	@echo "Tests of commit $$(git rev-parse HEAD)$$(git diff --quiet HEAD || echo ' with uncommitted changes')"

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check Snakefile workflow
	$(VENV)/bin/snakemake --lint --configfile resources/demo/config.yaml

bench: $(INSTALLED) $(PEERS)
	$(VENV)/bin/python -m benchmarks.run $(ITEM) --peers $(VENV)-bench/bin/python $(BENCH_OPTIONS)

# The peers that GexFlow does not depend on live in an environment of their own.
$(PEERS): benchmarks/requirements-peers.txt
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# The lock holds versions and hashes of all packages for every platform and Python version.
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet uv
	$(VENV)-lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements.txt
	rm -r $(VENV)-lock
