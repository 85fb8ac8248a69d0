/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites share
 *
 * A case gets a fixture (test->priv). Through it the case makes
 *
 *   probes   items whose routine records that it ran, and can be told to hold,
 *   workers  registered ksworkers, unregistered at the end whatever happens,
 *   actors   threads that make one call that may block, while the case looks.
 *
 * Routines and actors record, the case asserts. Nothing sleeps to synchronise:
 * a case waits for completions, and each wait has a time-out that fails it.
 * fixture_exit() releases, joins and unregisters everything before KUnit frees
 * the memory, so that a failed assertion leaves nothing behind.
 */
#ifndef _KSWORKER_KUNIT_H
#define _KSWORKER_KUNIT_H

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/sched.h>

#include "../ksworker.h"

/* Longer than anything here takes, on the slowest machine, even if that stood still for a while. */
#define PATIENCE	(kunit_patience * HZ)
extern unsigned int kunit_patience;	/* seconds */
#define ANY_CPU		(-1)
#define MOST_WORKERS	16

/**
 * struct fixture - what one case has made
 * @test: the case
 * @probes: to be released at the end
 * @actors: to be joined at the end
 * @workers: to be unregistered at the end
 * @clock: one tick for each begin and end of a routine, for their order
 * @inside: routines that run now
 * @overlaps: how often a routine began while another one ran
 * @over: the case is over; whoever runs in circles stops
 */
struct fixture {
	struct kunit *test;
	struct list_head probes;
	struct list_head actors;
	PKSWORKER workers[MOST_WORKERS];
	atomic_t clock;
	atomic_t inside;
	atomic_t overlaps;
	bool over;
};

/* What the context of a routine looked like. */
struct surroundings {
	int preempt;
	int rcu;
	int locks;
	bool irqs_off;
	bool in_task;
};

/**
 * struct probe - an item and what its routine saw
 * @item: the item; its parameter is the probe
 * @node: in the fixture's list
 * @f: the fixture
 * @act: what the routine does besides, after @began
 * @holds: the routine waits for @release, after @act
 * @began: completed once by each run
 * @acted: for @act, to tell that it got somewhere
 * @release: completed for good by probe_release()
 * @ended: completed once by each run, as the routine's last act
 * @runs: how often the routine began
 * @began_at: the fixture's clock when the last run began
 * @ended_at: and when it ended
 * @worker: for @act
 * @other: for @act
 * @left: for @act: how often more
 * @status: what @act was told
 * @count: what @act was told
 * @data: written and read without any marking, on purpose
 * @saw: what the routine saw around it
 */
struct probe {
	WORK_QUEUE_ITEM item;
	struct list_head node;
	struct fixture *f;
	void (*act)(struct probe *p);
	bool holds;
	struct completion began;
	struct completion acted;
	struct completion release;
	struct completion ended;
	atomic_t runs;
	int began_at;
	int ended_at;
	PKSWORKER worker;
	struct probe *other;
	int left;
	NTSTATUS status;
	ULONG count;
	unsigned long data;
	struct surroundings saw;
};

/**
 * struct actor - a thread that does one thing
 * @node: in the fixture's list
 * @f: the fixture
 * @task: the thread
 * @fn: what it does
 * @worker: for @fn
 * @probe: for @fn
 * @ms: for @fn
 * @calling: set before the call that may block
 * @status: what it was told
 * @count: what it was told, or how often it was accepted
 * @done: @fn has returned
 */
struct actor {
	struct list_head node;
	struct fixture *f;
	struct task_struct *task;
	void (*fn)(struct actor *a);
	PKSWORKER worker;
	struct probe *probe;
	ULONG ms;
	bool calling;
	NTSTATUS status;
	ULONG count;
	struct completion done;
};

int fixture_init(struct kunit *test);
void fixture_exit(struct kunit *test);
void fixture_release(struct fixture *f);

struct probe *probe_new(struct fixture *f);
struct probe *probe_held(struct fixture *f);
struct probe *probe_acting(struct fixture *f, PKSWORKER w, void (*act)(struct probe *p));
void probe_routine(PVOID parameter);
NTSTATUS probe_queue(struct probe *p, PKSWORKER w);
bool probe_is_queued(struct probe *p);
bool probe_began(struct probe *p);
bool probe_ended(struct probe *p);
void probe_release(struct probe *p);
int probe_runs(struct probe *p);
void probe_looks(struct probe *p);
void probe_goes_round(struct probe *p);
void surroundings_record(struct surroundings *s);
void expect_same_surroundings(struct kunit *test, struct surroundings *a, struct surroundings *b);

/* Routines that return with their context changed (G10); all take what leaked_new() makes. */
void *leaked_new(struct kunit *test);
void leaks_interrupts(PVOID parameter);
void leaks_bottom_halves(PVOID parameter);
void leaks_rcu(PVOID parameter);
void leaks_mutex(PVOID parameter);
void leaks_spinlock(PVOID parameter);

PKSWORKER worker_open(struct fixture *f, ULONG flags);
PKSWORKER worker_open_type(struct fixture *f, WORK_QUEUE_TYPE type, ULONG flags);
PKSWORKER worker_open_counted(struct fixture *f, struct probe *counted, ULONG flags);
void worker_forget(struct fixture *f, PKSWORKER w);
void worker_close(struct fixture *f, PKSWORKER w);
void worker_settle(struct fixture *f, PKSWORKER w);
struct probe *worker_run_held(struct fixture *f, PKSWORKER w);
struct probe *worker_queue_new(struct fixture *f, PKSWORKER w);
struct actor *worker_closing(struct fixture *f, PKSWORKER w);

struct actor *actor_start(struct fixture *f, int cpu, void (*fn)(struct actor *a),
			  PKSWORKER w, struct probe *p);
struct actor *actor_start_wait(struct fixture *f, PKSWORKER w, struct probe *p, ULONG ms);
bool actor_done(struct actor *a);
bool actor_is_done(struct actor *a);
bool actor_sleeps(struct actor *a);
bool actor_should_stop(struct actor *a);
void actor_closes(struct actor *a);
void actor_flushes(struct actor *a);
void actor_queues(struct actor *a);
void actor_increments(struct actor *a);

bool condition_met(bool (*met)(void *arg), void *arg);
void expect_warning(const char *text);

#ifdef CONFIG_FAULT_INJECTION
/* The @n-th allocation of this thread from now fails. */
static inline void fault_at_allocation(unsigned int n)
{
	WRITE_ONCE(current->fail_nth, n);
}

/* That many were asked for. No allocation fails any more. */
static inline bool fault_was_reached(void)
{
	bool reached = !READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return reached;
}
#else
static inline void fault_at_allocation(unsigned int n)
{
}

static inline bool fault_was_reached(void)
{
	return false;
}
#endif

#endif /* _KSWORKER_KUNIT_H */
