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

/* For who looks from a test's side. */
EXPORT_SYMBOL_GPL(ksworker_workers_show);
EXPORT_SYMBOL_GPL(ksworker_summary_show);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_register);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_queue);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_begin);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_end);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_cancel);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_count);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_close);
EXPORT_TRACEPOINT_SYMBOL_GPL(ksworker_unregister);
