// SPDX-License-Identifier: GPL-2.0
/*
 * The Kernel Streaming workers, in the order of their life
 *
 * The model is in ksworker_internal.h (the state word) and docs/design.md (why
 * each race is closed); model/ksworker.pml has each transition under the name
 * of its function here, and is checked exhaustively. A tag in brackets names a
 * pair of places that order each other's memory accesses; it stands at both.
 */
#define pr_fmt(fmt) "ksworker: " fmt

#include <linux/completion.h>
#include <linux/debugobjects.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "ksworker_compat.h"
#include "ksworker_internal.h"
#include "ksworker_trace.h"

/* How long the runner goes on by itself before it goes back to the workqueue. */
#define KSW_SLICE	DIV_ROUND_UP(10 * HZ, 1000)	/* 10 ms */

/* Guards the list of workers; taken by register, the last step of free, and readers. */
DEFINE_MUTEX(ksworker_registry_lock);
LIST_HEAD(ksworker_registry);
static DECLARE_WAIT_QUEUE_HEAD(registry_left);
static LLIST_HEAD(reap_list);

/* Say once for each worker and kind of mistake what the client does wrong. */
#define worker_warn(worker, bit, fmt, ...)					\
({										\
	struct ksworker *_w = (worker);						\
										\
	WARN(!test_and_set_bit(bit, &_w->flags), "ksworker: " fmt " (worker %u of %s)\n", \
	     ##__VA_ARGS__, _w->id, owner_name(_w->owner));			\
})

static const char *owner_name(const struct module *owner)
{
	return owner ? owner->name : "an unknown module";
}

/*
 * NTSTATUS
 */

static const struct {
	NTSTATUS status;
	int error;
} status_errors[] = {
	{ STATUS_DEVICE_BUSY,			-EBUSY },
	{ STATUS_INVALID_PARAMETER,		-EINVAL },
	{ STATUS_DELETE_PENDING,		-ESHUTDOWN },
	{ STATUS_INSUFFICIENT_RESOURCES,	-ENOMEM },
	{ STATUS_IO_TIMEOUT,			-ETIMEDOUT },
	{ STATUS_POSSIBLE_DEADLOCK,		-EDEADLK },
};

/**
 * KsStatusToErrno() - the Linux error code of an NTSTATUS
 * @Status: what a call of this module returned
 *
 * Context: Any.
 * Return: 0 for each success, a negative error code for the failures that this
 * module returns, -EIO for any other.
 */
int KsStatusToErrno(NTSTATUS Status)
{
	unsigned int i;

	if (NT_SUCCESS(Status))
		return 0;
	for (i = 0; i < ARRAY_SIZE(status_errors); i++)
		if (status_errors[i].status == Status)
			return status_errors[i].error;
	return -EIO;
}
EXPORT_SYMBOL_GPL(KsStatusToErrno);

/*
 * The item: List.Flink is NULL or the worker that it is queued on
 */

static const struct debug_obj_descr item_debug_descr;

/* A queued item was freed: that has been reported, by its caller; forget the item. */
static bool item_debug_fixup_free(void *item, enum debug_obj_state state)
{
	if (state != ODEBUG_STATE_ACTIVE)
		return false;
	debug_object_deactivate(item, &item_debug_descr);
	debug_object_free(item, &item_debug_descr);
	return true;
}

static const struct debug_obj_descr item_debug_descr = {
	.name = "ksworker_item",
	.fixup_free = item_debug_fixup_free,
};

static void item_debug_activate(PWORK_QUEUE_ITEM item)
{
	if (object_is_on_stack(item))
		debug_object_init_on_stack(item, &item_debug_descr);
	else
		debug_object_init(item, &item_debug_descr);
	debug_object_activate(item, &item_debug_descr);
}

static void item_debug_deactivate(PWORK_QUEUE_ITEM item)
{
	debug_object_deactivate(item, &item_debug_descr);
	debug_object_free(item, &item_debug_descr);
}

/**
 * ExInitializeWorkItem() - set up a work item
 * @Item: the item; it must not be queued
 * @Routine: what to call
 * @Context: what to call it with
 *
 * Context: Any.
 */
VOID ExInitializeWorkItem(PWORK_QUEUE_ITEM Item, PWORKER_THREAD_ROUTINE Routine, PVOID Context)
{
	Item->WorkerRoutine = Routine;
	Item->Parameter = Context;
	Item->List.Flink = NULL;
}
EXPORT_SYMBOL_GPL(ExInitializeWorkItem);

/* An item's List is its first member: the two have one address. */
static PWORK_QUEUE_ITEM entry_item(PLIST_ENTRY entry)
{
	return container_of(entry, WORK_QUEUE_ITEM, List);
}

PWORK_QUEUE_ITEM ksworker_entry_item(struct ksworker *w, PLIST_ENTRY entry)
{
	return entry == &w->counted_entry ? w->counted : entry_item(entry);
}

/* The item's address as its part of the state word. */
static u64 item_place(PWORK_QUEUE_ITEM item)
{
	return (u64)(unsigned long)item << KSW_SHIFT;
}

/* The other way, for a state that is an item and nothing else. */
static PWORK_QUEUE_ITEM place_item(u64 s)
{
	return (PWORK_QUEUE_ITEM)(unsigned long)(s >> KSW_SHIFT);
}

/* Not NULL. It must be aligned, or its address would set flags. */
static bool item_usable(PWORK_QUEUE_ITEM item)
{
	return IS_ALIGNED((unsigned long)item, sizeof(void *)) && item->WorkerRoutine;
}

static bool item_valid(PWORK_QUEUE_ITEM item)
{
	return item && item_usable(item);
}

/*
 * One queuer gets a free item; the acquire pairs with item_release() [ksw:item]. Who does
 * not get it, and put an smp_mb() before, is seen by the item's run [ksw:refused].
 */
static bool item_claim(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	PLIST_ENTRY none = NULL;

	if (!try_cmpxchg_acquire(&item->List.Flink, &none, (PLIST_ENTRY)w))
		return false;
	item_debug_activate(item);
	return true;
}

/* The item is the client's from here on; pairs with item_claim() [ksw:item]. */
static void item_release(PWORK_QUEUE_ITEM item)
{
	item_debug_deactivate(item);
	smp_store_release(&item->List.Flink, NULL); /* after the last read [ksw:item] */
}

/* For ksworker_io.c: the same for another owner than a worker. NULL, or who has the item. */
PLIST_ENTRY ksworker_item_claim(PWORK_QUEUE_ITEM item, PLIST_ENTRY owner)
{
	PLIST_ENTRY had = NULL;

	if (try_cmpxchg_acquire(&item->List.Flink, &had, owner)) /* [ksw:item] */
		item_debug_activate(item);
	return had;
}

/* The same, and @owner has it next; NULL: the client. */
void ksworker_item_give(PWORK_QUEUE_ITEM item, PLIST_ENTRY owner)
{
	item_debug_deactivate(item);
	smp_store_release(&item->List.Flink, owner); /* after the last read [ksw:item] */
}

/*
 * The state word: each function is one arrow, or the look before it
 */

static u64 state_read(struct ksworker *w)
{
	return atomic64_read(&w->state);
}

/*
 * The same as a guess, which the compiler may compare in memory; whoever acts on it
 * exchanges the word from what he guessed, or refuses what another look would, too.
 */
static compat_inline bool state_seems(struct ksworker *w, u64 s)
{
	barrier(); /* look again, each time */
	return (u64)data_race(w->state.counter) == s;
}

/* queue: no item -> item; a counted item that is there already was first */
static u64 state_queued(u64 s, PWORK_QUEUE_ITEM item)
{
	u64 look = (s & KSW_COUNTED) || s == KSW_WATCHED ? KSW_LOOK : 0;

	return item_place(item) | (s & KSW_COUNTED) | look;
}

/* queue on a backlog, @s with LOOK: what came in before, or KSW_NO_ITEM, is linked behind */
static compat_inline u64 state_pushed(u64 s, PLIST_ENTRY entry)
{
	entry->Blink = &place_item(s & KSW_PLACE)->List;
	return item_place(entry_item(entry)) | (s & KSW_FLAGS);
}

/* increment: anything -> the same, COUNTED, after the item if there is one */
static u64 state_counted(u64 s)
{
	if (s & KSW_COUNTED)
		return s;
	return state_item(s) ? (s & ~KSW_LOOK) | KSW_COUNTED : KSW_BUSY | KSW_COUNTED;
}

/* runner, cancel: the item leaves the place */
static u64 state_vacated(u64 s)
{
	return (s & (KSW_CLOSING | KSW_COUNTED)) | KSW_BUSY;
}

/* wait, flush: busy -> the runner's next step is under the lock (with COUNTED it is) */
static u64 state_watched(u64 s)
{
	if (!state_busy(s) || (s & KSW_COUNTED))
		return s;
	return state_item(s) ? s | KSW_LOOK : s | KSW_WATCHED;
}

/* runner: who is next, and the state without it; NULL: nobody, idle */
static PLIST_ENTRY state_next(struct ksworker *w, u64 s, u64 *new)
{
	PWORK_QUEUE_ITEM item = state_item(s);

	if ((s & KSW_COUNTED) && (s & KSW_LOOK)) {
		*new = item ? s & ~(KSW_COUNTED | KSW_LOOK) : (s & KSW_CLOSING) | KSW_BUSY;
		return &w->counted_entry;
	}
	if (item) {
		*new = state_vacated(s);
		return &item->List;
	}
	*new = (s & KSW_CLOSING) | KSW_IDLE;
	return NULL;
}

/* The youngest that was accepted and has not begun, or NULL. */
static PLIST_ENTRY state_youngest(struct ksworker *w, u64 s)
{
	PWORK_QUEUE_ITEM item = state_item(s);

	if (item && ((s & KSW_LOOK) || !(s & KSW_COUNTED)))
		return &item->List;
	return s & KSW_COUNTED ? &w->counted_entry : NULL;
}

/*
 * The backlog: a line of entries, oldest first, linked by Blink; under w->lock
 *
 * What is queued comes in by the state word, youngest first, without the lock.
 * What goes out next stands in the worker's batch, from where the runner takes each
 * entry without the lock, by the exchange that whoever wants it back does, too. (Why
 * not on the runner's stack: a routine may oops, and its stack is somebody else's then.)
 */

static void backlog_push_front(struct ksworker *w, PLIST_ENTRY entry)
{
	entry->Blink = w->head;
	w->head = entry;
	if (!entry->Blink)
		w->tail = &entry->Blink;
}

static PLIST_ENTRY backlog_pop(struct ksworker *w)
{
	PLIST_ENTRY entry = w->head;

	if (!entry)
		return NULL;
	w->head = entry->Blink;
	if (!w->head)
		w->tail = &w->head;
	return entry;
}

/* Take @entry out, wherever it stands; *@older is the one before it. */
static bool backlog_remove(struct ksworker *w, PLIST_ENTRY entry, PLIST_ENTRY *older)
{
	PLIST_ENTRY *link = &w->head;

	*older = NULL;
	while (*link && *link != entry) {
		*older = *link;
		link = &(*link)->Blink;
	}
	if (!*link)
		return false;
	*link = entry->Blink;
	if (!*link)
		w->tail = link;
	return true;
}

static PLIST_ENTRY backlog_youngest(struct ksworker *w)
{
	return w->head ? container_of(w->tail, LIST_ENTRY, Blink) : NULL;
}

/* What came in since the last time goes to the end of the line. [model:backlog_absorb] */
static void backlog_absorb(struct ksworker *w)
{
	const PLIST_ENTRY end = &place_item(KSW_NO_ITEM)->List;
	PLIST_ENTRY youngest, entry, older, younger = NULL;
	u64 s = state_read(w);

	do {
		if (!state_item(s))
			return;
		youngest = &state_item(s)->List;
	} while (!atomic64_try_cmpxchg(&w->state, (s64 *)&s,
				       (s & (KSW_CLOSING | KSW_COUNTED)) | KSW_WATCHED));
	for (entry = youngest; entry != end; entry = older) {
		older = entry->Blink;
		entry->Blink = younger;
		younger = entry;
	}
	*w->tail = younger;
	w->tail = &youngest->Blink;
}

/*
 * The runner has the lock and nobody waits: prepare what it takes next without it. Each
 * entry was taken, or taken back, and is NULL; the last one always is.
 */
static void batch_fill(struct ksworker *w)
{
	struct ksw_batch *batch = w->batch;
	PLIST_ENTRY entry = w->head;
	unsigned int n = 0;

	for (; entry && entry != &w->counted_entry && n < KSW_BATCH; entry = entry->Blink)
		batch->entry[n++] = entry;
	w->head = entry;
	if (!entry)
		w->tail = &w->head;
	batch->count = n;
}

/*
 * The youngest first, so that what is left and what the runner takes meanwhile stay in order.
 * [model:batch_take_back]
 */
static void batch_take_back(struct ksworker *w)
{
	struct ksw_batch *batch = w->batch;
	PLIST_ENTRY entry;

	while (batch->count) {
		/* or the runner has it [ksw:batch] */
		entry = xchg(&batch->entry[--batch->count], NULL);
		if (entry)
			backlog_push_front(w, entry);
	}
}

/* All that is queued stands in the line now, and the runner's next step is under the lock. */
static void backlog_gather(struct ksworker *w)
{
	batch_take_back(w);
	backlog_absorb(w);
}

/*
 * Those who wait: for the place, or for what was accepted so far
 *
 * A flush waits until the youngest entry has finished. Since routines run in
 * the order of acceptance, everything older has finished, too. All under
 * w->lock: who is going to sleep makes the word LOOK or WATCHED, and for as long
 * as somebody is on the list each step of the runner keeps it so [ksw:wait]. While
 * the workers are observed each one does, too.
 */

/* No routine runs: who waited for the last one is done. */
static void waiters_rested(struct ksworker *w)
{
	struct ksw_waiter *waiter;
	struct hlist_node *next;

	hlist_for_each_entry_safe(waiter, next, &w->waiters, node) {
		if (waiter->place || waiter->until)
			continue;
		hlist_del_init(&waiter->node);
		complete(&waiter->event);
	}
}

/* The place may be free: those who wait for it try again. */
static void waiters_retry(struct ksworker *w)
{
	struct ksw_waiter *waiter;

	hlist_for_each_entry(waiter, &w->waiters, node)
		if (waiter->place)
			complete(&waiter->event);
}

/* @entry is no longer queued; who waited for it waits for @until instead. */
static void waiters_passed(struct ksworker *w, PLIST_ENTRY entry, PLIST_ENTRY until)
{
	struct ksw_waiter *waiter;

	hlist_for_each_entry(waiter, &w->waiters, node)
		if (!waiter->place && waiter->until == entry)
			waiter->until = until;
	if (entry != &w->counted_entry)
		waiters_retry(w);
}

/*
 * Under the lock. Each call that sleeps inside is counted, so that the worker
 * is not freed under it; false: it is too late, the worker has drained and goes.
 */
static bool waiter_join(struct ksworker *w, struct ksw_waiter *waiter)
{
	if (w->gone)
		return false;
	init_completion(&waiter->event);
	w->users++;
	hlist_add_head(&waiter->node, &w->waiters);
	return true;
}

/*
 * Under the lock: the runner's next step is, too [ksw:wait]. Returns the state
 * before, and *@youngest, which was accepted last and has not begun, or NULL. [model:waiters_watch]
 */
static u64 waiters_watch(struct ksworker *w, PLIST_ENTRY *youngest)
{
	u64 s = state_read(w);

	while (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, state_watched(s)))
		;
	if (w->backlog)
		backlog_gather(w);
	*youngest = w->backlog ? backlog_youngest(w) : state_youngest(w, s);
	return s;
}

