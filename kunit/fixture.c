// SPDX-License-Identifier: GPL-2.0
/* Probes, workers and actors: see ksworker_kunit.h. */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>

#include "ksworker_kunit.h"

unsigned int kunit_patience = 60;
module_param_named(patience, kunit_patience, uint, 0444);
MODULE_PARM_DESC(patience, "seconds after which a case no longer believes that what it waits for will come");

/* The judge of the log pairs this line with one warning that contains @text. */
void expect_warning(const char *text)
{
	pr_info("ksworker_kunit: expect warning: %s\n", text);
}

/* For what nobody completes. Polls, and gives up. */
bool condition_met(bool (*met)(void *arg), void *arg)
{
	unsigned long end = jiffies + PATIENCE;

	while (!met(arg)) {
		if (time_after(jiffies, end))
			return met(arg);
		usleep_range(50, 200);
	}
	return true;
}

/* Probes */

struct probe *probe_new(struct fixture *f)
{
	struct probe *p = kunit_kzalloc(f->test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(f->test, p);
	p->f = f;
	init_completion(&p->began);
	init_completion(&p->acted);
	init_completion(&p->release);
	init_completion(&p->ended);
	ExInitializeWorkItem(&p->item, probe_routine, p);
	list_add_tail(&p->node, &f->probes);
	return p;
}

struct probe *probe_held(struct fixture *f)
{
	struct probe *p = probe_new(f);

	p->holds = true;
	return p;
}

struct probe *probe_acting(struct fixture *f, PKSWORKER w, void (*act)(struct probe *p))
{
	struct probe *p = probe_new(f);

	p->worker = w;
	p->act = act;
	return p;
}

void probe_routine(PVOID parameter)
{
	struct probe *p = parameter;
	struct fixture *f = p->f;

	if (atomic_inc_return(&f->inside) > 1)
		atomic_inc(&f->overlaps);
	WRITE_ONCE(p->began_at, atomic_inc_return(&f->clock));
	atomic_inc(&p->runs);
	complete(&p->began);
	if (p->act)
		p->act(p);
	if (p->holds)
		wait_for_completion(&p->release);
	WRITE_ONCE(p->ended_at, atomic_inc_return(&f->clock));
	atomic_dec(&f->inside);
	complete(&p->ended);
}

NTSTATUS probe_queue(struct probe *p, PKSWORKER w)
{
	return KsQueueWorkItem(w, &p->item);
}

bool probe_is_queued(struct probe *p)
{
	return READ_ONCE(p->item.List.Flink);
}

bool probe_began(struct probe *p)
{
	return wait_for_completion_timeout(&p->began, PATIENCE);
}

bool probe_ended(struct probe *p)
{
	return wait_for_completion_timeout(&p->ended, PATIENCE);
}

void probe_release(struct probe *p)
{
	complete_all(&p->release);
}

int probe_runs(struct probe *p)
{
	return atomic_read(&p->runs);
}

void surroundings_record(struct surroundings *s)
{
	s->preempt = preempt_count();
	s->irqs_off = irqs_disabled();
	s->in_task = in_task();
	s->rcu = rcu_preempt_depth();
	s->locks = lockdep_depth(current);
}

/* An act. */
void probe_looks(struct probe *p)
{
	surroundings_record(&p->saw);
}

/* An act: the item is queued again until the case is over. */
void probe_goes_round(struct probe *p)
{
	if (!READ_ONCE(p->f->over))
		p->status = probe_queue(p, p->worker);
}

/* Workers */

static PKSWORKER worker_remember(struct fixture *f, PKSWORKER w)
{
	int i;

	for (i = 0; i < MOST_WORKERS; i++)
		if (!cmpxchg(&f->workers[i], NULL, w))
			return w;
	KsUnregisterWorker(w);
	KUNIT_FAIL(f->test, "a case has more than %d workers", MOST_WORKERS);
	return NULL;
}

/* Somebody else unregisters it. */
void worker_forget(struct fixture *f, PKSWORKER w)
{
	int i;

	for (i = 0; i < MOST_WORKERS; i++)
		cmpxchg(&f->workers[i], w, NULL);
}

static PKSWORKER worker_open_all(struct fixture *f, WORK_QUEUE_TYPE type, ULONG flags,
				 PWORK_QUEUE_ITEM counted)
{
	PKSWORKER w = NULL;

	KUNIT_ASSERT_EQ(f->test, KsRegisterWorkerEx(type, flags, counted, &w), STATUS_SUCCESS);
	KUNIT_ASSERT_NOT_NULL(f->test, w);
	w = worker_remember(f, w);
	KUNIT_ASSERT_NOT_NULL(f->test, w);
	return w;
}

PKSWORKER worker_open_type(struct fixture *f, WORK_QUEUE_TYPE type, ULONG flags)
{
	return worker_open_all(f, type, flags, NULL);
}

PKSWORKER worker_open(struct fixture *f, ULONG flags)
{
	return worker_open_all(f, NormalWorkQueue, flags, NULL);
}

PKSWORKER worker_open_counted(struct fixture *f, struct probe *counted, ULONG flags)
{
	PKSWORKER w = worker_open_all(f, DelayedWorkQueue, flags, &counted->item);

	counted->worker = w;
	return w;
}

/* By an actor, so that an unregister that never returns fails the case. */
void worker_close(struct fixture *f, PKSWORKER w)
{
	struct actor *a = actor_start(f, ANY_CPU, actor_closes, w, NULL);

	KUNIT_ASSERT_TRUE_MSG(f->test, actor_done(a), "KsUnregisterWorker did not return");
}

/* Everything accepted has finished, and the worker is idle. */
void worker_settle(struct fixture *f, PKSWORKER w)
{
	struct actor *a = actor_start(f, ANY_CPU, actor_flushes, w, NULL);

	KUNIT_ASSERT_TRUE_MSG(f->test, actor_done(a), "KsFlushWorker did not return");
	KUNIT_ASSERT_EQ(f->test, a->status, STATUS_SUCCESS);
}

/* The worker is running, its place is free. */
struct probe *worker_run_held(struct fixture *f, PKSWORKER w)
{
	struct probe *p = probe_held(f);

