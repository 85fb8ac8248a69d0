/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ksworker.pml - the state word of a strict worker, for spin
 *
 * Each inline has the name of the C function that it stands for. One step is
 * one atomic operation or one load of ksworker.c. A lock is a lock: what others
 * do without it comes in between. Within a lock region only what nobody reads
 * without the lock is lumped together (d_step).
 *
 * Who takes part is chosen with -D, see model/run; model/README.md says what is
 * checked and what is left out. BUG_... puts one mistake in.
 *
 *	Q1=item Q1N=n	a queuer: KsQueueWorkItem(item), n times; also Q2, Q3
 *	REQUEUE=n	routines queue their own item again, n times in all
 *	SLICE		the runner may hand back to the workqueue after any routine
 *	INC=n INC2=n	an incrementer each, n times
 *	DEC=n		a decrementer, from outside of the routine
 *	CANCEL=item CANCELN=n	a canceller
 *	FLUSH FLUSH2	a flusher each
 *	BLOCK		what is accepted after FLUSH looked runs until FLUSH has returned
 *	WAIT=item	KsQueueWorkItemWait(item), no time-out
 *	SELF_WAIT=item	the same, from the first routine that runs
 *	UNREG		KsUnregisterWorker(); UNREG_WQ: from a workqueue's thread
 *	UNREG_SELF	the same, from the first routine that runs
 *	THREADS=n	of the workqueue's pool
 */

/* An entry: an item (A, B: also its place), or the counted item's stand-in. */
#define NONE		0
#define COUNTED_ENTRY	1
#define A		2
#define B		3

#include "worker.pml"

bit flink[4];		/* of each item: queued (or claimed) */

/* Ghosts: what happened, for the assertions only */
byte older, younger;	/* accepted and not begun, in this order */
bit self_waits = 1;	/* SELF_WAIT: not yet done */
bit selfish = 1;	/* UNREG_SELF: not yet done */

#define ghost_left	older

/* An exchange accepted @entry. */
inline ghost_accept(entry)
{
	assert(!(state & CLOSING));	/* nothing is accepted behind the gate */
	if
	:: !older -> older = entry | (flush_joined && !flush_returned -> LATER : 0)
	:: else -> assert(!younger);
		younger = entry | (flush_joined && !flush_returned -> LATER : 0)
	fi
}

/* An exchange took @entry to run it: it must be the oldest, and alone. */
inline ghost_take(entry)
{
	assert((older & ENTRY) == entry);	/* in the order of acceptance, each once */
	assert(!current);			/* one at a time */
	current = older; older = younger; younger = 0
}

inline ghost_cancel(entry)
{
	if
	:: (older & ENTRY) == entry -> older = younger; younger = 0
	:: else -> assert((younger & ENTRY) == entry); younger = 0
	fi
}

/* A flush begins: it answers for all that is there now. */
inline ghost_flush_begin(tag)
{
	if :: current -> current = current | tag :: else fi;
	if :: older -> older = older | tag :: else fi;
	if :: younger -> younger = younger | tag :: else fi
}

inline ghost_flush_end(tag)
{
	assert(!((current | older | younger) & tag))
}

/*
 * Arrows of the state word
 */

/* A counted item that is there already was first; a watched place stays so. */
#if defined(BUG_NO_FIRST)
#define queued_look(s)		((s) == WATCHED)
#elif defined(BUG_QUEUE_DROPS_WATCH)
#define queued_look(s)		((s) & COUNTED)
#else
#define queued_look(s)		(((s) & COUNTED) || (s) == WATCHED)
#endif
#define state_queued(s, it)	((it) << 3 | ((s) & COUNTED) | (queued_look(s) -> LOOK : 0))
#ifdef BUG_LOOK_KEPT
#define state_counted(s)	((s) & COUNTED -> (s) : \
				 (state_item(s) -> (s) | COUNTED : BUSY | COUNTED))
