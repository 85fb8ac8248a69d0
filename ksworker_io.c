// SPDX-License-Identifier: GPL-2.0
/*
 * Work items of the I/O manager and the executive: a pool for each type
 *
 * docs/design-io.md has the model and why each race is closed. In short: items
 * that have not begun wait in their pool's list; a seat is a work_struct of
 * ours that takes one, calls its routine, and looks again. While anything
 * waits, one seat has been sent to look (the looker), or all seats run
 * routines and look when these return. Who takes an item and leaves others
 * sends the next looker first, since the routine may block.
 *
 * The item's state is List.Flink, written under the lock of the pool that has
 * the item (a KSWORKER claims it from NULL without):
 *
 *	Flink		the item is			queue	free	begin
 *	NULL		the client's			-> EX	freed
 *							or IO
 *	pool's EX	queued by ExQueueWorkItem()	refused	-> GIVEN -> NULL
 *	pool's IO	queued by IoQueueWorkItem()...	refused	-> GIVEN -> NULL
 *	pool's GIVEN	queued and given up: ours	refused	a warning -> gone
 *	gone		given up, its routine runs	refused	nothing
 *	a worker	queued on a KSWORKER		refused	kept
 */
#define pr_fmt(fmt) "ksworker: " fmt

#include <linux/device.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "ksworker_compat.h"
#include "ksworker_internal.h"

/* Routines of one type that may block before the next one waits. */
#define IO_SEATS	128
/* How long a seat goes on by itself before it goes back to the workqueue. */
#define IO_SLICE	msecs_to_jiffies(10)
/* How long a module that unloads waits in silence for its routines to return. */
#define IO_PATIENCE	20	/* times HZ / 10; a machine that stands still is one */

/* Who has an item: the values of List.Flink, one address each in every pool. */
enum io_owner {
	IO_EX,			/* queued as a WORK_QUEUE_ITEM */
	IO_IO,			/* queued as an IO_WORKITEM */
	IO_GIVEN,		/* and given up since: freed when its routine has returned */
	IO_OWNERS
};

/* What kind of routine a run calls. */
enum io_kind {
	IO_KIND_EX,		/* WorkerRoutine(Parameter) */
	IO_KIND_DEVICE,		/* IoQueueWorkItem(): routine(device, context) */
	IO_KIND_OBJECT,		/* IoQueueWorkItemEx(): routine_ex(device, context, item) */
};

/* Where an IO_WORKITEM comes from: "IoAl", "IoIn", "IoKe", "IoGi". */
enum io_magic {
	IO_ENDED = 0,
	IO_ALLOCATED = 0x6c416f49,
	IO_INITIALISED = 0x6e496f49,
	IO_KEPT = 0x654b6f49,
	IO_GIVEN_UP = 0x69476f49,	/* its routine runs */
};

/**
 * struct io_run - one call of a routine: all that it takes, without the item
 * @kind: which routine
 * @plain: IO_KIND_EX
 * @routine: IO_KIND_DEVICE
 * @routine_ex: IO_KIND_OBJECT
 * @context: what it is called with
 * @device: NULL, or a reference is held
 * @item: what IO_KIND_OBJECT is told; not to be looked at, unless it is given up
 * @given: the item is ours, to be freed
 */
struct io_run {
	enum io_kind kind;
	union {
		PWORKER_THREAD_ROUTINE plain;
		PIO_WORKITEM_ROUTINE routine;
		PIO_WORKITEM_ROUTINE_EX routine_ex;
	};
	PVOID context;
	struct device *device;
	PIO_WORKITEM item;
	bool given;
};

/**
 * struct _IO_WORKITEM - the client's, until it is queued and after it has begun
 * @WorkItem: first, so that the item can be queued on a KSWORKER as well
 * @device: from allocation on
 * @routine: what was queued last (both)
 * @context: the same
 * @rcu: of memory that was freed
 * @kept: of memory that a worker has although it was freed; it may be queued here meanwhile
 * @magic: where it comes from
 * @kind: of the routine
 */
struct _IO_WORKITEM {
	WORK_QUEUE_ITEM WorkItem;
	struct device *device;
	union {
		struct {
			void *routine;
			PVOID context;
		};
		struct rcu_head rcu;
	};
	struct llist_node kept;
	enum io_magic magic;
	enum io_kind kind;
};

static_assert(offsetof(IO_WORKITEM, WorkItem) == 0);

struct io_pool;

/**
 * struct io_seat - where one routine at a time runs
 * @work: the workqueue's, from queue_work() until its function has returned
 * @pool: of this seat, constant
 * @next: free: the next free one (pool's lock)
 * @routine: what runs, or NULL (pool's lock)
 * @since: jiffies when it began (pool's lock)
 */
struct io_seat {
	struct work_struct work;
	struct io_pool *pool;
	struct io_seat *next;
	void *routine;
	unsigned long since;
};

/**
 * struct io_pool - what runs the items of one type
 * @lock: of all but @wq
 * @leaving: how many modules leave, whose items are refused (ksworker is one)
 * @watchers: those who wait for items and routines to be gone
 * @looker: the seat that has been sent and has not looked, or NULL
 * @free: the seats that nobody uses. The last one is put at the end, since its function
 *	has not returned: what it was sent for would wait for that
 * @free_tail: where the next one is linked
 * @free_seats: how many these are
 * @queued: how many items have not begun
 * @room: how many more could begin before a routine returns, or a negative
 *	number; written under the lock, read without by who asks
 * @head: these, oldest first, linked by Blink
 * @tail: where the next one is linked
 * @begun: how many have
 * @finished: how many routines have returned
 * @refused: by IoTryQueueWorkItem(), since no seat was free (atomic)
 * @wq: constant from load to unload
 * @owner: addresses for List.Flink, see enum io_owner
 * @seats: all of them
 */