/* The same, for who looks without sleeping. */
u64 ksworker_watch(struct ksworker *w, PLIST_ENTRY *youngest)
{
	lockdep_assert_held(&w->lock);
	return waiters_watch(w, youngest);
}

/* Under the lock: does anybody have to be told of each step of the runner? */
static bool waiters_care(struct ksworker *w)
{
	return !hlist_empty(&w->waiters) || ksworker_is_observed();
}

/* Under the lock: the state that leaves nobody unwatched who waits [ksw:wait]. */
static u64 waiters_kept(struct ksworker *w, u64 s)
{
	return waiters_care(w) ? state_watched(s) : s;
}

/* Under the lock, again: the last one out tells who wants to free the worker. */
static void waiter_part(struct ksworker *w, struct ksw_waiter *waiter)
{
	hlist_del_init(&waiter->node);
	if (!--w->users && w->gone)
		complete(w->gone);
}

static void waiter_leave(struct ksworker *w, struct ksw_waiter *waiter)
{
	raw_spin_lock_irq(&w->lock);
	waiter_part(w, waiter);
	raw_spin_unlock_irq(&w->lock);
}

/*
 * Hand-over and refusal
 */

/*
 * Keep the promise of who made the worker busy: its thread looks at the state.
 * This and other rare paths are noinline, so that the frequent ones around them
 * need no stack frame for them.
 */
static noinline void worker_hand_over(struct ksworker *w)
{
	ksworker_hook(KSW_HOOK_QUEUE_CLAIMED, w);
	WARN_ON_ONCE(!queue_work(w->wq, &w->work));
}

static NTSTATUS refusal_status(enum ksw_refusal why)
{
	return why == KSW_REFUSED_CLOSING ? STATUS_DELETE_PENDING : STATUS_DEVICE_BUSY;
}

/* The result of a call that was refused, counted for who wants to know why. */
static NTSTATUS worker_refuse(struct ksworker *w, enum ksw_refusal why)
{
	atomic_long_inc(&w->refused[why]);
	return refusal_status(why);
}

/*
 * The runner: the worker's thread while it works
 */

/**
 * struct ksw_task - what the runner is going to call
 * @routine: of the entry that it took
 * @parameter: of the same
 */
struct ksw_task {
	PWORKER_THREAD_ROUTINE routine;
	PVOID parameter;
};

static compat_inline struct ksw_task task_of(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	struct ksw_task task = {
		.routine = READ_ONCE(item->WorkerRoutine),
		.parameter = READ_ONCE(item->Parameter),
	};

	WRITE_ONCE(w->routine, task.routine);
	return task;
}

/*
 * The last touch of the item: it is the client's again, and may be gone. Unlike in
 * item_release() this is fully ordered: who is refused since the item is queued, after
 * an smp_mb() of his own, is seen by the routine that follows [ksw:refused].
 * [model:item_begin_refused]
 */
static compat_inline struct ksw_task item_begin(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	struct ksw_task task = task_of(w, item);

	item_debug_deactivate(item);
	compat_null_mb(&item->List.Flink); /* after the last read [ksw:item], and a barrier */
	return task;
}

/*
 * Take what stands in the place and nothing else; false: it is not that simple. *@place is
 * what was taken last: most often that queues itself again. @busy is KSW_BUSY.
 * The exchange is fully ordered: what the queuer wrote before its own is seen by
 * the routine, and what this routine writes by the next one [ksw:publish]. [model:place_take]
 */
static compat_inline bool place_take(struct ksworker *w, u64 *place, u64 busy,
				     struct ksw_task *task)
{
	u64 s = state_read(w);

	if (unlikely(s != *place)) {
		if (s & KSW_FLAGS)
			return false;
		*place = s;
	}
	ksworker_hook(KSW_HOOK_TAKE_LOADED, w);
	if (unlikely(!atomic64_try_cmpxchg(&w->state, (s64 *)&s, busy)))
		return false;
	ksworker_hook(KSW_HOOK_TAKEN, w);
	*task = item_begin(w, place_item(*place));
	return true;
}

