/* SPDX-License-Identifier: GPL-2.0 */
/*
 * clients.pml - what ksworker.pml and backlog.pml share: the clients whose calls
 * are the same for both kinds of workers
 *
 * The includer defines counted_schedule(), waiters_watch(), flush_until(s), what
 * ghost_left says (something is accepted and has not begun), and the ghosts.
 */

/* KsIncrementCountedWorker(); c is the count that was seen; res: SUCCESS, DELETE_PENDING, or try again */
inline counted_open()
{
	hand_over = 0;
#ifndef BUG_OPEN_WITHOUT_LOCK
	spin_lock();
#endif
	atomic { touch(); c = count };
	if
	:: c -> res = CLAIMED
	:: else ->
		atomic {
			touch();
			res = (state & CLOSING -> DELETE_PENDING : SUCCESS)
		};
		if
		:: res == SUCCESS ->
			atomic { touch(); count++; tasks++ };
			counted_schedule()
		:: else
		fi
	fi;
#ifndef BUG_OPEN_WITHOUT_LOCK
	spin_unlock();
#endif
	if
	:: hand_over -> worker_hand_over()
	:: else
	fi
}

inline increment()
{
	atomic { touch(); c = count; res = CLAIMED };
	do
	:: res != CLAIMED -> break
	:: res == CLAIMED && !c -> counted_open()
	:: res == CLAIMED && c ->
		atomic {
			touch();
			if
			:: count == c -> count++; tasks++; res = SUCCESS
			:: else -> c = count
			fi
		}
	od
}

#define INCREMENTER(name, n, me)					\
active proctype name()							\
{									\
	byte s, res, c, i;						\
	bit hand_over;							\
	do								\
	:: i < n ->							\
		if							\
		:: client_may(me)					\
		:: client_late()					\
		fi;							\
		increment();						\
		rcu_read_unlock(me);					\
		atomic { i++; s = 0; c = 0; res = 0; hand_over = 0 }	\
	:: else -> break						\
	od;								\
	finished++							\
}

#ifdef INC
INCREMENTER(incrementer, INC, R_INC)
#endif
#ifdef INC2
INCREMENTER(incrementer2, INC2, R_INC2)
#endif

#ifdef DEC
/* KsDecrementCountedWorker(), from elsewhere: it did the task itself */
active proctype decrementer()
{
	byte i;
	do
	:: i < DEC ->
		if
		:: client_may(R_DEC)
		:: client_late()
		fi;
		atomic {
			touch();
			if
			:: count -> count--; tasks--
			:: else
			fi
		};
		rcu_read_unlock(R_DEC);
		i++
	:: else -> break
	od;
	finished++
}
#endif

/* KsFlushWorker() */
inline flush_join(slot)
{
	spin_lock();
	busy = 0;
	waiter_join(slot);
	if
	:: joined ->
#ifdef BUG_FLUSH_NOT_WATCHED
		atomic { touch(); s = state };
#else
		waiters_watch();			/* [ksw:wait] */
#endif
		atomic {
			until[slot] = flush_until(s);
			busy = state_busy(s);
			if
			:: slot == W_FLUSH -> flush_joined = 1
			:: else
			fi;
			if
			:: !busy -> waiters = waiters & ~bit(slot); users--
			:: else
			fi
		}
	:: else
	fi;
	spin_unlock()
}

#define FLUSHER(name, slot, tag)					\
active proctype name()							\
{									\
	byte s;								\
	bit joined, busy, last;						\
	do								\
	::								\
		if							\
		:: atomic { !returned -> rcu_read_lock(bit(slot));	\
			ghost_flush_begin(tag) }			\
		:: client_late()					\
		fi;							\
		flush_join(slot);					\
		rcu_read_unlock(bit(slot));				\
		if							\
		:: busy ->						\
			atomic { events & bit(slot) -> events = events & ~bit(slot) }; \
			waiter_leave(slot)				\
		:: else							\
		fi;							\
		break							\
	od;								\
	atomic {							\
		ghost_flush_end(tag);					\
		if							\
		:: slot == W_FLUSH -> flush_returned = 1		\
		:: else							\
		fi;							\
		finished++						\
	}								\
}

#ifdef FLUSH
FLUSHER(flusher, W_FLUSH, TAG1)
#endif
#ifdef FLUSH2
FLUSHER(flusher2, W_FLUSH2, TAG2)
#endif

/*
 * Closing and freeing
 */

inline users_wait()
{
#ifndef BUG_NO_USERS_WAIT
	spin_lock();
	atomic { touch(); gone = 1; gone_alive = 1; left = users };
	spin_unlock();
	if
	:: left -> gone_done
	:: else
	fi;
	gone_alive = 0
#else
	skip
#endif
}

inline worker_free()
{
	users_wait();
	destroy_workqueue();
	atomic {
		touch();
		/* no routine runs and none will */
		assert(!in_routine && !current && !ghost_left && !state_busy(state));
#ifndef BUG_NO_DESTROY_WAIT
		assert(!running);
#endif
		kfree_rcu();
		returned = 1;
		left = 0
	}
}

#ifdef UNREG
active proctype unregister()
{
	byte s, left;

	worker_close(1);
	if
#if defined(BUG_CLOSE_ALWAYS_WAITS)
	::
#elif defined(BUG_CLOSE_NEVER_WAITS)
	:: 0 ->
#else
	:: state_busy(s) ->
#endif
		atomic { drained -> assert(!state_busy(state)) }
#ifndef BUG_CLOSE_ALWAYS_WAITS
	:: else
#endif
	fi;
#ifdef UNREG_WQ
	drained = 0;				/* reinit_completion */
	reap = 1;				/* worker_reap */
	drained;
	assert(dying);				/* freed when it returns */
#else
	worker_free();
#endif
	atomic { drained_alive = 0; s = 0; finished++ }
}
#endif

/*
 * The end: all calls have returned and the workqueue has nothing to do.
 */

#ifdef Q1
#define N_Q1 1
#else
#define N_Q1 0
#endif
#ifdef Q2
#define N_Q2 1
#else
#define N_Q2 0
#endif
#ifdef Q3
#define N_Q3 1
#else
#define N_Q3 0
#endif
#ifdef INC
#define N_INC 1
#else
#define N_INC 0
#endif
#ifdef INC2
#define N_INC2 1
#else
#define N_INC2 0
#endif
#ifdef DEC
#define N_DEC 1
#else
#define N_DEC 0
#endif
#ifdef CANCEL
#define N_CANCEL 1
#else
#define N_CANCEL 0
#endif
#ifdef FLUSH
#define N_FLUSH 1
#else
#define N_FLUSH 0
#endif
#ifdef FLUSH2
#define N_FLUSH2 1
#else
#define N_FLUSH2 0
#endif
#ifdef WAIT
#define N_WAIT 1
#else
#define N_WAIT 0
#endif
#ifdef UNREG
#define N_UNREG 1
#else
#define N_UNREG 0
#endif
#define PROCESSES	(N_Q1 + N_Q2 + N_Q3 + N_INC + N_INC2 + N_DEC + N_CANCEL + \
			 N_FLUSH + N_FLUSH2 + N_WAIT + N_UNREG)
