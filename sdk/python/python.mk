# The Python SDK. The Makefile includes this file.

# The system's own: its packages are what the tests need.
PYTHON ?= /usr/bin/python3
SDKPY := sdk/python

.PHONY: gen/python
gen/python: need/python ## the Python SDK's types and methods (part of gen)
	$(PYTHON) tools/python/generate.py openapi.yaml $(SDKPY)/src/hydrapin/_generated

# Types, tests against bin/hydrapin, then the wheel in an empty environment: test_package.py.
.PHONY: sdk/python
sdk/python: build need/python ## check, test and pack the Python SDK against bin/hydrapin
	$(PYTHON) tools/python/generate.py --check openapi.yaml $(SDKPY)/src/hydrapin/_generated
	cd $(SDKPY) && $(PYTHON) -m mypy
	cd $(SDKPY) && $(PYTHON) -B -m pytest

.PHONY: need/python
need/python:
	@PYTHON=$(PYTHON) tools/python/need.sh

.PHONY: clean/python
clean/python:
	rm -rf $(SDKPY)/build $(SDKPY)/dist $(SDKPY)/src/*.egg-info $(SDKPY)/.mypy_cache