/*
 * For a backlog: take the next one of the batch; false: there is none [ksw:batch].
 * [model:batch_take]
 */
static compat_inline bool batch_take(struct ksworker *w, PLIST_ENTRY *next, struct ksw_task *task)
{
	PLIST_ENTRY entry;

	ksworker_hook(KSW_HOOK_BATCH, w);
	entry = xchg(next, NULL);
	if (!entry)
		return false;
	ksworker_hook(KSW_HOOK_TAKEN, w);
	*task = item_begin(w, entry_item(entry));
	return true;
}

/*
 * Go idle if there is nothing to do and nobody waits. Fully ordered, too [ksw:publish].
 * [model:place_rest]
 */
static bool place_rest(struct ksworker *w, u64 s)
{
	ksworker_hook(KSW_HOOK_TAKE_LOADED, w);
	if (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, (s & KSW_CLOSING) | KSW_IDLE))
		return false;
	ksworker_hook(KSW_HOOK_RESTED, w);
	return true;
}

/*
 * The same under the lock: for the counted item, and while somebody waits.
 * [model:locked_take]
 */
static PLIST_ENTRY locked_next(struct ksworker *w, u64 *rested)
{
	u64 new, s = state_read(w);
	PLIST_ENTRY entry;

	do {
		entry = state_next(w, s, &new);
	} while (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, waiters_kept(w, new)));
	*rested = entry ? 0 : s;
	return entry;
}

/* The same for a backlog; more than one at a time when nobody waits. [model:backlog_next] */
static PLIST_ENTRY backlog_next(struct ksworker *w, u64 *rested)
{
	PLIST_ENTRY entry;
	u64 idle, s;

	w->batch->count = 0; /* each entry was taken, or taken back */
	do {
		backlog_gather(w);
		entry = backlog_pop(w);
		s = state_read(w);
		idle = (s & KSW_CLOSING) | KSW_IDLE;
	} while (!entry && (state_item(s) ||
			    !atomic64_try_cmpxchg(&w->state, (s64 *)&s, idle)));
	*rested = entry ? 0 : s;
	if (entry == &w->counted_entry)
		atomic64_andnot(KSW_COUNTED, &w->state);
	if (entry && !waiters_care(w))
		batch_fill(w);
	return entry;
}

static noinline struct ksw_task locked_take(struct ksworker *w, u64 *rested)
{
	struct ksw_task task = { };
	unsigned long irqflags;
	PLIST_ENTRY entry;

	ksworker_hook(KSW_HOOK_TAKE_LOADED, w);
	raw_spin_lock_irqsave(&w->lock, irqflags);
	if (ksworker_is_observed())
		ksworker_saw_end(w);
	waiters_rested(w);
	entry = w->backlog ? backlog_next(w, rested) : locked_next(w, rested);
	if (entry && ksworker_is_observed())
		ksworker_saw_begin(w, ksworker_entry_item(w, entry));
	if (entry == &w->counted_entry)
		task = task_of(w, w->counted);
	else if (entry)
		task = item_begin(w, entry_item(entry));
	if (entry)
		waiters_passed(w, entry, NULL);
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	return task;
}

/*
 * Take and begin what is next. If nothing is the worker is idle, and *@rested is
 * the state that it was in before; else 0.
 */
static noinline struct ksw_task runner_take(struct ksworker *w, u64 *rested)
{
	struct ksw_task task = { };
	u64 s, place = 0;

	do {
		s = state_read(w);
		*rested = 0;
		if ((s & ~KSW_CLOSING) == KSW_BUSY) {
			if (place_rest(w, s)) {
				*rested = s;
				break;
			}
		} else if (s & KSW_FLAGS) {
			return locked_take(w, rested);
		}
	} while (!place_take(w, &place, KSW_BUSY, &task));
	return task;
}

static bool context_left(int depth)
{
	return (preempt_count() | compat_rcu_depth()) || irqs_disabled() ||
	       lockdep_depth(current) > depth;
}

static void preemption_mend(void)
{
	while (preempt_count() & PREEMPT_MASK)
		preempt_enable();
}

/*
 * Put right what a routine left behind. On PREEMPT_RT bottom halves that were
 * switched off by a preemptible caller hold a lock and an RCU read section, and
 * it takes a preemptible caller to undo that; others do not.
 */
static void context_mend(int depth)
{
	compat_lockdep_drop_locks(depth);
	if (irqs_disabled())
		local_irq_enable();
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && rcu_preempt_depth())
		preemption_mend();
	while (softirq_count())
		local_bh_enable();
	while (rcu_preempt_depth()) {
		__acquire(RCU); /* for sparse: the routine did */
		rcu_read_unlock();
	}
	compat_lockdep_drop(depth);
	while (compat_migration_disabled())
		migrate_enable();
	preemption_mend();
}

/* Put it right first: a report from the context that was left may be one mistake more. */
static noinline void context_restore(struct ksworker *w, void *routine, int depth)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL, 50);
	bool interrupts = irqs_disabled();
	bool bottom_halves = softirq_count();
	bool preemption = preempt_count() & PREEMPT_MASK;
	bool rcu = rcu_preempt_depth();
	bool lock = lockdep_depth(current) > depth;

	context_mend(depth);
	if (!__ratelimit(&limit))
		return;
	WARN(1, "ksworker: %ps returned with%s%s%s%s%s; a routine must return with the context as it found it (worker %u of %s)\n",
	     routine,
	     interrupts ? " interrupts off" : "",
	     bottom_halves ? " bottom halves off" : "",
	     preemption ? " preemption off" : "",
	     rcu ? " an RCU read section open" : "",
	     lock ? " a lock held" : "", w ? w->id : 0,
	     w ? owner_name(w->owner) : "the pools");
}

/* For ksworker_io.c, whose routines are of no worker. */
void ksworker_context_check(void *routine, int lockdep_depth)
{
	if (unlikely(context_left(lockdep_depth)))
		context_restore(NULL, routine, lockdep_depth);
}

static compat_inline void runner_call(struct ksworker *w, struct ksw_task task, int depth)
{
	data_race(w->begun++); /* one writer, and readers who take it as a hint */
	task.routine(task.parameter);
	if (unlikely(context_left(depth)))
		context_restore(w, w->routine, depth);
	/* Before the next take: what is taken and not on show is anybody's (routines_join()). */
	WRITE_ONCE(w->routine, NULL);
}

/* At the end of a run: is there more? What stands in the batch goes back to the line. */
static noinline bool worker_pending(struct ksworker *w)
{
	unsigned long irqflags;
	bool pending;
	u64 s;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	if (w->backlog)
		batch_take_back(w);
	s = state_read(w);
	pending = w->head || (s & KSW_COUNTED) || state_item(s);
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	return pending;
}

/**
 * ksworker_is_queued() - is anything accepted that has not begun?
 * @w: the worker; the caller keeps it
 *
 * Takes nothing back from the runner, and touches no item.
 *
 * Context: Any but NMI.
 * Return: true if there is.
 */
bool ksworker_is_queued(struct ksworker *w)
{
	unsigned long irqflags;
	unsigned int i;
	bool queued;
	u64 s;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	s = state_read(w);
	queued = w->head || (s & KSW_COUNTED) || state_item(s);
	for (i = 0; !queued && w->backlog && i < w->batch->count; i++)
		queued = READ_ONCE(w->batch->entry[i]);
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	return queued;
}

static struct workqueue_struct *reap_wq;
static void reap_work_fn(struct work_struct *work);
static DECLARE_WORK(reap_work, reap_work_fn);

static void worker_reap(struct ksworker *w)
{
	llist_add(&w->reap, &reap_list);
	queue_work(reap_wq, &reap_work);
}

/* The last run of a closing worker: who closed it goes on [ksw:close]. */
static void worker_drained(struct ksworker *w)
{
	if (w->closer)
		complete(w->closer);
	else
		worker_reap(w);
}

/* Between two routines; true: it is somebody else's turn. */
static compat_inline bool runner_yields(struct ksworker *w, unsigned long *since,
					unsigned long enough)
{
	/* The compiler may compare in memory what is not volatile, as in state_seems(). */
	if (unlikely((unsigned long)data_race(jiffies_64) != *since)) {
		*since = jiffies;
		WRITE_ONCE(w->since, *since); /* [ksw:age] */
		if (time_after(*since, enough))
			return worker_pending(w);
	}
	return compat_need_resched() && worker_pending(w);
}

static unsigned long run_begin(struct ksworker *w)
{
	unsigned long now = jiffies;

	WRITE_ONCE(w->runner_pid, current->pid);
	WRITE_ONCE(w->runner, current);
	WRITE_ONCE(w->since, now); /* before the exchange, and that before the routine [ksw:age] */
	return now;
}

/* The last routine of this run has returned. */
static noinline void run_observe(struct ksworker *w)
{
	unsigned long irqflags;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	ksworker_saw_end(w);
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
}

static void run_end(struct ksworker *w, u64 rested)
{
	if (ksworker_is_observed())
		run_observe(w);
	WRITE_ONCE(w->runner, NULL);
	if (!rested)
		worker_hand_over(w);
	else if (rested & KSW_CLOSING)
		worker_drained(w);
}

/*
 * The work function. It goes on with what is accepted meanwhile, without the
 * way through the pool, until its time is up or somebody else wants the CPU;
 * then it hands the worker over to its own next run, and stays busy meanwhile.
 */
static void worker_run(struct work_struct *work)
{
	struct ksworker *w = container_of(work, struct ksworker, work);
	unsigned long since = run_begin(w), enough = since + KSW_SLICE;
	int depth = lockdep_depth(current);
	u64 rested = 0, place = 0, busy = KSW_BUSY;
	struct ksw_task task;

	OPTIMIZER_HIDE_VAR(busy); /* in a register, instead of loaded for each item */
	do {
		if (unlikely(!place_take(w, &place, busy, &task))) {
			task = runner_take(w, &rested);
			if (rested)
				break;
		}
		runner_call(w, task, depth);
	} while (!runner_yields(w, &since, enough));
	run_end(w, rested);
}

