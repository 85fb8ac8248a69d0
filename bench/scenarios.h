/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scenarios.h - what is measured; included once by each peer_*.c, which defines
 *
 *	peer_arg			what the peer calls a routine with
 *	peer_item(arg)			the item of that
 *	peer_item_init(item, routine)	sets an item up
 *	peer_queue(w, item)		true: accepted
 *	peer_task_added(w)		a task is on the list: have it done
 *	peer_task_done(w)		a task was done; true: go on with the next one
 *
 * and peer_scenarios, its own ones or nothing. It is no header in the usual
 * sense, so nothing keeps it from being included twice.
 */

/* S1: one item through an idle worker, until the caller runs again. */
static void ping_routine(peer_arg arg)
{
	complete(&peer_item(arg)->worker->done);
}

static void ping_prepare(struct bench_worker *w)
{
	peer_item_init(&w->items[0], ping_routine);
}

static u64 ping_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();
	unsigned int i;

	for (i = 0; i < n; i++) {
		bench_expect(w, peer_queue(w, &w->items[0]), true);
		wait_for_completion(&w->done);
	}
	return bench_since(start);
}

/* S1q: the queue call of that alone. */
static u64 queue_run(struct bench_worker *w, unsigned int n)
{
	u64 start, spent = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		bool accepted;

		preempt_disable();
		start = bench_now();
		accepted = peer_queue(w, &w->items[0]);
		spent += bench_since(start);
		preempt_enable();
		bench_expect(w, accepted, true);
		wait_for_completion(&w->done);
	}
	return spent;
}

/*
 * S2: the routine queues its own item again. The call is its last one, and is
 * not looked at, so that the client's part is as small as it can be; if it were
 * refused the run would never end.
 */
static void again_routine(peer_arg arg)
{
	struct bench_item *item = peer_item(arg);
	struct bench_worker *w = item->worker;

	if (--w->left)
		peer_queue(w, item);
	else
		complete(&w->done);
}

static void again_prepare(struct bench_worker *w)
{
	peer_item_init(&w->items[0], again_routine);
}

static u64 again_run(struct bench_worker *w, unsigned int n)
{
	u64 start;

	w->left = n;
	start = bench_now();
	bench_expect(w, peer_queue(w, &w->items[0]), true);
	wait_for_completion(&w->done);
	return bench_since(start);
}

/* S3: BENCH_BURST items at once to an idle worker, until the last one has run. */
static void burst_routine(peer_arg arg)
{
	struct bench_worker *w = peer_item(arg)->worker;

	if (!--w->left)
		complete(&w->done);
}

static void burst_prepare(struct bench_worker *w)
{
	unsigned int i;

	for (i = 0; i < BENCH_BURST; i++)
		peer_item_init(&w->items[i], burst_routine);
}

static u64 burst_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();
	unsigned int i, j;

	for (i = 0; i < n; i += BENCH_BURST) {
		w->left = BENCH_BURST;
		for (j = 0; j < BENCH_BURST; j++)
			bench_expect(w, peer_queue(w, &w->items[j]), true);
		wait_for_completion(&w->done);
	}
	return bench_since(start);
}

/* S3i: the same with preemption off, as from an interrupt: it runs afterwards. */
static u64 burst_whole_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();
	unsigned int i, j;

	for (i = 0; i < n; i += BENCH_BURST) {
		w->left = BENCH_BURST;
		preempt_disable();
		for (j = 0; j < BENCH_BURST; j++)
			bench_expect(w, peer_queue(w, &w->items[j]), true);
		preempt_enable();
		wait_for_completion(&w->done);
	}
	return bench_since(start);
}

/* S4: the item's routine runs, and it is queued once more: a third time is refused. */
static void block_routine(peer_arg arg)
{
	struct bench_worker *w = peer_item(arg)->worker;

	complete(&w->begun);
	wait_for_completion(&w->go);
	if (!--w->left)
		complete(&w->done);
}

static void block_prepare(struct bench_worker *w)
{
	peer_item_init(&w->items[0], block_routine);
}

static u64 refused_run(struct bench_worker *w, unsigned int n)
{
	u64 start, spent;
	unsigned int i;

	w->left = 2;
	bench_expect(w, peer_queue(w, &w->items[0]), true);
	wait_for_completion(&w->begun);
	bench_expect(w, peer_queue(w, &w->items[0]), true);
	start = bench_now();
#pragma GCC unroll 16
	for (i = 0; i < n; i++)
		bench_expect(w, peer_queue(w, &w->items[0]), false);
	spent = bench_since(start);
	complete(&w->go);
	wait_for_completion(&w->begun);
	complete(&w->go);
	wait_for_completion(&w->done);
	return spent;
}

/*
 * S5: a driver's task list and its lock; the routine does one task for each
 * that was added. Who has no count queues its item for each task, and the
 * routine goes on until the list is empty.
 */
static struct bench_task *task_pop(struct bench_worker *w)
{
	struct bench_task *task;
	unsigned long irqflags;

