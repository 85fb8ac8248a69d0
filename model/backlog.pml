/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backlog.pml - the ways of an item through a backlog, for spin
 *
 * As ksworker.pml: an inline has the name of its C function, a step is one
 * atomic operation or one load, and what only the lock's holder may read is
 * lumped together. That nobody else reads it is asserted: an item is FREE (the
 * client's, who may free it), CLAIMED (a queuer's) or OURS, and each access says
 * which it must be; the batch is empty between two runs.
 *
 * Who takes part is chosen with -D, see model/run; model/README.md says what is
 * checked and what is left out. BUG_... puts one mistake in.
 *
 *	Q1=item Q1N=n	a queuer: item and the n - 1 after it, one by one; also Q2
 *	Q1STEP=0	the same item each time; also Q2STEP
 *	BATCH=n		KSW_BATCH
 *	CANCEL=item CANCELN=n	a canceller of item and the n - 1 after it
 *	CANCELQ		what it cancels it queues again at once
 *	REQUEUE SLICE INC INC2 DEC FLUSH FLUSH2 BLOCK UNREG	see ksworker.pml
 */

/* An entry, by its place in the state word: the counted item's stand-in, or an item */
#define NONE		0
#define END		1	/* the end of what came in: no item */
#define COUNTED_ENTRY	2
#define A		3
#define B		4
#define C		5
#define D		6
#define ENTRIES		7

#include "worker.pml"

#ifndef Q1STEP
#define Q1STEP 1
#endif
#ifndef Q2STEP
#define Q2STEP 1
#endif
#ifndef CANCELN
#define CANCELN 1
#endif
#ifndef BATCH
#define BATCH 2
#endif

/* Each entry */
#define FREE		0
#define CLAIMED_ITEM	1
#define OURS		2
byte flink[ENTRIES];	/* FREE, or claimed and by whom */
byte blink[ENTRIES];

/* The line */
byte head;
byte tail;		/* whose Blink the next one is linked by; NONE: head is */

/* What the runner takes without the lock */
byte batch_count;
byte batch_entry[BATCH + 1];

/* Who has the lock */
byte gs, turn;

/* Ghosts */
byte fifo[5];		/* accepted and not begun, in this order */
byte queued;
bit seen;		/* by a cancel, when it looked: its item is queued */

hidden byte h, h_older, h_younger;

#define ghost_left	queued
#define own(entry)	assert(flink[entry] == OURS)

/*
 * Ghosts
 */

/* An exchange accepted @entry. */
inline ghost_accept(entry)
{
	d_step {
		assert(!(state & CLOSING));	/* nothing is accepted behind the gate */
		assert(flink[entry] == (entry == COUNTED_ENTRY -> FREE : CLAIMED_ITEM));
		flink[entry] = OURS;
		fifo[queued] = entry | (flush_joined && !flush_returned -> LATER : 0);
		queued++
	}
}

inline fifo_drop()
{
	do
	:: h + 1 < queued -> fifo[h] = fifo[h + 1]; h++
	:: else -> break
	od;
	queued--;
	fifo[queued] = 0
}

/* Somebody took @entry to run it: it must be the oldest, and alone. */
inline ghost_take(entry)
{
	d_step {
		own(entry);
		assert(queued && (fifo[0] & ENTRY) == entry);	/* in the order of acceptance, each once */
		assert(!current);			/* one at a time */
		current = fifo[0];
		h = 0;
		fifo_drop()
	}
}

/* h: where @entry is in the fifo; queued: nowhere */
inline fifo_find(entry)
{
	h = 0;
	do
	:: h < queued && (fifo[h] & ENTRY) != entry -> h++
	:: else -> break
	od
}

/* A flush begins: it answers for all that is there now. */
inline ghost_flush_begin(tag)
{
	d_step {
		if :: current -> current = current | tag :: else fi;
		h = 0;
		do
		:: h < queued -> fifo[h] = fifo[h] | tag; h++
		:: else -> break
		od
	}
}