struct io_pool {
	raw_spinlock_t lock;
	unsigned int leaving;
	unsigned int watchers;
	struct io_seat *looker;
	struct io_seat *free;
	struct io_seat **free_tail;
	unsigned int free_seats;
	unsigned int queued;
	int room;
	PLIST_ENTRY head;
	PLIST_ENTRY *tail;
	unsigned long begun;
	unsigned long finished;
	atomic_long_t refused;
	struct workqueue_struct *wq;
	LIST_ENTRY owner[IO_OWNERS];
	struct io_seat seats[IO_SEATS];
} ____cacheline_aligned;

static struct io_pool pools[MaximumWorkQueue];
/* Flink of an item that was given up and whose routine runs. */
static LIST_ENTRY io_gone;
/* Given up while a worker had them. */
static LLIST_HEAD(io_kept);
static DECLARE_WAIT_QUEUE_HEAD(io_left);

static void io_tell_fn(struct irq_work *work)
{
	wake_up_all(&io_left);
}

/* From where nobody can be woken, on PREEMPT_RT. */
static DEFINE_IRQ_WORK(io_tell, io_tell_fn);

static const char * const pool_names[MaximumWorkQueue] = {
	[CriticalWorkQueue] = "critical",
	[DelayedWorkQueue] = "delayed",
	[HyperCriticalWorkQueue] = "hypercritical",
	[NormalWorkQueue] = "normal",
	[BackgroundWorkQueue] = "background",
	[RealTimeWorkQueue] = "realtime",
	[SuperCriticalWorkQueue] = "supercritical",
};

/* Once for as long as one place goes on with one item. */
static bool misuse_is_new(const void *item, void *caller)
{
	static const void *last_item;
	static void *last_caller;

	if (READ_ONCE(last_item) == item && READ_ONCE(last_caller) == caller)
		return false;
	WRITE_ONCE(last_item, item);
	WRITE_ONCE(last_caller, caller);
	return true;
}

/* Say what the client does wrong, and not too often in all. */
static noinline void io_misuse(const char *call, const char *rule, const void *item, void *caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL, 50);

	if (misuse_is_new(item, caller) && __ratelimit(&limit))
		WARN(1, "ksworker: %s: %s, called from %pS\n", call, rule, caller);
}

/*
 * The pool: all under its lock
 */

static void pool_push(struct io_pool *pool, PLIST_ENTRY entry)
{
	entry->Blink = NULL;
	*pool->tail = entry;
	pool->tail = &entry->Blink;
	pool->queued++;
}

static PLIST_ENTRY pool_pop(struct io_pool *pool)
{
	PLIST_ENTRY entry = pool->head;

	pool->head = entry->Blink;
	if (!pool->head)
		pool->tail = &pool->head;
	pool->queued--;
	return entry;
}

/* @by takes the place of @entry; NULL: nobody does. */
static void pool_replace(struct io_pool *pool, PLIST_ENTRY entry, PLIST_ENTRY by)
{
	PLIST_ENTRY *link = &pool->head, *end;

	while (*link != entry)
		link = &(*link)->Blink;
	if (by) {
		by->Blink = entry->Blink;
		*link = by;
		end = &by->Blink;
	} else {
		*link = entry->Blink;
		end = link;
		pool->queued--;
	}
	if (pool->tail == &entry->Blink)
		pool->tail = end;
}

static void seat_put(struct io_pool *pool, struct io_seat *seat)
{
	seat->next = NULL;
	*pool->free_tail = seat;
	pool->free_tail = &seat->next;
	pool->free_seats++;
}

/* At the end of each section of the lock that changed one of these. */
static void room_update(struct io_pool *pool)
{
	WRITE_ONCE(pool->room, (int)(pool->free_seats + !!pool->looker - pool->queued));
}

/* If something waits and nobody is on the way to it, the caller sends this seat. */
static struct io_seat *looker_appoint(struct io_pool *pool)
{
	struct io_seat *seat = pool->free;

	if (!pool->head || pool->looker || !seat)
		return NULL;
	pool->free = seat->next;
	if (!pool->free)
		pool->free_tail = &pool->free;
	pool->free_seats--;
	pool->looker = seat;
	return seat;
}

/* Not under the lock, and not preempted since looker_appoint(): others rely on it. */
static void looker_send(struct io_seat *seat)
{
	ksworker_hook(KSW_HOOK_IO_LOOKER, NULL);
	WARN_ON_ONCE(!queue_work(seat->pool->wq, &seat->work));
}

static PWORK_QUEUE_ITEM entry_item(PLIST_ENTRY entry)
{
	return container_of(entry, WORK_QUEUE_ITEM, List);
}

static PIO_WORKITEM entry_io(PLIST_ENTRY entry)
{
	return container_of(entry, IO_WORKITEM, WorkItem.List);
}

/* What it is going to run; @entry is queued here. */
static enum io_kind entry_kind(struct io_pool *pool, PLIST_ENTRY entry)
{
	if (READ_ONCE(entry->Flink) == &pool->owner[IO_EX])
		return IO_KIND_EX;
	return entry_io(entry)->kind;
}

