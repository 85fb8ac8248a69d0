// SPDX-License-Identifier: GPL-2.0
/*
 * torture.c - ksworker under load for as long as you like, with a verdict
 *
 * insmod starts it; it ends after "duration" seconds, after "operations" calls
 * or with rmmod, prints "ksworker_torture: SUCCESS" or "ksworker_torture: !!!
 * FAILURE ...", and waits for rmmod. Each fault is a line with "!!!" soon after
 * it was found. The parameter "report" shows where it stands, for scripts.
 */
#define pr_fmt(fmt) "ksworker_torture: " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "torture.h"

static unsigned int duration = 60;
module_param(duration, uint, 0444);
MODULE_PARM_DESC(duration, "seconds to run, at most if \"operations\" is given; 0: until rmmod");
static unsigned long operations;
module_param(operations, ulong, 0444);
MODULE_PARM_DESC(operations, "calls after which it ends; fewer of them in \"duration\" are a failure; 0: any number");
static unsigned int patience;
module_param(patience, uint, 0444);
MODULE_PARM_DESC(patience, "seconds more than \"duration\" that it may take until each kind of operation has happened; not with \"operations\" or \"inject\"");
static unsigned int stat_interval = 5;
module_param(stat_interval, uint, 0444);
MODULE_PARM_DESC(stat_interval, "seconds between two lines of statistics; 0: none");
static unsigned int producers = 1;
module_param(producers, uint, 0444);
MODULE_PARM_DESC(producers, "producers per context (thread, softirq, hard interrupt) and CPU");
static unsigned int strict = 4;
module_param(strict, uint, 0444);
MODULE_PARM_DESC(strict, "strict workers");
static unsigned int backlog = 4;
module_param(backlog, uint, 0444);
MODULE_PARM_DESC(backlog, "backlog workers, at least 1");
static unsigned int counted = 4;
module_param(counted, uint, 0444);
MODULE_PARM_DESC(counted, "counted workers");
static unsigned int sleepers = 4;
module_param(sleepers, uint, 0444);
MODULE_PARM_DESC(sleepers, "threads that wait and flush");
static unsigned int churners = 2;
module_param(churners, uint, 0444);
MODULE_PARM_DESC(churners, "threads that unregister and register workers; 0: workers stay");
static unsigned int onoff = 500;
module_param(onoff, uint, 0444);
MODULE_PARM_DESC(onoff, "milliseconds between two CPU hotplug operations; 0: none");
static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of the random choices; 0: any");
unsigned int torture_waiter_limit = 30;
module_param_named(waiter_limit, torture_waiter_limit, uint, 0444);
MODULE_PARM_DESC(waiter_limit, "seconds after which a call that waits is reported");
bool torture_verbose;
module_param_named(verbose, torture_verbose, bool, 0644);
MODULE_PARM_DESC(verbose, "print the books of each worker when it goes");
static char *inject = "none";
module_param(inject, charp, 0444);
MODULE_PARM_DESC(inject, "plant faults of one kind, to see them found: lose, double, refused, order, overlap, count, payload, late, status, waiter or flush");

static const char *const plant_names[TORTURE_PLANTS] = {
	[PLANT_NONE] = "none",		[PLANT_LOSE] = "lose",
	[PLANT_DOUBLE] = "double",	[PLANT_REFUSED] = "refused",
	[PLANT_ORDER] = "order",	[PLANT_OVERLAP] = "overlap",
	[PLANT_COUNT] = "count",	[PLANT_PAYLOAD] = "payload",
	[PLANT_LATE] = "late",		[PLANT_STATUS] = "status",
	[PLANT_WAITER] = "waiter",	[PLANT_FLUSH] = "flush",
};

static const char *const entry_names[BOOK_ENTRIES] = {
	[BOOK_ACCEPTED] = "accepted",	[BOOK_BUSY] = "busy",
	[BOOK_CLOSING] = "closing",	[BOOK_TIMEOUT] = "timeout",
	[BOOK_DEADLOCK] = "deadlock",	[BOOK_CANCELLED] = "cancelled",
	[BOOK_MISSED] = "missed",	[BOOK_COUNTED] = "counted",
	[BOOK_OPENED] = "opened",	[BOOK_UNCOUNTED] = "uncounted",
	[BOOK_FLUSHED] = "flushed",	[BOOK_LIVES] = "lives",
	[BOOK_RAN] = "ran",		[BOOK_TASKS] = "tasks",
	[BOOK_HARD] = "hardirq",	[BOOK_SOFT] = "softirq",
	[BOOK_AFTER] = "after",
};

