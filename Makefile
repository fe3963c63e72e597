# Everything starts here: `make run`, `make demo`, `make test`. Needs Python 3.11+ and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export PYTHONUNBUFFERED := 1
# Tests start many processes: without compiled files each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
# Many tests wait for servers and timers: one more than there are cores keeps the cores at work.
TESTERS := $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)

.PHONY: run demo install test figures check bench eval clean lock golden screenshots reference mutants
.DEFAULT_GOAL := run

# A stamp is newer than its lock when the environment holds what the lock says.
$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@echo "Setting up (once) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which with: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -e $(VENV)/dev.stamp || $(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Setting up for tests (once) …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/run.stamp

run: $(VENV)/run.stamp
	@$(BIN)/definedby serve

demo: $(VENV)/run.stamp
	@$(BIN)/definedby demo

# Real servers and a real browser: installed here where that is possible, missed out loud elsewhere.
# Bluesky's network is 360 MB of npm packages: they come in meanwhile, once per user.
test: $(VENV)/dev.stamp
	@tests/install_servers
	@$(BIN)/python -m tests.servers.bluesky >/dev/null 2>&1 &
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	TMPDIR=$$(tests/scratch) $(BIN)/pytest -n $(TESTERS) --dist worksteal

# Where a promise names a figure, `make test` tries fewer; this tries as many as are promised. It
# takes hours.
figures: $(VENV)/dev.stamp
	P16_ANSWERS=10000 DEFINEDBY_TEST_KILLS=1000 DEFINEDBY_TEST_RACES=10000 DEFINEDBY_TEST_CASES=1000000 \
	  TMPDIR=$$(tests/scratch) $(BIN)/pytest --timeout=0 tests/property/test_p28_text_comes_out_as_text.py \
	  $(addprefix tests/integration/test_,p09_kills.py p11_opt_out_wins.py p16_nothing_lost.py \
	    p16_thousands_of_posts.py p21_migrations.py)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 tests/unit tests/contract tests/golden

golden: $(VENV)/dev.stamp
	$(BIN)/pytest tests/golden --update-golden

screenshots: $(VENV)/dev.stamp
	$(BIN)/pytest tests/browser
	cp build/screenshots/*.png docs/images/

reference: $(VENV)/dev.stamp
	$(BIN)/python -m docs.generate

# Changes the lines that decide on consent one by one; a test has to notice each. Survivors are listed.
mutants: $(VENV)/dev.stamp
	$(BIN)/mutmut run
	$(BIN)/mutmut results

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench

# How well replies and answers are read, on labelled rows: tuned, and set aside.
eval: $(VENV)/dev.stamp
	@$(BIN)/python -m evaluation

lock:
	@command -v uv >/dev/null || { echo "Locking needs uv: https://docs.astral.sh/uv/"; exit 1; }
	@requirements/lock

clean:
	rm -rf $(VENV) build dist mutants *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "The instance folder was left alone; remove it by hand if you mean it."
