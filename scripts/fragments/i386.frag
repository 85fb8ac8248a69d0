# SPDX-License-Identifier: GPL-2.0
# after x86.frag
!CONFIG_64BIT
CONFIG_M686=y
