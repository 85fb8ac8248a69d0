/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ksworker's own files share
 *
 * The state word
 * ==============
 *
 * All that decides whether work is accepted, and whether anybody is going to
 * run it, stands in one 64-bit word, so that each change is one exchange:
 *
 *	63                                    3   2        1         0
 *	+--------------------------------------+--------+---------+---------+
 *	|                place                 |  LOOK  | COUNTED | CLOSING |
 *	+--------------------------------------+--------+---------+---------+
 *
 *	IDLE		nothing is queued, nothing runs
 *	BUSY		busy (running, or about to look), the place is free
 *	WATCHED		the same, and somebody waits: what comes is taken with a look
 *	an item		busy, and this item is queued and has not begun
 *
 *	LOOK		with an item: the runner takes it under the lock, since
 *			somebody waits; with COUNTED, too: the counted item was first.
 *			BUSY is LOOK and no item: the runner finds out what to do
 *			by one test for flags.
 *	COUNTED		the counted item is scheduled and has not begun (implies busy)
 *	CLOSING		an unregister has begun; never cleared
 *
 * Busy means: exactly one of us - a queuer between its exchange and its
 * queue_work(), the pending work_struct, or the running one - has promised to
 * look at the word again. Whoever makes an idle worker busy hands it over to
 * the workqueue; whoever finds it busy does nothing more.
 *
 *	who		from			to
 *	queue		IDLE			item			hand over
 *	queue		BUSY			item
 *	queue		WATCHED			item LOOK
 *	queue, observed	IDLE, BUSY		item LOOK		hand over if IDLE
 *	queue		BUSY COUNTED		item COUNTED LOOK
 *	increment	IDLE			BUSY COUNTED		hand over
 *	increment	BUSY, item		the same, COUNTED, item less LOOK
 *	cancel		item			BUSY or WATCHED
 *	cancel		item COUNTED		BUSY COUNTED
 *	wait, flush	item			item LOOK
 *	wait, flush	BUSY			WATCHED
 *	runner		item			BUSY			begin the item
 *	runner		item LOOK		BUSY or WATCHED		begin the item
 *	runner		item COUNTED		BUSY COUNTED		begin the item
 *	runner		BUSY COUNTED		BUSY or WATCHED		begin the counted item
 *	runner		item COUNTED LOOK	item or item LOOK	begin the counted item
 *	runner		BUSY, WATCHED		IDLE			return
 *	unregister	anything		the same, CLOSING
 *
 * Where it says "or", it is the second one if somebody waits, or if the workers are
 * observed (ksworker_observe.c): then all of this is under the lock, queue too. CLOSING stays
 * where it is in all of these; with it, queue does not happen, nor an increment
 * 0 -> 1. On 32-bit machines the item's address is in the upper half of the word.
 *
 * Everything happens under w->lock but queue, and what the runner does from a
 * lone item or a lone BUSY. So who waits, and has made the word LOOK or WATCHED
 * under the lock, is told of each step.
 *
 * A BACKLOG worker always has the word LOOK or WATCHED when it is busy. Its place
 * is the youngest of those that came in, which are linked by Blink to the next
 * older one; so queue, and increment with the counted item's stand-in, change an
 * item into another one. The runner, or whoever wants to see them all, takes the
 * whole of them and puts it in line, under the lock:
 *
 *	queue		IDLE, WATCHED, item LOOK	item LOOK
 *	increment	the same		stand-in LOOK COUNTED
 *	gather		item LOOK		WATCHED
 *	runner		WATCHED			IDLE			return
 *
 * An item's List, while it is queued: Flink is its worker, Blink another item
 * of the backlog (older while it comes in, younger in the line). Flink is
 * claimed by a compare-and-exchange from NULL, which keeps one item from being
 * queued twice, on whatever workers.
 */
#ifndef _KSWORKER_INTERNAL_H
#define _KSWORKER_INTERNAL_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/lockdep_types.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ksworker.h"
#include "ksworker_hooks.h"

#define KSW_CLOSING	BIT_ULL(0)
#define KSW_COUNTED	BIT_ULL(1)
#define KSW_LOOK	BIT_ULL(2)
#define KSW_FLAGS	(KSW_CLOSING | KSW_COUNTED | KSW_LOOK)
#define KSW_PLACE	(~KSW_FLAGS)
#define KSW_NO_ITEM	BIT_ULL(3)	/* an impossible address */
#define KSW_IDLE	KSW_NO_ITEM
#define KSW_BUSY	KSW_LOOK
#define KSW_WATCHED	(KSW_NO_ITEM | KSW_LOOK)
#define KSW_SHIFT	(64 - BITS_PER_LONG)

#define KSW_BATCH	30	/* entries of a backlog that its runner takes at a time */

