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
 *	|                place                 | FIRST  | COUNTED | CLOSING |
 *	+--------------------------------------+--------+---------+---------+
 *
 *	place == 0		nothing is queued, nothing runs: idle
 *	place == KSW_BUSY	busy (running or about to look), the place is free
 *	place == an item	busy, and this item is queued and has not begun
 *
 *	CLOSING		an unregister has begun; never cleared
 *	COUNTED		the counted item is scheduled and has not begun (implies busy)
 *	FIRST		with COUNTED: it was accepted before the item in the place;
 *			without: an item was cancelled since the last take
 *
 * Busy means: exactly one of us - a queuer between its exchange and its
 * queue_work(), the pending work_struct, or the running one - has promised to
 * look at the word again. Whoever makes an idle worker busy hands it over to
 * the workqueue; whoever finds it busy does nothing more.
 *
 *	who		from			to
 *	queue		idle			item			hand over
 *	queue		BUSY			item
 *	queue		BUSY FIRST		item FIRST
 *	queue		BUSY COUNTED		item COUNTED FIRST
 *	increment	idle			BUSY COUNTED		hand over
 *	increment	BUSY or item [FIRST]	the same, COUNTED, less FIRST
 *	cancel		item [FIRST]		BUSY FIRST
 *	cancel		item COUNTED [FIRST]	BUSY COUNTED
 *	runner		item [FIRST]		BUSY			begin the item
 *	runner		item COUNTED		BUSY COUNTED		begin the item
 *	runner		BUSY COUNTED		BUSY			begin the counted item
 *	runner		item COUNTED FIRST	item			begin the counted item
 *	runner		BUSY [FIRST]		idle			return
 *	unregister	anything		the same, CLOSING
 *
 * CLOSING stays where it is in all of these; with it, queue does not happen, nor
 * an increment 0 -> 1. On 32-bit machines the item's address is in the upper
 * half of the word.
 *
 * Everything but queue and the runner's exchange happens under w->lock. The
 * runner takes the lock, too, while somebody sleeps in a flush or for the place.
 *
 * A BACKLOG worker keeps its items, and its counted item's stand-in, in a list
 * under w->lock; of the word it uses idle, BUSY and CLOSING, and changes them
 * under the lock only.
 *
 * An item's List, while it is queued: Flink is its worker, Blink the next item
 * of the backlog. Flink is claimed by a compare-and-exchange from NULL, which
 * keeps one item from being queued twice, on whatever workers.
 */
#ifndef _KSWORKER_INTERNAL_H
#define _KSWORKER_INTERNAL_H

#include <linux/atomic.h>
#include <linux/bits.h>
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
#define KSW_FIRST	BIT_ULL(2)
#define KSW_FLAGS	(KSW_CLOSING | KSW_COUNTED | KSW_FIRST)
#define KSW_BUSY	BIT_ULL(3)
#define KSW_PLACE	(~KSW_FLAGS)
#define KSW_SHIFT	(64 - BITS_PER_LONG)

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
	WORK_QUEUE_TYPE type;			/* I */
	union {
		struct list_head node;		/* G: in the registry */
		struct rcu_head rcu;		/* after it left */
	};

	atomic64_t state ____cacheline_aligned;	/* A: see above */
	atomic_t count;				/* A: 0 -> 1 under the lock only */
	struct work_struct work;		/* the workqueue's: our place on its queue */
	LIST_ENTRY counted_entry;		/* L: the counted item's stand-in in a backlog */

	struct task_struct *runner ____cacheline_aligned;	/* R: NULL between runs */
	PWORKER_THREAD_ROUTINE routine;		/* R: what runs now, or NULL */
	unsigned long since;			/* R: jiffies when it began */
	unsigned long begun;			/* R */
	unsigned long finished;			/* R */
	atomic_long_t cancelled;		/* A */
	struct llist_node reap;			/* the reaper's, once drained */

	raw_spinlock_t lock ____cacheline_aligned;
	unsigned int users;			/* L: calls that sleep inside */
	struct completion *gone;		/* L: told when there are none any more */
	struct hlist_head waiters;		/* L: struct ksw_waiter; first is read without */
	PLIST_ENTRY head;			/* L: the backlog, oldest first, linked by Blink */
	PLIST_ENTRY *tail;			/* L: where the next one is linked */
	atomic_long_t refused[KSW_REFUSALS];	/* A */
	struct lock_class_key key;		/* of work: a class per worker */
};

extern struct mutex ksworker_registry_lock;
extern struct list_head ksworker_registry;

/* The item in the place, or NULL. */
static inline PWORK_QUEUE_ITEM state_item(u64 s)
{
	s &= KSW_PLACE;
	return s > KSW_BUSY ? (PWORK_QUEUE_ITEM)(unsigned long)(s >> KSW_SHIFT) : NULL;
}

static inline bool state_busy(u64 s)
{
	return s & KSW_PLACE;
}

void ksworker_debugfs_open(void);
void ksworker_debugfs_close(void);

#endif /* _KSWORKER_INTERNAL_H */
