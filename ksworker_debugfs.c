// SPDX-License-Identifier: GPL-2.0
/* What an administrator sees: /sys/kernel/debug/ksworker/ */
#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>

#include "ksworker_internal.h"

static struct dentry *debugfs_dir;

static const char *worker_state_name(struct ksworker *w)
{
	u64 s = atomic64_read(&w->state);
	bool queued = (s & KSW_COUNTED) || state_item(s) || READ_ONCE(w->head);
	bool running = READ_ONCE(w->routine);

	if (s & KSW_CLOSING)
		return "closing";
	if (running)
		return queued ? "running+queued" : "running";
	return queued ? "queued" : "idle";
}

/* Nothing of an item is touched, and nothing that a queuer or the runner takes. */
static void worker_show(struct seq_file *m, struct ksworker *w)
{
	PWORKER_THREAD_ROUTINE routine = READ_ONCE(w->routine);
	unsigned long since = READ_ONCE(w->since);
	unsigned long flags = READ_ONCE(w->flags);

	seq_printf(m, "%u %s %d %s%s%s %s %u %lu %lu %ld %ld %ld %ld ",
		   w->id, w->owner ? w->owner->name : "-", w->type,
		   flags & KSWORKER_BACKLOG ? "B" : "S",
		   flags & KSWORKER_MEM_RECLAIM ? "M" : "", w->counted ? "C" : "",
		   worker_state_name(w), atomic_read(&w->count),
		   READ_ONCE(w->begun), READ_ONCE(w->finished), atomic_long_read(&w->cancelled),
		   atomic_long_read(&w->refused[KSW_REFUSED_PLACE]),
		   atomic_long_read(&w->refused[KSW_REFUSED_ITEM]),
		   atomic_long_read(&w->refused[KSW_REFUSED_CLOSING]));
	if (routine)
		seq_printf(m, "%ps %u\n", routine, jiffies_to_msecs(jiffies - since));
	else
		seq_puts(m, "- -\n");
}

static int workers_show(struct seq_file *m, void *unused)
{
	struct ksworker *w;

	seq_puts(m, "# id owner type flags state count begun finished cancelled refused_place refused_item refused_closing routine age_ms\n");
	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node)
		worker_show(m, w);
	mutex_unlock(&ksworker_registry_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(workers);

void ksworker_debugfs_open(void)
{
	debugfs_dir = debugfs_create_dir("ksworker", NULL);
	debugfs_create_file("workers", 0444, debugfs_dir, NULL, &workers_fops);
}

void ksworker_debugfs_close(void)
{
	debugfs_remove_recursive(debugfs_dir);
}
