# Each target sets up what it needs, in an environment of its own under .venv.
#
#   make demo    open the page                  make train   train and replace models/digits.onnx
#   make test    run all tests                  make bench   measure accuracy and speed
#   make lint    check style and types          make screenshots   take README's pictures anew
#   make fuzz    try what may break the reader

PYTHON ?= python3
DATA ?= $(wildcard ../shared/data/mnist.npz)
BIN := .venv/bin
SERVING := .venv/.serving-installed
ALL := .venv/.all-installed

.PHONY: demo test train bench bench-accuracy bench-speed fuzz screenshots lint

demo: $(SERVING)
	$(BIN)/python demo.py

test: $(ALL)
	$(BIN)/python -m pytest

train: $(ALL)
	$(BIN)/python train_export.py $(if $(DATA),--data $(DATA))

bench: bench-accuracy bench-speed

bench-accuracy: $(ALL)
	$(BIN)/python -m benchmarks.accuracy --save benchmarks/accuracy.md

bench-speed: $(ALL)
	$(BIN)/python -m benchmarks.speed --save benchmarks/speed.md

fuzz: $(ALL)
	$(BIN)/python -m benchmarks.fuzz

screenshots: $(ALL)
	$(BIN)/python assets/make.py screenshots

lint: $(ALL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy digits

$(BIN)/python:
	$(PYTHON) -m venv .venv

$(SERVING): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt
	touch $@

$(ALL): requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	touch $@ $(SERVING)
