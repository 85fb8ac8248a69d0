/* SPDX-License-Identifier: GPL-2.0 */
/* clock.h - the pace of timers that load every context */
#ifndef KSWORKER_TORTURE_CLOCK_H
#define KSWORKER_TORTURE_CLOCK_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/minmax.h>

#define CLOCK_LATE	(50 * NSEC_PER_MSEC)	/* more was not the timers' doing */

/*
 * At the end of a timer's function: again after @pause, in ns, and four times as long as it
 * took since the timer was due: what was done, and what it waited for. So threads go on, too,
 * however slow the machine is, and however many timers came here from CPUs that went offline.
 */
static inline void torture_clock_again(struct hrtimer *clock, u64 pause)
{
	ktime_t now = ktime_get();
	s64 took = min_t(s64, ktime_sub(now, hrtimer_get_expires(clock)), CLOCK_LATE);

	hrtimer_set_expires(clock, ktime_add_ns(now, pause + 4 * took));
}

#endif
