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
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "ksworker_compat.h"
#include "ksworker_internal.h"

/* How long the runner goes on by itself before it goes back to the workqueue. */
#define KSW_SLICE	msecs_to_jiffies(10)

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

static PWORK_QUEUE_ITEM entry_item(PLIST_ENTRY entry)
{
	return container_of(entry, WORK_QUEUE_ITEM, List);
}

/* The item's address is its part of the state word, so it must be aligned. */
static bool item_valid(PWORK_QUEUE_ITEM item)
{
	return item && !(((u64)(unsigned long)item << KSW_SHIFT) & KSW_FLAGS) &&
	       READ_ONCE(item->WorkerRoutine);
}

static bool item_queued(PWORK_QUEUE_ITEM item)
{
	return READ_ONCE(item->List.Flink);
}

/* One queuer gets a free item; the acquire pairs with item_release() [ksw:item]. */
static bool item_claim(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	PLIST_ENTRY none = NULL;

	if (item_queued(item) ||
	    !try_cmpxchg_acquire(&item->List.Flink, &none, (PLIST_ENTRY)w))
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

/*
 * The backlog: a list of entries, oldest first; all under w->lock
 */

static bool worker_is_backlog(struct ksworker *w)
{
	return READ_ONCE(w->flags) & KSWORKER_BACKLOG;
}

static void backlog_push(struct ksworker *w, PLIST_ENTRY entry)
{
	entry->Blink = NULL;
	WRITE_ONCE(*w->tail, entry);
	w->tail = &entry->Blink;
}

static PLIST_ENTRY backlog_pop(struct ksworker *w)
{
	PLIST_ENTRY entry = w->head;

	if (!entry)
		return NULL;
	WRITE_ONCE(w->head, entry->Blink);
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
	WRITE_ONCE(*link, entry->Blink);
	if (!*link)
		w->tail = link;
	return true;
}

static PLIST_ENTRY backlog_youngest(struct ksworker *w)
{
	return w->head ? container_of(w->tail, LIST_ENTRY, Blink) : NULL;
}

/*
 * The state word: each function is one arrow, or the look before it
 */

static u64 state_read(struct ksworker *w)
{
	return atomic64_read(&w->state);
}

/* queue: BUSY or idle -> item; a counted item that is there already was first */
static u64 state_queued(u64 s, PWORK_QUEUE_ITEM item)
{
	u64 place = (u64)(unsigned long)item << KSW_SHIFT;

	BUILD_BUG_ON((KSW_COUNTED << 1) != KSW_FIRST);
	return place | (s & (KSW_COUNTED | KSW_FIRST)) | (s & KSW_COUNTED) << 1;
}

/* increment: anything -> the same, COUNTED, after the item if there is one */
static u64 state_counted(u64 s)
{
	if (s & KSW_COUNTED)
		return s;
	return (s & ~KSW_FIRST) | KSW_COUNTED | (state_busy(s) ? 0 : KSW_BUSY);
}

/* runner: the item leaves the place to run */
static u64 state_vacated(u64 s)
{
	return (s & (KSW_CLOSING | KSW_COUNTED)) | KSW_BUSY;
}

/* cancel: the same, and the next take sees that there was one */
static u64 state_cancelled(u64 s)
{
	return state_vacated(s) | (s & KSW_COUNTED ? 0 : KSW_FIRST);
}

/* runner: who is next, and the state without it; NULL: nobody, idle */
static PLIST_ENTRY state_next(struct ksworker *w, u64 s, u64 *new)
{
	PWORK_QUEUE_ITEM item = state_item(s);

	if ((s & KSW_COUNTED) && ((s & KSW_FIRST) || !item)) {
		*new = s & ~(KSW_COUNTED | KSW_FIRST);
		return &w->counted_entry;
	}
	if (item) {
		*new = state_vacated(s);
		return &item->List;
	}
	*new = s & KSW_CLOSING;
	return NULL;
}

/* The youngest that was accepted and has not begun, or NULL. */
static PLIST_ENTRY state_youngest(struct ksworker *w, u64 s)
{
	PWORK_QUEUE_ITEM item = state_item(s);

	if (item && ((s & KSW_FIRST) || !(s & KSW_COUNTED)))
		return &item->List;
	return s & KSW_COUNTED ? &w->counted_entry : NULL;
}

static PLIST_ENTRY worker_youngest(struct ksworker *w, u64 s)
{
	return worker_is_backlog(w) ? backlog_youngest(w) : state_youngest(w, s);
}

/*
 * Those who wait: for the place, or for what was accepted so far
 *
 * A flush waits until the youngest entry has finished. Since routines run in
 * the order of acceptance, everything older has finished, too. All under
 * w->lock; the runner looks at w->waiters.first without it, see runner_take().
 */

/**
 * struct ksw_waiter - one call that sleeps, on its stack
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
	smp_mb(); /* the list, before the state is looked at [ksw:wait] [ksw:look] */
	return true;
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

/* The result of a call that was refused, counted for who wants to know why. */
static noinline NTSTATUS worker_refuse(struct ksworker *w, enum ksw_refusal why)
{
	atomic_long_inc(&w->refused[why]);
	return why == KSW_REFUSED_CLOSING ? STATUS_DELETE_PENDING : STATUS_DEVICE_BUSY;
}

/*
 * The runner: the worker's thread while it works
 */

/**
 * struct ksw_run - one run of the runner
 * @routine: of the entry that it took
 * @parameter: of the same
 * @lockdep_depth: how many locks lockdep says are held between two routines
 * @state: what the last exchange found
 */
struct ksw_run {
	PWORKER_THREAD_ROUTINE routine;
	PVOID parameter;
	int lockdep_depth;
	u64 state;
};

/* The last touch of the item: it is the client's again, and may be gone. */
static void entry_begin(struct ksworker *w, PLIST_ENTRY entry, struct ksw_run *run)
{
	PWORK_QUEUE_ITEM item = entry == &w->counted_entry ? w->counted : entry_item(entry);

	run->routine = READ_ONCE(item->WorkerRoutine);
	run->parameter = READ_ONCE(item->Parameter);
	WRITE_ONCE(w->routine, run->routine);
	if (entry != &w->counted_entry)
		item_release(item);
}

/* Somebody began to wait while place_take() was at it. */
static noinline void waiters_catch_up(struct ksworker *w, PLIST_ENTRY entry)
{
	unsigned long irqflags;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	if (entry)
		waiters_passed(w, entry, NULL);
	else
		waiters_rested(w);
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
}

/*
 * Take what is in the place, or go idle. The exchange is fully ordered: what
 * the queuer wrote before its own is seen by the routine, and what this routine
 * writes by the next one [ksw:publish]; and it comes before the second look at
 * the waiters [ksw:wait]. That look comes before the item's release, since the
 * item could be queued, and waited for, again. Not preempted from the exchange
 * to the release, so that KsQueueWorkItemWait() may spin for that long
 * [ksw:begin].
 */
static bool place_take(struct ksworker *w, struct ksw_run *run, PLIST_ENTRY *entry)
{
	u64 new;
	bool taken;

	*entry = state_next(w, run->state, &new);
	ksworker_hook(KSW_HOOK_TAKE_LOADED, w);
	preempt_disable();
	taken = atomic64_try_cmpxchg(&w->state, (s64 *)&run->state, new);
	if (taken) {
		ksworker_hook(*entry ? KSW_HOOK_TAKEN : KSW_HOOK_RESTED, w);
		if (unlikely(READ_ONCE(w->waiters.first)))
			waiters_catch_up(w, *entry);
		if (*entry)
			entry_begin(w, *entry, run);
	}
	preempt_enable();
	return taken;
}

/* The same under the lock: for a backlog, the counted item, and while somebody waits. */
static PLIST_ENTRY locked_next(struct ksworker *w, struct ksw_run *run)
{
	PLIST_ENTRY entry;
	u64 new;

	run->state = state_read(w);
	if (worker_is_backlog(w)) {
		entry = backlog_pop(w);
		if (!entry)
			atomic64_set(&w->state, run->state & KSW_CLOSING);
		else if (entry == &w->counted_entry)
			atomic64_set(&w->state, run->state & ~KSW_COUNTED);
		return entry;
	}
	do {
		entry = state_next(w, run->state, &new);
	} while (!atomic64_try_cmpxchg(&w->state, (s64 *)&run->state, new));
	return entry;
}

static noinline PLIST_ENTRY locked_take(struct ksworker *w, struct ksw_run *run)
{
	unsigned long irqflags;
	PLIST_ENTRY entry;

	ksworker_hook(KSW_HOOK_TAKE_LOADED, w);
	raw_spin_lock_irqsave(&w->lock, irqflags);
	waiters_rested(w);
	entry = locked_next(w, run);
	if (entry) {
		entry_begin(w, entry, run);
		waiters_passed(w, entry, NULL);
	}
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	return entry;
}

/*
 * Take and begin what is next; false: nothing is, and the worker is idle.
 *
 * The state is read before the waiters [ksw:look], and these once more after
 * the exchange: a flush that comes in between has seen either the entry that
 * we take, and we tell it, or a state in which that entry runs. The counted
 * item is due again as soon as it is taken, so there the lock is held for both;
 * and a cancel could bring back the very state that was read, so it leaves FIRST.
 */
static bool runner_take(struct ksworker *w, struct ksw_run *run)
{
	PLIST_ENTRY entry;

	do {
		run->state = atomic64_read_acquire(&w->state);
		if ((run->state & (KSW_COUNTED | KSW_FIRST)) || worker_is_backlog(w) ||
		    READ_ONCE(w->waiters.first))
			return locked_take(w, run);
	} while (!place_take(w, run, &entry));
	return entry;
}

static bool context_left(int depth)
{
	return preempt_count() || irqs_disabled() || rcu_preempt_depth() ||
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
static noinline void context_restore(struct ksworker *w, struct ksw_run *run)
{
	bool interrupts = irqs_disabled();
	bool bottom_halves = softirq_count();
	bool preemption = preempt_count() & PREEMPT_MASK;
	bool rcu = rcu_preempt_depth();
	bool lock = lockdep_depth(current) > run->lockdep_depth;

	context_mend(run->lockdep_depth);
	WARN_RATELIMIT(1, "ksworker: %ps returned with%s%s%s%s%s; a routine must return with the context as it found it (worker %u of %s)\n",
		       run->routine,
		       interrupts ? " interrupts off" : "",
		       bottom_halves ? " bottom halves off" : "",
		       preemption ? " preemption off" : "",
		       rcu ? " an RCU read section open" : "",
		       lock ? " a lock held" : "", w->id, owner_name(w->owner));
}

static void runner_call(struct ksworker *w, struct ksw_run *run)
{
	WRITE_ONCE(w->begun, w->begun + 1);
	WRITE_ONCE(w->since, jiffies);
	run->routine(run->parameter);
	if (unlikely(context_left(run->lockdep_depth)))
		context_restore(w, run);
	WRITE_ONCE(w->routine, NULL);
	WRITE_ONCE(w->finished, w->finished + 1);
}

static bool worker_pending(struct ksworker *w)
{
	u64 s = state_read(w);

	return (s & KSW_COUNTED) || state_item(s) || READ_ONCE(w->head);
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

/*
 * The work function. It goes on with what is accepted meanwhile, without the
 * way through the pool, until its time is up or somebody else wants the CPU;
 * then it hands the worker over to its own next run, and stays busy meanwhile.
 */
static void worker_run(struct work_struct *work)
{
	struct ksworker *w = container_of(work, struct ksworker, work);
	unsigned long enough = jiffies + KSW_SLICE;
	struct ksw_run run = { .lockdep_depth = lockdep_depth(current) };
	bool more;

	WRITE_ONCE(w->runner, current);
	while ((more = runner_take(w, &run))) {
		runner_call(w, &run);
		if ((need_resched() || time_after(jiffies, enough)) && worker_pending(w))
			break;
	}
	WRITE_ONCE(w->runner, NULL);
	if (more)
		worker_hand_over(w);
	else if (run.state & KSW_CLOSING)
		worker_drained(w);
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
static int queue_type_priority(WORK_QUEUE_TYPE type)
{
	unsigned int custom = type - CustomPriorityWorkQueue;

	if ((unsigned int)type < MaximumWorkQueue)
		return type_priority[type];
	return custom < KSW_PRIORITIES ? (int)custom : -1;
}

static unsigned int queue_type_wq_flags(WORK_QUEUE_TYPE type, ULONG flags)
{
	unsigned int wq_flags = WQ_UNBOUND;

	if (queue_type_priority(type) >= KSW_HIGH_PRIORITY)
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
	w->type = type;
	w->id = atomic_inc_return(&last_id);
	w->tail = &w->head;
	raw_spin_lock_init(&w->lock);
	lockdep_register_key(&w->key);
	__INIT_WORK_KEY(&w->work, worker_run, 0, &w->key);
}

static struct ksworker *worker_alloc(WORK_QUEUE_TYPE type, ULONG flags,
				     PWORK_QUEUE_ITEM counted, struct module *owner)
{
	struct ksworker *w = kzalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return NULL;
	worker_init(w, type, flags, counted, owner);
	w->wq = alloc_workqueue("ks%u:%s", queue_type_wq_flags(type, flags), 0,
				w->id, owner ? owner->name : "-");
	if (!w->wq) {
		lockdep_unregister_key(&w->key);
		kfree(w);
		return NULL;
	}
	return w;
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
	if (queue_type_priority(WorkQueueType) < 0 ||
	    (Flags & ~(KSWORKER_BACKLOG | KSWORKER_MEM_RECLAIM)) ||
	    (CountedWorkItem && !item_valid(CountedWorkItem)))
		return STATUS_INVALID_PARAMETER;
	w = worker_alloc(WorkQueueType, Flags, CountedWorkItem, Owner);
	if (!w)
		return STATUS_INSUFFICIENT_RESOURCES;
	mutex_lock(&ksworker_registry_lock);
	list_add_tail(&w->node, &ksworker_registry);
	mutex_unlock(&ksworker_registry_lock);
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
 * Each call that may run beside an unregister looks at the worker with
 * preemption off, which is an RCU read section: one that looked at the state
 * before the gate closed finds it closed at its exchange, in memory that is
 * still there [ksw:rcu]. Why not rcu_read_lock_sched(): lockdep would object to
 * the console's lock where a mistake is reported.
 */

static enum ksw_refusal place_queue(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	u64 s = state_read(w);

	if (s & KSW_CLOSING)
		return KSW_REFUSED_CLOSING;
	if (state_item(s))
		return KSW_REFUSED_PLACE;
	if (!item_claim(w, item))
		return KSW_REFUSED_ITEM;
	ksworker_hook(KSW_HOOK_QUEUE_LOADED, w);
	/* Publishes the item, and all that the caller wrote [ksw:publish]. */
	while (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, state_queued(s, item))) {
		if (!(s & KSW_CLOSING) && !state_item(s))
			continue;
		item_release(item);
		return s & KSW_CLOSING ? KSW_REFUSED_CLOSING : KSW_REFUSED_PLACE;
	}
	/* The item may have run and be gone. The worker is there: we made it busy, or it was. */
	if (!state_busy(s))
		worker_hand_over(w);
	return KSW_ACCEPTED;
}

/* Under the lock: @entry is accepted; true: the caller hands the worker over. */
static bool backlog_accept(struct ksworker *w, u64 s, PLIST_ENTRY entry)
{
	backlog_push(w, entry);
	if (state_busy(s))
		return false;
	atomic64_set(&w->state, s | KSW_BUSY);
	return true;
}

static noinline enum ksw_refusal backlog_queue(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	unsigned long irqflags;
	bool hand_over = false;
	u64 s = state_read(w);

	if (s & KSW_CLOSING)
		return KSW_REFUSED_CLOSING;
	if (!item_claim(w, item))
		return KSW_REFUSED_ITEM;
	ksworker_hook(KSW_HOOK_QUEUE_LOADED, w);
	raw_spin_lock_irqsave(&w->lock, irqflags);
	s = state_read(w);
	if (!(s & KSW_CLOSING))
		hand_over = backlog_accept(w, s, &item->List);
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
	if (s & KSW_CLOSING) {
		item_release(item);
		return KSW_REFUSED_CLOSING;
	}
	if (hand_over)
		worker_hand_over(w);
	return KSW_ACCEPTED;
}

static enum ksw_refusal item_queue(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	return worker_is_backlog(w) ? backlog_queue(w, item) : place_queue(w, item);
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
	NTSTATUS status = STATUS_SUCCESS;
	enum ksw_refusal why;

	if (unlikely(!Worker || !item_valid(WorkItem)))
		return STATUS_INVALID_PARAMETER;
	preempt_disable(); /* [ksw:rcu] */
	why = item_queue(Worker, WorkItem);
	if (why != KSW_ACCEPTED)
		status = worker_refuse(Worker, why);
	preempt_enable();
	return status;
}
EXPORT_SYMBOL_GPL(KsQueueWorkItem);

/*
 * The item was refused as queued. False: it is, where waiting for this place
 * does not change it. True: it is not any more, or this worker has it, whose
 * place was looked at meanwhile; if that is free the item is just being claimed
 * or begun, which nobody preempts, so the caller may spin [ksw:begin].
 */
static bool item_worth_waiting(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	PLIST_ENTRY on = READ_ONCE(item->List.Flink);

	return !worker_is_backlog(w) && (!on || on == (PLIST_ENTRY)w);
}

static NTSTATUS place_wait(struct ksworker *w, PWORK_QUEUE_ITEM item, ULONG ms,
			   struct ksw_waiter *waiter)
{
	long left = ms == KSWORKER_INFINITE ? MAX_SCHEDULE_TIMEOUT : (long)msecs_to_jiffies(ms);
	bool own = READ_ONCE(w->runner) == current;
	enum ksw_refusal why;

	for (;;) {
		preempt_disable(); /* [ksw:begin] */
		why = item_queue(w, item);
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
		if (!own && state_item(state_read(w)))
			left = wait_for_completion_timeout(&waiter->event, left);
		else
			cpu_relax();
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
	status = place_wait(Worker, WorkItem, Milliseconds, &waiter);
	waiter_leave(Worker, &waiter);
	return status;
}
EXPORT_SYMBOL_GPL(KsQueueWorkItemWait);

/* Under the lock: take the item out again; *@older is who was accepted before it. */
static bool place_cancel(struct ksworker *w, PWORK_QUEUE_ITEM item, PLIST_ENTRY *older)
{
	u64 s = state_read(w);

	do {
		if (state_item(s) != item)
			return false;
		*older = (s & KSW_COUNTED) && (s & KSW_FIRST) ? &w->counted_entry : NULL;
	} while (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, state_cancelled(s)));
	return true;
}

static bool item_cancel(struct ksworker *w, PWORK_QUEUE_ITEM item)
{
	unsigned long irqflags;
	PLIST_ENTRY older;
	bool cancelled;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	if (worker_is_backlog(w))
		cancelled = backlog_remove(w, &item->List, &older);
	else
		cancelled = place_cancel(w, item, &older);
	if (cancelled) {
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
	cancelled = item_cancel(Worker, WorkItem);
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
		s = atomic64_read_acquire(&w->state); /* idle: all that ran is seen [ksw:publish] */
		waiter->until = worker_youngest(w, s);
		busy = state_busy(s);
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

/* Under the lock: the counted item is due; true: the caller hands the worker over. */
static bool counted_schedule(struct ksworker *w)
{
	u64 s = state_read(w);

	if (worker_is_backlog(w)) {
		if (s & KSW_COUNTED)
			return false;
		s |= KSW_COUNTED;
		atomic64_set(&w->state, s);
		return backlog_accept(w, s, &w->counted_entry);
	}
	/* A run that has not begun sees this task, too [ksw:publish]. */
	while (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, state_counted(s)))
		;
	return !state_busy(s);
}

/* The way out of 0, which must not cross the closing of the gate: under the lock. */
static noinline bool counted_open(struct ksworker *w, ULONG *count)
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
		hand_over = counted_schedule(w);
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

static ULONG counted_increment(struct ksworker *w, void *caller)
{
	ULONG count = atomic_read(&w->count);

	do {
		if (!count && counted_open(w, &count))
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
	void *caller = __builtin_return_address(0);
	ULONG count = 0;

	preempt_disable(); /* [ksw:rcu] */
	if (counted_valid(Worker, __func__, caller))
		count = counted_increment(Worker, caller);
	preempt_enable();
	return count;
}
EXPORT_SYMBOL_GPL(KsIncrementCountedWorker);

static ULONG counted_decrement(struct ksworker *w, void *caller)
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
	void *caller = __builtin_return_address(0);
	ULONG count = 0;

	preempt_disable(); /* [ksw:rcu] */
	if (counted_valid(Worker, __func__, caller))
		count = counted_decrement(Worker, caller);
	preempt_enable();
	return count;
}
EXPORT_SYMBOL_GPL(KsDecrementCountedWorker);

/*
 * Closing and freeing
 */

/*
 * Close the gate. Returns the state before. If it was busy, the runner's last
 * exchange will find CLOSING, exactly once, and tell @closer [ksw:close]; if
 * it was idle, nothing runs any more.
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
	list_del(&w->node);
	mutex_unlock(&ksworker_registry_lock);
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
	PWORK_QUEUE_ITEM item = entry == &w->counted_entry ? w->counted : entry_item(entry);

	return routine_within(READ_ONCE(item->WorkerRoutine), module);
}

/*
 * Under the lock, as one of the waiters: is a routine of @module queued here, or
 * running? The items that are found stay for as long as the lock is held: the
 * runner that takes one now looks at the waiters before it releases the item.
 */
static bool worker_has_routine(struct ksworker *w, u64 s, const struct module *module)
{
	PWORKER_THREAD_ROUTINE running = READ_ONCE(w->routine);
	PWORK_QUEUE_ITEM item = state_item(s);
	PLIST_ENTRY entry;

	if (routine_within(running, module))
		return true;
	if (item && entry_within(w, &item->List, module))
		return true;
	if ((s & KSW_COUNTED) && entry_within(w, &w->counted_entry, module))
		return true;
	for (entry = w->head; entry; entry = entry->Blink)
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
	bool joined = false;
	u64 s;

	raw_spin_lock_irq(&w->lock);
	if (waiter_join(w, waiter)) {
		s = state_read(w);
		waiter->until = worker_youngest(w, s);
		*found = worker_has_routine(w, s, module);
		/* Busy with nothing on show: what was just taken may be one of these. */
		joined = *found || (state_busy(s) && !READ_ONCE(w->routine));
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
	list_for_each_entry(w, &ksworker_registry, node)
		if (w->id > last_id && routines_join(w, waiter, module, found))
			break;
	mutex_unlock(&ksworker_registry_lock);
	return list_entry_is_head(w, &ksworker_registry, node) ? NULL : w;
}

static void routines_leave(const struct module *module)
{
	struct ksw_waiter waiter = { };
	unsigned int last_id = 0;
	struct ksworker *w;
	bool found;

	while ((w = routines_find(module, &waiter, last_id, &found))) {
		WARN(found, "ksworker: module %s unloads with an item queued or running; it is run first (worker %u of %s)\n",
		     module->name, w->id, owner_name(w->owner));
		last_id = w->id;
		wait_for_completion(&waiter.event);
		waiter_leave(w, &waiter);
	}
}

static int owner_notify(struct notifier_block *nb, unsigned long action, void *module)
{
	if (action == MODULE_STATE_GOING) {
		owner_leave(module);
		routines_leave(module);
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
	error = register_module_notifier(&owner_notifier);
	if (error) {
		destroy_workqueue(reap_wq);
		return error;
	}
	ksworker_debugfs_open();
	return 0;
}

static void __exit ksworker_exit(void)
{
	unregister_module_notifier(&owner_notifier);
	owner_leave(THIS_MODULE);
	destroy_workqueue(reap_wq);
	ksworker_debugfs_close();
}

module_init(ksworker_init);
module_exit(ksworker_exit);

MODULE_DESCRIPTION("Windows Kernel Streaming workers for porting layers");
MODULE_AUTHOR("The ksworker project");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