static void *entry_routine(struct io_pool *pool, PLIST_ENTRY entry)
{
	if (entry_kind(pool, entry) == IO_KIND_EX)
		return entry_item(entry)->WorkerRoutine;
	return entry_io(entry)->routine;
}

/*
 * Taking an item out of its owner's hands
 */

/* The pool that @owner, a value of Flink, is of; NULL: of none. */
static struct io_pool *owner_pool(PLIST_ENTRY owner)
{
	unsigned long offset = (unsigned long)owner - (unsigned long)pools;

	return offset < sizeof(pools) ? &pools[offset / sizeof(*pools)] : NULL;
}

/* Under the lock of the pool that has it: it is ours from now on. */
static void item_give_up(struct io_pool *pool, PIO_WORKITEM io)
{
	io->kind = entry_kind(pool, &io->WorkItem.List);
	WRITE_ONCE(io->WorkItem.List.Flink, &pool->owner[IO_GIVEN]);
}

/*
 * Under the lock of the pool that has it: the caller takes the memory of @io
 * back, and @by, which is ours, is queued instead. NULL: nothing is.
 */
static void item_stand_in(struct io_pool *pool, PIO_WORKITEM io, PIO_WORKITEM by)
{
	PLIST_ENTRY entry = &io->WorkItem.List;

	if (by) {
		*by = *io;
		by->magic = IO_ALLOCATED;
		by->kind = entry_kind(pool, entry);
		by->WorkItem.List.Flink = NULL;
		ksworker_item_claim(&by->WorkItem, &pool->owner[IO_GIVEN]);
	}
	pool_replace(pool, entry, by ? &by->WorkItem.List : NULL);
	room_update(pool);
	ksworker_item_give(&io->WorkItem, NULL);
	if (pool->watchers)
		irq_work_queue(&io_tell);
}

/*
 * The item is being freed (@uninit: its memory is taken back). Returns who had
 * it: NULL: nobody. If it was a pool, its run is seen to; @by is used up if it
 * is needed. The acquire pairs with the release at begin [ksw:item]. Who frees is
 * not preempted: the item may begin before the lock is had, and be freed by its
 * routine; it is there for as long as that [ksw:freed].
 */
static PLIST_ENTRY item_leave(PIO_WORKITEM io, bool uninit, PIO_WORKITEM by)
{
	PLIST_ENTRY owner, now;
	struct io_pool *pool;
	unsigned long flags;

	do {
		owner = smp_load_acquire(&io->WorkItem.List.Flink); /* [ksw:item] */
		ksworker_hook(KSW_HOOK_IO_FREEING, NULL);
		pool = owner_pool(owner);
		if (!pool)
			return owner;
		raw_spin_lock_irqsave(&pool->lock, flags);
		now = READ_ONCE(io->WorkItem.List.Flink);
		if (now != owner || owner == &pool->owner[IO_GIVEN])
			;
		else if (uninit)
			item_stand_in(pool, io, by);
		else
			item_give_up(pool, io);
		raw_spin_unlock_irqrestore(&pool->lock, flags);
	} while (now != owner);
	return owner;
}

/* A worker has it: it will run there, and nobody can tell when that is over. */
static bool item_keep(PIO_WORKITEM io)
{
	if (cmpxchg(&io->magic, IO_ALLOCATED, IO_KEPT) != IO_ALLOCATED)
		return false;
	llist_add(&io->kept, &io_kept);
	return true;
}

/* One who frees it gets it; others may still look at it [ksw:freed]. */
static bool item_free(PIO_WORKITEM io)
{
	if (cmpxchg(&io->magic, IO_ALLOCATED, IO_ENDED) != IO_ALLOCATED)
		return false;
	kfree_rcu(io, rcu); /* [ksw:freed] */
	return true;
}

/* What is wrong with freeing an item. */
enum io_end {
	IO_END_RIGHT,
	IO_END_OTHER,
	IO_END_QUEUED,
	IO_END_KEPT,
};

static const char * const end_rules[] = {
	[IO_END_OTHER] =
		"the item is not one of IoAllocateWorkItem, and is not freed",
	[IO_END_QUEUED] =
		"the item is queued, and is freed when it has run; free it after its routine began",
	[IO_END_KEPT] =
		"the item is queued on a worker, and its memory is kept until ksworker is unloaded; free it after its routine began",
};

/* Free it, now or later. */
static enum io_end item_end(PIO_WORKITEM io)
{
	enum io_magic magic = READ_ONCE(io->magic);
	PLIST_ENTRY owner;

	if (magic == IO_KEPT || magic == IO_GIVEN_UP)
		return IO_END_RIGHT;
	if (magic != IO_ALLOCATED)
		return IO_END_OTHER;
	owner = item_leave(io, false, NULL);
	if (!owner)
		return item_free(io) ? IO_END_RIGHT : IO_END_OTHER;
	if (owner_pool(owner))
		return IO_END_QUEUED;
	/* gone: its own routine took care of it meanwhile */
	return owner != &io_gone && item_keep(io) ? IO_END_KEPT : IO_END_RIGHT;
}

/*
 * Running
 */

/* The last touch of the item, unless it was given up: it is the client's again. */
static void entry_begin(struct io_pool *pool, PLIST_ENTRY entry, struct io_run *run)
{
	run->given = READ_ONCE(entry->Flink) == &pool->owner[IO_GIVEN];
	run->kind = entry_kind(pool, entry);
	run->routine = entry_routine(pool, entry);
	run->item = entry_io(entry);
	run->device = NULL;
	if (run->kind == IO_KIND_EX) {
		run->context = entry_item(entry)->Parameter;
	} else {
		run->context = run->item->context;
		run->device = run->item->device;
	}
	if (run->given)
		WRITE_ONCE(run->item->magic, IO_GIVEN_UP);
	ksworker_item_give(entry_item(entry), run->given ? &io_gone : NULL);
}

