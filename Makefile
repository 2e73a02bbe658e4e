# make lines   train ACAI on the lines benchmark for a few minutes and score it
# make test    run the tests
# make lint    check the code's style
# make gpu-check   check every method on this machine's GPUs, and print how fast it is
# Each makes the environment first, in .venv, with PYTHON (3.11 to 3.13).

PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: setup lines test lint gpu-check
setup: $(VENV)/installed

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet -r requirements.txt
	@touch $@

lines: setup
	$(RUN) acai.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16 \
	  --total_kimg=96 --report_kimg=32

# Three workers on two cores: where a test waits for a process, another computes.
test: setup
	$(RUN) -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

lint: setup
	$(VENV)/bin/python -m pip install --quiet 'ruff~=0.17.5'
	$(VENV)/bin/ruff check .

gpu-check: setup
	@$(RUN) benchmarks/gpu_check.py
