// SPDX-License-Identifier: GPL-2.0
/*
 * items.c - work items without a worker, under load
 *
 * A module of its own: insmod runs for "duration" seconds, prints
 * "ksworker_torture_io: SUCCESS" or "... !!! FAILURE", and leaves the numbers in
 * the parameter "report".
 *
 * Producers (a thread and a hard interrupt on each CPU) queue slots: items, in
 * each way that there is, on all types. What is queued is written down in
 * the slot, and its routine finds it there once. Routines free their items, queue
 * them again, use their memory for the next one, or block. A flooder fills
 * the seats of one type, until IoTryQueueWorkItem() says FALSE, and empties them.
 */
#define pr_fmt(fmt) "ksworker_torture_io: " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "clock.h"
#include "ksworker.h"
#include "ksworker_compat.h"

#define SLOTS		16	/* of one producer */
#define SEATS		128
#define TOLD		10	/* faults that are printed */
#define FLOODED		BackgroundWorkQueue

static unsigned int duration = 30;
module_param(duration, uint, 0444);
MODULE_PARM_DESC(duration, "seconds to run");
static char *inject = "none";
module_param(inject, charp, 0444);
MODULE_PARM_DESC(inject, "plant faults of one kind, to see them found: lose, double, payload or reference");

/* How an item is queued. */
enum item_way {
	WAY_EX,			/* ExQueueWorkItem() */
	WAY_IO,			/* IoQueueWorkItem() */
	WAY_OBJECT,		/* IoQueueWorkItemEx() */
	WAY_TRY,		/* IoTryQueueWorkItem() */
	WAY_MEMORY,		/* ... of an item in the slot's own memory, new each time */
	WAY_HEAP,		/* ... of one that its routine frees */
	WAY_WORKER,		/* KsQueueWorkItem() of an IO_WORKITEM */
	WAYS
};

static const char * const way_names[WAYS] = {
	"ex", "io", "object", "try", "memory", "heap", "worker",
};

enum fault { FAULT_ONCE, FAULT_PAYLOAD, FAULT_BOOKS, FAULT_REFERENCE, FAULT_STUCK, FAULTS };

static const char * const fault_names[FAULTS] = {
	"once", "payload", "books", "reference", "stuck",
};

/**
 * struct slot - what a producer has for one item
 * @item: WAY_EX
 * @io: all others
 * @memory: @io of WAY_MEMORY, for the slot's life
 * @way: of the item that is out; plain, as the next ones: ordered by ksworker
 * @word: any data
 * @sum: of it
 * @armed: marked: 1 from before the queue call until the routine has begun
 * @busy: marked: not the producer's to use
 */
struct slot {
	WORK_QUEUE_ITEM item;
	PIO_WORKITEM io;
	PIO_WORKITEM memory;
	enum item_way way;
	u32 word;
	u32 sum;
	int armed;
	int busy;
};

/**
 * struct producer - who queues; one for each context and CPU
 * @random: state of the generator
 * @cpu: where it is
 * @task: of a thread
 * @clock: of a hard interrupt
 * @slots: what it queues
 */
struct producer {
	u32 random;
	int cpu;
	struct task_struct *task;
	struct hrtimer clock;
	struct slot slots[SLOTS];
};

static struct producer *producers;
static unsigned int producer_count;
static struct device device;
static PKSWORKER worker;
static bool stopping;
static atomic_long_t queued[WAYS], ran[WAYS], refused, blocked, again;
static atomic_t faults[FAULTS];
static atomic_t chances;
static const char *verdict = "none";

static bool planted(const char *fault)
{
	return !strcmp(inject, fault) && !(atomic_inc_return(&chances) % 64);
}

static void fault(enum fault what, const char *words)
{
	if (atomic_inc_return(&faults[what]) <= TOLD)
		pr_alert("!!! %s: %s\n", fault_names[what], words);
}

static u32 slot_sum(struct slot *s)
{
	return s->word * 2654435761u + s->way;
}

/* The routine's part: what was written down is there, once. */
static enum item_way slot_arrive(struct slot *s)
{
	enum item_way way = s->way;

	if (s->sum != slot_sum(s))
		fault(FAULT_PAYLOAD, "a routine misses what was written before the queueing");
	if (xchg(&s->armed, 0) != 1)
		fault(FAULT_ONCE, "a routine ran that was not queued, or twice");
	if (!planted("lose"))
		atomic_long_inc(&ran[way]);
	return way;
}

