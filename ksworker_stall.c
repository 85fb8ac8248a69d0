// SPDX-License-Identifier: GPL-2.0
/*
 * The stall report: a routine that runs, or an item that waits, for too long
 *
 * Nothing of this is on a path of the clients. A delayed work looks at each worker
 * four times in stall_ms and remembers what it saw: how many had begun, and,
 * as one of those who wait (which see) for the youngest entry, until that begins. An
 * idle worker is not looked at further; with no worker at all the work is not queued.
 *
 * What is queued just after a look is watched from the next one on, or, in a long
 * line, when the watched one has begun: so a wait is reported after stall_ms at the
 * earliest, and after about twice as long at the latest.
 */
#define pr_fmt(fmt) "ksworker: " fmt

#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "ksworker_internal.h"

#define STALL_NAMED	3	/* so many of those that wait are named */
#define STALL_COUNTED	100	/* and so many counted, with interrupts off */

static void stall_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(stall_work, stall_work_fn);

/* Guards the next two; outside of the registry's mutex. */
static DEFINE_MUTEX(stall_lock);
static unsigned int stall_ms = 30000;
static bool stall_opened;
static unsigned long stall_told;	/* written under the registry's mutex */

/**
 * struct stall - what there is to report of one worker
 * @limit: what is longer is reported; jiffies
 * @routine: that runs; or NULL
 * @age: of the routine, or of the wait; jiffies
 * @waits: it is an item that waits
 * @count: how many are queued
 * @named: the routines of the oldest of them
 * @runner: the worker's thread, or NULL; referenced
 * @dead: the thread is gone, and the routine did not return
 */
struct stall {
	unsigned long limit;
	PWORKER_THREAD_ROUTINE routine;
	unsigned long age;
	bool waits;
	unsigned int count;
	PWORKER_THREAD_ROUTINE named[STALL_NAMED];
	struct task_struct *runner;
	bool dead;
};

static unsigned long stall_period(unsigned int ms)
{
	return clamp(msecs_to_jiffies(ms) / 4, 1UL, 10UL * HZ);
}

static void stall_name(struct ksworker *w, struct stall *stall, PLIST_ENTRY entry)
{
	if (stall->count < STALL_NAMED)
		stall->named[stall->count] =
			READ_ONCE(ksworker_entry_item(w, entry)->WorkerRoutine);
	stall->count++;
}

/*
 * Under the lock, and the word is watched: what is queued stays, since the runner and
 * who cancels need the lock to take it.
 */
static void stall_count(struct ksworker *w, struct stall *stall, u64 s)
{
	PWORK_QUEUE_ITEM item = state_item(s);
	PLIST_ENTRY entry;

	for (entry = w->head; entry && stall->count < STALL_COUNTED; entry = entry->Blink)
		stall_name(w, stall, entry);
	if (w->backlog)
		return;
	if (item)
		stall_name(w, stall, &item->List);
	if (s & KSW_COUNTED)
		stall_name(w, stall, &w->counted_entry);
}

/* Watch the youngest, if anything waits; what was watched has begun. */
static void stall_watch(struct ksworker *w, struct ksw_record *record, u64 s, PLIST_ENTRY youngest)
{
	struct ksw_waiter *watch = &record->watch;

	if (!hlist_unhashed(&watch->node) && watch->until)
		return;
	if (!hlist_unhashed(&watch->node))
		hlist_del_init(&watch->node);
	if (!youngest || w->gone)
		return;
	init_completion(&watch->event);
	watch->until = youngest;
	hlist_add_head(&watch->node, &w->waiters);
	record->watched = jiffies;
	record->wait_told = false;
}

static bool stall_runs(struct ksworker *w, struct ksw_record *record, struct stall *stall)
{
	unsigned long begun = data_race(w->begun); /* a hint: the runner counts on */
	bool same = begun == record->begun_seen;
	unsigned long since;

	stall->routine = worker_routine(w, &since);
	record->begun_seen = begun;
	if (!stall->routine || !same || begun == record->begun_told)
		return false;
	stall->age = jiffies - since;
	if (stall->age < stall->limit)
		return false;
	record->begun_told = begun;
	record->wait_told = true;	/* what waits now is in the report */
	return true;
}

static bool stall_waits(struct ksworker *w, struct ksw_record *record, struct stall *stall)
{
	struct ksw_waiter *watch = &record->watch;

	if (hlist_unhashed(&watch->node) || !watch->until || record->wait_told)
		return false;
	stall->age = jiffies - record->watched;
	if (stall->age < stall->limit)
		return false;
	record->wait_told = true;
	stall->waits = true;
	return true;
}

/*
 * The thread by its number, since the pointer alone may be stale: a routine that made
 * an oops took its thread with it, and nobody cleared @w->runner.
 */
static void stall_runner(struct ksworker *w, struct stall *stall)
{
	struct task_struct *runner = READ_ONCE(w->runner), *task;
	struct pid *pid = find_get_pid(READ_ONCE(w->runner_pid));

	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (task && task == runner) {
		stall->runner = task;
		return;
	}
	if (task)
		put_task_struct(task);
	stall->dead = runner && runner == READ_ONCE(w->runner);
}

