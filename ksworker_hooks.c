// SPDX-License-Identifier: GPL-2.0
/* What test builds add: see ksworker_hooks.h. */
#include <linux/module.h>

#include "ksworker_hooks.h"
#include "ksworker_internal.h"

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
