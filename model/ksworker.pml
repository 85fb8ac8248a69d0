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

/* The state word: place << 3 | FIRST | COUNTED | CLOSING */
#define CLOSING		1
#define COUNTED		2
#define FIRST		4
#define BUSY		8
#define FLAGS		7
#define state_place(s)	((s) >> 3)
#define state_item(s)	(state_place(s) > 1 -> state_place(s) : 0)
#define state_busy(s)	(state_place(s) != 0)

/* An entry: an item (A, B: also its place), or the counted item's stand-in. */
#define NONE		0
#define COUNTED_ENTRY	1
#define A		2
#define B		3
#define ENTRY		7	/* the part of a ghost that is the entry */
#define TAG1		8	/* accepted before FLUSH began */
#define TAG2		16	/* accepted before FLUSH2 began */
#define LATER		32	/* accepted after FLUSH looked */

/* What a queue call says */
#define SUCCESS		0
#define PLACE_BUSY	1	/* the two reasons for DEVICE_BUSY */
#define ITEM_BUSY	2
#define DELETE_PENDING	3
#define CLAIMED		4	/* not yet decided */
#define GIVE_BACK	5

/* Waiters, one slot each; also the RCU readers' bits */
#define W_FLUSH		0
#define W_FLUSH2	1
#define W_PLACE		2
#define SLOTS		3
#define R_Q1		8
#define R_Q2		16
#define R_Q3		32
#define R_INC		64
#define R_INC2		128
#define R_DEC		256
#define R_CANCEL	512
#define R_RUN		1024
#define bit(slot)	(1 << (slot))

#ifndef THREADS
#define THREADS 1
#endif
#ifndef REQUEUE
#define REQUEUE 0
#endif

/* The worker */
byte state;		/* idle */
byte count;
bit lock;
byte users;
byte waiters;		/* who is on the list; 0: waiters.first is NULL */
byte until[SLOTS];
bit gone;		/* set: points to the completion in users_wait() */
bit closer;		/* set: points to the unregister's completion */
bit flink[4];		/* of each item: queued (or claimed) */
byte events;		/* the waiters' completions */

/* The workqueue: one work_struct */
bit pending;
byte running;		/* threads in worker_run() */
bit destroyed;

/* The unregister */
bit drained;		/* its completion */
bit drained_alive = 1;	/* the stack that it is on */
bit gone_done;		/* the completion of users_wait() */
bit gone_alive;
bit reap;		/* the worker is on the reaper's list */
bit returned;		/* no new call may begin: the client's rule */
short readers;		/* RCU read sections, by process */
short grace;		/* those that the grace period waits for */
bit dying;		/* kfree_rcu() was called */
bit freed;		/* the memory is gone */

/* Ghosts: what happened, for the assertions only */
byte older, younger;	/* accepted and not begun, in this order */
byte current;		/* taken and not finished */
bit in_routine;
byte tasks;		/* incremented, and not yet done */
bit flush_joined, flush_returned, flush_busy;
byte requeues = REQUEUE;
bit self_waits = 1;	/* SELF_WAIT: not yet done */
bit selfish = 1;	/* UNREG_SELF: not yet done */
byte finished;		/* processes at their end */

#define touch()		assert(!freed)

/*
 * Ghosts
 */

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
 * The kernel: lock, RCU, workqueue
 */

inline spin_lock()	{ atomic { lock == 0 -> lock = 1; touch() } }
inline spin_unlock()	{ atomic { touch(); lock = 0 } }

/* A call begins, if the client may still make one. */
inline rcu_read_lock(me)
{
	readers = readers | (me)
}

inline rcu_read_unlock(me)
{
	atomic {
		readers = readers & ~(me);
		grace = grace & ~(me);
		if
		:: dying && !grace -> freed = 1
		:: else
		fi
	}
}

inline kfree_rcu()
{
	assert(!freed && !dying);
	dying = 1;
#ifdef BUG_NO_GRACE_PERIOD
	grace = 0;
#else
	grace = readers;
#endif
	if
	:: !grace -> freed = 1
	:: else
	fi
}

inline queue_work()
{
	touch();
	assert(!destroyed);
#ifndef BUG_WORK_PER_ITEM
	assert(!pending);	/* never for a work that is pending */
#endif
	pending = 1
}

