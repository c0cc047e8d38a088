# Each target is one command and does all the set-up it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATE := .local
CONTAINER_TOOL ?= docker

.PHONY: help setup demo test check unit faults docs bench soak image release-image cluster cluster-down chart lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.linked ## Make .venv with everything that developing and the demo need

$(VENV)/.installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "Installing into $(VENV), which takes some minutes without a cache of pip's ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@# Not quiet: each package is a line, so that it can be seen to go on.
	@$(BIN)/pip install --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# The packages themselves, by a link: a change of pyproject.toml, which has the settings of all tools, installs nothing else.
$(VENV)/.linked: $(VENV)/.installed pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Train a classifier on real images and serve it, on a real API server (CLUSTER=kubeconfig for your own, KEEP=1 to try more)
	@$(BIN)/classifier-operator demo $(if $(CLUSTER),--kubeconfig $(CLUSTER)) $(if $(KEEP),--keep)

test: check ## Run every check and every test
	@# The tools first, where the progress of a build can be seen: the first one on a machine takes minutes.
	@$(BIN)/python -m control_plane tools etcd kube-apiserver kubectl kube-controller-manager \
	    helm helm-unittest helm-docs argocd kustomize redis kstatus
	@$(BIN)/python -m pytest

check: setup ## Check format, style, types and the direction of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

unit: setup ## Run the tests that need no server
	@$(BIN)/python -m pytest tests/unit

faults: setup ## Run the fault tests in full: 200 kills, outages of minutes; about half an hour (SEED=1 repeats a run)
	@FAULTS=full FAULTS_SEED=$(SEED) $(BIN)/python -m pytest tests/faults

docs: setup ## Build the documentation into build/docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/docs/index.html"

bench: setup ## Measure, and print the figures that the documents quote
	@$(BIN)/python -m bench.scale
	@$(BIN)/python -m bench.kopf_trial
	@$(BIN)/python -m bench.import_memory
	@$(BIN)/python -m bench.scrape
	@$(BIN)/python -m bench.foreign_memory
	@$(BIN)/python -m bench.client_memory
	@# Last: it needs a builder of images, and where there is none the others are still measured.
	@$(BIN)/python -m bench.image

soak: setup ## Keep the operator busy for half an hour, and see whether memory, file handles and tasks stay flat
	@$(BIN)/python -m bench.scale.soak

image: ## Build the container image (CONTAINER_TOOL=docker, podman or buildah)
	$(CONTAINER_TOOL) build --build-arg REVISION=$$(git rev-parse HEAD) --tag classifier-operator:latest .

release-image: ## Build the image to release on a pinned base, and record what it was made of (IMAGE=name:tag, PUSH=--push)
	$(PYTHON) tools/release_image.py --tool $(CONTAINER_TOOL) --tag $(IMAGE) $(if $(BASE),--base $(BASE)) $(PUSH)

cluster: setup ## Start a real API server in the background; its kubeconfig is .local/kubeconfig (CONTROLLERS=1: with controllers, built if need be)
	@$(BIN)/python -m control_plane up --state $(STATE) $(if $(CONTROLLERS),--controllers)

cluster-down: setup ## Stop it
	@$(BIN)/python -m control_plane down --state $(STATE)

chart: setup ## Bring the chart's copy of the CRDs and its README up to date
	@cp crds/*.yaml charts/classifier-operator/files/crds/
	@$$($(BIN)/python -m control_plane tools helm-docs) --chart-search-root charts --sort-values-order file

lock: ## Resolve the requirements anew (needs uv)
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	    pyproject.toml -o requirements.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	    --extra dev --constraint requirements.txt pyproject.toml operator/sagemaker_emulator/pyproject.toml \
	    -o requirements-dev.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	    --group image-build --constraint requirements-dev.txt -o requirements-build.txt

clean: ## Remove what the other targets have made here
	rm -rf $(VENV) $(STATE) build dist