/* The same for a backlog. */
static void backlog_run(struct work_struct *work)
{
	struct ksworker *w = container_of(work, struct ksworker, work);
	unsigned long since = run_begin(w), enough = since + KSW_SLICE;
	int depth = lockdep_depth(current);
	PLIST_ENTRY *next = w->batch->entry; /* empty between two runs */
	struct ksw_task task;
	u64 rested = 0;

	do {
		if (likely(batch_take(w, next, &task))) {
			next++;
		} else {
			task = locked_take(w, &rested);
			if (rested)
				break;
			next = w->batch->entry;
		}
		runner_call(w, task, depth);
	} while (!runner_yields(w, &since, enough));
	run_end(w, rested);
}

/*
 * Registration
 */

static const u8 type_priority[MaximumWorkQueue] = {
	[CriticalWorkQueue] = 13,
	[DelayedWorkQueue] = 12,
	[HyperCriticalWorkQueue] = 15,
	[NormalWorkQueue] = 8,
	[BackgroundWorkQueue] = 7,
	[RealTimeWorkQueue] = 18,
	[SuperCriticalWorkQueue] = 14,
};

#define KSW_HIGH_PRIORITY	13
#define KSW_PRIORITIES		32

/* The NT priority of a type, or a negative number: there is no such type. */
int ksworker_type_priority(WORK_QUEUE_TYPE type)
{
	unsigned int custom = type - CustomPriorityWorkQueue;

	if ((unsigned int)type < MaximumWorkQueue)
		return type_priority[type];
	return custom < KSW_PRIORITIES ? (int)custom : -1;
}

unsigned int ksworker_type_wq_flags(WORK_QUEUE_TYPE type, ULONG flags)
{
	unsigned int wq_flags = WQ_UNBOUND;

	if (ksworker_type_priority(type) >= KSW_HIGH_PRIORITY)
		wq_flags |= WQ_HIGHPRI;
	if (type == HyperCriticalWorkQueue || (flags & KSWORKER_MEM_RECLAIM))
		wq_flags |= WQ_MEM_RECLAIM;
	return wq_flags;
}

static void worker_init(struct ksworker *w, WORK_QUEUE_TYPE type, ULONG flags,
			PWORK_QUEUE_ITEM counted, struct module *owner)
{
	static atomic_t last_id;

	w->counted = counted;
	w->owner = owner;
	w->flags = flags;
	w->backlog = flags & KSWORKER_BACKLOG;
	w->batch = w->backlog ? (struct ksw_batch *)(w + 1) : NULL;
	w->type = type;
	w->id = atomic_inc_return(&last_id);
	w->tail = &w->head;
	raw_spin_lock_init(&w->lock);
	atomic64_set(&w->state, KSW_IDLE);
	lockdep_register_key(&w->key);
	__INIT_WORK_KEY(&w->work, w->backlog ? backlog_run : worker_run, 0, &w->key);
}

bool ksworker_sysfs;
module_param_named(sysfs, ksworker_sysfs, bool, 0644);
MODULE_PARM_DESC(sysfs, "show each workqueue that is made from now on in /sys/devices/virtual/workqueue (default N; costs memory and time for each worker)");

/*
 * Who may write its files there changes where and how urgently the routines run, not their
 * order, max_active included: a worker is one work_struct, and queue_work() keeps one whose
 * function has not returned on the thread that it is on. The number comes first in the name,
 * so that two are not the same however much of the module's name has room behind it.
 */
static struct workqueue_struct *worker_wq_alloc(const struct ksworker *w)
{
	unsigned int wq_flags = ksworker_type_wq_flags(w->type, w->flags);

	if (READ_ONCE(ksworker_sysfs))
		wq_flags |= WQ_SYSFS;
	return alloc_workqueue("ks%u:%s", wq_flags, 0, w->id, w->owner ? w->owner->name : "-");
}

static struct ksworker *worker_alloc(WORK_QUEUE_TYPE type, ULONG flags,
				     PWORK_QUEUE_ITEM counted, struct module *owner)
{
	size_t batch = flags & KSWORKER_BACKLOG ? sizeof(struct ksw_batch) : 0;
	struct ksworker *w = kzalloc(sizeof(*w) + batch, GFP_KERNEL);

	if (!w)
		return NULL;
	worker_init(w, type, flags, counted, owner);
	w->wq = worker_wq_alloc(w);
	if (!w->wq) {
		lockdep_unregister_key(&w->key);
		kfree(w);
		return NULL;
	}
	return w;
}

static void worker_publish(struct ksworker *w)
{
	mutex_lock(&ksworker_registry_lock);
	w->pushable = w->backlog && !ksworker_is_observed();
	if (ksworker_is_observed())
		ksworker_worker_observe(w);
	trace_ksworker_register(w);
	list_add_tail(&w->node, &ksworker_registry);
	ksworker_stall_arm();
	mutex_unlock(&ksworker_registry_lock);
}

/**
 * ksworker_worker_register() - KsRegisterWorkerEx() with an owner
 * @WorkQueueType: how urgent the worker is
 * @Flags: 0, or KSWORKER_BACKLOG, KSWORKER_MEM_RECLAIM
 * @CountedWorkItem: the item that increments schedule, or NULL
 * @Owner: the module whose code the routines are, or NULL if it is not known
 * @Worker: where the worker goes; NULL if registration fails
 *
 * What the header's registration macros call with THIS_MODULE. A layer that
 * loads drivers by means of its own may name their module here.
 *
 * Context: Process context, may sleep (PASSIVE_LEVEL).
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a bad type, an unknown
 * flag, a counted item without a routine or a NULL @Worker;
 * STATUS_INSUFFICIENT_RESOURCES when memory is short.
 */
NTSTATUS ksworker_worker_register(WORK_QUEUE_TYPE WorkQueueType, ULONG Flags,
				  PWORK_QUEUE_ITEM CountedWorkItem,
				  struct module *Owner, PKSWORKER *Worker)
{
	struct ksworker *w;

	might_sleep();
	if (!Worker)
		return STATUS_INVALID_PARAMETER;
	*Worker = NULL;
	if (ksworker_type_priority(WorkQueueType) < 0 ||
	    (Flags & ~(KSWORKER_BACKLOG | KSWORKER_MEM_RECLAIM)) ||
	    (CountedWorkItem && !item_valid(CountedWorkItem)))
		return STATUS_INVALID_PARAMETER;
	w = worker_alloc(WorkQueueType, Flags, CountedWorkItem, Owner);
	if (!w)
		return STATUS_INSUFFICIENT_RESOURCES;
	worker_publish(w);
	*Worker = w;
	return STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(ksworker_worker_register);

/**
 * ksworker_counted_register() - KsRegisterCountedWorker() with an owner
 * @WorkQueueType: how urgent the worker is
 * @CountedWorkItem: the item that increments schedule; outlives the worker
 * @Owner: the module whose code the routines are, or NULL if it is not known
 * @Worker: where the worker goes; NULL if registration fails
 *
 * Context: Process context, may sleep (PASSIVE_LEVEL).
 * Return: as ksworker_worker_register(), and STATUS_INVALID_PARAMETER for a
 * NULL @CountedWorkItem.
 */
NTSTATUS ksworker_counted_register(WORK_QUEUE_TYPE WorkQueueType,
				   PWORK_QUEUE_ITEM CountedWorkItem,
				   struct module *Owner, PKSWORKER *Worker)
{
	static WORK_QUEUE_ITEM no_item;	/* without a routine, so it is refused */

