# The commands people type. Meson and Ninja do the building (docs/decisions/0001), tool/ the rest.
#
#   make          release build in build/          make format   lay out the C code
#   make demo     watch it do its job, locally     make fuzz     fuzz each codec (FUZZ_SECONDS=60)
#   make test     everything that can be tested    make bench    measure it beside Postfix + OpenDKIM
#   make install  install (PREFIX=, DESTDIR=)      make clean    remove what was built
#
# make demo, make test, make fuzz and make bench first install the Debian packages they need.

BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
LETTERHEAD = $(BUILD)/src/app/letterhead

.PHONY: all demo test format fuzz bench install clean help packages-%

all:
	@command -v meson >/dev/null || { echo "meson is missing; this installs all that is needed: tool/install-packages" >&2; exit 1; }
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --buildtype=release --prefix=$(PREFIX) >/dev/null
	@[ "$(origin PREFIX)" = file ] || meson configure $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD) --quiet src/app/letterhead $(TOOLS)
	@echo "The binary is $(LETTERHEAD)"

packages-%:
	@tool/install-packages build $*

demo: packages-demo
	@$(MAKE) --no-print-directory all
	@LETTERHEAD_BIN=$(abspath $(LETTERHEAD)) DEMO_KEEP=$(KEEP) tool/demo

test: packages-test
	@tool/test $(ONLY)

format: packages-test
	@find src test -name '*.[ch]' -exec clang-format -i {} +

fuzz: packages-test
	@tool/test --fuzz-seconds $(FUZZ_SECONDS) fuzz

bench: packages-bench
	@$(MAKE) --no-print-directory all TOOLS="test/bench/load test/bench/sink test/bench/phys"
	@LETTERHEAD_BIN=$(abspath $(LETTERHEAD)) test/bench/compare.py

install:
	@$(MAKE) --no-print-directory all
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) build-asan build-clang build-fuzz

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile
