// SPDX-License-Identifier: GPL-2.0
/*
 * A client whose item is held on its way from the place of somebody else's worker
 * to its routine, where the parameter "window" says, until the module leaves; in a
 * pool for two seconds.
 * Two CPUs are needed; scripts/guest/visible.sh and lodger.sh see to that.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../ksworker_hooks.h"
#include "ksworker_host.h"

static char *window = "taken";
module_param(window, charp, 0444);
MODULE_PARM_DESC(window, "queued: nothing runs yet; taken: nowhere to be seen, and not yet what runs; pool: queued in a pool");

static WORK_QUEUE_ITEM item;
static atomic_t passes = ATOMIC_INIT(1);	/* of that window, the last of which is held */
static enum ksworker_hook where;
static bool leaving;
static struct task_struct *queuer;
static DECLARE_COMPLETION(reached);
static DECLARE_COMPLETION(ran);

/* In code of this module; if that goes too early, nobody comes back from here. */
static void held_hook(enum ksworker_hook at, struct ksworker *w)
{
	if (at != where || (w && w != host_strict) || !atomic_dec_and_test(&passes))
		return;
	complete(&reached);
	/* queueing is not preempted, and no module can go for good meanwhile */
	while (at != KSW_HOOK_IO_LOOKER && !READ_ONCE(leaving))
		cpu_relax();
	mdelay(at == KSW_HOOK_IO_LOOKER ? 2000 : 1000);
}

static void held_runs(PVOID parameter)
{
	msleep(20);
	complete(&ran);
}

/* Held itself, on its way to start somebody who looks at the pool. */
static int held_queues(void *unused)
{
	ExQueueWorkItem(&item, BackgroundWorkQueue);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static bool held_queue(void)
{
	if (where == KSW_HOOK_TAKE_LOADED)
		return KsQueueWorkItem(host_strict, &item) == STATUS_SUCCESS;
	if (where == KSW_HOOK_TAKEN) {
		/* after a routine of the host, which must not be taken for what runs then */
		atomic_set(&passes, 2);
		return host_relay(&item);
	}
	queuer = kthread_run(held_queues, NULL, "ksworker_held");
	return !IS_ERR(queuer);
}

static int __init held_init(void)
{
	where = !strcmp(window, "queued") ? KSW_HOOK_TAKE_LOADED :
		!strcmp(window, "pool") ? KSW_HOOK_IO_LOOKER : KSW_HOOK_TAKEN;
	ExInitializeWorkItem(&item, held_runs, NULL);
	WRITE_ONCE(ksworker_hook_fn, held_hook);
	if (held_queue()) {
		wait_for_completion(&reached);
		return 0;
	}
	WRITE_ONCE(ksworker_hook_fn, NULL);
	return -EBUSY;
}

static void __exit held_exit(void)
{
	WRITE_ONCE(ksworker_hook_fn, NULL);
	WRITE_ONCE(leaving, true);
	if (queuer) {
		kthread_stop(queuer);
		wait_for_completion(&ran);
	}
}

module_init(held_init);
module_exit(held_exit);
MODULE_DESCRIPTION("A ksworker client whose item is held before it begins");
MODULE_LICENSE("GPL");