/* Why a call was refused, as an administrator sees it. */
enum ksw_refusal {
	KSW_REFUSED_PLACE,	/* the place is occupied */
	KSW_REFUSED_ITEM,	/* the item itself is queued already */
	KSW_REFUSED_CLOSING,	/* the worker is closing */
	KSW_REFUSALS,
	KSW_ACCEPTED = KSW_REFUSALS
};

/* Bits of ksworker.flags above the public ones: what was warned about. */
enum ksw_warned {
	KSW_WARNED_UNDERFLOW = 8,
	KSW_WARNED_OVERFLOW,
	KSW_WARNED_PLAIN,
	KSW_WARNED_CLOSING,
};

/**
 * struct ksworker - one worker
 *
 * Each field's rule:
 *
 * I: set before the worker is published, then read only.
 * A: atomic.
 * R: written by the runner only (one thread at a time, the workqueue sees to
 *    that), with WRITE_ONCE(); read by anybody with READ_ONCE(), as a hint.
 * L: &ksworker.lock.
 * G: ksworker_registry_lock.
 * C: written under the lock before CLOSING is set, read by who saw CLOSING.
 *
 * Four cache lines on 64-bit: what all read; what queuers write; what the
 * runner writes; what the slow paths write.
 */
struct ksworker {
	struct workqueue_struct *wq;		/* I */
	PWORK_QUEUE_ITEM counted;		/* I: or NULL */
	struct module *owner;			/* I: or NULL */
	unsigned long flags;			/* A: KSWORKER_* (I) and enum ksw_warned */
	struct completion *closer;		/* C: told when drained; NULL: the reaper is */
	unsigned int id;			/* I */
	u8 type;				/* I: WORK_QUEUE_TYPE */
	bool backlog;				/* I */
	bool pushable;				/* A: a backlog that nobody observes */
	union {
		struct list_head node;		/* G: in the registry */
		struct rcu_head rcu;		/* after it left */
	};

	atomic64_t state ____cacheline_aligned;	/* A: see above */
	atomic_t count;				/* A: 0 -> 1 under the lock only */
	pid_t runner_pid;			/* R: of the last runner */
	struct work_struct work;		/* the workqueue's: our place on its queue */
	LIST_ENTRY counted_entry;		/* L: the counted item's stand-in in a backlog */

	struct task_struct *runner ____cacheline_aligned;	/* R: NULL between runs */
	PWORKER_THREAD_ROUTINE routine;		/* R: what runs now, or NULL */
	unsigned long since;			/* R: jiffies when it began */
	unsigned long begun;			/* R: finished are all but the one that runs */
	struct ksw_batch *batch;		/* I: behind this struct, if it is a backlog */
	atomic_long_t cancelled;		/* A */
	struct llist_node reap;			/* the reaper's, once drained */
	struct ksw_record *record;		/* L: set once, if ever; freed with the worker */

	raw_spinlock_t lock ____cacheline_aligned;
	unsigned int users;			/* L: calls that sleep inside */
	struct completion *gone;		/* L: told when there are none any more */
	struct hlist_head waiters;		/* L: struct ksw_waiter */
	PLIST_ENTRY head;			/* L: the line, oldest first */
	PLIST_ENTRY *tail;			/* L: where the next one is linked */
	atomic_long_t refused[KSW_REFUSALS];	/* A */
	struct lock_class_key key;		/* of work: a class per worker */
};

/**
 * struct ksw_batch - what the runner of a backlog takes without the lock
 * @count: how many were put in and have not been taken back; under the lock
 * @entry: oldest first; NULL: taken, or taken back, or the end
 */
struct ksw_batch {
	unsigned int count;
	PLIST_ENTRY entry[KSW_BATCH + 1];
};

/**
 * struct ksw_waiter - one call that sleeps, on its stack; or the stall report's watch
 * @node: in ksworker.waiters
 * @event: something happened, look again; or for a flush: done
 * @until: flush: the entry that must finish; NULL: the routine that runs
 * @place: true: waits for the place; false: a flush
 */
struct ksw_waiter {
	struct hlist_node node;
	struct completion event;
	PLIST_ENTRY until;
	bool place;
};

/**
 * struct ksw_record - what is remembered of a worker that is looked at; under its lock
 * @item: of the routine that runs; NULL: none does, or its begin was not seen
 * @routine: of the same
 * @began: of the same, nanoseconds
 * @waiting: the item whose wait is measured, one at a time; or NULL
 * @queued: of the same, nanoseconds
 * @last: when an item was queued last, nanoseconds
 * @counted: when the counted item was scheduled, if it waits; else 0
 * @longest_wait: nanoseconds
 * @longest_run: nanoseconds
 * @watch: the stall report's: @watch.until has not begun since @watched
 * @watched: jiffies
 * @wait_told: @watch.until was reported
 * @begun_seen: ksworker.begun when the stall report looked last
 * @begun_told: ksworker.begun of the routine that was reported last
 */
