// SPDX-License-Identifier: GPL-2.0
/*
 * Observing: tracepoints and times, at no cost while nobody looks
 *
 * The frequent paths of ksworker.c have no room for even one switch that is off.
 * But they are taken only where the state word has no mark, and a mark without
 * anybody who waits is allowed. So while somebody observes, every worker's word is
 * marked whenever it is busy, and each step is on the rare paths, under the worker's
 * lock, where the calls of this file stand:
 *
 *	on	1. say so, and wait until each call that did not see it has left
 *		   its RCU section: from then on nobody takes an idle worker's place,
 *		   adds to a backlog without the lock, or leaves a locked step without
 *		   a mark;
 *		2. mark each worker, under its lock: from then on the runner's
 *		   exchange of the frequent path fails.
 *	off	The marks fade by the next steps.
 *
 * What was queued, or began, before that is not told; what comes later is, wholly.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "ksworker_internal.h"

#define CREATE_TRACE_POINTS
#include "ksworker_trace.h"

bool ksworker_observed __read_mostly;

/* Outside of the registry's mutex. Guards the number of those who observe. */
static DEFINE_MUTEX(observe_lock);
static unsigned int observers;
static bool timing;

/**
 * ksworker_record_open() - the worker's record; makes one if there is none
 * @w: the worker; the registry's mutex is held, so there is no other call
 * @gfp: how to allocate
 *
 * Context: as @gfp allows.
 * Return: the record, or NULL without memory.
 */
struct ksw_record *ksworker_record_open(struct ksworker *w, gfp_t gfp)
{
	struct ksw_record *record;

	lockdep_assert_held(&ksworker_registry_lock);
	if (w->record)
		return w->record;
	record = kzalloc(sizeof(*record), gfp);
	if (!record)
		return NULL;
	record->last = ktime_get_mono_fast_ns(); /* what is queued already waits longer */
	raw_spin_lock_irq(&w->lock);
	w->record = record;
	raw_spin_unlock_irq(&w->lock);
	return record;
}

/* What was seen before it was seen for the last time says nothing. */
static void record_restart(struct ksw_record *record)
{
	record->item = NULL;
	record->waiting = NULL;
	record->last = ktime_get_mono_fast_ns(); /* what is queued already waits longer */
	record->counted = 0;
	record->longest_wait = 0;
	record->longest_run = 0;
}

/*
 * The registry's mutex is held. Without memory for a record (NOIO: a client may free
 * its worker to get some) ends and times are not told, which only a broken kernel sees.
 */
void ksworker_worker_observe(struct ksworker *w)
{
	struct ksw_record *record = ksworker_record_open(w, GFP_NOIO);
	PLIST_ENTRY youngest;

	raw_spin_lock_irq(&w->lock);
	if (record)
		record_restart(record);
	ksworker_watch(w, &youngest);
	raw_spin_unlock_irq(&w->lock);
}

/* The frequent way into a backlog, whose word does not say whether anybody observes. */
static void observe_pushable(bool allowed)
{
	struct ksworker *w;

	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node)
		WRITE_ONCE(w->pushable, w->backlog && allowed);
	mutex_unlock(&ksworker_registry_lock);
}

static void observe_begin(void)
{
	struct ksworker *w;

	WRITE_ONCE(ksworker_observed, true);
	ksworker_count_observe(true);
	observe_pushable(false);
	synchronize_rcu();	/* those who did not see it have left [ksw:rcu] */
	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node)
		ksworker_worker_observe(w);
	mutex_unlock(&ksworker_registry_lock);
}

static void observe_end(void)
{
	ksworker_count_observe(false);
	WRITE_ONCE(ksworker_observed, false);
	observe_pushable(true);
}

/**
 * ksworker_observe() - from its return on each step of each worker is seen
 *
 * Context: Process context, may sleep.
 * Return: 0.
 */
int ksworker_observe(void)
{
	mutex_lock(&observe_lock);
	if (!observers++)
		observe_begin();
	mutex_unlock(&observe_lock);
	return 0;
}

/**
 * ksworker_unobserve() - the other half of ksworker_observe()
 *
 * Context: Process context, may sleep.
 */
