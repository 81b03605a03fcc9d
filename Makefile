# Each target sets up what it needs, in an environment of its own under .venv. `make help` lists them.

PYTHON ?= python3
DATA ?= $(wildcard ../shared/data/mnist.npz)
BIN := .venv/bin
SERVING := .venv/.serving-installed
ALL := .venv/.all-installed
RAY := .venv/.ray-installed

.PHONY: help demo test test-cluster train fonts bench bench-accuracy bench-speed bench-load bench-rivals fuzz screenshots lint lock

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(SERVING)  ## open the page
	$(BIN)/python demo.py

test: $(ALL)  ## run all tests
	$(BIN)/python -m pytest

test-cluster: $(RAY)  ## test --ray and deploy/ on a small Ray cluster of this machine (minutes)
	$(BIN)/python -m pytest -m cluster

train: $(ALL)  ## train both networks and replace those in models/
	$(BIN)/python train_export.py $(if $(DATA),--data $(DATA))

fonts:  ## fetch the handwriting fonts that training draws with (needs npm)
	mkdir -p build/fonts
	npm install --prefix build/fonts --no-audit --no-fund $$(sed 's/ .*//; s/^/@fontsource\//' training/fonts.txt)

bench: bench-accuracy bench-speed bench-load  ## measure accuracy, speed and load

bench-accuracy: $(ALL)  ## measure accuracy on all sets
	$(BIN)/python -m benchmarks.accuracy --save benchmarks/accuracy.md

bench-speed: $(ALL)  ## measure speed on one core and on all
	$(BIN)/python -m benchmarks.speed --save benchmarks/speed.md
	$(BIN)/python -m benchmarks.rivals --save benchmarks/rivals.md

bench-load: $(ALL)  ## measure the server under load
	$(BIN)/python -m benchmarks.load --save benchmarks/load.md

bench-rivals: $(ALL)  ## compare with RapidOCR and Tesseract on real documents
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-rivals.txt
	$(BIN)/python -m benchmarks.ocr_rivals --save benchmarks/ocr_rivals.md

fuzz: $(ALL)  ## read 100,000 hostile files and arrays (half an hour)
	$(BIN)/python -m benchmarks.fuzz --save benchmarks/fuzz.md

screenshots: $(ALL)  ## take README's screenshots anew
	$(BIN)/python assets/make.py screenshots

lint: $(ALL)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	find web -name '*.pyi' -delete  # Gradio writes them beside its components; mypy would check them instead of the source
	$(BIN)/mypy digits web training deploy demo.py train_export.py

# Resolved together with requirements-dev.txt, so that both fit into one environment.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header
lock: $(ALL)  ## write requirements.lock anew
	$(COMPILE) requirements-dev.txt --output-file .venv/all.txt
	echo "# What serving needs, to the last byte: requirements.txt and all that it draws in. Written by: make lock" \
	  > requirements.lock
	$(COMPILE) requirements.txt --constraint .venv/all.txt --no-annotate --generate-hashes >> requirements.lock

$(BIN)/python:
	$(PYTHON) -m venv .venv

$(SERVING): requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	touch $@

$(ALL): requirements-dev.txt $(SERVING) | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	touch $@

$(RAY): requirements-ray.txt | $(ALL)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-ray.txt
	touch $@
