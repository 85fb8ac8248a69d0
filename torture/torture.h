/* SPDX-License-Identifier: GPL-2.0 */
/*
 * torture.h - what the torture module's files share
 *
 * Producers, in every context and on every CPU, hammer slots. A slot is a
 * worker's place in this module: workers come and go in it while the producers
 * go on. All that is handed to ksworker is written down twice, by who handed it
 * over and by the routine that got it, and the two books are compared.
 *
 *	torture.c	parameters, threads, statistics, hotplug, the verdict
 *	fault.c		what was found wrong, in any context, and printed by a thread
 *	slot.c		the lives of a slot's worker, and the audit at its end
 *	item.c		items and their routines: most checks are there
 *	producer.c	who queues, cancels and increments and cannot sleep
 *	sleeper.c	who waits and flushes
 *
 * How a producer gets at a worker (the rule is the matrix in ksworker.h): it
 * loads slot->worker and makes its calls in one section with preemption off.
 * The pointer is cleared before or while KsUnregisterWorker() is at work, and
 * nobody waits for the producers in between.
 *
 * A call that sleeps cannot be in such a section, but it must have begun before
 * KsUnregisterWorker() returns. So a worker that sleepers may use is closed with
 * a gate item queued, whose routine holds the unregister up until each caller
 * that had the pointer sleeps inside of ksworker or is out again.
 *
 * Plain accesses are on purpose where ksworker promises the order (G5): KCSAN
 * and the checks would find it broken. What others look at is marked.
 */
#ifndef _KSWORKER_TORTURE_H
#define _KSWORKER_TORTURE_H

#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "ksworker.h"

#define TORTURE_ITEMS	16	/* of one producer */
#define TORTURE_WORDS	4	/* of payload in an item */
#define TORTURE_FULL	64	/* a count from which incrementers hold back */

/* What can be wrong. The names are in fault.c. */
enum torture_fault {
	TORTURE_BOOKS,		/* accepted, begun, cancelled and finished do not add up */
	TORTURE_ONCE,		/* a routine ran twice, or for an item that was refused */
	TORTURE_ORDER,		/* not in the order of acceptance */
	TORTURE_OVERLAP,	/* two routines of one worker at a time */
	TORTURE_COUNT,		/* increments and tasks do not add up */
	TORTURE_PAYLOAD,	/* a routine does not see what was written before the queue */
	TORTURE_LATE,		/* a routine ran after its worker was unregistered */
	TORTURE_STATUS,		/* a result that is not possible in this state */
	TORTURE_WAITER,		/* a call that waits does not return */
	TORTURE_FLUSH,		/* a flush returned too early */
	TORTURE_FAULTS
};

/* Faults that the parameter "inject" plants, to see that they are found. */
enum torture_plant {
	PLANT_NONE,
	PLANT_LOSE,		/* forget a run */
	PLANT_DOUBLE,		/* run an item twice */
	PLANT_REFUSED,		/* run a refused item */
	PLANT_ORDER,		/* give an item an old number */
	PLANT_OVERLAP,		/* begin a routine in a routine */
	PLANT_COUNT,		/* skip a task */
	PLANT_PAYLOAD,		/* change what the item carries */
	PLANT_LATE,		/* run a routine after the unregister */
	PLANT_STATUS,		/* take a success for a refusal */
	PLANT_WAITER,		/* sleep where a call should return */
	PLANT_FLUSH,		/* do not wait */
	TORTURE_PLANTS
};

/* What is counted, per worker and CPU: this_cpu_inc() is all that a call costs. */
enum torture_entry {
	BOOK_ACCEPTED,		/* plain items */
	BOOK_BUSY,
	BOOK_CLOSING,
	BOOK_TIMEOUT,
	BOOK_DEADLOCK,
	BOOK_CANCELLED,
	BOOK_MISSED,		/* cancel: FALSE */
	BOOK_COUNTED,		/* accepted increments */
	BOOK_OPENED,		/* ... of these 0 -> 1 */
	BOOK_UNCOUNTED,		/* refused increments */
	BOOK_FLUSHED,
	BOOK_LIVES,		/* registered and unregistered */
	BOOK_OPERATIONS,	/* the entries above are calls from outside */
	BOOK_RAN = BOOK_OPERATIONS,
	BOOK_TASKS,
	BOOK_HARD,		/* batches of calls in hard interrupts */
	BOOK_SOFT,		/* ... in softirqs */
	BOOK_AFTER,		/* sections that opened after the unregister had returned */
	BOOK_ENTRIES
};

