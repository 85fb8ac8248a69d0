/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hold a race window of ksworker open, while the case does its worst
 *
 * A case arms a window of one worker. The first thread that comes there is
 * held; hold_reached() waits for it, hold_release() lets it go on. A watched
 * window only tells that a thread came through.
 *
 * A held thread spins, with preemption off in some windows: two CPUs are
 * needed, and the spinning has a bound.
 */
#ifndef _KSWORKER_KUNIT_HOLD_H
#define _KSWORKER_KUNIT_HOLD_H

#include "../ksworker_hooks.h"
#include "ksworker_kunit.h"

int hold_init(struct kunit *test);
void hold_exit(struct kunit *test);

void hold_arm(enum ksworker_hook at, PKSWORKER w);
void hold_watch(enum ksworker_hook at, PKSWORKER w);
bool hold_reached(enum ksworker_hook at);
bool hold_reached_soon(enum ksworker_hook at);
void hold_briefly(enum ksworker_hook at, PKSWORKER w);
void hold_await(enum ksworker_hook at, struct actor *a);
void hold_release(enum ksworker_hook at);

void hold_make_way(struct fixture *f);
struct probe *hold_queued(struct fixture *f, PKSWORKER w);
bool actor_done_soon(struct actor *a);
struct actor *hold_actor(struct fixture *f, enum ksworker_hook at,
			 void (*fn)(struct actor *a), PKSWORKER w, struct probe *p);
struct actor *hold_claimed(struct fixture *f, PKSWORKER w, struct probe *p);
struct actor *hold_closing(struct fixture *f, PKSWORKER w);
void expect_accepted(struct kunit *test, struct actor *a);
void expect_once(struct kunit *test, PKSWORKER w, struct probe *p);

#endif /* _KSWORKER_KUNIT_HOLD_H */
