# SPDX-License-Identifier: GPL-2.0
#
# What builds against an installed ksworker has one line more in its Kbuild:
#
#	include ksworker/client.mk
#
# It is beside ksworker.h, in /usr/include or /usr/local/include, where make looks by itself.

ccflags-y += -I$(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

# Where the build of ksworker for this kernel left the checksums of its symbols: DKMS (the package or
# make dkms-install), or make install. KSWORKER_SYMVERS=FILE on make's command line names another.
KSWORKER_SYMVERS ?= $(firstword $(wildcard \
	/var/lib/dkms/ksworker/kernel-$(KERNELRELEASE)-*/module/Module.symvers \
	/lib/modules/$(KERNELRELEASE)/updates/ksworker/Module.symvers))

# looked at when modules are linked, not when the directory is cleaned
KBUILD_EXTRA_SYMBOLS += $(or $(KSWORKER_SYMVERS),$(error ksworker is not built for the kernel \
	$(KERNELRELEASE), and a client needs the Module.symvers of that build. With DKMS run: \
	dkms install ksworker/VERSION -k $(KERNELRELEASE) (dkms status ksworker tells the version). \
	From the source run: make install KDIR=/lib/modules/$(KERNELRELEASE)/build))
