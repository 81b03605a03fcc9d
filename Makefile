# Each target sets up what it needs, in an environment of its own under .venv.
#
#   make demo    open the page                  make train   train and replace models/digits.onnx
#   make test    run all tests                  make bench   measure accuracy and speed
#   make lint    check style and types          make screenshots   take README's pictures anew
#   make lock    write requirements.lock anew
#   make test-cluster   test --ray and deploy/ on a small Ray cluster of this machine; takes minutes
#   make fuzz    try what may break the reader
#   make bench-rivals   compare with RapidOCR and Tesseract on real documents
#   make fonts   fetch the handwriting fonts that training draws with, where npm is installed

PYTHON ?= python3
DATA ?= $(wildcard ../shared/data/mnist.npz)
BIN := .venv/bin
SERVING := .venv/.serving-installed
ALL := .venv/.all-installed
RAY := .venv/.ray-installed

.PHONY: demo test test-cluster train fonts bench bench-accuracy bench-speed bench-load bench-rivals fuzz screenshots lint lock

demo: $(SERVING)
	$(BIN)/python demo.py

test: $(ALL)
	$(BIN)/python -m pytest

test-cluster: $(RAY)
	$(BIN)/python -m pytest -m cluster

train: $(ALL)
	$(BIN)/python train_export.py $(if $(DATA),--data $(DATA))

fonts:
	mkdir -p build/fonts
	npm install --prefix build/fonts --no-audit --no-fund $$(sed 's/ .*//; s/^/@fontsource\//' training/fonts.txt)

bench: bench-accuracy bench-speed bench-load

bench-accuracy: $(ALL)
	$(BIN)/python -m benchmarks.accuracy --save benchmarks/accuracy.md

bench-speed: $(ALL)
	$(BIN)/python -m benchmarks.speed --save benchmarks/speed.md
	$(BIN)/python -m benchmarks.rivals --save benchmarks/rivals.md

bench-load: $(ALL)
	$(BIN)/python -m benchmarks.load --save benchmarks/load.md

bench-rivals: $(ALL)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-rivals.txt
	$(BIN)/python -m benchmarks.ocr_rivals --save benchmarks/ocr_rivals.md

fuzz: $(ALL)
	$(BIN)/python -m benchmarks.fuzz --save benchmarks/fuzz.md

screenshots: $(ALL)
	$(BIN)/python assets/make.py screenshots

lint: $(ALL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy digits

# Resolved together with requirements-dev.txt, so that both fit into one environment.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header
lock: $(ALL)
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