static void slot_give(struct slot *s)
{
	smp_store_release(&s->busy, 0); /* after all that the routine did with it */
}

/* After the slot was given back: nothing of it is touched any more. */
static void routine_linger(u32 random)
{
	switch (random % 64) {
	case 0:
		atomic_long_inc(&blocked);
		msleep(1 + random / 64 % 20);
		break;
	case 1:
		schedule();
		break;
	}
}

static void plain_routine(PVOID parameter)
{
	struct slot *s = parameter;
	u32 word = s->word;

	slot_arrive(s);
	if (planted("double"))
		slot_arrive(s);
	slot_give(s);
	routine_linger(word);
}

/* Once more with the same item, from its own routine. */
static void slot_again(struct slot *s, PIO_WORKITEM item);

static void object_routine(PVOID object, PVOID context, PIO_WORKITEM item)
{
	struct slot *s = context;
	u32 word = s->word;
	enum item_way way = slot_arrive(s);

	if (object != &device)
		fault(FAULT_PAYLOAD, "the routine got another device");
	if (way != WAY_HEAP && word % 8 == 7 && !READ_ONCE(stopping)) {
		slot_again(s, item);
	} else {
		if (way == WAY_HEAP)
			IoFreeWorkItem(item);
		if (way == WAY_MEMORY) {
			IoUninitializeWorkItem(item);
			memset(item, 0x5a, IoSizeofWorkItem());
		}
		slot_give(s);
	}
	routine_linger(word);
}

static void device_routine(PDEVICE_OBJECT object, PVOID context)
{
	struct slot *s = context;

	object_routine(object, context, s->io);
}

static void slot_arm(struct slot *s, enum item_way way, u32 random)
{
	s->way = way;
	s->word = random;
	s->sum = slot_sum(s);
	if (planted("payload"))
		s->word++;
	WRITE_ONCE(s->armed, 1);
	atomic_long_inc(&queued[way]);
}

static void slot_disarm(struct slot *s)
{
	WRITE_ONCE(s->armed, 0);
	atomic_long_dec(&queued[s->way]);
	atomic_long_inc(&refused);
}

static WORK_QUEUE_TYPE any_type(u32 random)
{
	random /= 16;
	return random % 8 ? (WORK_QUEUE_TYPE)(random / 8 % MaximumWorkQueue) :
			    (WORK_QUEUE_TYPE)(CustomPriorityWorkQueue + random / 8 % 32);
}

static void slot_again(struct slot *s, PIO_WORKITEM item)
{
	u32 random = s->word / 8 + 1;

	atomic_long_inc(&again);
	slot_arm(s, s->way, random);
	IoQueueWorkItemEx(item, object_routine, any_type(random), s);
}

/* False: refused, and the slot is the producer's. */
static bool slot_queue(struct slot *s, u32 random)
{
	WORK_QUEUE_TYPE type = any_type(random);

	switch (s->way) {
	case WAY_EX:
		ExQueueWorkItem(&s->item, type);
		return true;
	case WAY_IO:
		IoQueueWorkItem(s->io, device_routine, type, s);
		return true;
	case WAY_TRY:
		return IoTryQueueWorkItem(s->io, object_routine, type, s);
	case WAY_WORKER:
		ExInitializeWorkItem((PWORK_QUEUE_ITEM)s->io, plain_routine, s);
		return KsQueueWorkItem(worker, (PWORK_QUEUE_ITEM)s->io) == STATUS_SUCCESS;
	default:
		IoQueueWorkItemEx(s->io, object_routine, type, s);
		return true;
	}
}

/* In a hard interrupt no item can be made; there is one in the slot. */
static void slot_fire(struct slot *s, u32 random, bool hard)
{
	enum item_way way = random % WAYS;
	PIO_WORKITEM own = s->io;

	if (hard && way == WAY_HEAP)
		way = WAY_OBJECT;
	if (way == WAY_HEAP)
		s->io = IoAllocateWorkItem(&device);
	if (way == WAY_MEMORY) {
		s->io = s->memory;
		IoInitializeWorkItem(&device, s->io);
	}
	if (s->io) {
		slot_arm(s, way, random);
		if (slot_queue(s, random))
			return;
		slot_disarm(s);
	}
	s->io = own;
	slot_give(s);
}

static u32 producer_random(struct producer *p)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 17;
	p->random ^= p->random << 5;
	return p->random;
}

