PYTHON ?= python3
VENV ?= .venv
ARGS ?=

export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: train test lint types docs clean

train: $(VENV)/installed
	$(VENV)/bin/python -m trainers.train $(ARGS)

# Both backends run even when the first fails.
test: $(VENV)/installed-dev
	@status=0; for backend in tensorflow jax; do \
		echo "KERAS_BACKEND=$$backend"; \
		KERAS_BACKEND=$$backend $(VENV)/bin/python -m pytest -n auto --dist loadfile $(ARGS) || status=1; \
	done; exit $$status

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