struct torture_book {
	unsigned long entry[BOOK_ENTRIES];
};

enum torture_kind {
	SLOT_STRICT,
	SLOT_BACKLOG,
	SLOT_COUNTED,
	SLOT_KINDS
};

struct torture_slot;

/**
 * struct torture_item - a work item and what it carries
 * @work: the item
 * @slot: whose worker it was queued on, as are the next ones: plain [G5]
 * @gen: of that slot
 * @by: the producer who queued it
 * @hops: how often its routine queued it again
 * @heap: it is freed by its routine
 * @seq: @by's number for it
 * @word: any data
 * @sum: of all that
 * @told: a routine that waits for this one, or NULL
 * @armed: marked: 1 from before it is queued until it has begun, or did not
 * @busy: marked: not the producer's to use
 */
struct torture_item {
	WORK_QUEUE_ITEM work;
	struct torture_slot *slot;
	u32 gen;
	u32 by;
	u32 hops;
	bool heap;
	u64 seq;
	u64 word[TORTURE_WORDS];
	u64 sum;
	struct completion *told;
	int armed;
	int busy;
};

/**
 * struct torture_producer - who queues; used by one context at a time
 * @id: index in torture_slot.last and .done
 * @random: state of the generator
 * @cpu: where it belongs, or -1
 * @fired_on: marked: where its timer fired last
 * @seq: of the item queued last
 * @clock: what calls it, unless a thread does
 * @mode: of the clock
 * @soft: of a bound thread: the producer in softirq of the same CPU
 * @hard: the same in hard interrupts
 * @at: where each item was queued last
 * @items: its items
 */
struct torture_producer {
	unsigned int id;
	u32 random;
	int cpu;
	int fired_on;
	u64 seq;
	struct hrtimer clock;
	enum hrtimer_mode mode;
	struct torture_producer *soft;
	struct torture_producer *hard;
	struct torture_slot *at[TORTURE_ITEMS];
	struct torture_item items[TORTURE_ITEMS];
};

/**
 * struct torture_caller - a call that sleeps, for who waits for it or watches it
 * @node: in torture_callers, which does not change while threads run
 * @task: who calls
 * @at: the slot whose worker the call uses, or NULL
 * @what: the call, or NULL; with @since, for the watch
 * @since: jiffies
 * @told: the watch has reported it
 */
struct torture_caller {
	struct list_head node;
	struct task_struct *task;
	struct torture_slot *at;
	const char *what;
	unsigned long since;
	bool told;
};

/**
 * struct torture_slot - where one worker after the other lives
 * @kind: strict, backlog or counted
 * @index: in torture_slots
 * @name: for messages
 * @steady: its worker lives until the end
 * @backlog: the worker of this life is one
 * @taken: a churner is at it
 * @worker: the worker, for calls with preemption off; NULL while there is none
 * @sleeper_worker: the same for calls that sleep; NULL, too, in lives without them
 * @self: the worker, for its own routines and for who unregisters it
 * @gen: number of the life
 * @closing: set before the unregister begins
 * @dead: set after it returned
 * @full: incrementers hold back until the count is down to 0
 * @inside: a routine runs
 * @todo: tasks that incrementers have announced
 * @counted: the counted item
 * @shared: an item that everybody queues here
 * @gate: the item that holds the unregister up; its routine waits for @closing
 * @begun: plain, as the next ones: written by the routines, which do not overlap
 * @finished: the same
 * @runs: of the counted item
 * @tasks: seen by these runs
 * @last: per producer, number of the item that began last
 * @done: per producer, number of the item that finished last
 * @me: what the routines queue elsewhere
 * @caller: what the routines wait for
 * @book: the entries of who calls
 */
struct torture_slot {
	enum torture_kind kind;
	unsigned int index;
	char name[16];
	bool steady;
	bool backlog;
	int taken;
	PKSWORKER worker;
	PKSWORKER sleeper_worker;
	PKSWORKER self;
	u32 gen;
	bool closing;
	bool dead;
	bool full;
	int inside;
	atomic_long_t todo;
	WORK_QUEUE_ITEM counted;
	WORK_QUEUE_ITEM shared;
	WORK_QUEUE_ITEM gate;
	unsigned long begun;
	unsigned long finished;
	unsigned long runs;
	unsigned long tasks;
	u64 *last;
	u64 *done;
	struct torture_producer *me;
	struct torture_caller caller;
	struct torture_book __percpu *book;
};