	spin_lock_irqsave(&w->lock, irqflags);
	task = list_first_entry_or_null(&w->tasks, struct bench_task, node);
	if (task)
		list_del(&task->node);
	spin_unlock_irqrestore(&w->lock, irqflags);
	return task;
}

static void task_push(struct bench_worker *w, struct bench_task *task)
{
	unsigned long irqflags;

	spin_lock_irqsave(&w->lock, irqflags);
	list_add_tail(&task->node, &w->tasks);
	spin_unlock_irqrestore(&w->lock, irqflags);
}

static void stream_routine(peer_arg arg)
{
	struct bench_worker *w = peer_item(arg)->worker;

	do {
		if (!task_pop(w))
			break;
		if (!--w->left)
			complete(&w->done);
	} while (peer_task_done(w));
}

static void stream_prepare(struct bench_worker *w)
{
	peer_item_init(&w->items[0], stream_routine);
}

static u64 stream_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();
	unsigned int i, j;

	for (i = 0; i < n; i += BENCH_BURST) {
		w->left = BENCH_BURST;
		for (j = 0; j < BENCH_BURST; j++) {
			task_push(w, &w->task[j]);
			peer_task_added(w);
		}
		wait_for_completion(&w->done);
	}
	return bench_since(start);
}

/* S5i: the same with preemption off, as from an interrupt. */
static u64 stream_whole_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();
	unsigned int i, j;

	for (i = 0; i < n; i += BENCH_BURST) {
		w->left = BENCH_BURST;
		preempt_disable();
		for (j = 0; j < BENCH_BURST; j++) {
			task_push(w, &w->task[j]);
			peer_task_added(w);
		}
		preempt_enable();
		wait_for_completion(&w->done);
	}
	return bench_since(start);
}

/* S7: the last item or task of a half gives it back to its producer. */
static void half_count(struct bench_half *half)
{
	if (atomic_dec_and_test(&half->left))
		complete(&half->free);
}

static void smp_routine(peer_arg arg)
{
	half_count(peer_item(arg)->half);
}

static void smp_prepare(struct bench_worker *w)
{
}

static void smp_supply(struct bench_half *half)
{
	unsigned int i;

	for (i = 0; i < BENCH_HALF; i++)
		peer_item_init(&half->items[i], smp_routine);
}

static void smp_produce(struct bench_worker *w, struct bench_half *half)
{
	unsigned int i;

	for (i = 0; i < BENCH_HALF; i++) {
		/* the last one to run may not have returned: it is free in a moment */
		while (!peer_queue(w, &half->items[i]))
			cpu_relax();
	}
}

static void smp_stream_routine(peer_arg arg)
{
	struct bench_worker *w = peer_item(arg)->worker;
	struct bench_task *task;

	do {
		task = task_pop(w);
		if (!task)
			break;
		half_count(task->half);
	} while (peer_task_done(w));
}

static void smp_stream_prepare(struct bench_worker *w)
{
	peer_item_init(&w->items[0], smp_stream_routine);
}

static void smp_stream_supply(struct bench_half *half)
{
}

static void smp_stream_produce(struct bench_worker *w, struct bench_half *half)
{
	unsigned int i;

	for (i = 0; i < BENCH_HALF; i++) {
		task_push(w, &half->tasks[i]);
		peer_task_added(w);
	}
}

static const struct bench_scenario scenarios[] = {
	{ .name = "S1", .behind = true, .n = 1, .prepare = ping_prepare, .run = ping_run },
	{ .name = "S1q", .behind = true, .n = 1, .prepare = ping_prepare, .run = queue_run },
	{ .name = "S2", .n = 64, .prepare = again_prepare, .run = again_run },
	{ .name = "S3", .kind = BENCH_BACKLOG, .n = 64, .prepare = burst_prepare,
	  .run = burst_run },
	{ .name = "S3i", .kind = BENCH_BACKLOG, .n = 64, .prepare = burst_prepare,
	  .run = burst_whole_run },
	{ .name = "S4", .n = 64, .prepare = block_prepare, .run = refused_run },
	{ .name = "S5", .kind = BENCH_COUNTED, .n = 64, .prepare = stream_prepare,
	  .run = stream_run },
	{ .name = "S5i", .kind = BENCH_COUNTED, .n = 64, .prepare = stream_prepare,
	  .run = stream_whole_run },
	{ .name = "S7a", .kind = BENCH_BACKLOG, .each = true, .prepare = smp_prepare,
	  .supply = smp_supply, .produce = smp_produce },
	{ .name = "S7b", .kind = BENCH_BACKLOG, .prepare = smp_prepare,
	  .supply = smp_supply, .produce = smp_produce },
	{ .name = "S7c", .kind = BENCH_COUNTED, .prepare = smp_stream_prepare,
	  .supply = smp_stream_supply, .produce = smp_stream_produce },
	peer_scenarios
	{ }
};