/* Each slot of a producer has one IO_WORKITEM of its own beside what it is lent. */
static void producer_step(struct producer *p, PIO_WORKITEM *own, bool hard)
{
	unsigned int i = producer_random(p) % SLOTS;
	struct slot *s = &p->slots[i];

	if (cmpxchg_acquire(&s->busy, 0, 1))
		return;
	s->io = own[i];
	slot_fire(s, producer_random(p), hard);
}

static PIO_WORKITEM *owned;	/* SLOTS for each producer */

static PIO_WORKITEM *producer_owned(struct producer *p)
{
	return &owned[(p - producers) * SLOTS];
}

static int producer_thread(void *data)
{
	struct producer *p = data;

	while (!kthread_should_stop()) {
		unsigned int n = producer_random(p) % 64;

		while (n--)
			producer_step(p, producer_owned(p), false);
		if (producer_random(p) % 16)
			cond_resched();
		else
			usleep_range(50, 500);
	}
	return 0;
}

static enum hrtimer_restart producer_tick(struct hrtimer *clock)
{
	struct producer *p = container_of(clock, struct producer, clock);
	unsigned int n = producer_random(p) % 8;

	while (n--)
		producer_step(p, producer_owned(p), true);
	torture_clock_again(clock, (200 + producer_random(p) % 800) * NSEC_PER_USEC);
	return READ_ONCE(stopping) ? HRTIMER_NORESTART : HRTIMER_RESTART;
}

static void producer_clock_start(void *data)
{
	struct producer *p = data;

	compat_hrtimer_setup(&p->clock, producer_tick, CLOCK_MONOTONIC,
			     HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&p->clock, ns_to_ktime(NSEC_PER_MSEC), HRTIMER_MODE_REL_PINNED_HARD);
}

/* The flooder */

static WORK_QUEUE_ITEM flood[SEATS + 32];
static atomic_t flooding;
static DECLARE_COMPLETION(ebb);
static DECLARE_COMPLETION(flood_over);

static void flood_routine(PVOID parameter)
{
	wait_for_completion(&ebb);
	if (atomic_dec_and_test(&flooding))
		complete(&flood_over);
}

/* So many block that items of this type have to wait, and tries are refused; then all run. */
static void flood_once(void)
{
	unsigned int i;

	reinit_completion(&ebb);
	atomic_set(&flooding, ARRAY_SIZE(flood));
	for (i = 0; i < ARRAY_SIZE(flood); i++) {
		ExInitializeWorkItem(&flood[i], flood_routine, NULL);
		ExQueueWorkItem(&flood[i], FLOODED);
	}
	msleep(200);
	complete_all(&ebb);
	if (!wait_for_completion_timeout(&flood_over, 60 * HZ))
		fault(FAULT_STUCK, "items that waited for a seat did not run");
}

static void run(void)
{
	unsigned long end = jiffies + duration * HZ;

	do {
		flood_once();
		msleep(800);
	} while (time_before(jiffies, end) && !atomic_read(&faults[FAULT_STUCK]));
}

/* The end */

static bool all_idle(void)
{
	unsigned int i, j;

	for (i = 0; i < producer_count; i++)
		for (j = 0; j < SLOTS; j++)
			/* pairs with slot_give() */
			if (smp_load_acquire(&producers[i].slots[j].busy))
				return false;
	return true;
}

/* The last routines may linger, and put the device after that. */
static bool references_left(unsigned long end)
{
	while (kref_read(&device.kobj.kref) != 1 && time_before(jiffies, end))
		msleep(20);
	return kref_read(&device.kobj.kref) != 1;
}

static void books_check(void)
{
	unsigned long end = jiffies + 60 * HZ;
	unsigned int i;

	while (!all_idle() && time_before(jiffies, end))
		msleep(20);
	if (!all_idle())
		fault(FAULT_STUCK, "an item that was queued did not run");
	for (i = 0; i < WAYS; i++)
		if (atomic_long_read(&queued[i]) != atomic_long_read(&ran[i]))
			fault(FAULT_BOOKS, way_names[i]);
	/* the one that is kept on purpose does not go in a minute, either */
	if (references_left(strcmp(inject, "reference") ? end : jiffies + 5 * HZ))
		fault(FAULT_REFERENCE, "references of the device are left, or too few");
}

static void verdict_say(void)
{
	unsigned int i, bad = 0;

	for (i = 0; i < FAULTS; i++)
		bad += atomic_read(&faults[i]);
	verdict = bad ? "FAILURE" : "SUCCESS";
	pr_info("%s%s\n", bad ? "!!! " : "", verdict);
}