inline ghost_flush_end(tag)
{
	assert(!((current | fifo[0] | fifo[1] | fifo[2] | fifo[3] | fifo[4]) & tag))
}

/*
 * Arrows of the state word
 */

#define state_pushed(s, it)	((it) << 3 | ((s) & (CLOSING | COUNTED)) | LOOK)
#define state_rested(s)		(((s) & CLOSING) | IDLE)
#if defined(BUG_ABSORB_DROPS_COUNTED)
#define state_gathered(s)	(((s) & CLOSING) | WATCHED)
#elif defined(BUG_ABSORB_DROPS_CLOSING)
#define state_gathered(s)	(((s) & COUNTED) | WATCHED)
#else
#define state_gathered(s)	(((s) & (CLOSING | COUNTED)) | WATCHED)
#endif

/*
 * The line and the batch: under the lock; gs, turn and the h's are its holder's
 */

inline backlog_push_front(entry)
{
	own(entry);
	blink[entry] = head;
	head = entry;
	if
#ifndef BUG_PUSH_FRONT_KEEPS_TAIL
	:: !blink[entry] -> tail = entry
#endif
	:: else
	fi
}

/* The walk after the exchange: nobody else has these items any more. */
inline absorb_chain()
{
	h = state_item(gs);
	h_younger = NONE;
#ifdef BUG_ABSORB_NOT_REVERSED
	h_younger = h;
	do
	:: own(h) -> h_older = h; h = blink[h];
		if
		:: h == END -> blink[h_older] = NONE; break
		:: else
		fi
	od;
#else
	do
	:: h == END -> break
	:: else ->
		own(h);
		h_older = blink[h];
		blink[h] = h_younger;
		h_younger = h;
		h = h_older
	od;
	h_older = state_item(gs);
#endif
	if
	:: tail -> own(tail); blink[tail] = h_younger
	:: else -> head = h_younger
	fi;
	tail = h_older
}

/* @it: who looks is a cancel of that item; or NONE */
inline absorb_look(it)
{
	if
	:: it != NONE -> fifo_find(it); seen = h < queued
	:: else
	fi
}

inline backlog_absorb(it)
{
	d_step {
		touch();
		gs = state;
		if
		:: !state_item(gs) -> absorb_look(it)
		:: else
		fi
	};
	do
	:: !state_item(gs) -> break
	:: else ->
		d_step {				/* try_cmpxchg */
			touch();
			if
			:: state == gs ->
				state = state_gathered(gs);
				absorb_look(it);
				absorb_chain();
				gs = 0
			:: else ->
				gs = state;
				if
				:: !state_item(gs) -> absorb_look(it)
				:: else
				fi
			fi
		}
	od;
	gs = 0
}

/* One slot: the runner's take may be before or after it. */
inline slot_take_back()
{
	d_step {					/* xchg [ksw:batch] */
		touch();
		h = batch_entry[turn];
		batch_entry[turn] = NONE;
		if
		:: h -> backlog_push_front(h)
		:: else
		fi
	}
}

inline batch_take_back()
{
	atomic { touch(); turn = 0 };
#ifdef BUG_TAKE_BACK_OLDEST_FIRST
	do
	:: turn < batch_count -> slot_take_back(); turn++
	:: else -> break
	od;
#else
	atomic { touch(); turn = batch_count };
	do
	:: turn -> turn--; slot_take_back()
	:: else -> break
	od;
#endif
	atomic { batch_count = 0; turn = 0 }
}

inline backlog_gather(it)
{
	batch_take_back();
	backlog_absorb(it)
}

/* to d_step: e is the runner's */
inline backlog_pop()
{
	e = head;
	if
	:: e ->
		own(e);
		head = blink[e];
		if
		:: !head -> tail = NONE
		:: else
		fi
	:: else
	fi
}