LIST_HEAD(torture_callers);
struct torture_slot *torture_slots;
unsigned int torture_slot_count;
struct torture_slot *torture_last_slot;
struct torture_book __percpu *torture_wander_book;
bool torture_stopping;

static DECLARE_WAIT_QUEUE_HEAD(stopping_wait);
static LIST_HEAD(threads);
static struct torture_producer **all_producers;
static unsigned int producer_count;
static unsigned int producer_limit;
static struct cpumask cpus;		/* online when we began */
static atomic_t onoff_done, onoff_failed;
static struct task_struct *control_task;
static unsigned long started, ended;
static const char *verdict = "none";
static bool finished;
static bool stuck;
static bool too_few;

/*
 * Statistics
 */

static unsigned long entry_sum(enum torture_entry entry)
{
	unsigned long sum = torture_sum(torture_wander_book, entry);
	unsigned int i;

	for (i = 0; i < torture_slot_count; i++)
		sum += torture_sum(torture_slots[i].book, entry);
	return sum;
}

/* Increments that are the first of a run are in two entries. */
static unsigned long operations_sum(void)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < BOOK_OPERATIONS; i++)
		sum += i == BOOK_OPENED ? 0 : entry_sum(i);
	return sum;
}

static void stats_print(void)
{
	pr_info("%lu s: operations %lu: accepted %lu busy %lu closing %lu timeout %lu deadlock %lu cancelled %lu missed %lu counted %lu uncounted %lu flushed %lu lives %lu; ran %lu tasks %lu; hardirq %lu softirq %lu after %lu; onoff %d failed %d; faults %lu\n",
		(jiffies - started) / HZ, operations_sum(), entry_sum(BOOK_ACCEPTED),
		entry_sum(BOOK_BUSY), entry_sum(BOOK_CLOSING), entry_sum(BOOK_TIMEOUT),
		entry_sum(BOOK_DEADLOCK), entry_sum(BOOK_CANCELLED), entry_sum(BOOK_MISSED),
		entry_sum(BOOK_COUNTED), entry_sum(BOOK_UNCOUNTED), entry_sum(BOOK_FLUSHED),
		entry_sum(BOOK_LIVES), entry_sum(BOOK_RAN), entry_sum(BOOK_TASKS),
		entry_sum(BOOK_HARD), entry_sum(BOOK_SOFT), entry_sum(BOOK_AFTER),
		atomic_read(&onoff_done), atomic_read(&onoff_failed), torture_faults_sum());
}

/* The parameter "report": one value a line */
static int report_get(char *buffer, const struct kernel_param *kp)
{
	bool over = smp_load_acquire(&finished); /* the numbers are final [torture:finished] */
	int i, n;

	n = scnprintf(buffer, PAGE_SIZE, "state %s\nverdict %s\n", over ? "finished" : "running",
		      over ? verdict : "none");
	if (!over)
		return n;
	n += scnprintf(buffer + n, PAGE_SIZE - n, "seconds %lu\noperations %lu\n",
		       (ended - started) / HZ, operations_sum());
	for (i = 0; i < BOOK_ENTRIES; i++)
		n += scnprintf(buffer + n, PAGE_SIZE - n, "%s %lu\n", entry_names[i], entry_sum(i));
	n += scnprintf(buffer + n, PAGE_SIZE - n, "onoff %d\nonoff_failed %d\n",
		       atomic_read(&onoff_done), atomic_read(&onoff_failed));
	for (i = 0; i < TORTURE_FAULTS; i++)
		n += scnprintf(buffer + n, PAGE_SIZE - n, "fault_%s %d\n",
			       torture_fault_name(i), torture_fault_count(i));
	return n;
}

static const struct kernel_param_ops report_ops = {
	.get = report_get,
};
module_param_cb(report, &report_ops, NULL, 0444);
MODULE_PARM_DESC(report, "state, verdict and, when it is finished, the numbers");

/*
 * What the threads have in common
 */

/* Sleep, but not beyond the end. */
void torture_pause(unsigned int ms)
{
	wait_event_timeout(stopping_wait, READ_ONCE(torture_stopping), msecs_to_jiffies(ms));
	cond_resched();
}

void torture_caller_add(struct torture_caller *caller)
{
	list_add_tail(&caller->node, &torture_callers);
}