	return ksworker_worker_register(WorkQueueType, 0, CountedWorkItem ?: &no_item,
					Owner, Worker);
}
EXPORT_SYMBOL_GPL(ksworker_counted_register);

/*
 * The documented names, as functions, for who resolves them by name. In C the
 * header's macros stand before them and say who the owner is.
 */
#undef KsRegisterWorker
#undef KsRegisterCountedWorker
#undef KsRegisterWorkerEx

/**
 * KsRegisterWorker() - register a worker
 * @WorkQueueType: how urgent the worker is
 * @Worker: where the worker goes; NULL if registration fails
 *
 * The worker is strict: one place. Its routines run in process context, one at
 * a time.
 *
 * Windows: the worker is a kernel object of its own here, too, but with a
 * workqueue to itself instead of a share of the system's worker threads.
 *
 * Context: Process context, may sleep (PASSIVE_LEVEL).
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a bad type or a NULL
 * @Worker; STATUS_INSUFFICIENT_RESOURCES when memory is short.
 */
NTSTATUS KsRegisterWorker(WORK_QUEUE_TYPE WorkQueueType, PKSWORKER *Worker)
{
	return ksworker_worker_register(WorkQueueType, 0, NULL, NULL, Worker);
}
EXPORT_SYMBOL_GPL(KsRegisterWorker);

/**
 * KsRegisterCountedWorker() - register a worker with a task count
 * @WorkQueueType: how urgent the worker is
 * @CountedWorkItem: the item that increments schedule; outlives the worker
 * @Worker: where the worker goes; NULL if registration fails
 *
 * KsIncrementCountedWorker() schedules the item when the count leaves 0. Its
 * routine does one task for each decrement::
 *
 *	do {
 *		one_task();
 *	} while (KsDecrementCountedWorker(worker));
 *
 * Plain items may be queued on the worker as well.
 *
 * Context: Process context, may sleep (PASSIVE_LEVEL).
 * Return: as KsRegisterWorker(), and STATUS_INVALID_PARAMETER for a NULL item
 * or one without a routine.
 */
NTSTATUS KsRegisterCountedWorker(WORK_QUEUE_TYPE WorkQueueType,
				 PWORK_QUEUE_ITEM CountedWorkItem, PKSWORKER *Worker)
{
	return ksworker_counted_register(WorkQueueType, CountedWorkItem, NULL, Worker);
}
EXPORT_SYMBOL_GPL(KsRegisterCountedWorker);

/**
 * KsRegisterWorkerEx() - register a worker, all choices
 * @WorkQueueType: how urgent the worker is
 * @Flags: 0, or KSWORKER_BACKLOG, KSWORKER_MEM_RECLAIM
 * @CountedWorkItem: the item that increments schedule, or NULL
 * @Worker: where the worker goes; NULL if registration fails
 *
 * With KSWORKER_BACKLOG items wait in line, first in, first out, instead of
 * being refused; the counted item has its turn in the same line.
 *
 * Windows: an extension.
 *
 * Context: Process context, may sleep (PASSIVE_LEVEL).
 * Return: as ksworker_worker_register().
 */
NTSTATUS KsRegisterWorkerEx(WORK_QUEUE_TYPE WorkQueueType, ULONG Flags,
			    PWORK_QUEUE_ITEM CountedWorkItem, PKSWORKER *Worker)
{
	return ksworker_worker_register(WorkQueueType, Flags, CountedWorkItem, NULL, Worker);
}
EXPORT_SYMBOL_GPL(KsRegisterWorkerEx);

/*
 * Queueing
 *
 * Each call that is accepted, and all but the frequent refusal and counting, does
 * so with preemption off, which is an RCU read section: one that looked at the
 * state before the gate closed finds it closed at its exchange, in memory that is
 * still there [ksw:rcu]. Before that, the loads are as if the call had not
 * begun: who may be preempted there may be preempted before the call, too, and has
 * to keep the worker until the call returns. Why not rcu_read_lock_sched(): lockdep would object to
 * the console's lock where a mistake is reported.
 */

/*
 * Into the place or the backlog, or given back. *@s: the state before; @look: KSW_LOOK or 0
 * [model:place_queue]
 */
static compat_inline enum ksw_refusal place_fill(struct ksworker *w, PWORK_QUEUE_ITEM item,
						 u64 *s, u64 look)
{
	bool backlog = w->backlog;
	u64 new;

	/* Publishes the item, and all that the caller wrote [ksw:publish]. */
	do {
		if ((*s & KSW_CLOSING) || (state_item(*s) && !backlog)) {
			item_release(item);
			return *s & KSW_CLOSING ? KSW_REFUSED_CLOSING : KSW_REFUSED_PLACE;
		}
		new = (backlog ? state_pushed(*s | KSW_LOOK, &item->List) :
				 state_queued(*s, item)) | look;
	} while (!atomic64_try_cmpxchg(&w->state, (s64 *)s, new));
	return KSW_ACCEPTED;
}

/* Under the lock, so that this is seen before the item's begin; which is under it, too. */
static noinline enum ksw_refusal place_fill_seen(struct ksworker *w, PWORK_QUEUE_ITEM item,
						 u64 *s, void *caller)
{
	void *routine = item->WorkerRoutine;
	unsigned long irqflags;
	enum ksw_refusal why;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	why = place_fill(w, item, s, KSW_LOOK);
	if (why == KSW_ACCEPTED)
		ksworker_saw_queue(w, item, routine, caller);
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	return why;
}

/* The item is claimed, and @s was read; @caller: NULL if nobody observes. */
static compat_inline enum ksw_refusal place_put(struct ksworker *w, PWORK_QUEUE_ITEM item,
						u64 s, void *caller)
{
	enum ksw_refusal why = caller ? place_fill_seen(w, item, &s, caller) :
					place_fill(w, item, &s, 0);

	/* The item may have run and be gone. The worker is there: we made it busy, or it was. */
	if (why == KSW_ACCEPTED && !state_busy(s))
		worker_hand_over(w);
	return why;
}

static compat_inline enum ksw_refusal item_put(struct ksworker *w, PWORK_QUEUE_ITEM item,
					       void *caller)
{
	u64 s = state_read(w);

	if (s & KSW_CLOSING)
		return KSW_REFUSED_CLOSING;
	if (state_item(s) && !w->backlog)
		return KSW_REFUSED_PLACE;
	if (!item_claim(w, item))
		return KSW_REFUSED_ITEM;
	ksworker_hook(KSW_HOOK_QUEUE_LOADED, w);
	return place_put(w, item, s, caller);
}

/* Who called, or NULL if nobody wants to know; preemption is off [ksw:rcu]. */
static void *caller_observed(void *caller)
{
	return ksworker_is_observed() ? caller : NULL;
}

/* What KsQueueWorkItem() leaves over; preemption is off in the second to fourth. */
enum queue_rest {
	QUEUE_ALL,		/* nothing was done */
	QUEUE_OBSERVED,		/* the same; but preemption is off */
	QUEUE_CLAIMED,		/* somebody else has the item */
	QUEUE_OVERTAKEN,	/* the item is claimed, but the state was another one */
	QUEUE_RESCHEDULE,	/* accepted; and somebody else is due on this CPU */
	QUEUE_DONE,		/* nothing is left */
};

/* A backlog that is busy and open; or a strict worker in a rare state, which is not pushable. */
static bool state_pushable(u64 s)
{
	return (s & (KSW_LOOK | KSW_CLOSING)) == KSW_LOOK;
}

static noinline NTSTATUS queue_invalid(struct ksworker *w, PWORK_QUEUE_ITEM item, void *caller)
{
	if (w && ksworker_is_observed())
		ksworker_saw_refusal(w, item, STATUS_INVALID_PARAMETER, caller);
	return STATUS_INVALID_PARAMETER;
}

/* One function for all of them, so that the frequent case needs no stack frame. */
static noinline NTSTATUS queue_rest(struct ksworker *w, PWORK_QUEUE_ITEM item, u64 s,
				    enum queue_rest rest, void *caller)
{
	enum ksw_refusal why = KSW_ACCEPTED;
	NTSTATUS status = STATUS_SUCCESS;

