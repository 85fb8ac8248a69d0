// SPDX-License-Identifier: GPL-2.0
/* What test builds add: see ksworker_hooks.h. */
#include <linux/module.h>

#include "ksworker_hooks.h"
#include "ksworker_internal.h"
#include "ksworker_trace.h"

ksworker_hook_t ksworker_hook_fn;
EXPORT_SYMBOL_GPL(ksworker_hook_fn);

/**
 * ksworker_count_set() - set a counted worker's count (test builds only)
 * @w: the worker, with nothing scheduled
 * @count: the new count
 *
 * Nobody can increment four thousand million times to see the bound.
 *
 * Context: any, with no other call on @w under way.
 */
void ksworker_count_set(struct ksworker *w, ULONG count)
{
	atomic_set(&w->count, count);
}
EXPORT_SYMBOL_GPL(ksworker_count_set);

/**
 * ksworker_runner_lose() - make it look as if the worker's thread had died (test builds only)
 * @w: the worker, whose routine is held
 * @pid: a number that its thread does not have; 0: that no thread has
 *
 * Context: any; the number is right again when the next run begins.
 */
void ksworker_runner_lose(struct ksworker *w, pid_t pid)
{
	WRITE_ONCE(w->runner_pid, pid);
}
EXPORT_SYMBOL_GPL(ksworker_runner_lose);

/* For who looks from a test's side. */
EXPORT_SYMBOL_GPL(ksworker_workers_show);
EXPORT_SYMBOL_GPL(ksworker_summary_show);
EXPORT_SYMBOL_GPL(ksworker_stall_look);
EXPORT_SYMBOL_GPL(ksworker_stall_reports);
EXPORT_SYMBOL_GPL(ksworker_sysfs);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_register);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_queue);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_begin);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_end);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_cancel);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_count);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_close);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_unregister);