/* The seat has come, or its routine has returned. */
static void seat_finish(struct io_pool *pool, struct io_seat *seat)
{
	if (pool->looker == seat)
		pool->looker = NULL;
	if (!seat->routine)
		return;
	seat->routine = NULL;
	pool->finished++;
}

/* Under the lock: there is something for this seat, and it has time. */
static bool seat_take(struct io_pool *pool, struct io_seat *seat, struct io_run *run, bool enough)
{
	if (!pool->head || enough) {
		seat_put(pool, seat);
		return false;
	}
	entry_begin(pool, pool_pop(pool), run);
	seat->routine = run->routine;
	seat->since = jiffies;
	pool->begun++;
	return true;
}

/*
 * One section of the lock from the end of a routine to the begin of the next
 * one, or to the seat's return: so each item is in the list or on a seat. Who
 * waits is told of each: an item in a module's memory may leave the list for a
 * routine that is not the module's.
 */
static bool seat_next(struct io_seat *seat, struct io_run *run, bool enough)
{
	struct io_pool *pool = seat->pool;
	struct io_seat *looker;
	bool taken, tell;

	preempt_disable();
	raw_spin_lock_irq(&pool->lock);
	seat_finish(pool, seat);
	taken = seat_take(pool, seat, run, enough);
	looker = looker_appoint(pool);
	room_update(pool);
	tell = pool->watchers;
	raw_spin_unlock_irq(&pool->lock);
	if (looker)
		looker_send(looker);
	preempt_enable();
	if (tell)
		wake_up_all(&io_left);
	ksworker_hook(taken ? KSW_HOOK_IO_TAKEN : KSW_HOOK_IO_RESTED, NULL);
	return taken;
}

/*
 * The routine of an item that was given up has returned. It may have initialised
 * the item anew, and queued it: then that is one more mistake, of the same kind.
 */
static void given_end(PIO_WORKITEM io, void *routine)
{
	enum io_end wrong;

	preempt_disable(); /* [ksw:freed] */
	WRITE_ONCE(io->magic, IO_ALLOCATED);
	if (READ_ONCE(io->WorkItem.List.Flink) == &io_gone)
		WRITE_ONCE(io->WorkItem.List.Flink, NULL);
	wrong = item_end(io);
	preempt_enable();
	if (wrong)
		io_misuse("IoFreeWorkItem", end_rules[wrong], io, routine);
}

static void run_call(struct io_run *run, int lockdep_depth)
{
	switch (run->kind) {
	case IO_KIND_EX:
		run->plain(run->context);
		break;
	case IO_KIND_DEVICE:
		run->routine(run->device, run->context);
		break;
	case IO_KIND_OBJECT:
		run->routine_ex(run->device, run->context, run->item);
		break;
	}
	ksworker_context_check(run->routine, lockdep_depth);
	put_device(run->device);
	if (run->given)
		given_end(run->item, run->routine);
}

/* The work function: also goes on with what was queued meanwhile. */
static void seat_run(struct work_struct *work)
{
	struct io_seat *seat = container_of(work, struct io_seat, work);
	unsigned long end = jiffies + IO_SLICE;
	int depth = lockdep_depth(current);
	bool enough = false;
	struct io_run run;

	while (seat_next(seat, &run, enough)) {
		run_call(&run, depth);
		enough = compat_need_resched() || time_after(jiffies, end);
	}
}

/*
 * Queueing
 */

enum io_refusal {
	IO_ACCEPTED,
	IO_REFUSED_SEAT,	/* nothing to start it with; only if the caller asks */
	IO_REFUSED_QUEUED,	/* the item is queued already */
	IO_REFUSED_GONE,	/* it was freed while it was queued, and its routine runs */
	IO_REFUSED_CLOSING,	/* its module, or ksworker, is being unloaded */
};

/* Under the lock: the item is ours, and carries what @run says. */
static void item_fill(PWORK_QUEUE_ITEM item, const struct io_run *run)
{
	PIO_WORKITEM io = run->item;

	if (run->kind == IO_KIND_EX)
		return;
	io->kind = run->kind;
	io->routine = run->routine;
	io->context = run->context;
	get_device(io->device);
}

static enum io_refusal pool_accept(struct io_pool *pool, PWORK_QUEUE_ITEM item,
				   const struct io_run *run, bool seat_wanted)
{
	enum io_owner owner = run->kind == IO_KIND_EX ? IO_EX : IO_IO;
	PLIST_ENTRY had;

	if (unlikely(pool->leaving) && ksworker_leaves(item, run->routine))
		return IO_REFUSED_CLOSING;
	if (seat_wanted && pool->room <= 0)
		return IO_REFUSED_SEAT;
	had = ksworker_item_claim(item, &pool->owner[owner]);
	if (unlikely(had)) /* by now it may have run and be gone */
		return had == &io_gone ? IO_REFUSED_GONE : IO_REFUSED_QUEUED;
	item_fill(item, run);
	pool_push(pool, &item->List);
	room_update(pool);
	return IO_ACCEPTED;
}