/* The registry's mutex is held. True: there is something to report. */
static bool stall_look(struct ksworker *w, struct stall *stall)
{
	struct ksw_record *record = w->record;
	PLIST_ENTRY youngest;
	bool found;
	u64 s;

	if (!state_busy(atomic64_read(&w->state)))
		return false;
	if (!record)
		record = ksworker_record_open(w, GFP_NOWAIT | __GFP_NOWARN);
	if (!record)
		return false;	/* the next time */
	raw_spin_lock_irq(&w->lock);
	s = ksworker_watch(w, &youngest);
	stall_watch(w, record, s, youngest);
	found = stall_runs(w, record, stall) || stall_waits(w, record, stall);
	if (found)
		stall_count(w, stall, s);
	raw_spin_unlock_irq(&w->lock);
	if (found)
		stall_runner(w, stall);
	return found;
}

static void stall_print_queue(const struct stall *stall)
{
	unsigned int i;

	if (!stall->count)
		pr_warn("stall:   nothing is queued behind it\n");
	for (i = 0; i < min_t(unsigned int, stall->count, STALL_NAMED); i++)
		pr_warn("stall:   queued: an item of %ps\n", stall->named[i]);
	if (stall->count > STALL_NAMED)
		pr_warn("stall:   queued: %u%s more\n", stall->count - STALL_NAMED,
			stall->count == STALL_COUNTED ? " or" : "");
}

/* The registry's mutex is held, so the owner is there. Few lines; the stack comes without it. */
static void stall_print(struct ksworker *w, const struct stall *stall)
{
	const char *owner = w->owner ? w->owner->name : "an unknown module";
	unsigned int ms = jiffies_to_msecs(stall->age);

	if (!stall->waits)
		pr_warn("stall: routine %ps has run for %u ms (worker %u of %s)\n",
			stall->routine, ms, w->id, owner);
	else if (stall->routine)
		pr_warn("stall: an item has waited for %u ms; routine %ps runs (worker %u of %s)\n",
			ms, stall->routine, w->id, owner);
	else
		pr_warn("stall: an item has waited for %u ms; no routine runs (worker %u of %s)\n",
			ms, w->id, owner);
	if (stall->dead)
		pr_warn("stall:   the thread that ran it is gone, look for an oops above; the worker can only be given up\n");
	stall_print_queue(stall);
}

/* The first worker after @last_id of which there is something to report; its number, or 0. */
static unsigned int stall_find(struct stall *stall, unsigned int last_id)
{
	unsigned int found = 0;
	struct ksworker *w;

	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node) {
		if (w->id <= last_id || !stall_look(w, stall))
			continue;
		stall_print(w, stall);
		WRITE_ONCE(stall_told, stall_told + 1);
		found = w->id;
		break;
	}
	mutex_unlock(&ksworker_registry_lock);
	return found;
}

/**
 * ksworker_stall_look() - look at each worker once, and report
 * @limit: what is longer is reported; jiffies
 *
 * The stack is printed without the registry's mutex.
 *
 * Context: Process context, may sleep.
 */
void ksworker_stall_look(unsigned long limit)
{
	unsigned int id = 0;

	do {
		struct stall stall = { .limit = limit };

		id = stall_find(&stall, id);
		if (stall.runner) {
			sched_show_task(stall.runner);
			put_task_struct(stall.runner);
		}
	} while (id);
}

static void stall_work_fn(struct work_struct *work)
{
	unsigned int ms = READ_ONCE(stall_ms);

	if (!ms)
		return;
	ksworker_stall_look(msecs_to_jiffies(ms));
	mutex_lock(&ksworker_registry_lock);
	if (!list_empty(&ksworker_registry))
		queue_delayed_work(system_unbound_wq, &stall_work, stall_period(ms));
	mutex_unlock(&ksworker_registry_lock);
}

/* The registry's mutex is held, and a worker is in it. */
void ksworker_stall_arm(void)
{
	unsigned int ms = READ_ONCE(stall_ms);

	if (READ_ONCE(stall_opened) && ms && !delayed_work_pending(&stall_work))
		queue_delayed_work(system_unbound_wq, &stall_work, stall_period(ms));
}

unsigned long ksworker_stall_reports(void)
{
	return READ_ONCE(stall_told);
}

static int stall_ms_set(const char *words, const struct kernel_param *param)
{
	int error;

	mutex_lock(&stall_lock);
	error = param_set_uint(words, param);
	if (!error && stall_opened)
		mod_delayed_work(system_unbound_wq, &stall_work, 0);
	mutex_unlock(&stall_lock);
	return error;
}

static const struct kernel_param_ops stall_ms_ops = {
	.set = stall_ms_set,
	.get = param_get_uint,
};

module_param_cb(stall_ms, &stall_ms_ops, &stall_ms, 0644);
MODULE_PARM_DESC(stall_ms, "report a routine that runs, or an item that waits, for longer (default 30000; 0: never)");

void ksworker_stall_open(void)
{
	mutex_lock(&stall_lock);
	WRITE_ONCE(stall_opened, true);
	mutex_unlock(&stall_lock);
}

/* No worker is registered any more, or will be. */
void ksworker_stall_close(void)
{
	mutex_lock(&stall_lock);
	WRITE_ONCE(stall_opened, false);
	mutex_unlock(&stall_lock);
	cancel_delayed_work_sync(&stall_work);
}