/* NULL: no memory. It goes with the others at the end. */
struct torture_producer *torture_producer_new(int cpu)
{
	struct torture_producer *producer = kzalloc(sizeof(*producer), GFP_KERNEL);
	int i;

	if (!producer || WARN_ON(producer_count == producer_limit)) {
		kfree(producer);
		return NULL;
	}
	all_producers[producer_count] = producer;
	producer->id = producer_count++;
	producer->cpu = cpu;
	producer->random = (seed ^ (producer->id + 1) * 0x9e3779b9u) ?: 1;
	for (i = 0; i < TORTURE_ITEMS; i++)
		torture_item_init(&producer->items[i]);
	return producer;
}

static int thread_main(void *data)
{
	struct torture_thread *thread = data;

	thread->run(thread);
	complete(&thread->done);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static struct torture_thread *thread_new(void (*run)(struct torture_thread *thread), int cpu)
{
	struct torture_thread *thread = kzalloc(sizeof(*thread), GFP_KERNEL);

	if (!thread)
		return NULL;
	thread->run = run;
	init_completion(&thread->done);
	thread->producer = torture_producer_new(cpu);
	if (!thread->producer) {
		kfree(thread);
		return NULL;
	}
	torture_caller_add(&thread->caller);
	list_add_tail(&thread->node, &threads);
	return thread;
}

static int thread_start(struct torture_thread *thread)
{
	struct task_struct *task = kthread_run(thread_main, thread, "ks_torture/%u",
					       thread->producer->id);

	if (IS_ERR(task))
		return PTR_ERR(task);
	thread->task = task;
	return 0;
}

/* All callers and producers are there before the first thread runs. */
static int threads_start(void)
{
	struct torture_thread *thread;
	int error = 0;

	list_for_each_entry(thread, &threads, node) {
		error = thread_start(thread);
		if (error)
			break;
	}
	return error;
}

/*
 * Hotplug
 */

static void onoff_flip(unsigned int cpu)
{
	int error = cpu_online(cpu) ? remove_cpu(cpu) : add_cpu(cpu);

	atomic_inc(error ? &onoff_failed : &onoff_done);
}

/* All but the first CPU; at the end they are back. */
static void onoff_run(struct torture_thread *thread)
{
	unsigned int cpu;

	while (!READ_ONCE(torture_stopping)) {
		torture_pause(onoff);
		cpu = torture_random(&thread->producer->random) % nr_cpu_ids;
		if (cpumask_test_cpu(cpu, &cpus) && cpu != cpumask_first(&cpus))
			onoff_flip(cpu);
	}
	for_each_cpu(cpu, &cpus)
		if (!cpu_online(cpu))
			onoff_flip(cpu);
}

/*
 * The end
 */

static void callers_watch(void)
{
	struct torture_caller *caller;
	const char *what;

	list_for_each_entry(caller, &torture_callers, node) {
		what = smp_load_acquire(&caller->what); /* and its time [torture:watch] */
		if (!what || READ_ONCE(caller->told) ||
		    !time_after(jiffies, READ_ONCE(caller->since) + torture_waiter_limit * HZ))
			continue;
		WRITE_ONCE(caller->told, true);
		torture_fault(TORTURE_WAITER, "%s has not returned for %u s", what,
			      torture_waiter_limit);
	}
}

/* False: it does not end, and so nothing can be freed any more. */
static bool thread_wait(struct torture_thread *thread)
{
	unsigned long end = jiffies + (4 * torture_waiter_limit + 10) * HZ;

	while (!wait_for_completion_timeout(&thread->done, HZ)) {
		callers_watch();
		if (time_after(jiffies, end)) {
			torture_fault(TORTURE_WAITER, "thread ks_torture/%u does not end",
				      thread->producer->id);
			return false;
		}
	}
	kthread_stop(thread->task);
	thread->task = NULL;
	return true;
}

static bool threads_wait(void)
{
	struct torture_thread *thread;

	list_for_each_entry(thread, &threads, node)
		if (thread->task && !thread_wait(thread))
			return false;
	return true;
}

static void clocks_stop(void)
{
	unsigned int i;

	for (i = 0; i < producer_count; i++)
		if (all_producers[i]->clock.function)
			hrtimer_cancel(&all_producers[i]->clock);
}

static void wander_audit(void)
{
	unsigned long accepted = torture_sum(torture_wander_book, BOOK_ACCEPTED);
	unsigned long cancelled = torture_sum(torture_wander_book, BOOK_CANCELLED);
	unsigned long ran = torture_sum(torture_wander_book, BOOK_RAN);

	if (accepted != ran + cancelled)
		torture_fault(TORTURE_BOOKS, "wanderer: %lu accepted, %lu run, %lu cancelled",
			      accepted, ran, cancelled);
}

/* The first thread has a second task: it closes all slots, and is watched, too. */
static bool slots_close(void)
{
	struct torture_thread *thread = list_first_entry(&threads, struct torture_thread, node);

	thread->run = torture_slots_close;
	reinit_completion(&thread->done);
	return !thread_start(thread) && thread_wait(thread);
}

/* False: a thread does not end; then we must stay loaded, and so must all memory. */
static bool torture_stop(void)
{
	WRITE_ONCE(torture_stopping, true);
	wake_up_all(&stopping_wait);
	if (!threads_wait())
		return false;
	clocks_stop();
	if (!slots_close())
		return false;
	wander_audit();
	return true;
}

static void torture_conclude(void)
{
	unsigned long sum;

	ended = jiffies;
	if (!torture_stop()) {
		stuck = true;
		__module_get(THIS_MODULE);
	}
	torture_faults_print();
	stats_print();
	sum = torture_faults_sum();
	verdict = sum || too_few ? "FAILURE" : "SUCCESS";
	if (sum)
		pr_alert("%s!!! FAILURE: %lu faults\n", torture_planted_word(), sum);
	else if (too_few)
		pr_alert("!!! FAILURE: only %lu of %lu operations in %u s\n",
			 operations_sum(), operations, duration);
	else
		pr_info("SUCCESS\n");
	smp_store_release(&finished, true); /* after the last number [torture:finished] */
}

/* Each kind of operation has happened; BOOK_AFTER needs luck. */
static bool torture_has_seen_all(void)
{
	int i;

	for (i = 0; i < BOOK_ENTRIES; i++)
		if (i != BOOK_AFTER && !entry_sum(i))
			return false;
	return true;
}

/* It has lasted long enough, or has done enough. */
static bool torture_is_over(void)
{
	unsigned long end = started + duration * HZ;
	bool patient = !operations && torture_plant == PLANT_NONE;

	if (operations && operations_sum() >= operations)
		return true;
	if (!duration || time_before(jiffies, end))
		return false;
	if (patient && !torture_has_seen_all() && time_before(jiffies, end + patience * HZ))
		return false;
	too_few = operations;
	return true;
}

static int control_run(void *unused)
{
	unsigned long next = started + stat_interval * HZ;

	while (!kthread_should_stop() && !torture_is_over()) {
		schedule_timeout_interruptible(HZ / 4);
		torture_faults_print();
		callers_watch();
		if (stat_interval && time_after_eq(jiffies, next)) {
			stats_print();
			next += stat_interval * HZ;
		}
	}
	torture_conclude();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

/*
 * The beginning
 */

static void params_print(void)
{
	pr_info("--- start of test: duration=%u patience=%u operations=%lu stat_interval=%u producers=%u strict=%u backlog=%u counted=%u sleepers=%u churners=%u onoff=%u seed=%u waiter_limit=%u inject=%s, %u CPUs\n",
		duration, patience, operations, stat_interval, producers, strict, backlog, counted,
		sleepers, churners, onoff, seed, torture_waiter_limit, inject,
		cpumask_weight(&cpus));
}

static int params_check(void)
{
	int plant = match_string(plant_names, TORTURE_PLANTS, inject);

	if (plant < 0) {
		pr_err("inject=%s is not one of the faults that can be planted; modinfo lists them\n",
		       inject);
		return -EINVAL;
	}
	if (!producers || producers > 16 || !backlog || strict > 64 || backlog > 64 ||
	    counted > 64 || sleepers > 64 || churners > 16 || !torture_waiter_limit ||
	    duration > 1000000 || patience > 3600 || stat_interval > 1000000 ||
	    torture_waiter_limit > 3600) {
		pr_err("producers is 1 to 16, strict, backlog (at least 1), counted and sleepers up to 64, churners up to 16, waiter_limit 1 to 3600, patience up to 3600, duration and stat_interval up to 1000000\n");
		return -EINVAL;
	}
	torture_plant = plant;
	while (!seed)
		seed = get_random_u32();
	return 0;
}

/* The first of each kind lives until the end, and all do without churners. */
static int slots_init(enum torture_kind kind, unsigned int n)
{
	struct torture_slot *slot;
	unsigned int i;
	int error;

	for (i = 0; i < n; i++) {
		slot = &torture_slots[torture_slot_count++];
		error = torture_slot_init(slot, kind, i, !i || !churners, producer_limit);
		if (error)
			return error;
		if (kind == SLOT_BACKLOG && !i)
			torture_last_slot = slot;
	}
	return 0;
}

static int slots_open(void)
{
	u32 random = seed;
	unsigned int i;

	for (i = 0; i < torture_slot_count; i++)
		if (!torture_slot_open(&torture_slots[i], torture_random(&random), true))
			return -ENOMEM;
	return 0;
}

static int threads_new(unsigned int n, void (*run)(struct torture_thread *thread))
{
	while (n--)
		if (!thread_new(run, -1))
			return -ENOMEM;
	return 0;
}

/* One producer in each context of @cpu; the thread looks after the timers. */
static int producers_new(unsigned int cpu)
{
	struct torture_thread *thread = thread_new(torture_produce, cpu);
	struct torture_producer *soft = torture_producer_new(cpu);
	struct torture_producer *hard = torture_producer_new(cpu);

	if (!thread || !soft || !hard)
		return -ENOMEM;
	torture_clock_init(soft, HRTIMER_MODE_REL_PINNED_SOFT);
	torture_clock_init(hard, HRTIMER_MODE_REL_PINNED_HARD);
	thread->producer->soft = soft;
	thread->producer->hard = hard;
	return 0;
}

static int all_threads_new(void)
{
	unsigned int i, cpu;
	int error = 0;

	for (i = 0; i < producers; i++)
		for_each_cpu(cpu, &cpus)
			error = error ?: producers_new(cpu);
	error = error ?: threads_new(producers, torture_produce);
	error = error ?: threads_new(sleepers, torture_sleep);
	error = error ?: threads_new(churners, torture_churn);
	return error ?: threads_new(!!onoff, onoff_run);
}

static int torture_alloc(void)
{
	unsigned int slots = strict + backlog + counted;
	int error;

	producer_limit = producers * (3 * cpumask_weight(&cpus) + 1) + slots + sleepers +
			 churners + 1;
	all_producers = kcalloc(producer_limit, sizeof(*all_producers), GFP_KERNEL);
	torture_slots = kvcalloc(slots, sizeof(*torture_slots), GFP_KERNEL);
	torture_wander_book = alloc_percpu(struct torture_book);
	if (!all_producers || !torture_slots || !torture_wander_book)
		return -ENOMEM;
	error = slots_init(SLOT_STRICT, strict);
	error = error ?: slots_init(SLOT_BACKLOG, backlog);
	error = error ?: slots_init(SLOT_COUNTED, counted);
	return error ?: all_threads_new();
}

static void torture_free(void)
{
	struct torture_thread *thread, *next;

	while (torture_slot_count)
		torture_slot_destroy(&torture_slots[--torture_slot_count]);
	list_for_each_entry_safe(thread, next, &threads, node)
		kfree(thread);
	while (producer_count)
		kfree(all_producers[--producer_count]);
	free_percpu(torture_wander_book);
	kvfree(torture_slots);
	kfree(all_producers);
}

static int torture_start(void)
{
	int error = slots_open();

	if (!error)
		error = threads_start();
	if (error)
		return error;
	started = jiffies;
	control_task = kthread_run(control_run, NULL, "ks_torture");
	return PTR_ERR_OR_ZERO(control_task);
}

static int __init torture_init(void)
{
	int error = params_check();

	if (error)
		return error;
	cpumask_copy(&cpus, cpu_online_mask);
	params_print();
	error = torture_alloc();
	if (!error) {
		error = torture_start();
		if (error)
			torture_stop();
	}
	if (error) {
		torture_faults_print();
		torture_free();
	}
	return error;
}

/* Before the end of "duration" it ends now, with a verdict. */
static void __exit torture_exit(void)
{
	kthread_stop(control_task);
	if (!WARN_ON(stuck))
		torture_free();
}

module_init(torture_init);
module_exit(torture_exit);

MODULE_DESCRIPTION("Torture test of ksworker");
MODULE_AUTHOR("The ksworker project");
MODULE_LICENSE("GPL");
