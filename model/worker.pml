/* SPDX-License-Identifier: GPL-2.0 */
/*
 * worker.pml - what ksworker.pml and backlog.pml share: the state word, the
 * kernel, the waiters, and the ends of a run
 *
 * The includer defines the entries, the arrows of the state word and the ghosts.
 */

/* The state word: place << 3 | LOOK | COUNTED | CLOSING */
#define CLOSING		1
#define COUNTED		2
#define LOOK		4
#define FLAGS		7
#define IDLE		8
#define BUSY		4
#define WATCHED		12
#define state_place(s)	((s) >> 3)
#define state_item(s)	(state_place(s) > 1 -> state_place(s) : 0)
#define state_busy(s)	(((s) & ~CLOSING) != IDLE)

/* Ghosts' entries */
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
byte state = IDLE;
byte count;
bit lock;
byte users;
byte waiters;		/* who is on the list */
byte until[SLOTS];
bit gone;		/* set: points to the completion in users_wait() */
bit closer;		/* set: points to the unregister's completion */
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
byte current;		/* taken and not finished */
bit in_routine;
byte tasks;		/* incremented, and not yet done */
bit flush_joined, flush_returned, flush_busy;
byte requeues = REQUEUE;
byte finished;		/* processes at their end */

#define touch()		assert(!freed)

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
 * The ends of a call and of a run
 */

inline worker_hand_over()
{
	atomic { queue_work() }
}

/* A whole call of the client's: begins only while the unregister has not returned. */
#define client_may(me)	atomic { !returned -> rcu_read_lock(me) }
#define client_late()	atomic { returned -> break }

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
