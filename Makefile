# Every target is one thing a person does with this repository; `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build test unit e2e compare demo report kibana images deb certs chaos fuzz soak bench format lint clean

python := .venv/bin/python
release := -c release --static-swift-stdlib
swift_sources := Package.swift Sources Tests

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

setup: ## install what is missing: Debian packages (apt), Python packages (.venv)
	@deploy/setup.sh

build: ## build the three services for release, the Swift runtime linked in
	for product in shipper ingest apm-server; do swift build $(release) --product $$product || exit; done

test: setup unit e2e ## set up, then run the unit tests and the end-to-end tests

unit: ## run the unit tests (FILTER=name for some of them)
	swift test --disable-xctest $(if $(FILTER),--filter $(FILTER))

e2e: build ## run the end-to-end tests against the release build (FILTER=name for some of them)
	$(python) -m pytest Tests/EndToEnd $(if $(FILTER),-k "$(FILTER)")

compare: build ## play what happens to log files with shipper and with the real Filebeat; prints a table
	@$(python) Tests/EndToEnd/compare.py

demo: setup build ## real nginx, shipper, ingest and a store; prints a report, writes .demo/report.html (KEEP=1, ELASTICSEARCH=url)
	@$(python) deploy/demo/demo.py

# Wherever there is Python with PyYAML: nothing is installed for it.
report: ## write report.html: the overview dashboard and the traced apps (ELASTICSEARCH=url, SINCE=24h)
	@PYTHONPATH=deploy $(or $(wildcard $(python)),python3) -m html_report

kibana: ## build deploy/kibana/elkfa.ndjson from the sources of the dashboards
	@$(python) deploy/kibana/build.py

images: ## build the container images elkfa/SERVICE:VERSION, and that of the example (needs docker)
	version=$$(sed -n 's/.*current = "\(.*\)".*/\1/p' Sources/Common/Version.swift); \
	for service in shipper ingest apm-server; do \
		docker build --file deploy/docker/$$service.Dockerfile --build-arg VERSION=$$version --tag elkfa/$$service:$$version . || exit; \
	done; \
	docker build --file deploy/example/shop.Dockerfile --tag elkfa/example-shop:$$version .

deb: build ## build the Debian packages into .build/deb (VERSION=1.2.3 in place of the programs' own)
	@$(python) deploy/debian/build.py $(if $(VERSION),--version $(VERSION))

# What is there already stays: a host that is added later gets its certificate by the same command.
certs: ## make a CA and certificates in certs/ (HOSTS="name address" of the servers, CLIENTS="web-1 web-2")
	@set -e; make=deploy/certs/make-certs.sh; \
	[ -e certs/ca.crt ] || $$make certs ca; \
	for server in ingest apm-server; do [ -e certs/$$server.crt ] || $$make certs server $$server $(or $(HOSTS),localhost 127.0.0.1); done; \
	for client in $(or $(CLIENTS),web-1); do [ -e certs/$$client.crt ] || $$make certs client $$client; done; \
	ls certs/*.crt

chaos: build ## run the whole system under faults and count every line and event (SEED=1, SECONDS=120)
	@$(python) Tests/Chaos/chaos.py $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

soak: ## steady load for an hour; memory, descriptors, threads and lag may not grow (SECONDS=3600, RATE=500); writes .soak/soak.svg
	swift build $(release)
	@$(python) Tests/Soak/soak.py $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RATE),--rate $(RATE))

fuzz: ## fuzz the parsers with libFuzzer (SECONDS=20 each, ONLY=target, SEED=1)
	@$(python) Tests/Fuzz/fuzz.py $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED))

bench: setup ## measure speed and memory; prints a table and writes JSON (QUICK=1, ONLY=scenario, REPORT=1)
	swift build $(release)
	@$(python) Tests/Benchmarks/bench.py

format: ## format the Swift code
	swift format --in-place --recursive --parallel $(swift_sources)

lint: ## check the format and the style of the Swift code
	swift format lint --strict --recursive --parallel $(swift_sources)

clean: ## delete everything that was built or downloaded into this folder
	rm -rf .build .build-* .venv .demo .bench .fuzz .soak