struct ksw_record {
	const void *item;
	const void *routine;
	u64 began;
	const void *waiting;
	u64 queued;
	u64 last;
	u64 counted;
	u64 longest_wait;
	u64 longest_run;
	struct ksw_waiter watch;
	unsigned long watched;
	bool wait_told;
	unsigned long begun_seen;
	unsigned long begun_told;
};

/* What runs, and since when: at the latest since then [ksw:age]. */
static inline PWORKER_THREAD_ROUTINE worker_routine(struct ksworker *w, unsigned long *since)
{
	PWORKER_THREAD_ROUTINE routine = READ_ONCE(w->routine);

	smp_rmb(); /* the routine, before its time [ksw:age] */
	*since = READ_ONCE(w->since);
	return routine;
}

/**
 * struct ksw_leaver - a module that unloads; on the stack of who waits for that
 * @next: another one
 * @module: the module; NULL: all of them, since ksworker itself unloads
 * @begun: how often a routine of it began on a worker since the workers are observed
 * @told_of_pools: it was named for a routine that goes on in a pool
 * @told_of_workers: it was named for an item on somebody's worker
 */
struct ksw_leaver {
	struct ksw_leaver *next;
	const struct module *module;
	unsigned long begun;
	bool told_of_pools;
	bool told_of_workers;
};

extern struct mutex ksworker_registry_lock;
extern struct list_head ksworker_registry;

/* The item in the place, or NULL. */
static inline PWORK_QUEUE_ITEM state_item(u64 s)
{
	s &= KSW_PLACE;
	return s > KSW_NO_ITEM ? (PWORK_QUEUE_ITEM)(unsigned long)(s >> KSW_SHIFT) : NULL;
}

static inline bool state_busy(u64 s)
{
	return (s & ~KSW_CLOSING) != KSW_IDLE;
}

struct seq_file;

/* ksworker.c, for ksworker_io.c */
int ksworker_type_priority(WORK_QUEUE_TYPE type);
unsigned int ksworker_type_wq_flags(WORK_QUEUE_TYPE type, ULONG flags);
PLIST_ENTRY ksworker_item_claim(PWORK_QUEUE_ITEM item, PLIST_ENTRY owner);
void ksworker_item_give(PWORK_QUEUE_ITEM item, PLIST_ENTRY owner);
void ksworker_context_check(void *routine, int lockdep_depth);

/* ksworker.c: modules that leave */
void ksworker_leaver_add(struct ksw_leaver *leaver);
void ksworker_leaver_remove(struct ksw_leaver *leaver);
bool ksworker_is_of(const struct module *module, const void *item, const void *routine);
bool ksworker_leaves(const void *item, const void *routine);
void ksworker_leavers_count(const void *routine);

/* ksworker.c, for those who look */
bool ksworker_is_queued(struct ksworker *w);
u64 ksworker_watch(struct ksworker *w, PLIST_ENTRY *youngest);
PWORK_QUEUE_ITEM ksworker_entry_item(struct ksworker *w, PLIST_ENTRY entry);
void ksworker_count_observe(bool on);

/* ksworker_observe.c */
extern bool ksworker_observed;

static inline bool ksworker_is_observed(void)
{
	return unlikely(READ_ONCE(ksworker_observed));
}

int ksworker_observe(void);
void ksworker_unobserve(void);
bool ksworker_is_timed(void);
void ksworker_worker_observe(struct ksworker *w);
struct ksw_record *ksworker_record_open(struct ksworker *w, gfp_t gfp);
void ksworker_saw_queue(struct ksworker *w, PWORK_QUEUE_ITEM item, void *routine, void *caller);
void ksworker_saw_refusal(struct ksworker *w, PWORK_QUEUE_ITEM item, NTSTATUS status, void *caller);
void ksworker_saw_begin(struct ksworker *w, PWORK_QUEUE_ITEM item);
void ksworker_saw_end(struct ksworker *w);
void ksworker_saw_cancel(struct ksworker *w, PWORK_QUEUE_ITEM item, void *caller);

/* ksworker_stall.c */
void ksworker_stall_open(void);
void ksworker_stall_close(void);
void ksworker_stall_arm(void);
void ksworker_stall_look(unsigned long limit);
unsigned long ksworker_stall_reports(void);

/* ksworker_io.c */
int ksworker_io_open(void);
void ksworker_io_close(void);
void ksworker_io_leave(struct ksw_leaver *leaver);
void ksworker_io_shut(struct ksw_leaver *leaver);
void ksworker_io_reopen(struct ksw_leaver *leaver);
void ksworker_io_show(struct seq_file *m);

/* ksworker_debugfs.c */
int ksworker_workers_show(struct seq_file *m, void *unused);
int ksworker_summary_show(struct seq_file *m, void *unused);
void ksworker_debugfs_open(void);
void ksworker_debugfs_close(void);

#endif /* _KSWORKER_INTERNAL_H */
