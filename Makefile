# SPDX-License-Identifier: MIT
# The front door. Meson and ninja do the work; this file only makes the common jobs one word each.
#   make            build build/ringless
#   make demo       install what is missing (root), build, show the main job
#   make check      install what is missing (root), build, run every test, plain and sanitized
#   make bench      hot paths beside their floors:  NAME VALUE UNIT FLOOR_NAME RATIO
#   make conformance  which facts of the specification have a passing test:  FAMILY COVERED TOTAL
#   make soak [SCALE=N]          the long runs:  NAME RUNS FAILURES SECONDS
#   make mutants SEED=N COUNT=30 breaks the statement under COUNT rule ids, one at a time:  ID caught|missed
#   make install DESTDIR= PREFIX=/usr/local
BUILD  ?= build
PREFIX ?= /usr/local
SCALE  ?= 1
SEED   ?= 1
COUNT  ?= 30

.PHONY: all packages demo check bench conformance soak mutants install format clean

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@tools/packages.sh --check
	meson setup $(BUILD) --prefix=$(PREFIX)

packages:
	@tools/packages.sh

demo: packages
	@$(MAKE) --no-print-directory all
	@tools/demo.sh $(BUILD)

check: packages
	@$(MAKE) --no-print-directory all
	@tools/check.py --build $(BUILD)

bench: all
	@$(BUILD)/bench

conformance: all
	@tools/conformance.py --build $(BUILD)

soak: all
	@tools/soak.py --build $(BUILD) --scale $(SCALE)

mutants: all
	@tools/mutants.py --seed $(SEED) --count $(COUNT)

install: all
	DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(BUILD) $(BUILD)-asan
