/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels and configurations
 *
 * The only file with a version or configuration test. One dated sentence each.
 */
#ifndef _KSWORKER_COMPAT_H
#define _KSWORKER_COMPAT_H

#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

/* 2026-11: work_struct has a lockdep_map with CONFIG_LOCKDEP only. */
#ifdef CONFIG_LOCKDEP
/* Tell lockdep what flush_work() would: the caller waits for this work. */
static inline void compat_work_lockdep_wait(struct work_struct *work)
{
	lock_map_acquire(&work->lockdep_map);
	lock_map_release(&work->lockdep_map);
}

/* Make lockdep forget the locks that a routine took and did not release. */
static inline void compat_lockdep_drop(int depth)
{
	while (lockdep_depth(current) > depth)
		lock_release(current->held_locks[lockdep_depth(current) - 1].instance, _THIS_IP_);
}

/* The same for all but what stands for an RCU section or bottom halves: those end by name. */
static inline bool compat_lockdep_is_context(const struct lockdep_map *map)
{
	return map == &rcu_lock_map || map == &rcu_bh_lock_map || map == &rcu_sched_lock_map ||
	       IS_ENABLED(CONFIG_PREEMPT_RT);
}

static inline void compat_lockdep_drop_locks(int depth)
{
	int i;

	for (i = lockdep_depth(current) - 1; i >= depth; i--)
		if (!compat_lockdep_is_context(current->held_locks[i].instance))
			lock_release(current->held_locks[i].instance, _THIS_IP_);
}
#else
static inline void compat_work_lockdep_wait(struct work_struct *work)
{
}

static inline void compat_lockdep_drop(int depth)
{
}

static inline void compat_lockdep_drop_locks(int depth)
{
}
#endif

/* 2026-11: on PREEMPT_RT a spin lock also disables migration; only SMP counts it. */
#if defined(CONFIG_SMP) && defined(CONFIG_PREEMPT_RT)
static inline bool compat_migration_disabled(void)
{
	return current->migration_disabled;
}
#else
static inline bool compat_migration_disabled(void)
{
	return false;
}
#endif

#endif /* _KSWORKER_COMPAT_H */