void ksworker_unobserve(void)
{
	mutex_lock(&observe_lock);
	if (!--observers)
		observe_end();
	mutex_unlock(&observe_lock);
}

static int timing_set(const char *words, const struct kernel_param *param)
{
	bool on;
	int error = kstrtobool(words ?: "1", &on);

	if (error || on == timing)
		return error;
	if (on)
		ksworker_observe();
	else
		ksworker_unobserve();
	WRITE_ONCE(timing, on);
	return 0;
}

static const struct kernel_param_ops timing_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = timing_set,
	.get = param_get_bool,
};

module_param_cb(timing, &timing_ops, &timing, 0644);
MODULE_PARM_DESC(timing, "measure the longest wait and run of each worker (default N; costs a lock for each step)");

bool ksworker_is_timed(void)
{
	return READ_ONCE(timing);
}

/*
 * What is seen; all but the refusal under the worker's lock
 */

static u64 time_since(u64 then)
{
	u64 now = ktime_get_mono_fast_ns();	/* another CPU's may be a little ahead */

	return now > then ? now - then : 0;
}

/* The item was accepted, and may be gone as soon as the lock is free. */
void ksworker_saw_queue(struct ksworker *w, PWORK_QUEUE_ITEM item, void *routine, void *caller)
{
	struct ksw_record *record = w->record;

	trace_ksworker_queue(w, item, routine, STATUS_SUCCESS, caller);
	if (!record)
		return;
	if (item == w->counted) {
		record->counted = ktime_get_mono_fast_ns();
		return;
	}
	record->last = ktime_get_mono_fast_ns();
	if (!record->waiting) {		/* in a backlog others wait with it */
		record->waiting = item;
		record->queued = record->last;
	}
}

/* An item that is none has no routine to tell. */
void ksworker_saw_refusal(struct ksworker *w, PWORK_QUEUE_ITEM item, NTSTATUS status, void *caller)
{
	void *routine = status == STATUS_INVALID_PARAMETER ? NULL : READ_ONCE(item->WorkerRoutine);

	trace_ksworker_queue(w, item, routine, status, caller);
}

static void record_begin(struct ksw_record *record, PWORK_QUEUE_ITEM item, bool counted)
{
	u64 wait = 0;

	if (counted && record->counted) {
		wait = time_since(record->counted);
		record->counted = 0;
	} else if (!counted && record->waiting == item) {
		wait = time_since(record->queued);
		record->waiting = NULL;
	}
	record->longest_wait = max(record->longest_wait, wait);
	record->item = item;
	record->routine = item->WorkerRoutine;
	record->began = ktime_get_mono_fast_ns();
}

/* Of those who wait in a backlog the youngest is next: it came last, and waits for all of them. */
static void record_next(struct ksworker *w, struct ksw_record *record)
{
	PLIST_ENTRY youngest;

	ksworker_watch(w, &youngest);
	if (!youngest || youngest == &w->counted_entry)
		return;
	record->waiting = ksworker_entry_item(w, youngest);
	record->queued = record->last;
}

/* The runner has taken it, and has not given it back to the client. */
void ksworker_saw_begin(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	trace_ksworker_begin(w, item, item->WorkerRoutine);
	ksworker_leavers_count(item->WorkerRoutine);
	if (!w->record)
		return;
	record_begin(w->record, item, item == w->counted);
	if (w->backlog && !w->record->waiting)
		record_next(w, w->record);
}

/* By the runner: the routine that it called last, if any was seen, has returned. */
void ksworker_saw_end(struct ksworker *w)
{
	struct ksw_record *record = w->record;

	if (!record || !record->item)
		return;
	record->longest_run = max(record->longest_run, time_since(record->began));
	trace_ksworker_end(w, record->item, record->routine);
	record->item = NULL;
}

/* It was queued and has not begun, and has not been given back to the client. */
void ksworker_saw_cancel(struct ksworker *w, PWORK_QUEUE_ITEM item, void *caller)
{
	trace_ksworker_cancel(w, item, item->WorkerRoutine, caller);
	if (w->record && w->record->waiting == item)
		w->record->waiting = NULL;
}
