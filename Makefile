# A thin face on meson and scripts/. `make help` lists the targets.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 20

SANITIZED := -Dtests=true -Doptimization=1 -Db_sanitize=address,undefined

.DEFAULT_GOAL := build
.PHONY: build test test-all bench fuzz lint tidy format demo demo-kafka docs install clean help

build: ## build build/leat (installs missing packages first)
	@scripts/install-deps.sh build
	@scripts/build.sh $(BUILD)/release
	@ln -sfn release/leat $(BUILD)/leat

# ONLY=PATTERN restricts the tests to those whose name contains it.
test: ## run the fast tests under ASan and UBSan (ONLY=name for some of them)
	@scripts/install-deps.sh build test
	@scripts/build.sh $(BUILD)/test $(SANITIZED) || { echo '0 passed, 1 failed'; exit 1; }
	@tests/run.py --build $(BUILD)/test $(if $(ONLY),--only '$(ONLY)')

test-all: ## all tests: also real Kafka, trainers, both compilers with -Werror, TSan
	@scripts/install-deps.sh build test clang kafka
	@scripts/build.sh $(BUILD)/test $(SANITIZED) || { echo '0 passed, 1 failed'; exit 1; }
	@tests/run.py --build $(BUILD)/test --slow $(if $(ONLY),--only '$(ONLY)')

bench: ## run the benchmarks (ARGS="core score" for some of them)
	@scripts/install-deps.sh build bench
	@scripts/build.sh $(BUILD)/bench -Dbench=true
	@bench/run.sh $(BUILD)/bench $(ARGS)

fuzz: ## run each fuzzer for FUZZ_SECONDS (20) (ONLY=name for one of them)
	@scripts/install-deps.sh build clang
	@CC=clang CXX=clang++ scripts/build.sh $(BUILD)/fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
	@scripts/fuzz.sh $(BUILD)/fuzz $(FUZZ_SECONDS) $(ONLY)

lint: build ## check formatting, include directions and generated pages
	@scripts/install-deps.sh lint
	@scripts/lint.sh $(BUILD)

tidy: ## look for bugs with clang-tidy (FILES=... in some of them); slow
	@scripts/install-deps.sh build tidy
	@scripts/build.sh $(BUILD)/release
	@clang-tidy --quiet -p $(BUILD)/release $(or $(FILES),$(shell find src -name '*.c'))

format: ## format the C and C++ files (FILES=... for some of them)
	@scripts/install-deps.sh lint
	@scripts/format.sh $(FILES)

docs: build ## write the generated reference pages again
	@scripts/check-docs.sh --write $(BUILD)/leat

demo: build ## the flights demo, over files
	@scripts/install-deps.sh demo
	@examples/flights/demo.sh

demo-kafka: build ## the flights demo, on a real Kafka broker
	@scripts/install-deps.sh demo kafka
	@examples/flights/demo-kafka.sh

install: build ## install below PREFIX (/usr/local), DESTDIR is honoured
	@scripts/install.sh $(BUILD)/release '$(PREFIX)' '$(DESTDIR)'

clean: ## remove what the build made (keeps build/venv and build/kafka)
	@scripts/clean.sh $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1	/p' Makefile | expand -t 14
