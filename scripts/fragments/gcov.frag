# SPDX-License-Identifier: GPL-2.0
CONFIG_GCOV_KERNEL=y
