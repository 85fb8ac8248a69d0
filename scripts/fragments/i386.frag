# SPDX-License-Identifier: GPL-2.0
# after x86.frag
!CONFIG_64BIT
CONFIG_M686=y
# Debian's busybox for it waits with the calls of 32-bit time
CONFIG_COMPAT_32BIT_TIME=y
