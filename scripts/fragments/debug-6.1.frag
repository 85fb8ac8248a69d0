# SPDX-License-Identifier: GPL-2.0
CONFIG_UBSAN_SANITIZE_ALL=y
# its printk takes the serial console's lock in hard interrupts ("hrtimer: interrupt took ..." on a busy
# machine), which this reports, and then lockdep is off; 6.12 and PREEMPT_RT look for the same in our code
!CONFIG_PROVE_RAW_LOCK_NESTING
