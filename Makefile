PYTHON ?= python3
VENV ?= .venv
BACKENDS ?= tensorflow jax
# More than the cores: many tests wait for processes that they start.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 3 / 2)
ARGS ?=

.PHONY: train test stress lint types docs notebooks clean

# The commands choose their own level.
test stress docs notebooks: export TF_CPP_MIN_LOG_LEVEL ?= 2

train: $(VENV)/installed
	$(VENV)/bin/python -m trainers.train $(ARGS)

# Every backend runs even if an earlier one fails.
define on_backends
	@status=0; for backend in $(BACKENDS); do \
		echo "KERAS_BACKEND=$$backend"; \
		KERAS_BACKEND=$$backend $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile -m $(1) $(ARGS) || status=1; \
	done; exit $$status
endef

test: $(VENV)/installed-dev
	$(call on_backends,"not stress")

# Killed runs, several processes, a browser.
stress: $(VENV)/installed-dev
	$(call on_backends,stress)

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*-*.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

types: $(VENV)/installed-dev
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python

docs: $(VENV)/installed-dev
	$(VENV)/bin/python -m docs.method_table
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet --strict

# Runs the notebooks at full size and stores their outputs; what libraries write to the terminal stays there.
notebooks: $(VENV)/installed-dev
	$(VENV)/bin/python -m nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
		--ExecutePreprocessor.extra_arguments=--IPKernelApp.capture_fd_output=False docs/notebooks/*.ipynb

# A virtual environment elsewhere, named by VENV, is left alone.
clean:
	rm -rf .venv build dist site *.egg-info .pytest_cache .ruff_cache
	find zoo trainers tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet -r requirements.txt
	touch $@

$(VENV)/installed-dev: pyproject.toml $(VENV)/installed
	$(VENV)/bin/pip install --quiet --editable '.[dev]'
	touch $@