	KUNIT_ASSERT_EQ(f->test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(f->test, probe_began(p));
	return p;
}

struct probe *worker_queue_new(struct fixture *f, PKSWORKER w)
{
	struct probe *p = probe_new(f);

	KUNIT_ASSERT_EQ(f->test, probe_queue(p, w), STATUS_SUCCESS);
	return p;
}

/* An item that is accepted is taken back, so that the worker stays as it was. */
static bool worker_refuses_for_good(void *arg)
{
	struct probe *p = arg;

	switch (probe_queue(p, p->worker)) {
	case STATUS_DELETE_PENDING:
		return true;
	case STATUS_SUCCESS:
		KsCancelWorkItem(p->worker, &p->item);
		fallthrough;
	default:
		return false;
	}
}

/* An unregister has begun on a worker that a routine of the case keeps from ending. */
struct actor *worker_closing(struct fixture *f, PKSWORKER w)
{
	struct probe *p = probe_acting(f, w, NULL);
	struct actor *a = actor_start(f, ANY_CPU, actor_closes, w, NULL);

	KUNIT_ASSERT_TRUE(f->test, condition_met(worker_refuses_for_good, p));
	KUNIT_ASSERT_FALSE(f->test, actor_is_done(a));
	return a;
}

/* Actors */

static int actor_thread(void *data)
{
	struct actor *a = data;

	a->fn(a);
	complete_all(&a->done);
	return 0;
}

static struct actor *actor_new(struct fixture *f, void (*fn)(struct actor *a),
			       PKSWORKER w, struct probe *p)
{
	struct actor *a = kunit_kzalloc(f->test, sizeof(*a), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(f->test, a);
	a->f = f;
	a->fn = fn;
	a->worker = w;
	a->probe = p;
	init_completion(&a->done);
	return a;
}

static void actor_go(struct actor *a, int cpu)
{
	struct task_struct *task = kthread_create(actor_thread, a, "ksworker_actor");

	KUNIT_ASSERT_FALSE(a->f->test, IS_ERR(task));
	a->task = get_task_struct(task);
	list_add_tail(&a->node, &a->f->actors);
	if (cpu != ANY_CPU && cpu_online(cpu))
		kthread_bind(task, cpu);
	wake_up_process(task);
}

struct actor *actor_start(struct fixture *f, int cpu, void (*fn)(struct actor *a),
			  PKSWORKER w, struct probe *p)
{
	struct actor *a = actor_new(f, fn, w, p);

	actor_go(a, cpu);
	return a;
}

static void actor_waits(struct actor *a)
{
	WRITE_ONCE(a->calling, true);
	a->status = KsQueueWorkItemWait(a->worker, &a->probe->item, a->ms);
}

struct actor *actor_start_wait(struct fixture *f, PKSWORKER w, struct probe *p, ULONG ms)
{
	struct actor *a = actor_new(f, actor_waits, w, p);

	a->ms = ms;
	actor_go(a, ANY_CPU);
	return a;
}

bool actor_done(struct actor *a)
{
	return wait_for_completion_timeout(&a->done, PATIENCE);
}

bool actor_is_done(struct actor *a)
{
	return completion_done(&a->done);
}

static bool actor_is_asleep(void *arg)
{
	struct actor *a = arg;
	unsigned int state = READ_ONCE(a->task->__state);

	return READ_ONCE(a->calling) && (state & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)) &&
	       !actor_is_done(a);
}

/* The actor is inside of the call that it was started for, and waits there. */
bool actor_sleeps(struct actor *a)
{
	return condition_met(actor_is_asleep, a);
}

bool actor_should_stop(struct actor *a)
{
	return READ_ONCE(a->f->over);
}

static void actor_join(struct actor *a)
{
	kthread_stop(a->task);
	put_task_struct(a->task);
}

void actor_closes(struct actor *a)
{
	worker_forget(a->f, a->worker);
	WRITE_ONCE(a->calling, true);
	KsUnregisterWorker(a->worker);
}

void actor_flushes(struct actor *a)
{
	WRITE_ONCE(a->calling, true);
	a->status = KsFlushWorker(a->worker);
}

void actor_queues(struct actor *a)
{
	a->status = probe_queue(a->probe, a->worker);
}

void actor_increments(struct actor *a)
{
	a->count = KsIncrementCountedWorker(a->worker);
}

/* The fixture */

int fixture_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	test->priv = f;
	if (!f)
		return -ENOMEM;
	f->test = test;
	INIT_LIST_HEAD(&f->probes);
	INIT_LIST_HEAD(&f->actors);
	return 0;
}

void fixture_release(struct fixture *f)
{
	struct probe *p;

	WRITE_ONCE(f->over, true);
	list_for_each_entry(p, &f->probes, node)
		probe_release(p);
}

void fixture_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct actor *a;
	int i;

	if (!f)
		return;
	fixture_release(f);
	list_for_each_entry(a, &f->actors, node)
		actor_join(a);
	for (i = 0; i < MOST_WORKERS; i++)
		KsUnregisterWorker(f->workers[i]);
}

MODULE_DESCRIPTION("KUnit suites of ksworker");
MODULE_LICENSE("GPL");
