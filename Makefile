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
.PHONY: modules install uninstall sign dkms-install dkms-uninstall deb docs test-dkms test-deb demo test test-all test-arch torture model coverage \
	mutants bench bench-gate check shell clean help

modules: ; +@scripts/kbuild "$(KDIR)" modules

# PREFIX and DESTDIR as everywhere; KEY and CERT for sign
export KDIR PREFIX DESTDIR KEY CERT
install: modules ; @scripts/install install
uninstall: ; @scripts/install uninstall
sign: modules ; @scripts/install sign
dkms-install: ; @scripts/dkms install $(KVER)
dkms-uninstall: ; @scripts/dkms uninstall
docs: ; @scripts/setup docs && scripts/docs
deb: ; @scripts/setup deb && scripts/deb

demo: ; @scripts/setup test && scripts/vmtest --kernel stock-6.12 --suite demo $(ARGS)
test: ; @scripts/setup test && scripts/vmtest --kernel $(KERNEL) $(ARGS)
test-all: ; @scripts/test-all $(ARGS)
test-arch: ; @scripts/test-all --arch $(ARGS)
# Debian 13 has no 6.1 source: what needs it fails by itself, and says so
check: ; @scripts/setup check && { scripts/setup kernel-6.1 || true; } && scripts/check $(ARGS)
# DURATION=seconds, KERNEL=NAME; four CPUs come and go
torture: ; @scripts/setup test && scripts/vmtest --kernel $(KERNEL) --cpus 4 --suite torture \
	--append "ksworker_torture.duration=$(DURATION)" --timeout $$(($(DURATION) * 4 + 600)) $(ARGS)
# root, debootstrap and Debian's mirror; nothing is installed on this machine
test-dkms: ; @scripts/test-dkms $(ARGS)
test-deb: ; @scripts/test-deb $(ARGS)
model: ; @scripts/setup model && model/run $(ARGS)
coverage: ; @scripts/setup coverage && scripts/coverage $(ARGS)
mutants: ; @scripts/setup test && scripts/mutants.py $(ARGS)
bench: ; @scripts/setup bench && scripts/bench $(ARGS)
bench-gate: ; @scripts/setup test && scripts/bench --gate $(ARGS)
shell: ; @scripts/setup test && scripts/vmtest --kernel $(KERNEL) --shell $(ARGS)

clean: ; +@scripts/kbuild "$(KDIR)" clean

help:
	@printf '%s\n' \
	'make             build the modules for KDIR (the running kernel by default)' \
	'make install     the module for the kernel of KDIR, its header, Module.symvers, ksworker-top (DESTDIR, PREFIX)' \
	'make sign        before that: sign the module (KEY=FILE CERT=FILE; by default the pair that DKMS made)' \
	'make uninstall   all of that removed again, for every kernel' \
	'make dkms-install, dkms-uninstall   the same through DKMS, for kernels to come too (KVER="RELEASE ...")' \
	'make deb         the packages ksworker-dkms, ksworker-dev and ksworker-tools, in build/deb' \
	'make docs        the reference in build/docs: man pages of the calls and of ksworker-top, HTML of all documents' \
	'make demo        the sample driver at work, on Debian'\''s 6.12 kernel in QEMU' \
	'make test        the tests on the 6.12 debug kernel in QEMU (KERNEL=NAME for another)' \
	'make test-all    the matrix: 6.1 and 6.12, KASAN, KCSAN, PREEMPT_RT and stock, 1 to 4 CPUs, and torture' \
	'make test-arch   the same on machines of another kind, emulated: arm64, 32-bit x86, s390x (big-endian)' \
	'make torture     load from all contexts while workers and CPUs come and go (DURATION=60 KERNEL=NAME)' \
	'make test-dkms   DKMS in a Debian of its own: installed for 6.1 and 6.12, booted, removed (root)' \
	'make test-deb    the packages in a Debian 12 and 13 of their own: installed, upgraded, purged (root)' \
	'make model       the model of the state word, checked exhaustively with spin' \
	'make coverage    what the suites reach of ksworker*.c: HTML in build/coverage/html, and one line' \
	'make mutants     wrong changes to the module, which the suites must notice (ARGS=--resume goes on)' \
	'make bench       what it costs, beside its peers: a table, JSON and a plot (build/bench/)' \
	'make bench-gate  the same in instructions only; fails if one is 5 % worse than recorded' \
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