#ifdef BUG_FILL_PASSES_STAND_IN
#define fill_ends	(!h || h_younger == BATCH)
#else
#define fill_ends	(!h || h == COUNTED_ENTRY || h_younger == BATCH)
#endif

inline batch_fill()
{
	d_step {
		touch();
		h = head;
		h_younger = 0;
		do
		:: fill_ends -> break
		:: else -> own(h); batch_entry[h_younger] = h; h_younger++; h = blink[h]
		od;
		head = h;
		if
#ifndef BUG_FILL_KEEPS_TAIL
		:: !h -> tail = NONE
#endif
		:: else
		fi;
		batch_count = h_younger
	}
}

/* s is the state before: watched it is, as always when busy */
inline waiters_watch()
{
	atomic { touch(); s = state; assert(!state_busy(s) || (s & LOOK)) };
#ifdef BUG_FLUSH_WITHOUT_ABSORB
	batch_take_back()
#else
	backlog_gather(NONE)
#endif
}

#define flush_until(s)	tail		/* backlog_youngest */

/*
 * Queueing; s and res are the caller's
 */

inline item_queue(it)
{
	atomic {				/* state_read */
		touch();
		s = state;
		res = (s & CLOSING -> DELETE_PENDING : CLAIMED)
	};
	if
	:: res == CLAIMED ->
		atomic {			/* item_claim, state_pushed */
			if
			:: flink[it] != FREE -> res = ITEM_BUSY
			:: else -> flink[it] = CLAIMED_ITEM; blink[it] = state_place(s)
			fi
		};
		do
		:: res == CLAIMED ->
			atomic {		/* place_put: try_cmpxchg */
				touch();
				if
#ifdef BUG_PUSHED_BEHIND_GATE
				:: (state & ~CLOSING) == s ->
#else
				:: state == s ->
#endif
					ghost_accept(it);
					state = state_pushed(s, it) | (state & CLOSING);
					res = SUCCESS
				:: else ->
					s = state;
					if
					:: s & CLOSING -> res = GIVE_BACK
#ifdef BUG_LINK_NOT_RENEWED
					:: else
#else
					:: else -> assert(flink[it] == CLAIMED_ITEM); blink[it] = state_place(s)
#endif
					fi
				fi
			}
		:: else -> break
		od;
		if
		:: res == GIVE_BACK ->
			atomic {		/* item_release, worker_refuse */
				touch();
				assert(flink[it] == CLAIMED_ITEM);
				flink[it] = FREE; blink[it] = 0;
				res = DELETE_PENDING
			}
#ifdef BUG_FIRST_IN_HANDS_OVER
		:: res == SUCCESS && !state_item(s) -> worker_hand_over()
#else
		:: res == SUCCESS && !state_busy(s) -> worker_hand_over()
#endif
		:: else
		fi
	:: else
	fi
}

/*
 * The runner; rs, e, next and more are its own
 */

/* The last read, item_release; the stand-in is not an item, and nobody's now. */
inline item_begin()
{
	atomic { own(e); flink[e] = FREE; blink[e] = 0 }
}

inline batch_take()
{
#ifdef BUG_ITEM_READ_FIRST
	e = batch_entry[next];
	if
	:: e -> own(e)			/* fetches the item early */
	:: else
	fi;
#endif
#ifdef BUG_BATCH_WITHOUT_EXCHANGE
	atomic { touch(); e = batch_entry[next] };
	if
	:: e -> atomic { batch_entry[next] = NONE; ghost_take(e) }
	:: else
	fi;
#else
	atomic {				/* xchg [ksw:batch] */
		touch();
		e = batch_entry[next];
		batch_entry[next] = NONE;
		if
		:: e -> ghost_take(e)
		:: else
		fi
	};
#endif
	if
	:: e -> assert(e != COUNTED_ENTRY); item_begin()
	:: else
	fi
}

