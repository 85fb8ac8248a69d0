/* SPDX-License-Identifier: GPL-2.0 */
/*
 * refused.pml - one item for many events, whose refusal the client ignores, for spin
 *
 * The other models' steps are seen by everybody at once. Here each CPU has a store
 * buffer, as on x86: a plain store, a release as well, waits in it and is seen by its
 * own CPU only; an exchange and smp_mb() empty it first. (A weaker machine may let a
 * store wait in the same way, so that the barriers which are needed here are needed
 * there.) The item is queued for the first event. While it begins, the client
 * notes a second one and queues the item; whatever that says, a run sees the event.
 *
 *	BUG_RELEASE_IS_NO_BARRIER	item_begin() gives the item back by a release store
 *	BUG_CLIENT_HAS_NO_BARRIER	the client leaves out what ksworker.h asks him for
 */

#define IDLE	0
#define ITEM	1
#define BUSY	2

byte place = ITEM;	/* the state word's */
bit flink = 1;		/* the item is queued */
byte told = 1;		/* the client's events */
byte seen;		/* what the last run saw */

/* What waits in the two buffers: the runner's flink, the client's told */
bit runner_waits;	/* flink = 0 */
byte client_waits;	/* told */
bit done;		/* the client's call has returned */

inline runner_mb() { atomic { if :: runner_waits -> flink = 0; runner_waits = 0 :: else fi } }
inline client_mb() { atomic { if :: client_waits -> told = client_waits; client_waits = 0 :: else fi } }

/* item_begin() after place_take(): the exchange of the place is a barrier */
inline item_begin_refused()
{
#ifdef BUG_RELEASE_IS_NO_BARRIER
	runner_waits = 1
#else
	atomic { runner_waits = 0; flink = 0 }	/* xchg */
#endif
}

active proctype runner()
{
	do
	:: atomic { place == ITEM -> runner_mb(); place = BUSY };	/* try_cmpxchg */
		item_begin_refused();
		seen = told;			/* the routine */
	:: atomic { place == BUSY && done -> runner_mb(); place = IDLE; break }
	od
}

/* The store buffers are emptied at any time. */
active proctype buffers()
{
end:	do
	:: atomic { runner_waits -> runner_mb() }
	:: atomic { client_waits -> client_mb() }
	od
}

active proctype client()
{
	byte p;

	client_waits = 2;			/* WRITE_ONCE(told, 2) */
#ifndef BUG_CLIENT_HAS_NO_BARRIER
	client_mb();				/* smp_mb() */
#endif
	p = place;
	if
	:: p == ITEM				/* refused: the place */
	:: else ->
		if
		:: atomic { !flink -> client_mb(); flink = 1 };	/* try_cmpxchg */
			atomic { place == p -> client_mb(); place = ITEM }
		:: atomic { flink }		/* refused: the item */
		fi
	fi;
	done = 1
}

active proctype end_of_it()
{
	place == IDLE && !client_waits && !runner_waits;
	assert(seen == 2)
}
