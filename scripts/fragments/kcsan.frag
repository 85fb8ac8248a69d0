# SPDX-License-Identifier: GPL-2.0
CONFIG_KCSAN=y
CONFIG_KCSAN_STRICT=y
CONFIG_KCSAN_WEAK_MEMORY=y
CONFIG_KCSAN_SELFTEST=y
CONFIG_KCSAN_INTERRUPT_WATCHER=y
# One access in so many is watched. With the default, 4000, a race planted in ksworker.c was not found in
# 500,000 torture operations; with this, four times in a million. With 50 little runs beside the delays.
CONFIG_KCSAN_SKIP_WATCH=500
# KCSAN_EARLY_ENABLE stays off, and the guest's init turns it on: at boot the calibration of the local
# timers is a data race itself, and the delays spoil it, so that the guest would have no local timers
CONFIG_KCSAN_DELAY_RANDOMIZE=y
CONFIG_KCSAN_SKIP_WATCH_RANDOMIZE=y
CONFIG_KCSAN_REPORT_RACE_UNKNOWN_ORIGIN=y
# with lockdep: held locks in the report (KCSAN_VERBOSE), and boundaries of reordering
CONFIG_PROVE_LOCKING=y
CONFIG_KCSAN_VERBOSE=y