inline backlog_next()
{
	atomic { touch(); batch_count = 0 };	/* each was taken, or taken back */
	do
	::
		backlog_gather(NONE);
		d_step { touch(); backlog_pop() };
		if
		:: e -> ghost_take(e); rs = 0; break
		:: else
		fi;
		atomic { touch(); rs = state };
#ifdef BUG_RESTS_BLINDLY
		atomic { touch(); state = state_rested(rs); assert(!queued); break }
#else
		if
		:: !state_item(rs) ->
			atomic {		/* try_cmpxchg */
				touch();
				if
				:: state == rs ->
					state = state_rested(rs);
					assert(!queued);	/* idle: nothing is left */
					break
				:: else
				fi
			}
		:: else
		fi
#endif
	od;
#ifndef BUG_STAND_IN_LATE
	if
	:: e == COUNTED_ENTRY -> atomic { touch(); state = state & ~COUNTED }
	:: else
	fi;
#endif
	if
#ifdef BUG_FILL_WATCHED
	:: e -> batch_fill()
#else
	:: e && !waiters -> batch_fill()
#endif
	:: else
	fi
}

inline locked_take()
{
	spin_lock();
#ifndef BUG_LINE_RESTS_UNTOLD
	waiters_rested();
#endif
	backlog_next();
	if
	:: e ->
		item_begin();
#ifndef BUG_LINE_PASSES_NOBODY
		waiters_passed(e, NONE)
#endif
	:: else
	fi;
	spin_unlock()
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
	fi
#if REQUEUE
	;
	if
	:: e != COUNTED_ENTRY && requeues ->
		atomic { requeues--; rcu_read_lock(R_RUN) };
		item_queue(e);
		rcu_read_unlock(R_RUN)
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
#ifdef BUG_STAND_IN_LATE
	if
	:: e == COUNTED_ENTRY -> atomic { touch(); state = state & ~COUNTED }
	:: else
	fi
#endif
}

inline worker_pending()
{
	spin_lock();
#ifndef BUG_SLICE_KEEPS_BATCH
	batch_take_back();
#endif
	atomic { touch(); more = (head || (state & COUNTED) || state_item(state)) };
	spin_unlock()
}

active proctype backlog_run()
{
	byte s, rs, e, res, next;
	bit more;

end_idle:
	do
	:: atomic {
		pending && !running ->		/* the workqueue's promise */
		pending = 0; running = 1; touch();
		assert(!batch_count && !batch_entry[0])
	   };
		do
		::
			batch_take();
			if
			:: e -> next++
			:: else ->
				locked_take();
				if
				:: !e -> break
				:: else -> next = 0
				fi
			fi;
			runner_call();
#ifdef SLICE
			if
			:: worker_pending();
				if
				:: more -> break
				:: else
				fi
			:: skip
			fi
#endif
		od;
		atomic { touch() };		/* run_end: runner = NULL */
		if
		:: !rs -> worker_hand_over()
		:: rs & CLOSING -> worker_drained()
		:: else
		fi;
		d_step {
			running = 0;
			s = 0; rs = 0; e = 0; res = 0; next = 0; more = 0
		}
	od
}

/*
 * The clients
 */

#define QUEUER(name, it, many, step, me)				\
active proctype name()							\
{									\
	byte s, res, i;							\
	do								\
	:: i < many ->							\
		if							\
		:: client_may(me)					\
		:: client_late()					\
		fi;							\
		item_queue(it + i * step);				\
		rcu_read_unlock(me);					\
		atomic { i++; s = 0; res = 0 }				\
	:: else -> break						\
	od;								\
	finished++							\
}

#ifdef Q1
QUEUER(queuer1, Q1, Q1N, Q1STEP, R_Q1)
#endif
#ifdef Q2
QUEUER(queuer2, Q2, Q2N, Q2STEP, R_Q2)
#endif