static enum io_refusal pool_queue(struct io_pool *pool, PWORK_QUEUE_ITEM item,
				  const struct io_run *run, bool seat_wanted)
{
	struct io_seat *looker = NULL;
	enum io_refusal why;
	unsigned long flags;

	preempt_disable();
	raw_spin_lock_irqsave(&pool->lock, flags);
	why = pool_accept(pool, item, run, seat_wanted);
	if (why == IO_ACCEPTED)
		looker = looker_appoint(pool);
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	if (looker)
		looker_send(looker);
	preempt_enable();
	return why;
}

/* @item may be gone: it is not looked at. */
static noinline void queue_misused(const char *call, enum io_refusal why, const void *item,
				   void *caller)
{
	ksworker_hook(KSW_HOOK_IO_REFUSED, NULL);
	if (why == IO_REFUSED_CLOSING)
		io_misuse(call,
			  "its module or ksworker is being unloaded, and the item does not run; a routine must not queue for ever",
			  item, caller);
	else if (why == IO_REFUSED_GONE)
		io_misuse(call,
			  "the item was freed while it was queued, and is not queued again; free it after its routine began",
			  item, caller);
	else
		io_misuse(call,
			  "the item is queued already, and runs once; queue it again after its routine began",
			  item, caller);
}

/* Where a type's items go; a type that there is not is treated as Delayed. */
static struct io_pool *type_pool(WORK_QUEUE_TYPE type, const char *call, const void *item,
				 void *caller)
{
	if (likely((unsigned int)type < MaximumWorkQueue))
		return &pools[type];
	if (ksworker_type_priority(type) < 0) {
		io_misuse(call,
			  "there is no such WORK_QUEUE_TYPE; the item goes to DelayedWorkQueue",
			  item, caller);
		return &pools[DelayedWorkQueue];
	}
	return &pools[ksworker_type_wq_flags(type, 0) & WQ_HIGHPRI ? CriticalWorkQueue :
								     NormalWorkQueue];
}

static bool item_may_be_queued(PWORK_QUEUE_ITEM item, void *routine, const char *call,
			       void *caller)
{
	if (likely(item && routine))
		return true;
	io_misuse(call, item ? "the item has no routine, and is not queued; set one" :
			       "there is no item to queue", item, caller);
	return false;
}

/**
 * ExQueueWorkItem() - have an item's routine called by a system thread
 * @WorkItem: the item, set up by ExInitializeWorkItem(); the client's again
 *	when its routine begins
 * @QueueType: how urgent it is
 *
 * Routines run concurrently and in no promised order. Up to 128 of one type may
 * block without holding up the next.
 *
 * Windows: a mistake (no routine, queued while it is queued) is a bug check
 * there; here it is one warning that names the caller, and the item runs once.
 *
 * Context: Any but NMI: also hard interrupts and under raw spinlocks. Cannot
 * fail, and allocates nothing.
 */
VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
	void *caller = __builtin_return_address(0);
	struct io_run run = {
		.kind = IO_KIND_EX,
		.plain = WorkItem ? WorkItem->WorkerRoutine : NULL,
	};
	enum io_refusal why;

	if (!item_may_be_queued(WorkItem, run.plain, __func__, caller))
		return;
	why = pool_queue(type_pool(QueueType, __func__, WorkItem, caller), WorkItem, &run, false);
	if (unlikely(why != IO_ACCEPTED))
		queue_misused(__func__, why, WorkItem, caller);
}
EXPORT_SYMBOL_GPL(ExQueueWorkItem);

static bool io_valid(PIO_WORKITEM io)
{
	return io->magic == IO_ALLOCATED || io->magic == IO_INITIALISED ||
	       io->magic == IO_GIVEN_UP; /* told so when it is claimed */
}

/* @run has the item and what it is to call; true: accepted. */
static bool io_queue(struct io_run *run, WORK_QUEUE_TYPE type, bool seat_wanted,
		     const char *call, void *caller)
{
	PWORK_QUEUE_ITEM item = run->item ? &run->item->WorkItem : NULL;
	struct io_pool *pool;
	enum io_refusal why;

	if (!item_may_be_queued(item, run->routine, call, caller))
		return false;
	if (unlikely(!io_valid(run->item))) {
		io_misuse(call,
			  "this is no work item; IoAllocateWorkItem or IoInitializeWorkItem makes one",
			  item, caller);
		return false;
	}
	pool = type_pool(type, call, item, caller);
	why = pool_queue(pool, item, run, seat_wanted);
	atomic_long_add(why == IO_REFUSED_SEAT, &pool->refused);
	if (unlikely(why > IO_REFUSED_SEAT)) /* the others are mistakes */
		queue_misused(call, why, item, caller);
	return why == IO_ACCEPTED;
}

/**
 * IoQueueWorkItem() - have a routine called with the item's device
 * @IoWorkItem: the item; the client's again when its routine begins
 * @WorkerRoutine: what to call; it may free the item or queue it again
 * @QueueType: how urgent it is
 * @Context: what to call it with, after the device
 *
 * Holds a reference of the device until the routine has returned.
 *
 * Windows: as ExQueueWorkItem().
 *
 * Context: Any but NMI: also hard interrupts and under raw spinlocks. Cannot
 * fail, and allocates nothing.
 */
