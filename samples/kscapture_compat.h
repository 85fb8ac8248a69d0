/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the kernels that kscapture is built for. */
#ifndef _KSCAPTURE_COMPAT_H
#define _KSCAPTURE_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/version.h>

/* 2026-11: Linux 6.13 has hrtimer_setup(), and 6.15 has hrtimer_init() no more. */
static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

#endif /* _KSCAPTURE_COMPAT_H */
