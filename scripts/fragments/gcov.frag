# SPDX-License-Identifier: GPL-2.0
# what `make coverage` measures on (scripts/coverage)
CONFIG_GCOV_KERNEL=y