static int report_get(char *buffer, const struct kernel_param *param)
{
	int n = scnprintf(buffer, PAGE_SIZE, "verdict %s\n", verdict);
	unsigned int i;

	for (i = 0; i < WAYS; i++)
		n += scnprintf(buffer + n, PAGE_SIZE - n, "%s %ld\n", way_names[i],
			       atomic_long_read(&ran[i]));
	n += scnprintf(buffer + n, PAGE_SIZE - n, "refused %ld\nblocked %ld\nagain %ld\n",
		       atomic_long_read(&refused), atomic_long_read(&blocked),
		       atomic_long_read(&again));
	for (i = 0; i < FAULTS; i++)
		n += scnprintf(buffer + n, PAGE_SIZE - n, "fault_%s %d\n", fault_names[i],
			       atomic_read(&faults[i]));
	return n;
}

static const struct kernel_param_ops report_ops = { .get = report_get };
module_param_cb(report, &report_ops, NULL, 0444);
MODULE_PARM_DESC(report, "what was found and counted, a line each");

static void device_released(struct device *dev)
{
}

static int slots_make(void)
{
	unsigned int i, j;

	for (i = 0; i < producer_count; i++) {
		for (j = 0; j < SLOTS; j++) {
			struct slot *s = &producers[i].slots[j];

			ExInitializeWorkItem(&s->item, plain_routine, s);
			s->memory = kmalloc(IoSizeofWorkItem(), GFP_KERNEL);
			owned[i * SLOTS + j] = IoAllocateWorkItem(&device);
			if (!s->memory || !owned[i * SLOTS + j])
				return -ENOMEM;
		}
	}
	return 0;
}

static int all_make(void)
{
	NTSTATUS status;

	producer_count = 2 * num_online_cpus();
	producers = kvcalloc(producer_count, sizeof(*producers), GFP_KERNEL);
	owned = kvcalloc(producer_count * SLOTS, sizeof(*owned), GFP_KERNEL);
	if (!producers || !owned)
		return -ENOMEM;
	device_initialize(&device);
	device.release = device_released;
	status = KsRegisterWorkerEx(NormalWorkQueue, KSWORKER_BACKLOG, NULL, &worker);
	return NT_SUCCESS(status) ? slots_make() : KsStatusToErrno(status);
}

/* Routines that linger do not touch any of this. */
static void all_free(void)
{
	unsigned int i, j;

	KsUnregisterWorker(worker);
	for (i = 0; producers && owned && i < producer_count; i++) {
		for (j = 0; j < SLOTS; j++) {
			IoFreeWorkItem(owned[i * SLOTS + j]);
			kfree(producers[i].slots[j].memory);
		}
	}
	kvfree(owned);
	kvfree(producers);
	producers = NULL;
}

static void producers_start(void)
{
	unsigned int i = 0;
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		struct producer *thread = &producers[i], *hard = &producers[i + 1];

		if (i + 1 >= producer_count)
			break;
		thread->random = get_random_u32() | 1;
		hard->random = get_random_u32() | 1;
		thread->task = kthread_run(producer_thread, thread, "ks_torture_io/%d", cpu);
		smp_call_function_single(cpu, producer_clock_start, hard, true);
		i += 2;
	}
	cpus_read_unlock();
}

static void producers_stop(void)
{
	unsigned int i;

	WRITE_ONCE(stopping, true);
	for (i = 0; i < producer_count; i++) {
		if (!IS_ERR_OR_NULL(producers[i].task))
			kthread_stop(producers[i].task);
		if (producers[i].clock.function)
			hrtimer_cancel(&producers[i].clock);
	}
}

static int __init items_init(void)
{
	int error = all_make();

	if (!error) {
		pr_info("%u producers for %u s, inject=%s\n", producer_count, duration, inject);
		producers_start();
		run();
		producers_stop();
		if (!strcmp(inject, "reference"))
			get_device(&device);
		books_check();
		verdict_say();
	}
	if (!atomic_read(&faults[FAULT_STUCK]))
		all_free();
	return error;
}

static void __exit items_exit(void)
{
}

module_init(items_init);
module_exit(items_exit);

MODULE_DESCRIPTION("Torture test of ksworker's items without a worker");
MODULE_AUTHOR("The ksworker project");
MODULE_LICENSE("GPL");