VOID IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
		     WORK_QUEUE_TYPE QueueType, PVOID Context)
{
	struct io_run run = {
		.kind = IO_KIND_DEVICE,
		.routine = WorkerRoutine,
		.context = Context,
		.item = IoWorkItem,
	};

	io_queue(&run, QueueType, false, __func__, __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(IoQueueWorkItem);

/**
 * IoQueueWorkItemEx() - have a routine called with the item's device and the item
 * @IoWorkItem: the item; the client's again when its routine begins
 * @WorkerRoutine: what to call; it may free the item or queue it again
 * @QueueType: how urgent it is
 * @Context: what to call it with, after the device and before the item
 *
 * As IoQueueWorkItem(), which does not tell its routine the item.
 *
 * Windows: as ExQueueWorkItem().
 *
 * Context: Any but NMI: also hard interrupts and under raw spinlocks. Cannot
 * fail, and allocates nothing.
 */
VOID IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
		       WORK_QUEUE_TYPE QueueType, PVOID Context)
{
	struct io_run run = {
		.kind = IO_KIND_OBJECT,
		.routine_ex = WorkerRoutine,
		.context = Context,
		.item = IoWorkItem,
	};

	io_queue(&run, QueueType, false, __func__, __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(IoQueueWorkItemEx);

static noinline bool io_try(PIO_WORKITEM io, PIO_WORKITEM_ROUTINE_EX routine,
			    WORK_QUEUE_TYPE type, PVOID context, void *caller)
{
	struct io_run run = {
		.kind = IO_KIND_OBJECT,
		.routine_ex = routine,
		.context = context,
		.item = io,
	};

	return io_queue(&run, type, true, "IoTryQueueWorkItem", caller);
}

/**
 * IoTryQueueWorkItem() - IoQueueWorkItemEx(), if it need not wait for others
 * @IoWorkItem: the item; the client's again when its routine begins
 * @WorkerRoutine: what to call; it may free the item or queue it again
 * @QueueType: how urgent it is
 * @Context: what to call it with
 *
 * Context: Any but NMI: also hard interrupts and under raw spinlocks.
 * Return: TRUE (1): the routine will run once. FALSE (0): as many items of this
 * type are queued or running as can be started, and nothing has happened, not
 * even a look at the item. Also FALSE for what the other calls warn about, with
 * the same warning.
 */
BOOLEAN IoTryQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
			   WORK_QUEUE_TYPE QueueType, PVOID Context)
{
	/* One word, so it was true at that moment; under the lock it is looked at again. */
	if ((unsigned int)QueueType < MaximumWorkQueue && READ_ONCE(pools[QueueType].room) <= 0) {
		atomic_long_inc(&pools[QueueType].refused);
		return false;
	}
	return io_try(IoWorkItem, WorkerRoutine, QueueType, Context, __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(IoTryQueueWorkItem);

/*
 * Making and ending IO_WORKITEMs
 */

static void io_init(PIO_WORKITEM io, PVOID object, enum io_magic magic)
{
	memset(io, 0, sizeof(*io));
	io->device = object;
	io->magic = magic;
}

/**
 * IoAllocateWorkItem() - make a work item
 * @DeviceObject: what its routine is called with, or NULL; no reference is held
 *	but while it is queued or runs
 *
 * The item begins with a WORK_QUEUE_ITEM. After ExInitializeWorkItem() on that
 * it can be queued on a KSWORKER, or by ExQueueWorkItem(), and its routine may
 * free it.
 *
 * Context: Any but NMI. On PREEMPT_RT there is no memory to be had in hard
 * interrupts and under raw spinlocks, and the result is NULL there: make the
 * item earlier, or in memory of your own.
 * Return: the item; NULL when memory is short.
 */
PIO_WORKITEM IoAllocateWorkItem(struct device *DeviceObject)
{
	PIO_WORKITEM io;

	if (!compat_memory_usable())
		return NULL;
	io = kmalloc(sizeof(*io), GFP_ATOMIC | __GFP_NOWARN);
	if (io)
		io_init(io, DeviceObject, IO_ALLOCATED);
	return io;
}
EXPORT_SYMBOL_GPL(IoAllocateWorkItem);

/**
 * IoSizeofWorkItem() - how much memory an item takes that the caller provides
 *
 * Context: Any.
 * Return: bytes, for IoInitializeWorkItem().
 */
ULONG IoSizeofWorkItem(void)
{
	return sizeof(IO_WORKITEM);
}
EXPORT_SYMBOL_GPL(IoSizeofWorkItem);

/**
 * IoInitializeWorkItem() - make a work item in the caller's memory
 * @IoObject: the device that its routine is called with, or NULL
 * @IoWorkItem: IoSizeofWorkItem() bytes, aligned as a pointer is
 *
 * Windows: there the object may be a driver as well; here it is a device.
 *
 * Context: Any.
 */
VOID IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
	io_init(IoWorkItem, IoObject, IO_INITIALISED);
}
EXPORT_SYMBOL_GPL(IoInitializeWorkItem);

/**
 * IoFreeWorkItem() - free what IoAllocateWorkItem() made
 * @IoWorkItem: the item, which is not queued; NULL is ignored
 *
 * Its own routine may free it, as may anybody once that has begun.
 *
 * Windows: an item that is queued is a bug check there; here it is one warning
 * that names the caller, and the routine runs once, with the item still there.
 *
 * Context: Any but NMI.
 */
VOID IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
	enum io_end wrong;

	if (!IoWorkItem)
		return;
	preempt_disable(); /* [ksw:freed] */
	wrong = item_end(IoWorkItem);
	preempt_enable();
	if (unlikely(wrong))
		io_misuse(__func__, end_rules[wrong], IoWorkItem, __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(IoFreeWorkItem);

/* A worker has it, or had: take it back. Its memory is there for as long as [ksw:rcu]. */
static bool item_cancel(PIO_WORKITEM io)
{
	bool cancelled = false;
	PLIST_ENTRY owner;

	preempt_disable(); /* [ksw:rcu] */
	owner = READ_ONCE(io->WorkItem.List.Flink);
	if (owner && owner != &io_gone && !owner_pool(owner))
		cancelled = KsCancelWorkItem((PKSWORKER)owner, &io->WorkItem);
	preempt_enable();
	return cancelled;
}

/* @owner had it; @copied: it runs all the same. */
static void uninit_misused(PIO_WORKITEM io, PLIST_ENTRY owner, bool copied, void *caller)
{
	static const char call[] = "IoUninitializeWorkItem";

	if (!owner_pool(owner))
		io_misuse(call,
			  "the item is queued on a worker, is taken back and does not run; do it after its routine began",
			  io, caller);
	else if (copied)
		io_misuse(call,
			  "the item is queued, and a copy runs; do it after its routine began",
			  io, caller);
	else
		io_misuse(call,
			  "the item is queued, does not run since there is no memory for a copy, and a reference of its device stays; do it after its routine began",
			  io, caller);
}

/**
 * IoUninitializeWorkItem() - end what IoInitializeWorkItem() made
 * @IoWorkItem: the item, which is not queued; NULL is ignored
 *
 * The memory is the caller's again.
 *
 * Windows: an item that is queued is a bug check there; here it is one warning
 * that names the caller, and the routine runs once, for a copy of the item.
 * One that is queued on a KSWORKER is taken back and does not run.
 *
 * Context: Any but NMI.
 */
VOID IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
	void *caller = __builtin_return_address(0);
	PIO_WORKITEM by = NULL;
	PLIST_ENTRY owner;

	if (!IoWorkItem || READ_ONCE(IoWorkItem->WorkItem.List.Flink) == &io_gone)
		return;
	if (IoWorkItem->magic != IO_INITIALISED) {
		io_misuse(__func__,
			  "the item is not one of IoInitializeWorkItem",
			  IoWorkItem, caller);
		return;
	}
	if (READ_ONCE(IoWorkItem->WorkItem.List.Flink) && compat_memory_usable())
		by = kmalloc(sizeof(*by), GFP_ATOMIC | __GFP_NOWARN);
	owner = item_leave(IoWorkItem, true, by);
	if (!owner_pool(owner)) {
		kfree(by);
		by = NULL;
	}
	if (owner_pool(owner) || item_cancel(IoWorkItem))
		uninit_misused(IoWorkItem, owner, by, caller);
	IoWorkItem->magic = IO_ENDED;
}
EXPORT_SYMBOL_GPL(IoUninitializeWorkItem);

/*
 * Modules that leave
 */

/* Is @entry, or what it is going to run, of @module (NULL: of anybody)? */
static bool entry_within(struct io_pool *pool, PLIST_ENTRY entry, const struct module *module)
{
	return ksworker_is_of(module, entry, entry_routine(pool, entry));
}

/**
 * struct io_census - what there is of one module
 * @queued: items
 * @running: routines
 * @routine: one of them
 */
struct io_census {
	unsigned int queued;
	unsigned int running;
	void *routine;
};

static void pool_count(struct io_pool *pool, const struct module *module, struct io_census *census)
{
	struct io_seat *seat;
	PLIST_ENTRY entry;

	ksworker_hook(KSW_HOOK_IO_COUNT, NULL);
	raw_spin_lock_irq(&pool->lock);
	for (entry = pool->head; entry; entry = entry->Blink) {
		if (!entry_within(pool, entry, module))
			continue;
		census->queued++;
		census->routine = entry_routine(pool, entry);
	}
	for (seat = pool->seats; seat < pool->seats + IO_SEATS; seat++) {
		if (!seat->routine || !ksworker_is_of(module, NULL, seat->routine))
			continue;
		census->running++;
		census->routine = seat->routine;
	}
	raw_spin_unlock_irq(&pool->lock);
}

/*
 * What there is of @module, of anybody if NULL; false: nothing. One pool after the
 * other: while they accept what is of it, something may move to where it was looked
 * already; when they do not any more, nothing can.
 */
static bool pools_count(const struct module *module, struct io_census *census)
{
	struct io_pool *pool;

	*census = (struct io_census){};
	for (pool = pools; pool < pools + MaximumWorkQueue; pool++)
		pool_count(pool, module, census);
	return census->queued || census->running;
}

/* Of those who are told, and of the modules whose items are refused, so many more. */
static void pools_watch(int watchers, int leaving)
{
	struct io_pool *pool;

	for (pool = pools; pool < pools + MaximumWorkQueue; pool++) {
		raw_spin_lock_irq(&pool->lock);
		pool->watchers += watchers;
		pool->leaving += leaving;
		raw_spin_unlock_irq(&pool->lock);
	}
}

static const char *leaver_name(const struct ksw_leaver *leaver)
{
	return leaver->module ? leaver->module->name : THIS_MODULE->name;
}

/*
 * Wait until nothing is queued or runs, for so long as is no mistake; true: it is so.
 * What goes on is named, once.
 */
static bool pools_wait(struct ksw_leaver *leaver)
{
	struct io_census census;
	unsigned int i;

	if (!pools_count(leaver->module, &census))
		return true;
	for (i = 0; i < IO_PATIENCE; i++)
		if (wait_event_timeout(io_left, !pools_count(leaver->module, &census), HZ / 10))
			return true;
	WARN(1, "ksworker: module %s unloads and its routine %ps does not return, or is queued again and again; waiting for it\n",
	     leaver_name(leaver), census.routine);
	leaver->told_of_pools = true;
	return false;
}

/* Items that are queued are a mistake; a routine that is about to return is none. */
static void pools_warn(const struct ksw_leaver *leaver)
{
	struct io_census census;

	if (pools_count(leaver->module, &census))
		WARN(census.queued, "ksworker: module %s unloads with %u work items queued; they are run first (%u routines run, one is %ps)\n",
		     leaver_name(leaver), census.queued, census.running, census.routine);
}

/**
 * ksworker_io_leave() - a module unloads: let what is its own end
 * @leaver: in state MODULE_STATE_GOING: its exit has returned, its code is there
 *
 * What its routines queue meanwhile is still accepted, since one may wait for another;
 * so not for ever. ksworker_io_shut() does the rest.
 */
void ksworker_io_leave(struct ksw_leaver *leaver)
{
	pools_watch(1, 0);
	pools_warn(leaver);
	pools_wait(leaver);
	pools_watch(-1, 0);
}

/**
 * ksworker_io_shut() - refuse what is of @leaver from now on, and wait for the rest of it
 * @leaver: the module
 *
 * When it returns the pools have nothing of it, and will not have until
 * ksworker_io_reopen().
 */
void ksworker_io_shut(struct ksw_leaver *leaver)
{
	struct io_census census;

	ksworker_leaver_add(leaver);
	pools_watch(1, 1);
	if (leaver->told_of_pools || !pools_wait(leaver))
		wait_event(io_left, !pools_count(leaver->module, &census));
}

/**
 * ksworker_io_reopen() - @leaver has left
 * @leaver: the same as in ksworker_io_shut()
 */
void ksworker_io_reopen(struct ksw_leaver *leaver)
{
	pools_watch(-1, -1);
	ksworker_leaver_remove(leaver);
}

/*
 * What an administrator sees
 */

static void seat_show(struct seq_file *m, struct io_seat *seat)
{
	unsigned long since;
	void *routine;

	raw_spin_lock_irq(&seat->pool->lock);
	routine = seat->routine;
	since = seat->since;
	raw_spin_unlock_irq(&seat->pool->lock);
	if (routine)
		seq_printf(m, "  %ps %u\n", routine, jiffies_to_msecs(jiffies - since));
}

static void pool_show(struct seq_file *m, struct io_pool *pool)
{
	unsigned long begun, finished, refused;
	unsigned int i, queued, free_seats;

	raw_spin_lock_irq(&pool->lock);
	queued = pool->queued;
	begun = pool->begun;
	finished = pool->finished;
	refused = atomic_long_read(&pool->refused);
	free_seats = pool->free_seats;
	raw_spin_unlock_irq(&pool->lock);
	seq_printf(m, "%s %u %lu %lu %lu %u\n", pool_names[pool - pools], queued, begun,
		   finished, refused, free_seats);
	for (i = 0; i < IO_SEATS; i++)
		seat_show(m, &pool->seats[i]);
}

/**
 * ksworker_io_show() - one line a pool, and one for each routine that runs
 * @m: where to
 */
void ksworker_io_show(struct seq_file *m)
{
	struct io_pool *pool;

	seq_puts(m, "# type queued begun finished refused free_seats; below it: routine age_ms\n");
	for (pool = pools; pool < pools + MaximumWorkQueue; pool++)
		pool_show(m, pool);
}

/*
 * Load and unload
 */

static int pool_open(struct io_pool *pool)
{
	WORK_QUEUE_TYPE type = pool - pools;
	unsigned int i;

	raw_spin_lock_init(&pool->lock);
	pool->tail = &pool->head;
	pool->free_tail = &pool->free;
	for (i = 0; i < IO_SEATS; i++) {
		INIT_WORK(&pool->seats[i].work, seat_run);
		pool->seats[i].pool = pool;
		seat_put(pool, &pool->seats[i]);
	}
	room_update(pool);
	pool->wq = alloc_workqueue("ksio_%s", ksworker_type_wq_flags(type, 0), WQ_MAX_ACTIVE,
				   pool_names[type]);
	return pool->wq ? 0 : -ENOMEM;
}

static void pools_destroy(void)
{
	struct io_pool *pool;

	for (pool = pools; pool < pools + MaximumWorkQueue; pool++)
		if (pool->wq)
			destroy_workqueue(pool->wq);
}

/**
 * ksworker_io_open() - make the pools
 *
 * Return: 0, or -ENOMEM, and then nothing is left.
 */
int ksworker_io_open(void)
{
	struct io_pool *pool;
	int error;

	for (pool = pools; pool < pools + MaximumWorkQueue; pool++) {
		error = pool_open(pool);
		if (error) {
			pools_destroy();
			return error;
		}
	}
	return 0;
}

/**
 * ksworker_io_close() - ksworker is unloaded: run what is there, accept no more
 *
 * No client module is there any more; only code that is in no module could call.
 * The workers are gone, and with them who had what was kept.
 */
void ksworker_io_close(void)
{
	static struct ksw_leaver leaver; /* for good: who comes late is refused */
	struct llist_node *kept;
	PIO_WORKITEM io, next;

	pools_warn(&leaver);
	ksworker_io_shut(&leaver);
	pools_destroy();
	irq_work_sync(&io_tell);
	kept = llist_del_all(&io_kept);
	llist_for_each_entry_safe(io, next, kept, kept)
		kfree(io);
}