#else
#define state_counted(s)	((s) & COUNTED -> (s) : \
				 (state_item(s) -> ((s) & ~LOOK) | COUNTED : BUSY | COUNTED))
#endif
#define state_vacated(s)	(((s) & (CLOSING | COUNTED)) | BUSY)
#define state_watched(s)	(!state_busy(s) || ((s) & COUNTED) -> (s) : \
				 (state_item(s) -> (s) | LOOK : (s) | WATCHED))

/* Under the lock: who is on the list is told of the next step, too. */
#ifdef BUG_WATCH_NOT_KEPT
#define waiters_kept(s)		(s)
#else
#define waiters_kept(s)		(waiters -> state_watched(s) : (s))
#endif
#ifdef BUG_CANCEL_DROPS_WATCH
#define state_cancelled(s)	state_vacated(s)
#else
#define state_cancelled(s)	waiters_kept(state_vacated(s))
#endif

#define counted_first(s)	(((s) & LOOK) && ((s) & COUNTED))
#define state_next(s)		(counted_first(s) -> COUNTED_ENTRY : state_item(s))
#ifdef BUG_COUNTED_LATE
#define state_less_counted(s)	((s) & ~LOOK)
#else
#define state_less_counted(s)	(state_item(s) -> (s) & ~(COUNTED | LOOK) : ((s) & CLOSING) | BUSY)
#endif
#define state_rested(s)		(((s) & CLOSING) | IDLE)
#define state_after(s)		(counted_first(s) -> state_less_counted(s) : \
				 (state_item(s) -> state_vacated(s) : state_rested(s)))
#define state_youngest(s)	(state_item(s) && (((s) & LOOK) || !((s) & COUNTED)) -> \
				 state_item(s) : ((s) & COUNTED -> COUNTED_ENTRY : NONE))
#ifdef BUG_FLUSH_UNTIL_NEXT
#define flush_until(s)		state_next(s)
#else
#define flush_until(s)		state_youngest(s)
#endif

/* s is the state before */
inline waiters_watch()
{
	atomic { touch(); s = state };
	do
	:: atomic {				/* try_cmpxchg */
		touch();
		if
		:: state == s -> state = state_watched(s); break
		:: else -> s = state
		fi
	   }
	od
}

/*
 * Queueing; s and res are the caller's
 */

inline place_queue(it)
{
	atomic {				/* state_read */
		touch();
		s = state;
#ifdef BUG_SECOND_LOOK
		s0 = s;
#endif
		if
		:: s & CLOSING -> res = DELETE_PENDING
		:: !(s & CLOSING) && state_item(s) -> res = PLACE_BUSY
		:: else -> res = CLAIMED
		fi
	};
	if
	:: res == CLAIMED ->
		atomic {			/* item_claim */
			if
#ifndef BUG_ITEM_NOT_CLAIMED
			:: flink[it] -> res = ITEM_BUSY
#endif
			:: else -> flink[it] = 1
			fi
		};
		do
		:: res == CLAIMED ->
			atomic {		/* try_cmpxchg */
				touch();
				if
#ifdef BUG_CLOSING_NOT_IN_EXCHANGE
				:: (state & ~CLOSING) == s ->
#else
				:: state == s ->
#endif
					ghost_accept(it);
					state = state_queued(s, it) | (state & CLOSING);
					res = SUCCESS
				:: else ->
					s = state;
					if
					:: (s & CLOSING) || state_item(s) -> res = GIVE_BACK
					:: else
					fi
				fi
			}
		:: else -> break
		od;
		if
		:: res == GIVE_BACK ->
			atomic {		/* item_release, worker_refuse */
				touch();
				assert(flink[it]);
				flink[it] = 0;
				res = (s & CLOSING -> DELETE_PENDING : PLACE_BUSY)
			}
#ifdef BUG_SECOND_LOOK
		:: res == SUCCESS && !state_busy(s0) -> worker_hand_over()
#elif defined(BUG_WORK_PER_ITEM)
		:: res == SUCCESS -> worker_hand_over()
#else
		:: res == SUCCESS && !state_busy(s) -> worker_hand_over()
#endif
		:: else
		fi
	:: else
	fi
}

