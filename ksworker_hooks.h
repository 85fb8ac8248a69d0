/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hold a race window open (test builds only)
 *
 * One line stands in each window that docs/design.md names. In a normal build
 * it is nothing; with KSWORKER_TEST_HOOKS it calls ksworker_hook_fn, which a
 * test sets to something that spins until the other side has done its worst.
 */
#ifndef _KSWORKER_HOOKS_H
#define _KSWORKER_HOOKS_H

#include <linux/compiler.h>
#include "ksworker.h"

enum ksworker_hook {
	KSW_HOOK_QUEUE_READ,	/* the worker was found busy; before preemption is off */
	KSW_HOOK_QUEUE_LOADED,	/* state read and item claimed; before the place is taken */
	KSW_HOOK_QUEUE_CLAIMED,	/* the place of an idle worker is taken; before queue_work() */
	KSW_HOOK_COUNT_CLAIMED,	/* the count went 0 -> 1; before the state word knows */
	KSW_HOOK_TAKE_LOADED,	/* the runner has read the state; before it exchanges it */
	KSW_HOOK_TAKEN,		/* the place is free; before the item is handed back */
	KSW_HOOK_BATCH,		/* the runner of a backlog is about to take an entry of its batch */
	KSW_HOOK_RESTED,	/* the runner went idle; before its thread returns */
	KSW_HOOK_CLOSED,	/* the gate is closed; before unregister waits */
	KSW_HOOK_FREE,		/* drained; before the memory is released */
	KSW_HOOK_WAIT_JOINED,	/* a waiter is on the list; before it sleeps */
	KSW_HOOK_LEAVE,		/* a module unloads; before it is looked for on this worker */
	/* The pools of ksworker_io.c; these have no worker: NULL */
	KSW_HOOK_IO_LOOKER,	/* a seat is appointed to look; before queue_work() */
	KSW_HOOK_IO_TAKEN,	/* the item is handed back; before its routine is called */
	KSW_HOOK_IO_RESTED,	/* the seat is free again; before its function returns */
	KSW_HOOK_IO_REFUSED,	/* a queue call was refused; before the caller is told why */
	KSW_HOOK_IO_FREEING,	/* who has the item that is to be freed is known; it may change */
	KSW_HOOK_IO_COUNT,	/* a module unloads; before it is looked for in the next pool */
	KSW_HOOKS
};

extern bool ksworker_sysfs;	/* the module parameter, in ksworker.c */

#ifdef KSWORKER_TEST_HOOKS
typedef void (*ksworker_hook_t)(enum ksworker_hook at, struct ksworker *w);
extern ksworker_hook_t ksworker_hook_fn;
void ksworker_count_set(struct ksworker *w, ULONG count);
void ksworker_runner_lose(struct ksworker *w, pid_t pid);

/* As who writes the module parameter; false: this build cannot. */
static inline bool ksworker_sysfs_set(bool on)
{
	WRITE_ONCE(ksworker_sysfs, on);
	return true;
}

static inline void ksworker_hook(enum ksworker_hook at, struct ksworker *w)
{
	ksworker_hook_t fn = READ_ONCE(ksworker_hook_fn);

	if (fn)
		fn(at, w);
}
#else
static inline bool ksworker_sysfs_set(bool on)
{
	return false;
}

static inline void ksworker_hook(enum ksworker_hook at, struct ksworker *w)
{
}
#endif

#endif /* _KSWORKER_HOOKS_H */
