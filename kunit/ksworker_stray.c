// SPDX-License-Identifier: GPL-2.0
/*
 * A client that keeps no reference on ksworker, as code in no module would: its
 * routine runs when ksworker is unloaded, and then queues an item until that is
 * refused. See scripts/guest/load.sh.
 */
#include <linux/delay.h>
#include <linux/module.h>

#include "../ksworker.h"

static bool go;
module_param(go, bool, 0644);
MODULE_PARM_DESC(go, "set it when ksworker is being unloaded");

static VOID (*queue)(PWORK_QUEUE_ITEM item, WORK_QUEUE_TYPE type);
static WORK_QUEUE_ITEM stays, quick;
static atomic_t runs;

static void stray_is_quick(PVOID parameter)
{
	atomic_inc(&runs);
}

/* False: the item was refused; if it is not queued any more, it has run or is about to. */
static bool stray_gets_through(void)
{
	int before = atomic_read(&runs);
	unsigned int i;

	queue(&quick, NormalWorkQueue);
	while (READ_ONCE(quick.List.Flink))
		usleep_range(100, 200);
	for (i = 0; i < 10 && atomic_read(&runs) == before; i++)
		msleep(20);
	return atomic_read(&runs) != before;
}

static void stray_stays(PVOID parameter)
{
	while (!READ_ONCE(go))
		usleep_range(100, 200);
	while (stray_gets_through())
		msleep(20);
}

static int __init stray_init(void)
{
	queue = (void *)__symbol_get("ExQueueWorkItem");
	if (!queue)
		return -ENOENT;
	__symbol_put("ExQueueWorkItem");
	stays.WorkerRoutine = stray_stays;
	quick.WorkerRoutine = stray_is_quick;
	queue(&stays, NormalWorkQueue);
	return 0;
}

/* By then ksworker has gone, and waited for what ran. */
static void __exit stray_exit(void)
{
}

module_init(stray_init);
module_exit(stray_exit);
MODULE_DESCRIPTION("A ksworker client that keeps no reference");
MODULE_LICENSE("GPL");