/* KsQueueWorkItemWait(), without a time-out; joined and last are the caller's, too */
inline place_join(me)
{
	spin_lock();
	waiter_join(W_PLACE);
	spin_unlock();
	atomic { touch(); res = DELETE_PENDING };	/* worker_refuse, unless joined */
	rcu_read_unlock(me)
}

inline place_wait(it, own)
{
	do
	::
		atomic { touch(); rcu_read_lock(bit(W_PLACE)) };
		place_queue(it);
		rcu_read_unlock(bit(W_PLACE));
		if
		:: res == SUCCESS || res == DELETE_PENDING -> break
		:: res == ITEM_BUSY
#ifndef BUG_OWN_PLACE_WAITED_FOR
		:: res == PLACE_BUSY && own -> break	/* POSSIBLE_DEADLOCK */
		:: res == PLACE_BUSY && !own
#else
		:: res == PLACE_BUSY
#endif
		fi;
#ifdef BUG_PLACE_NOT_WATCHED
		atomic { touch(); s = state };
#else
		spin_lock();			/* place_watch */
		waiters_watch();
		spin_unlock();
#endif
		if
#if defined(BUG_OWN_SLEEPS) || defined(BUG_OWN_PLACE_WAITED_FOR)
		:: state_item(s) ->
#else
		:: state_item(s) && !own ->	/* own: the next try says PLACE_BUSY */
#endif
			atomic { events & bit(W_PLACE) -> events = events & ~bit(W_PLACE) }
		:: else					/* cpu_relax */
		fi
	od
}

/*
 * The runner; rs, e and taken are its own
 */

inline entry_begin()
{
	atomic {			/* the last read, item_release */
		if
		:: e > COUNTED_ENTRY -> assert(flink[e]); flink[e] = 0
		:: else
		fi
	}
}

/* taken is left 0 when somebody was quicker */
inline place_take()
{
	atomic {			/* try_cmpxchg */
		touch();
		e = state_item(rs);
		if
		:: state == rs ->
#ifdef BUG_COUNTED_TAKEN_WITHOUT_LOCK
			state = state_vacated(rs);
#else
			state = BUSY;
#endif
			taken = 1;
			ghost_take(e)
		:: else -> taken = 0
		fi
	};
	if
	:: taken -> entry_begin()
	:: else
	fi
}

inline place_rest()
{
	atomic {			/* try_cmpxchg */
		touch();
		e = NONE;
		if
		:: state == rs ->
			state = state_rested(rs);
			taken = 1;
			assert(!older)	/* idle: nothing is left */
		:: else -> taken = 0
		fi
	}
}

inline locked_take()
{
	spin_lock();
#ifndef BUG_NOBODY_RESTED
	waiters_rested();
#endif
	atomic { touch(); rs = state };
	do
	:: atomic {			/* locked_next: try_cmpxchg */
		touch();
		e = state_next(rs);
		if
		:: state == rs ->
			state = waiters_kept(state_after(rs));
			if
			:: e -> ghost_take(e)
			:: else -> assert(!older)
			fi;
			break
		:: else -> rs = state
		fi
	   }
	od;
	if
	:: e ->
		entry_begin();
		waiters_passed(e, NONE)
	:: else
	fi;
	spin_unlock()
}

#ifdef BUG_COUNTED_TAKEN_WITHOUT_LOCK
#define take_locked(s)	(((s) & LOOK) || ((s) & FLAGS) == CLOSING)
#else
#define take_locked(s)	((s) & FLAGS)
#endif