inline destroy_workqueue()
{
	assert(!pending);	/* the gate is ours, not the workqueue's */
	destroyed = 1;
#ifndef BUG_NO_DESTROY_WAIT
	running == 0
#endif
}

/*
 * Arrows of the state word
 */

#ifdef BUG_NO_FIRST
#define state_queued(s, it)	((it) << 3 | ((s) & (COUNTED | FIRST)))
#else
#define state_queued(s, it)	((it) << 3 | ((s) & (COUNTED | FIRST)) | (((s) & COUNTED) << 1))
#endif
#ifdef BUG_TRACE_KEPT
#define state_counted(s)	((s) | COUNTED | (state_busy(s) -> 0 : BUSY))
#else
#define state_counted(s)	((s) & COUNTED -> (s) : \
				 (((s) & ~FIRST) | COUNTED | (state_busy(s) -> 0 : BUSY)))
#endif
#define state_vacated(s)	(((s) & (CLOSING | COUNTED)) | BUSY)

/* FIRST without COUNTED: a cancel since the last take; so take under the lock */
#ifdef BUG_CANCEL_LEAVES_NO_TRACE
#define state_cancelled(s)	state_vacated(s)
#else
#define state_cancelled(s)	(state_vacated(s) | ((s) & COUNTED -> 0 : FIRST))
#endif

#define counted_first(s)	(((s) & FIRST) && ((s) & COUNTED))
#define next_is_counted(s)	(counted_first(s) || (((s) & COUNTED) && !state_item(s)))
#define state_next(s)		(next_is_counted(s) -> COUNTED_ENTRY : state_item(s))
#ifdef BUG_COUNTED_LATE
#define state_less_counted(s)	((s) & ~FIRST)
#else
#define state_less_counted(s)	((s) & ~(COUNTED | FIRST))
#endif
#define state_after(s)		(next_is_counted(s) -> state_less_counted(s) : \
				 (state_item(s) -> state_vacated(s) : (s) & CLOSING))
#define state_youngest(s)	(state_item(s) && (((s) & FIRST) || !((s) & COUNTED)) -> \
				 state_item(s) : ((s) & COUNTED -> COUNTED_ENTRY : NONE))

/*
 * Waiters: under the lock
 */

#define is_place(slot)	((slot) == W_PLACE)
#define on_list(slot)	(waiters & bit(slot))

inline rested_one(slot)
{
	if
	:: on_list(slot) && !until[slot] ->
		waiters = waiters & ~bit(slot);
		events = events | bit(slot)
	:: else
	fi
}

inline waiters_rested()
{
	d_step { touch(); rested_one(W_FLUSH); rested_one(W_FLUSH2) }
}

inline waiters_retry()
{
	d_step { touch(); events = events | (waiters & bit(W_PLACE)) }
}

inline passed_one(slot, entry, before)
{
	if
	:: on_list(slot) && until[slot] == entry -> until[slot] = before
	:: else
	fi
}

inline waiters_passed(entry, before)
{
	d_step {
		touch();
		passed_one(W_FLUSH, entry, before);
		passed_one(W_FLUSH2, entry, before);
		if
		#ifndef BUG_PLACE_NOT_RETRIED
		:: entry != COUNTED_ENTRY -> events = events | (waiters & bit(W_PLACE))
#endif
		:: else
		fi
	}
}

/* joined is left 0 when it is too late */
inline waiter_join(slot)
{
	d_step {
		touch();
		joined = !gone;
		if
		:: joined ->
			users++;
			events = events & ~bit(slot);
			waiters = waiters | bit(slot)
		:: else
		fi
	}
}

/* A raw spin lock with interrupts off is an RCU read section, too. */
inline waiter_leave(slot)
{
	atomic { touch(); rcu_read_lock(bit(slot)) };
	spin_lock();
	atomic {
		touch();
		waiters = waiters & ~bit(slot);
		users--;
		last = !users && gone
#ifndef BUG_SIGNAL_AFTER_UNLOCK
		;
		if
		:: last -> assert(gone_alive); gone_done = 1
		:: else
		fi
#endif
	};
	spin_unlock();
#ifdef BUG_SIGNAL_AFTER_UNLOCK
	rcu_read_unlock(bit(slot));
	atomic {
		touch();
		if
		:: gone && !users -> assert(gone_alive); gone_done = 1
		:: else
		fi
	}
#else
	rcu_read_unlock(bit(slot))
#endif
}

