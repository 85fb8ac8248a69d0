/* SPDX-License-Identifier: GPL-2.0 */
/* One call from each of the contexts at and above DISPATCH_LEVEL. */
#ifndef _KSWORKER_KUNIT_CONTEXT_H
#define _KSWORKER_KUNIT_CONTEXT_H

#include <linux/hrtimer.h>
#include <linux/interrupt.h>

#include "ksworker_kunit.h"

/**
 * struct dispatch - one call in one context
 * @call: the call
 * @worker: its worker, or NULL
 * @probe: its item
 * @status: what it returned, if an NTSTATUS
 * @count: what it returned, if a count or a BOOLEAN
 * @data: for @call
 * @right: the context was the one that the case is about
 * @done: the call was made
 * @timer: for the hard interrupt
 * @tasklet: for the soft interrupt
 */
struct dispatch {
	void (*call)(struct dispatch *d);
	PKSWORKER worker;
	struct probe *probe;
	NTSTATUS status;
	ULONG count;
	void *data;
	bool right;
	struct completion done;
	struct hrtimer timer;
	struct tasklet_struct tasklet;
};

bool in_hard_irq(struct dispatch *d);
bool in_soft_irq(struct dispatch *d);
bool under_raw_lock(struct dispatch *d);
bool with_bh_off(struct dispatch *d);
struct dispatch *dispatch_new(struct kunit *test, void (*call)(struct dispatch *d),
			      PKSWORKER w, struct probe *p);

#endif /* _KSWORKER_KUNIT_CONTEXT_H */