inline runner_take()
{
	do
	::
		atomic { touch(); rs = state };
#ifdef BUG_DRAINED_BEFORE_IDLE
		if
		:: (rs & CLOSING) && !state_next(rs) -> worker_drained()
		:: else
		fi;
#endif
		if
#ifdef BUG_RESTS_WATCHED
		:: (rs & ~CLOSING) == BUSY || (rs & ~CLOSING) == WATCHED ->
#else
		:: (rs & ~CLOSING) == BUSY ->
#endif
			place_rest()
		:: else ->
			if
			:: take_locked(rs) -> locked_take(); taken = 1
			:: else -> place_take()
			fi
		fi;
		if
		:: taken -> break
		:: else
		fi
	od
}

inline worker_routine()
{
#ifdef BLOCK
	if
	:: current & LATER -> flush_returned
	:: else
	fi;
#endif
	if
	:: e == COUNTED_ENTRY -> counted_routine()
	:: else
	fi;
#if REQUEUE
	if
	:: e != COUNTED_ENTRY && requeues ->
		atomic { requeues--; rcu_read_lock(R_RUN) };
		place_queue(e);
		rcu_read_unlock(R_RUN)
	:: else
	fi;
#endif
#ifdef SELF_WAIT
	if
	:: self_waits ->
		atomic { self_waits--; rcu_read_lock(R_RUN) };
		place_join(R_RUN);
		if
		:: joined -> place_wait(SELF_WAIT, 1); waiter_leave(W_PLACE)
		:: else
		fi
	:: else
	fi;
#endif
#ifdef UNREG_SELF
	if
	:: selfish ->
		selfish = 0;
		worker_close(0);
		returned = 1
	:: else
	fi
#endif
}

inline runner_call()
{
	atomic {
		touch();
		assert(!in_routine);		/* routines never overlap */
		assert((current & ENTRY) == e);
		in_routine = 1
	};
	worker_routine();
	atomic { touch(); in_routine = 0; current = 0 };
#ifdef BUG_COUNTED_LATE
	atomic {
		if
		:: e == COUNTED_ENTRY -> state = state & ~COUNTED
		:: else
		fi
	}
#endif
}

#ifdef BUG_HAND_BACK_IDLE
/* lets go of the worker, and then queues it all the same */
inline hand_back()
{
	atomic { touch(); state = (state == BUSY -> IDLE : state) }; more = 1; break
}
#else
inline hand_back()
{
	atomic {				/* worker_pending */
		touch();
		if
		:: (state & COUNTED) || state_item(state) -> more = 1; break
		:: else
		fi
	}
}
#endif

#ifdef BUG_WORK_PER_ITEM
#define may_run		(pending)
#else
#define may_run		(pending && !running)	/* the workqueue's promise */
#endif

active [THREADS] proctype worker_run()
{
	byte s, s0, rs, e, res;
	bit taken, more, joined, last;

end_idle:
	do
	:: atomic { may_run -> pending = 0; running++; touch() };
		do
		::
			runner_take();
			if
			:: !e -> more = 0; break
			:: else
			fi;
			runner_call();
#if defined(SLICE) || defined(BUG_HAND_BACK_IDLE)
			if
			:: hand_back()
			:: skip
			fi
#endif
		od;
		atomic { touch() };		/* runner = NULL */
		if
		:: more -> worker_hand_over()
#ifndef BUG_DRAINED_BEFORE_IDLE
#ifdef BUG_DRAINED_SECOND_LOOK
		:: !more ->
			atomic { touch(); rs = state };
#else
		:: !more ->
#endif
			if
			:: rs & CLOSING -> worker_drained()
			:: else
			fi
#else
		:: else
#endif
		fi;
		atomic { running--; e = 0; rs = 0; more = 0; taken = 0; s = 0; s0 = 0; res = 0; joined = 0; last = 0 }
	od
}

/*
 * The clients
 */

#define QUEUER(name, it, n, me)						\
active proctype name()							\
{									\
	byte s, s0, res, i;						\
	do								\
	:: i < n ->							\
		if							\
		:: client_may(me)					\
		:: client_late()					\
		fi;							\
		place_queue(it);					\
		rcu_read_unlock(me);					\
		atomic { i++; s = 0; s0 = 0; res = 0 }			\
	:: else -> break						\
	od;								\
	finished++							\
}