/**
 * struct torture_thread - one of our threads
 * @node: in a list of torture.c
 * @run: what it does until torture_stopping
 * @producer: for @run, or NULL
 * @caller: for @run
 * @task: the thread
 * @done: @run has returned
 */
struct torture_thread {
	struct list_head node;
	void (*run)(struct torture_thread *thread);
	struct torture_producer *producer;
	struct torture_caller caller;
	struct task_struct *task;
	struct completion done;
};

/* torture.c */
extern struct list_head torture_callers;
extern struct torture_slot *torture_slots;
extern unsigned int torture_slot_count;
extern struct torture_slot *torture_last_slot;	/* a steady backlog, closed last */
extern struct torture_book __percpu *torture_wander_book;
extern bool torture_stopping;
extern bool torture_verbose;
extern unsigned int torture_waiter_limit;

void torture_pause(unsigned int ms);
void torture_caller_add(struct torture_caller *caller);
struct torture_producer *torture_producer_new(int cpu);

/* fault.c */
extern enum torture_plant torture_plant;

void __printf(2, 3) torture_fault(enum torture_fault fault, const char *fmt, ...);
void torture_faults_print(void);
unsigned long torture_faults_sum(void);
int torture_fault_count(enum torture_fault fault);
const char *torture_fault_name(enum torture_fault fault);
const char *torture_planted_word(void);
bool torture_plant_now(void);

/* slot.c */
int torture_slot_init(struct torture_slot *slot, enum torture_kind kind, unsigned int index,
		      bool steady, unsigned int producers);
void torture_slot_destroy(struct torture_slot *slot);
bool torture_slot_open(struct torture_slot *slot, u32 random, bool sleepers);
void torture_slot_close(struct torture_slot *slot, struct torture_caller *caller);
void torture_slots_close(struct torture_thread *thread);
void torture_churn(struct torture_thread *thread);
void torture_slot_status(struct torture_slot *slot, struct torture_book __percpu *book,
			 NTSTATUS status, bool busy, bool dead);
void torture_slot_hide(struct torture_slot *slot);
PKSWORKER torture_caller_begin(struct torture_caller *caller, struct torture_slot *slot,
			       const char *what);
void torture_caller_end(struct torture_caller *caller);
void torture_caller_watch(struct torture_caller *caller, const char *what);

/* item.c */
void torture_item_init(struct torture_item *item);
void torture_item_arm(struct torture_item *item, struct torture_producer *producer,
		      struct torture_slot *slot);
void torture_item_disarm(struct torture_item *item, const char *why);
void torture_inside_take(struct torture_slot *slot);
void torture_inside_give(struct torture_slot *slot);
void torture_item_routine(PVOID parameter);
void torture_counted_routine(PVOID parameter);
void torture_shared_routine(PVOID parameter);
void torture_wander_routine(PVOID parameter);
extern WORK_QUEUE_ITEM torture_wander_item;

/* producer.c */
bool torture_item_queue(struct torture_producer *producer, struct torture_slot *slot,
			struct torture_item *item);
void torture_heap_queue(struct torture_producer *producer);
void torture_producer_step(struct torture_producer *producer);
void torture_produce(struct torture_thread *thread);
void torture_clock_init(struct torture_producer *producer, enum hrtimer_mode mode);

/* sleeper.c */
void torture_sleep(struct torture_thread *thread);
void torture_sleep_step(struct torture_producer *producer, struct torture_caller *caller,
			struct torture_slot *slot, bool patient);

static inline bool torture_planted(enum torture_plant plant)
{
	return unlikely(torture_plant == plant) && torture_plant_now();
}

static inline void torture_count(struct torture_book __percpu *book, enum torture_entry entry)
{
	this_cpu_inc(book->entry[entry]);
}

static inline unsigned long torture_sum(struct torture_book __percpu *book,
					enum torture_entry entry)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(book, cpu)->entry[entry]);
	return sum;
}

/* Marsaglia's xorshift: a few instructions, and the same again for the same seed */
static inline u32 torture_random(u32 *state)
{
	u32 x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

static inline struct torture_slot *torture_slot_any(u32 random)
{
	return &torture_slots[random % torture_slot_count];
}

#endif /* _KSWORKER_TORTURE_H */