	if (rest == QUEUE_ALL && (!w || !item_valid(item)))
		return queue_invalid(w, item, caller);
	if (rest == QUEUE_ALL || rest == QUEUE_RESCHEDULE)
		preempt_disable(); /* [ksw:rcu] */
	caller = caller_observed(caller);
	if (rest <= QUEUE_OBSERVED)
		why = item_put(w, item, caller);
	else if (rest == QUEUE_CLAIMED)
		why = KSW_REFUSED_ITEM;
	else if (rest == QUEUE_OVERTAKEN)
		why = place_put(w, item, s, caller);
	if (why != KSW_ACCEPTED) {
		status = worker_refuse(w, why);
		if (caller)
			ksworker_saw_refusal(w, item, status, caller);
	}
	preempt_enable();
	return status;
}

/*
 * The frequent cases: the worker is busy, and its place is free or it has a backlog.
 * [model:place_queue]
 */
static compat_inline enum queue_rest queue_busy(struct ksworker *w, PWORK_QUEUE_ITEM item,
						u64 *s, bool backlog)
{
	u64 new;

	ksworker_hook(KSW_HOOK_QUEUE_READ, w);
	preempt_disable(); /* [ksw:rcu] */
	/* Its word looks the same when somebody observes; asked once, inside of the RCU section. */
	if (backlog && unlikely(!data_race(w->pushable)))
		return QUEUE_OBSERVED;
	if (unlikely(!item_claim(w, item)))
		return QUEUE_CLAIMED;
	ksworker_hook(KSW_HOOK_QUEUE_LOADED, w);
	new = backlog ? state_pushed(*s, &item->List) : item_place(item);
	/* Publishes the item, and all that the caller wrote [ksw:publish]. */
	if (unlikely(!atomic64_try_cmpxchg(&w->state, (s64 *)s, new)))
		return QUEUE_OVERTAKEN;
	if (likely(!compat_preempt_enable_due()))
		return QUEUE_DONE;
	barrier(); /* keeps the constant out of the frequent case */
	return QUEUE_RESCHEDULE;
}

/**
 * KsQueueWorkItem() - queue an item on a worker
 * @Worker: the worker
 * @WorkItem: the item; it stays where it is until its routine begins
 *
 * Allocates nothing, never sleeps, and takes no lock on a strict worker.
 *
 * Windows: there, too, "subsequent queuing must wait until the work item has
 * begun executing"; here the call says so instead of leaving it to luck.
 *
 * Context: Any but NMI: also hard interrupts and under raw spinlocks.
 * Return: STATUS_SUCCESS: the routine will run once. STATUS_DEVICE_BUSY: the
 * place is occupied, or the item is queued already, here or elsewhere.
 * STATUS_DELETE_PENDING: the worker is being unregistered.
 * STATUS_INVALID_PARAMETER: NULL worker, item or routine, or an item that is
 * not aligned. A refused item can be queued again at once. Of two calls at the
 * same moment with one item, one may say STATUS_DEVICE_BUSY since the other has
 * the item in its hands, and the other be refused for a reason of its own.
 */
NTSTATUS KsQueueWorkItem(PKSWORKER Worker, PWORK_QUEUE_ITEM WorkItem)
{
	enum queue_rest rest = QUEUE_ALL;
	u64 s = KSW_BUSY;

	/* Neither is NULL if they have a bit in common; if not, queue_rest() looks closer. */
	if (unlikely(!((unsigned long)Worker & (unsigned long)WorkItem)))
		goto left;
	if (likely(state_seems(Worker, KSW_BUSY))) {
		if (likely(item_usable(WorkItem)))
			rest = queue_busy(Worker, WorkItem, &s, false);
	} else {
		if (state_seems(Worker, item_place(WorkItem))) /* so it is valid */
			return worker_refuse(Worker, KSW_REFUSED_PLACE);
		s = state_read(Worker);
		if (state_pushable(s) && likely(item_usable(WorkItem)))
			rest = queue_busy(Worker, WorkItem, &s, true);
	}
	if (likely(rest == QUEUE_DONE))
		return STATUS_SUCCESS;
left:
	return queue_rest(Worker, WorkItem, s, rest, __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(KsQueueWorkItem);

/*
 * The item was refused as queued. False: it is, where waiting for this place
 * does not change it. True: it is not any more, or this worker has it, whose
 * place was looked at meanwhile; if that is free the item is just being claimed
 * or begun [ksw:begin].
 */
static bool item_worth_waiting(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	PLIST_ENTRY on = READ_ONCE(item->List.Flink);

	return !w->backlog && (!on || on == (PLIST_ENTRY)w);
}

/* The place is occupied, and its waiters will be told when it is not [ksw:wait]. */
static bool place_watch(struct ksworker *w)
{
	PLIST_ENTRY youngest;
	u64 s;

	raw_spin_lock_irq(&w->lock);
	s = waiters_watch(w, &youngest);
	raw_spin_unlock_irq(&w->lock);
	return state_item(s);
}

#define KSW_LOOKS	1000

/*
 * The thread that claims or begins the item has a few instructions to go and
 * tells nobody. It does not get there, so we must have its CPU: leave it to it
 * for a tick [ksw:begin].
 */
static long item_linger(long left)
{
	schedule_timeout_uninterruptible(1);
	return left == MAX_SCHEDULE_TIMEOUT ? left : left - 1;
}

static NTSTATUS place_wait(struct ksworker *w, PWORK_QUEUE_ITEM item, ULONG ms,
			   struct ksw_waiter *waiter, void *caller)
{
	long left = ms == KSWORKER_INFINITE ? MAX_SCHEDULE_TIMEOUT : (long)msecs_to_jiffies(ms);
	bool own = READ_ONCE(w->runner) == current;
	enum ksw_refusal why;
	unsigned int looks = 0;

	for (;;) {
		preempt_disable();
		why = item_put(w, item, caller_observed(caller));
		preempt_enable();
		if (why == KSW_ACCEPTED)
			return STATUS_SUCCESS;
		if (why == KSW_REFUSED_CLOSING ||
		    (why == KSW_REFUSED_ITEM && !item_worth_waiting(w, item)))
			return worker_refuse(w, why);
		if (!left || (own && why == KSW_REFUSED_PLACE)) {
			worker_refuse(w, why);
			return left ? STATUS_POSSIBLE_DEADLOCK : STATUS_IO_TIMEOUT;
		}
		if (!own && place_watch(w))
			left = wait_for_completion_timeout(&waiter->event, left);
		else if (++looks < KSW_LOOKS)
			cpu_relax();
		else
			left = item_linger(left);
	}
}

/**
 * KsQueueWorkItemWait() - queue an item, wait for the place if it is occupied
 * @Worker: the worker
 * @WorkItem: the item; it stays where it is until its routine begins
 * @Milliseconds: how long to wait at most; 0: try once; KSWORKER_INFINITE: no limit
 *
 * An item that is queued on this very worker's place is waited for, and queued
 * again once it has begun. One that is queued elsewhere is not.
 *
 * Windows: an extension, for the callers that can wait.
 *
 * Context: Process context, may sleep (PASSIVE_LEVEL).
 * Return: as KsQueueWorkItem(), with STATUS_DEVICE_BUSY only where the item
 * itself is queued on another worker, or on a backlog. STATUS_IO_TIMEOUT: the
 * place did not become free in time. STATUS_DELETE_PENDING: also when the
 * worker is unregistered meanwhile. STATUS_POSSIBLE_DEADLOCK: called from the
 * worker's own routine with the place occupied, which only the return of that
 * routine, or a cancel, can change.
 */
NTSTATUS KsQueueWorkItemWait(PKSWORKER Worker, PWORK_QUEUE_ITEM WorkItem, ULONG Milliseconds)
{
	struct ksw_waiter waiter = { .place = true };
	NTSTATUS status;
	bool joined;

	might_sleep();
	if (!Worker || !item_valid(WorkItem))
		return STATUS_INVALID_PARAMETER;
	preempt_disable(); /* [ksw:rcu] */
	raw_spin_lock_irq(&Worker->lock);
	joined = waiter_join(Worker, &waiter);
	raw_spin_unlock_irq(&Worker->lock);
	if (!joined)
		worker_refuse(Worker, KSW_REFUSED_CLOSING);
	preempt_enable();
	if (!joined)
		return STATUS_DELETE_PENDING;
	ksworker_hook(KSW_HOOK_WAIT_JOINED, Worker);
	status = place_wait(Worker, WorkItem, Milliseconds, &waiter, __builtin_return_address(0));
	if (status != STATUS_SUCCESS && ksworker_is_observed())
		ksworker_saw_refusal(Worker, WorkItem, status, __builtin_return_address(0));
	waiter_leave(Worker, &waiter);
	return status;
}
EXPORT_SYMBOL_GPL(KsQueueWorkItemWait);

/*
 * Under the lock: take the item out again; *@older is who was accepted before it.
 * [model:place_cancel]
 */
static bool place_cancel(struct ksworker *w, PWORK_QUEUE_ITEM item, PLIST_ENTRY *older)
{
	u64 s = state_read(w);

	do {
		if (state_item(s) != item)
			return false;
		*older = (s & KSW_COUNTED) && (s & KSW_LOOK) ? &w->counted_entry : NULL;
	} while (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, waiters_kept(w, state_vacated(s))));
	return true;
}

static bool item_cancel(struct ksworker *w, PWORK_QUEUE_ITEM item, void *caller)
{
	unsigned long irqflags;
	PLIST_ENTRY older;
	bool cancelled;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	if (w->backlog) {
		backlog_gather(w);
		cancelled = backlog_remove(w, &item->List, &older);
	} else {
		cancelled = place_cancel(w, item, &older);
	}
	if (cancelled) {
		if (ksworker_is_observed())
			ksworker_saw_cancel(w, item, caller);
		item_release(item);
		waiters_passed(w, &item->List, older);
	}
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	if (cancelled)
		atomic_long_inc(&w->cancelled);
	return cancelled;
}

/**
 * KsCancelWorkItem() - take a queued item back
 * @Worker: the worker that it was queued on
 * @WorkItem: the item
 *
 * Never waits: an item whose routine has begun is not cancelled, and may still
 * be running when this returns (KsFlushWorker() waits for that). On a backlog
 * it looks through the line with interrupts off.
 *
 * Windows: an extension.
 *
 * Context: Any but NMI: also hard interrupts and under raw spinlocks.
 * Return: TRUE (1): it was queued here, had not begun and will not run; it may
 * be freed or queued again at once. FALSE (0): anything else.
 */
BOOLEAN KsCancelWorkItem(PKSWORKER Worker, PWORK_QUEUE_ITEM WorkItem)
{
	bool cancelled;

	if (!Worker || !WorkItem)
		return false;
	preempt_disable(); /* [ksw:rcu] */
	cancelled = item_cancel(Worker, WorkItem, __builtin_return_address(0));
	preempt_enable();
	return cancelled;
}
EXPORT_SYMBOL_GPL(KsCancelWorkItem);

/* Wait for the youngest that is accepted now; false: nothing is. */
static bool flush_join(struct ksworker *w, struct ksw_waiter *waiter)
{
	bool busy = false;
	u64 s;

	raw_spin_lock_irq(&w->lock);
	if (waiter_join(w, waiter)) {
		s = waiters_watch(w, &waiter->until);
		busy = state_busy(s); /* idle: all that ran is seen [ksw:publish] */
		if (!busy)
			waiter_part(w, waiter);
	}
	raw_spin_unlock_irq(&w->lock);
	return busy;
}

/**
 * KsFlushWorker() - wait for all that was accepted so far
 * @Worker: the worker
 *
 * Returns when each item and counted run that was accepted before the call has
 * finished or was cancelled. What is accepted later is not waited for.
 *
 * Windows: an extension.
 *
 * Context: Process context, may sleep (PASSIVE_LEVEL).
 * Return: STATUS_SUCCESS; STATUS_POSSIBLE_DEADLOCK from the worker's own
 * routine; STATUS_INVALID_PARAMETER for a NULL worker.
 */
NTSTATUS KsFlushWorker(PKSWORKER Worker)
{
	struct ksw_waiter waiter = { };
	bool own, busy = false;

	might_sleep();
	if (!Worker)
		return STATUS_INVALID_PARAMETER;
	preempt_disable(); /* [ksw:rcu] */
	own = READ_ONCE(Worker->runner) == current;
	if (!own)
		busy = flush_join(Worker, &waiter);
	preempt_enable();
	if (own)
		return STATUS_POSSIBLE_DEADLOCK;
	if (!busy)
		return STATUS_SUCCESS;
	compat_work_lockdep_wait(&Worker->work);
	ksworker_hook(KSW_HOOK_WAIT_JOINED, Worker);
	wait_for_completion(&waiter.event);
	waiter_leave(Worker, &waiter);
	return STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(KsFlushWorker);

/*
 * Counting
 */

/*
 * Where the frequent ways of counting are open: nowhere while somebody observes. A bound
 * in memory costs no instruction more than a constant, on kernels without jump labels, too
 * (so it is read plainly; it changes as a whole).
 */
static struct {
	ULONG up;	/* an increment, if the count after it is above; 0 is after the maximum */
	ULONG down;	/* a decrement, if the count before it is above */
} count_bounds __read_mostly = { .up = 1, .down = 0 };

void ksworker_count_observe(bool on)
{
	WRITE_ONCE(count_bounds.up, on ? U32_MAX : 1);
	WRITE_ONCE(count_bounds.down, on ? U32_MAX : 0);
}

/*
 * Under the lock: the counted item is due; true: the caller hands the worker over.
 * [model:counted_schedule]
 */
static bool counted_schedule(struct ksworker *w, void *caller)
{
	u64 new, s = state_read(w);

	/* A run that has not begun sees this task, too [ksw:publish]. */
	do {
		if (w->backlog && !(s & KSW_COUNTED))
			new = state_pushed(s | KSW_LOOK | KSW_COUNTED, &w->counted_entry);
		else
			new = state_counted(s);
	} while (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, new));
	if (!(s & KSW_COUNTED) && ksworker_is_observed())
		ksworker_saw_queue(w, w->counted, w->counted->WorkerRoutine, caller);
	return !state_busy(s);
}

/* The way out of 0, which must not cross the closing of the gate: under the lock. */
static noinline bool counted_open(struct ksworker *w, ULONG *count, void *caller)
{
	bool hand_over = false, opened = true;
	unsigned long irqflags;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	*count = atomic_read(&w->count);
	if (*count) {
		opened = false;	/* somebody else did */
	} else if (state_read(w) & KSW_CLOSING) {
		worker_refuse(w, KSW_REFUSED_CLOSING);
	} else {
		*count = atomic_inc_return(&w->count);
		ksworker_hook(KSW_HOOK_COUNT_CLAIMED, w);
		hand_over = counted_schedule(w, caller);
	}
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	if (hand_over)
		worker_hand_over(w);
	return opened;
}

static noinline void counted_warn(struct ksworker *w, enum ksw_warned bit, const char *call,
				  const char *rule, void *caller)
{
	worker_warn(w, bit, "%s: %s, called from %pS", call, rule, caller);
}

static noinline bool counted_invalid(struct ksworker *w, const char *call, void *caller)
{
	if (w)
		counted_warn(w, KSW_WARNED_PLAIN, call, "not a counted worker", caller);
	else
		WARN_RATELIMIT(1, "ksworker: %s: no worker, called from %pS\n", call, caller);
	return false;
}

static bool counted_valid(struct ksworker *w, const char *call, void *caller)
{
	return likely(w && w->counted) || counted_invalid(w, call, caller);
}

/* [model:increment] */
static ULONG counted_add(struct ksworker *w, void *caller)
{
	ULONG count = atomic_read(&w->count);

	do {
		if (!count && counted_open(w, &count, caller))
			return count;
		if (unlikely(count == U32_MAX)) {
			counted_warn(w, KSW_WARNED_OVERFLOW, "KsIncrementCountedWorker",
				     "the count is at its maximum", caller);
			return count;
		}
		/* The task, before the count that its decrement finds [ksw:count]. */
	} while (!count || !atomic_try_cmpxchg(&w->count, (int *)&count, count + 1));
	return count + 1;
}

static noinline ULONG increment_slow(struct ksworker *w, void *caller)
{
	ULONG count = 0;

	preempt_disable(); /* [ksw:rcu] */
	if (counted_valid(w, "KsIncrementCountedWorker", caller)) {
		count = counted_add(w, caller);
		trace_ksworker_count(w, 1, count, caller);
	}
	preempt_enable();
	return count;
}

/**
 * KsIncrementCountedWorker() - one task more
 * @Worker: a counted worker
 *
 * Add the task to the list first, then increment: the routine that sees the
 * count sees the task.
 *
 * Context: Any but NMI: also hard interrupts and under raw spinlocks.
 * Return: the count after. 1: the counted item was scheduled. 0: refused,
 * since the worker is being unregistered and the count was 0, or the worker
 * is not a counted one (warned about). ULONG_MAX: at the bound (warned about).
 */
ULONG KsIncrementCountedWorker(PKSWORKER Worker)
{
	ULONG count;

	if (likely(Worker)) {
		count = atomic_read(&Worker->count);
		/* 1 to the maximum less 1: nothing to schedule [ksw:count] [model:increment]. */
		while (likely(count + 1 > data_race(count_bounds.up)))
			if (likely(atomic_try_cmpxchg(&Worker->count, (int *)&count, count + 1)))
				return count + 1;
	}
	return increment_slow(Worker, __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(KsIncrementCountedWorker);

/* [model:counted_routine] */
static ULONG counted_subtract(struct ksworker *w, void *caller)
{
	ULONG count = atomic_read(&w->count);

	do {
		if (unlikely(!count)) {
			counted_warn(w, KSW_WARNED_UNDERFLOW, "KsDecrementCountedWorker",
				     "the count is 0 already", caller);
			return 0;
		}
		/* What the incrementer wrote is seen by who goes on [ksw:count]. */
	} while (!atomic_try_cmpxchg(&w->count, (int *)&count, count - 1));
	return count - 1;
}

static noinline ULONG decrement_slow(struct ksworker *w, void *caller)
{
	ULONG count = 0;

	preempt_disable(); /* [ksw:rcu] */
	if (counted_valid(w, "KsDecrementCountedWorker", caller)) {
		count = counted_subtract(w, caller);
		trace_ksworker_count(w, -1, count, caller);
	}
	preempt_enable();
	return count;
}

/**
 * KsDecrementCountedWorker() - one task less
 * @Worker: a counted worker
 *
 * Context: Any but NMI: also hard interrupts and under raw spinlocks; from any
 * thread.
 * Return: the count after; 0: the task list is done (or, warned about, it was
 * done already, or the worker is not a counted one).
 */
ULONG KsDecrementCountedWorker(PKSWORKER Worker)
{
	ULONG count;

	if (likely(Worker)) {
		count = atomic_read(&Worker->count);
		/* A plain worker's is always 0 [ksw:count] [model:counted_routine]. */
		while (likely(count > data_race(count_bounds.down)))
			if (likely(atomic_try_cmpxchg(&Worker->count, (int *)&count, count - 1)))
				return count - 1;
	}
	return decrement_slow(Worker, __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(KsDecrementCountedWorker);

/*
 * Closing and freeing
 */

/*
 * Close the gate. Returns the state before. If it was busy, the runner's last
 * exchange will find CLOSING, exactly once, and tell @closer [ksw:close]; if
 * it was idle, nothing runs any more. [model:worker_close]
 */
static u64 worker_close(struct ksworker *w, struct completion *closer)
{
	unsigned long irqflags;
	u64 s;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	s = state_read(w);
	if (!(s & KSW_CLOSING)) {
		w->closer = closer;
		s = atomic64_fetch_or(KSW_CLOSING, &w->state);
		trace_ksworker_close(w);
		waiters_retry(w);
	}
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	return s;
}

/* Those who sleep inside have been told, and are on their way out. */
static void users_wait(struct ksworker *w)
{
	DECLARE_COMPLETION_ONSTACK(gone);
	bool users;

	raw_spin_lock_irq(&w->lock);
	w->gone = &gone;
	users = w->users;
	raw_spin_unlock_irq(&w->lock);
	if (users)
		wait_for_completion(&gone);
}

/* Nothing runs, and nobody is inside but who will find the gate closed. */
static void worker_free(struct ksworker *w)
{
	users_wait(w);
	destroy_workqueue(w->wq);
	mutex_lock(&ksworker_registry_lock);
	trace_ksworker_unregister(w); /* the owner may be gone as soon as it has no worker here */
	list_del(&w->node);
	mutex_unlock(&ksworker_registry_lock);
	kfree(w->record); /* nothing runs, nobody looks, and who is refused does not touch it */
	if (wq_has_sleeper(&registry_left))
		wake_up_all(&registry_left);
	lockdep_unregister_key(&w->key);
	ksworker_hook(KSW_HOOK_FREE, w);
	kfree_rcu(w, rcu); /* [ksw:rcu] */
}

/* Free what nobody waits for, and what a workqueue's thread asks to be freed. */
static void reap_work_fn(struct work_struct *work)
{
	struct llist_node *list = llist_del_all(&reap_list);
	struct ksworker *w, *next;
	struct completion *closer;

	llist_for_each_entry_safe(w, next, list, reap) {
		closer = w->closer;
		worker_free(w);
		if (closer)
			complete(closer);
	}
}

/*
 * The second half of an unregister. From a workqueue's thread the reaper does
 * the freeing: destroy_workqueue() would complain about a thread that works for
 * memory reclaim and waits for one that does not, though nothing is left to run.
 */
static void worker_finish(struct ksworker *w, u64 s, struct completion *drained)
{
	ksworker_hook(KSW_HOOK_CLOSED, w);
	if (state_busy(s))
		wait_for_completion(drained);
	if (!(current->flags & PF_WQ_WORKER)) {
		worker_free(w);
		return;
	}
	reinit_completion(drained);
	worker_reap(w);
	wait_for_completion(drained);
}

/**
 * KsUnregisterWorker() - run what was accepted, then free the worker
 * @Worker: the worker; NULL is ignored
 *
 * Closes the gate first: what comes later is refused. When it returns no
 * routine runs and none will. From the worker's own routine it warns and
 * returns at once, and the worker is freed after that routine's return.
 *
 * Context: Process context, may sleep (PASSIVE_LEVEL). The caller must not
 * hold a lock that a routine of this worker takes (lockdep knows).
 */
VOID KsUnregisterWorker(PKSWORKER Worker)
{
	DECLARE_COMPLETION_ONSTACK(drained);
	bool own;
	u64 s;

	might_sleep();
	if (!Worker)
		return;
	own = READ_ONCE(Worker->runner) == current;
	if (!own)
		compat_work_lockdep_wait(&Worker->work);
	s = worker_close(Worker, own ? NULL : &drained);
	if (s & KSW_CLOSING) {
		worker_warn(Worker, KSW_WARNED_CLOSING,
			    "%s: the worker is being unregistered already, called from %pS",
			    __func__, __builtin_return_address(0));
		return;
	}
	if (own) {
		WARN(1, "ksworker: %s: called from the worker's own routine %ps; worker %u of %s is freed when that returns\n",
		     __func__, Worker->routine, Worker->id, owner_name(Worker->owner));
		return;
	}
	worker_finish(Worker, s, &drained);
}
EXPORT_SYMBOL_GPL(KsUnregisterWorker);

/*
 * Clients that unload without unregistering
 */

/* At the exit of this module (@owner is THIS_MODULE) all workers are concerned. */
static bool worker_is_owned(struct ksworker *w, const struct module *owner)
{
	return w->owner == owner || owner == THIS_MODULE;
}

static bool owner_has_worker(const struct module *owner)
{
	struct ksworker *w;
	bool found = false;

	sched_annotate_sleep(); /* a condition of wait_event(), and the mutex is free soon */
	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node)
		found |= worker_is_owned(w, owner);
	mutex_unlock(&ksworker_registry_lock);
	return found;
}

/* Close all that @owner left open, onto @list; returns how many have to drain. */
static unsigned int owner_close(const struct module *owner, struct completion *drained,
				struct llist_head *list)
{
	unsigned int busy = 0;
	struct ksworker *w;
	u64 s;

	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node) {
		if (!worker_is_owned(w, owner))
			continue;
		s = worker_close(w, drained);
		if (s & KSW_CLOSING)
			continue;
		WARN(llist_add(&w->reap, list),
		     "ksworker: module %s unloads without KsUnregisterWorker; its workers are drained first (worker %u, routine %ps)\n",
		     owner_name(w->owner), w->id, READ_ONCE(w->routine));
		busy += state_busy(s);
	}
	mutex_unlock(&ksworker_registry_lock);
	return busy;
}

/*
 * All workers of @owner are drained while its code is still mapped, and freed
 * when the last has drained, since their routines may still use one another.
 */
static void owner_leave(const struct module *owner)
{
	DECLARE_COMPLETION_ONSTACK(drained);
	struct ksworker *w, *next;
	LLIST_HEAD(list);
	unsigned int busy;

	for (;;) {	/* a routine may register one more meanwhile */
		busy = owner_close(owner, &drained, &list);
		if (llist_empty(&list))
			break;
		while (busy--)
			wait_for_completion(&drained);
		llist_for_each_entry_safe(w, next, llist_del_all(&list), reap)
			worker_free(w);
	}
	wait_event(registry_left, !owner_has_worker(owner));
}

static bool routine_within(PWORKER_THREAD_ROUTINE routine, const struct module *module)
{
	return routine && within_module((unsigned long)routine, module);
}

static bool entry_within(struct ksworker *w, PLIST_ENTRY entry, const struct module *module)
{
	return routine_within(READ_ONCE(ksworker_entry_item(w, entry)->WorkerRoutine), module);
}

/*
 * Under the lock, as one of the waiters: is a routine of @module queued here, or
 * running? The items that are found stay for as long as the lock is held, since
 * the word is watched.
 */
static bool worker_has_routine(struct ksworker *w, u64 s, PWORKER_THREAD_ROUTINE running,
			       const struct module *module)
{
	PWORK_QUEUE_ITEM item = state_item(s);
	PLIST_ENTRY entry;

	if (routine_within(running, module))
		return true;
	if (item && !w->backlog && entry_within(w, &item->List, module))
		return true;
	if ((s & KSW_COUNTED) && entry_within(w, &w->counted_entry, module))
		return true;
	for (entry = w->head; entry; entry = entry->Blink) /* waiters_watch() gathered them */
		if (entry_within(w, entry, module))
			return true;
	return false;
}

/*
 * An item of @module on a worker of somebody else (or of nobody known) is run
 * before the code goes, like a flush, from which this differs in its question.
 */
static bool routines_join(struct ksworker *w, struct ksw_waiter *waiter,
			  const struct module *module, bool *found)
{
	PWORKER_THREAD_ROUTINE running;
	bool joined = false;
	u64 s;

	raw_spin_lock_irq(&w->lock);
	if (waiter_join(w, waiter)) {
		s = waiters_watch(w, &waiter->until);
		/* Once: a second look might see what the first one was too early for. */
		running = READ_ONCE(w->routine);
		*found = worker_has_routine(w, s, running, module);
		/* Busy with nothing on show: what was just taken may be one of these. */
		joined = *found || (state_busy(s) && !running);
		if (!*found)
			waiter->until = NULL;
		if (!joined)
			waiter_part(w, waiter);
	}
	raw_spin_unlock_irq(&w->lock);
	return joined;
}

/* The next worker that has to be waited for; as one of its waiters we keep it. */
static struct ksworker *routines_find(const struct module *module, struct ksw_waiter *waiter,
				      unsigned int last_id, bool *found)
{
	struct ksworker *w;

	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node) {
		ksworker_hook(KSW_HOOK_LEAVE, w);
		if (w->id > last_id && routines_join(w, waiter, module, found))
			break;
	}
	mutex_unlock(&ksworker_registry_lock);
	return list_entry_is_head(w, &ksworker_registry, node) ? NULL : w;
}

/* One pass over all workers; true: something was waited for, and may have queued more. */
static bool routines_leave(struct ksw_leaver *leaver)
{
	struct ksw_waiter waiter = { };
	unsigned int last_id = 0;
	struct ksworker *w;
	bool found;

	while ((w = routines_find(leaver->module, &waiter, last_id, &found))) {
		WARN(found && !leaver->told_of_workers, "ksworker: module %s unloads with an item queued or running; it is run first (worker %u of %s)\n",
		     leaver->module->name, w->id, owner_name(w->owner));
		leaver->told_of_workers |= found;
		last_id = w->id;
		wait_for_completion(&waiter.event);
		waiter_leave(w, &waiter);
	}
	return last_id;
}

/* Modules that leave: the pools refuse what is theirs, begins on the workers are counted. */
static DEFINE_RAW_SPINLOCK(leavers_lock);
static struct ksw_leaver *leavers;

void ksworker_leaver_add(struct ksw_leaver *leaver)
{
	raw_spin_lock_irq(&leavers_lock);
	leaver->next = leavers;
	WRITE_ONCE(leavers, leaver);
	raw_spin_unlock_irq(&leavers_lock);
}

void ksworker_leaver_remove(struct ksw_leaver *leaver)
{
	struct ksw_leaver **link;

	raw_spin_lock_irq(&leavers_lock);
	for (link = &leavers; *link != leaver; link = &(*link)->next)
		;
	WRITE_ONCE(*link, leaver->next);
	raw_spin_unlock_irq(&leavers_lock);
}

/* Is @item, or @routine, of @module (NULL: of anybody)? */
bool ksworker_is_of(const struct module *module, const void *item, const void *routine)
{
	return !module || within_module((unsigned long)item, module) ||
	       within_module((unsigned long)routine, module);
}

/* Is @item, which is going to run @routine, of a module that leaves? */
bool ksworker_leaves(const void *item, const void *routine)
{
	struct ksw_leaver *leaver;
	unsigned long irqflags;

	raw_spin_lock_irqsave(&leavers_lock, irqflags);
	for (leaver = leavers; leaver; leaver = leaver->next)
		if (ksworker_is_of(leaver->module, item, routine))
			break;
	raw_spin_unlock_irqrestore(&leavers_lock, irqflags);
	return leaver;
}

/* While the workers are observed, under the lock of the one where @routine begins. */
void ksworker_leavers_count(const void *routine)
{
	struct ksw_leaver *leaver;
	unsigned long irqflags;

	if (!READ_ONCE(leavers))
		return;
	raw_spin_lock_irqsave(&leavers_lock, irqflags);
	for (leaver = leavers; leaver; leaver = leaver->next)
		leaver->begun += ksworker_is_of(leaver->module, NULL, routine);
	raw_spin_unlock_irqrestore(&leavers_lock, irqflags);
}

static unsigned long leaver_begun(struct ksw_leaver *leaver)
{
	unsigned long begun;

	raw_spin_lock_irq(&leavers_lock);
	begun = leaver->begun;
	raw_spin_unlock_irq(&leavers_lock);
	return begun;
}

/*
 * The pools have nothing of the module any more. A pass looks at one worker after
 * the other, so a routine may queue where it was looked already, and return before
 * its own worker is looked at. So it takes two passes that find nothing, and none
 * of the module's routines may have begun since before the first: then none runs
 * after that, so none queues, and what is queued is found by the second.
 */
static void owner_finish(struct ksw_leaver *leaver)
{
	unsigned long begun, before;
	unsigned int clean = 0;

	ksworker_observe();
	before = leaver_begun(leaver);
	do {
		owner_leave(leaver->module);
		clean = routines_leave(leaver) ? 0 : clean + 1;
		begun = leaver_begun(leaver);
		if (begun != before)
			clean = 0;
		before = begun;
	} while (clean < 2);
	ksworker_unobserve();
}

/*
 * First what is there is let end as if the module stayed: the pools' routines may
 * use the workers, and the workers' routines may wait for what they queue on the pools.
 */
static int owner_notify(struct notifier_block *nb, unsigned long action, void *module)
{
	struct ksw_leaver leaver = { .module = module };

	if (action == MODULE_STATE_GOING) {
		ksworker_io_leave(&leaver);
		owner_leave(module);
		routines_leave(&leaver);
		ksworker_io_shut(&leaver);
		owner_finish(&leaver);
		ksworker_io_reopen(&leaver);
	}
	return NOTIFY_OK;
}

static struct notifier_block owner_notifier = {
	.notifier_call = owner_notify,
};

static int __init ksworker_init(void)
{
	int error;

	reap_wq = alloc_workqueue("ksworker_reaper", WQ_UNBOUND, 0);
	if (!reap_wq)
		return -ENOMEM;
	error = ksworker_io_open();
	if (error)
		goto out_reaper;
	error = register_module_notifier(&owner_notifier);
	if (error)
		goto out_io;
	ksworker_debugfs_open();
	ksworker_stall_open();
	return 0;

out_io:
	ksworker_io_close();
out_reaper:
	destroy_workqueue(reap_wq);
	return error;
}

static void __exit ksworker_exit(void)
{
	unregister_module_notifier(&owner_notifier);
	ksworker_debugfs_close();
	owner_leave(THIS_MODULE);
	ksworker_stall_close();
	ksworker_io_close();
	destroy_workqueue(reap_wq);
}

module_init(ksworker_init);
module_exit(ksworker_exit);

MODULE_DESCRIPTION("Windows Kernel Streaming workers for porting layers");
MODULE_AUTHOR("The ksworker project");
MODULE_LICENSE("GPL");
MODULE_VERSION(KSWORKER_VERSION);
