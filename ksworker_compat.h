/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels and configurations
 *
 * The only file with a version or configuration test. One dated sentence each.
 */
#ifndef _KSWORKER_COMPAT_H
#define _KSWORKER_COMPAT_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/*
 * 2026-11: what the frequent paths are made of. Where coverage is measured each of
 * these is there once, as it stands in the source.
 */
#ifdef KSWORKER_COVERAGE
#define compat_inline	noinline
#else
#define compat_inline	__always_inline
#endif

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
/* Always, so that what it switches off is not compiled. */
static __always_inline bool compat_migration_disabled(void)
{
	return false;
}
#endif

/* 2026-11: rcu_preempt_depth() of the running task, without a volatile load. */
#ifdef CONFIG_PREEMPT_RCU
static inline int compat_rcu_depth(void)
{
	return current->rcu_read_lock_nesting;
}
#else
static inline int compat_rcu_depth(void)
{
	return 0;
}
#endif

/*
 * 2026-11: where the kernel is always preemptible, somebody who is due has the
 * CPU already when need_resched() could be asked.
 */
static __always_inline bool compat_need_resched(void)
{
	if (IS_ENABLED(CONFIG_PREEMPTION) && !IS_ENABLED(CONFIG_PREEMPT_DYNAMIC))
		return false;
	return need_resched();
}

/*
 * 2026-11: preempt_enable() in two steps, so that the first one needs no stack
 * frame. True: somebody else is due, and the caller is about to let him in, by
 * preempt_disable() and preempt_enable().
 */
static inline bool compat_preempt_enable_due(void)
{
	if (IS_ENABLED(CONFIG_PREEMPTION)) {
		barrier();
		return preempt_count_dec_and_test();
	}
	preempt_enable();
	return false;
}

/*
 * 2026-11: NULL to *@pointer, fully ordered. x86 has one instruction for that, which needs no
 * register, and its two barriers are none; elsewhere an exchange costs less than they do.
 */
static __always_inline void compat_null_mb(void *pointer)
{
	if (IS_ENABLED(CONFIG_X86)) {
		smp_mb__before_atomic(); /* what was read from there is read */
		atomic_long_and(0, pointer);
		smp_mb__after_atomic(); /* [ksw:refused] */
	} else {
		xchg((void **)pointer, NULL);
	}
}

/* 2026-11: on PREEMPT_RT allocators sleep for locks: not in interrupts, not under raw locks. */
static __always_inline bool compat_memory_usable(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

/*
 * For the tests. 2026-11: Linux 6.13 has hrtimer_setup(), and 6.15 has
 * hrtimer_init() no more.
 */
static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

#endif /* _KSWORKER_COMPAT_H */