/*
 * Queueing; s and res are the caller's
 */

inline worker_hand_over()
{
	atomic { queue_work() }
}

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
		atomic { touch(); s = state };
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

/* A whole call of the client's: begins only while the unregister has not returned. */
#define client_may(me)	atomic { !returned -> rcu_read_lock(me) }
#define client_late()	atomic { returned -> break }

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

/* Somebody began to wait while place_take() was at it. */
inline waiters_catch_up()
{
#ifndef BUG_NO_CATCH_UP
	atomic { touch(); look = waiters != 0 };
	if
	:: look ->
		spin_lock();
		if
		:: e -> waiters_passed(e, NONE)
		:: else -> waiters_rested()
		fi;
		spin_unlock()
	:: else
	fi
#else
	skip
#endif
}

inline place_take()
{
	atomic {			/* try_cmpxchg */
		touch();
		e = state_next(rs);
		if
		:: state == rs ->
			state = state_after(rs);
			taken = 1;
			if
			:: e -> ghost_take(e)
			:: else -> assert(!older)	/* idle: nothing is left */
			fi
		:: else -> taken = 0
		fi
	};
	if
	:: taken ->
#ifdef BUG_RELEASE_BEFORE_CATCH_UP
		entry_begin();
		waiters_catch_up()
#else
		waiters_catch_up();
		entry_begin()
#endif
	:: else
	fi
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
			state = state_after(rs);
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
#define take_locked(s)	(look || ((s) & (COUNTED | FIRST)) == FIRST)
#else
#define take_locked(s)	(look || ((s) & (COUNTED | FIRST)))
#endif

inline runner_take()
{
	do
	::
#ifdef BUG_WAITERS_BEFORE_STATE
		atomic { touch(); look = waiters != 0 };
		atomic { touch(); rs = state };
#else
		atomic { touch(); rs = state };			/* [ksw:look] */
		atomic { touch(); look = waiters != 0 };
#endif
#ifdef BUG_DRAINED_BEFORE_IDLE
		if
		:: (rs & CLOSING) && !state_next(rs) -> worker_drained()
		:: else
		fi;
#endif
		if
		:: take_locked(rs) -> locked_take(); break
		:: else ->
			place_take();
			if
			:: taken -> break
			:: else
			fi
		fi
	od
}

/* s is the caller's */
inline worker_close(with)
{
	spin_lock();
	atomic { touch(); closer = with };
	atomic { touch(); s = state; state = state | CLOSING };	/* fetch_or [ksw:close] */
	waiters_retry();
	spin_unlock()
}

/* The canonical loop: do { task } while (KsDecrementCountedWorker(w)); */
inline counted_routine()
{
	do
	:: atomic {
#ifdef DEC
		if
		:: count -> tasks--; count--
		:: else			/* 0 already: somebody else did it */
		fi;
#else
		assert(tasks && count);	/* a task for each increment */
		tasks--; count--;
#endif
		touch();
		if
		:: !count -> break
		:: else
		fi
	   }
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

inline worker_drained()
{
	atomic {
		touch();
		if
		:: closer -> assert(drained_alive); assert(!drained); drained = 1
		:: else -> reap = 1
		fi
	}
}

#ifdef BUG_HAND_BACK_IDLE
/* lets go of the worker, and then queues it all the same */
inline hand_back()
{
	atomic { touch(); state = (state == BUSY -> 0 : state) }; more = 1; break
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
	bit taken, look, more, joined, last;

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
		atomic { running--; e = 0; rs = 0; more = 0; look = 0; taken = 0; s = 0; s0 = 0; res = 0; joined = 0; last = 0 }
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

/* c is the count that was seen; res: SUCCESS, DELETE_PENDING, or try again */
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

/* KsFlushWorker() */
inline flush_join(slot)
{
	spin_lock();
	busy = 0;
#ifdef BUG_STATE_BEFORE_LIST
	atomic { touch(); s = state };
	waiter_join(slot);
#else
	waiter_join(slot);			/* [ksw:wait] */
#endif
	if
	:: joined ->
		atomic {
			touch();
#ifndef BUG_STATE_BEFORE_LIST
			s = state;
#endif
#ifdef BUG_FLUSH_UNTIL_NEXT
			until[slot] = state_next(s);
#else
			until[slot] = state_youngest(s);
#endif
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
		assert(!in_routine && !current && !older && !state_busy(state));
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
