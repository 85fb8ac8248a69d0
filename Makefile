# SPDX-License-Identifier: GPL-2.0
#
# The front door. Everything is done by a script or by the kernel's own build (see Kbuild);
# here only the names are given. `make help` lists them.

SHELL := /bin/bash
KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.12-debug
ARGS ?=
DURATION ?= 60
.DEFAULT_GOAL := modules
MAKEFLAGS += --no-print-directory
.PHONY: modules modules_install demo test test-all torture model check shell clean help

modules: ; +@scripts/kbuild "$(KDIR)" modules
modules_install: ; +@scripts/kbuild "$(KDIR)" modules_install

demo: ; @scripts/setup test && scripts/vmtest --kernel stock-6.12 --suite demo $(ARGS)
test: ; @scripts/setup test && scripts/vmtest --kernel $(KERNEL) $(ARGS)
test-all: ; @scripts/test-all $(ARGS)
# Debian 13 has no 6.1 source: what needs it fails by itself, and says so
check: ; @scripts/setup check && { scripts/setup kernel-6.1 || true; } && scripts/check $(ARGS)
# DURATION=seconds, KERNEL=NAME; four CPUs come and go
torture: ; @scripts/setup test && scripts/vmtest --kernel $(KERNEL) --cpus 4 --suite torture \
	--append "ksworker_torture.duration=$(DURATION)" --timeout $$(($(DURATION) * 4 + 600)) $(ARGS)
model: ; @scripts/setup model && model/run $(ARGS)
shell: ; @scripts/setup test && scripts/vmtest --kernel $(KERNEL) --shell $(ARGS)

clean: ; +@scripts/kbuild "$(KDIR)" clean

help:
	@printf '%s\n' \
	'make             build the modules for KDIR (the running kernel by default)' \
	'make demo        the sample driver at work, on Debian'\''s 6.12 kernel in QEMU' \
	'make test        the tests on the 6.12 debug kernel in QEMU (KERNEL=NAME for another)' \
	'make test-all    the tests on six kernels: 6.1 and 6.12, debug, stock and PREEMPT_RT' \
	'make torture     load from all contexts while workers and CPUs come and go (DURATION=60 KERNEL=NAME)' \
	'make model       the model of the state word, checked exhaustively with spin' \
	'make check       the static checks' \
	'make shell       a shell in the guest, modules loaded (KERNEL=NAME)' \
	'make clean       remove what was built here (the test kernels stay in the cache)' \
	'' \
	'KDIR=DIR         headers or build directory of the kernel to build for' \
	'KERNEL=NAME      scripts/mkkernel --list names them' \
	'ARGS=...         more options for the script behind it (scripts/vmtest --help)' \
	'' \
	'demo, test and check install with apt what is missing (as root or with sudo);' \
	'nothing is ever loaded into the running kernel.'