#ifdef Q1
QUEUER(queuer1, Q1, Q1N, R_Q1)
#endif
#ifdef Q2
QUEUER(queuer2, Q2, Q2N, R_Q2)
#endif
#ifdef Q3
QUEUER(queuer3, Q3, Q3N, R_Q3)
#endif

/* KsIncrementCountedWorker() */
inline counted_schedule()
{
	atomic { touch(); s = state };
	do
	:: atomic {
		touch();
		if
		:: state == s ->
			if
			:: !(s & COUNTED) -> ghost_accept(COUNTED_ENTRY)
			:: else
			fi;
			state = state_counted(s);
			break
		:: else -> s = state
		fi
	   }
	od;
	hand_over = !state_busy(s)
}

#include "clients.pml"

#ifdef CANCEL
/* KsCancelWorkItem(); s, res and before are the caller's */
inline place_cancel(it)
{
	atomic { touch(); s = state; res = CLAIMED };
	do
	:: res != CLAIMED -> break
	:: res == CLAIMED ->
		atomic {
			touch();
			if
			:: state_item(s) != it -> res = PLACE_BUSY
			:: state_item(s) == it && state == s ->
				before = (counted_first(s) -> COUNTED_ENTRY : NONE);
				state = state_cancelled(s);
				ghost_cancel(it);
				res = SUCCESS
			:: else -> s = state
			fi
		}
	od
}

inline item_cancel(it)
{
#ifndef BUG_CANCEL_WITHOUT_LOCK
	spin_lock();
#endif
	place_cancel(it);
	if
	:: res == SUCCESS ->
		atomic { assert(flink[it]); flink[it] = 0 };
#ifdef BUG_CANCEL_WITHOUT_LOCK
		spin_lock();
#endif
#ifndef BUG_CANCEL_PASSES_NOBODY
		waiters_passed(it, before)
#else
		skip
#endif
#ifdef BUG_CANCEL_WITHOUT_LOCK
		;
		spin_unlock()
#endif
	:: else
	fi
#ifndef BUG_CANCEL_WITHOUT_LOCK
	;
	spin_unlock()
#endif
}

active proctype canceller()
{
	byte s, res, before, i;
	do
	:: i < CANCELN ->
		if
		:: client_may(R_CANCEL)
		:: client_late()
		fi;
		item_cancel(CANCEL);
		rcu_read_unlock(R_CANCEL);
		atomic { i++; s = 0; res = 0; before = 0 }
	:: else -> break
	od;
	finished++
}
#endif

#ifdef WAIT
active proctype place_waiter()
{
	byte s, s0, res;
	bit joined, last;
	do
	::
		if
		:: client_may(bit(W_PLACE))
		:: client_late()
		fi;
		place_join(bit(W_PLACE));
		if
		:: joined -> place_wait(WAIT, 0); waiter_leave(W_PLACE)
		:: else
		fi;
		break
	od;
	finished++
}
#endif

#if defined(UNREG_WQ) || defined(UNREG_SELF)
active proctype reap_work_fn()
{
	byte left, told;

end_reap:
	reap;
	told = closer;
	worker_free();
	if
	:: told -> atomic { assert(drained_alive); drained = 1 }
	:: else
	fi
}
#endif

active proctype at_the_end()
{
	atomic {
		finished == PROCESSES && !pending && !running;
#ifdef UNREG_SELF
		/* nothing was ever accepted, or the reaper was told */
		if
		:: !selfish -> freed
		:: else
		fi;
#endif
		assert(!state_busy(state) && !(state & COUNTED));	/* idle */
		assert(!older && !younger && !current);	/* accepted = begun + cancelled */
		assert(!flink[A] && !flink[B]);
		assert(!tasks && !count);		/* increments = tasks */
		assert(!waiters && !users && !readers);
#ifdef UNREG
		assert(freed);
#endif
	}
}