#ifdef BUG_STAND_IN_TWICE
#define stand_in_due(s)		1
#else
#define stand_in_due(s)		(!((s) & COUNTED))
#endif

/* The stand-in is linked when the state is read, as an item is. */
inline stand_in_link()
{
	s = state;
	if
	:: stand_in_due(s) ->
		assert(flink[COUNTED_ENTRY] == FREE);
		blink[COUNTED_ENTRY] = state_place(s)
	:: else
	fi
}

inline counted_schedule()
{
	atomic { touch(); stand_in_link() };
	do
	:: atomic {
		touch();
		if
		:: state == s ->
			if
			:: stand_in_due(s) ->
				ghost_accept(COUNTED_ENTRY);
				state = state_pushed(s, COUNTED_ENTRY) | COUNTED
			:: else				/* state_counted: the same */
			fi;
			break
		:: else -> stand_in_link()
		fi
	   }
	od;
	hand_over = !state_busy(s)
}

#include "clients.pml"

#ifdef CANCEL
/* to d_step: res is SUCCESS if @it was in the line; before is who was accepted before it */
inline backlog_remove(it)
{
	before = NONE;
	h = head;
	do
	:: h && h != it -> own(h); before = h; h = blink[h]
	:: else -> break
	od;
	res = (h -> SUCCESS : PLACE_BUSY);
	if
	:: h ->
		own(it);
		if
		:: before -> blink[before] = blink[it]
		:: else -> head = blink[it]
		fi;
		if
#ifndef BUG_REMOVE_KEEPS_TAIL
		:: !blink[it] -> tail = before
#endif
		:: else
		fi;
		fifo_find(it);
		assert(h < queued);
		fifo_drop()
	:: else
	fi
}

/* KsCancelWorkItem(); it, res and before are the caller's */
inline item_cancel()
{
	spin_lock();
#ifdef BUG_CANCEL_WITHOUT_GATHER
	d_step { touch(); absorb_look(it) };
#else
	backlog_gather(it);
#endif
#ifdef BUG_CANCEL_RELEASES_FIRST
	if
	:: seen -> flink[it] = FREE
	:: else
	fi;
#endif
	d_step {
		touch();
		backlog_remove(it);
		/* "No" is said only if it was not queued when the cancel looked. */
		assert(seen == (res == SUCCESS));
		seen = 0
	};
	if
	:: res == SUCCESS ->
		atomic { own(it); flink[it] = FREE; blink[it] = 0 };	/* item_release */
#if defined(BUG_REMOVE_PASSES_TO_RUNNER)
		waiters_passed(it, NONE)
#elif !defined(BUG_REMOVE_PASSES_NOBODY)
		waiters_passed(it, before)
#endif
	:: else
	fi;
	before = 0;
	spin_unlock()
}

active proctype canceller()
{
	byte s, it, res, before, i;
	do
	:: i < CANCELN ->
		if
		:: atomic { !returned -> rcu_read_lock(R_CANCEL); it = CANCEL + i }
		:: client_late()
		fi;
		item_cancel();
#ifdef CANCELQ
		if
		:: res == SUCCESS -> item_queue(it)
		:: else
		fi;
#endif
		rcu_read_unlock(R_CANCEL);
		atomic { i++; s = 0; res = 0; it = 0 }
	:: else -> break
	od;
	finished++
}
#endif

active proctype at_the_end()
{
	atomic {
		finished == PROCESSES && !pending && !running;
		assert(!state_busy(state) && !(state & COUNTED));	/* idle */
		assert(!queued && !current);			/* accepted = begun + cancelled */
		assert(!head && !tail && !batch_count);
		assert(!flink[COUNTED_ENTRY] && !flink[A] && !flink[B] && !flink[C] && !flink[D]);
		assert(!tasks && !count);		/* increments = tasks */
		assert(!waiters && !users && !readers);
#ifdef UNREG
		assert(freed);
#endif
	}
}
