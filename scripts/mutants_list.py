# SPDX-License-Identifier: GPL-2.0
"""The catalogue of scripts/mutants.py.

A mutant builds without a warning: what is no longer called is called where it never comes to that.

The text has to stand in its file exactly once, so that the catalogue follows the code; `scripts/mutants.py
--fits` names each entry that does not. When the code changed, give the entry the new text and see
it killed (`--only NAME`); take it out only when what it got wrong cannot be got wrong any more.
"""

from dataclasses import dataclass

PLAIN, DEBUG, KCSAN = "6.12-plain", "6.12-debug", "6.12-kcsan"
IO = "ksworker_io.c"


@dataclass(frozen=True)
class Mutant:
    """A wrong change. @kernel: where it is noticed; @equivalent: why nobody can notice it."""
    name: str
    old: str
    new: str
    kernel: str = PLAIN
    file: str = "ksworker.c"
    cpus: int = 2
    equivalent: str = ""


MUTANTS = [
    # acceptance
    Mutant("queue_ignores_closing", "\tif (s & KSW_CLOSING)\n\t\treturn KSW_REFUSED_CLOSING;\n\tif (state_item(s) && !w->backlog)",
           "\tif (state_item(s) && !w->backlog)"),
    Mutant("exchange_ignores_closing", "if ((*s & KSW_CLOSING) || (state_item(*s) && !backlog)) {",
           "if (state_item(*s) && !backlog) {"),
    Mutant("queue_ignores_the_place", "\tif (state_item(s) && !w->backlog)\n\t\treturn KSW_REFUSED_PLACE;\n", ""),
    Mutant("exchange_ignores_the_place", "if ((*s & KSW_CLOSING) || (state_item(*s) && !backlog)) {",
           "if (*s & KSW_CLOSING) {"),
    Mutant("item_is_not_claimed", "\tif (!try_cmpxchg_acquire(&item->List.Flink, &none, (PLIST_ENTRY)w))\n\t\treturn false;\n",
           "\tnone = (PLIST_ENTRY)w;\n\tWRITE_ONCE(item->List.Flink, none);\n"),
    Mutant("refused_item_is_not_released", "\t\t\titem_release(item);\n\t\t\treturn *s & KSW_CLOSING ?",
           "\t\t\treturn *s & KSW_CLOSING ?"),
    Mutant("overtaken_item_is_forgotten", "\telse if (rest == QUEUE_OVERTAKEN)\n\t\twhy = place_put(w, item, s, caller);\n",
           ""),
    Mutant("busy_place_is_accepted", "\t\treturn worker_refuse(Worker, KSW_REFUSED_PLACE);\n",
           "\t\treturn STATUS_SUCCESS;\n"),
    Mutant("no_hand_over", "\tif (why == KSW_ACCEPTED && !state_busy(s))\n\t\tworker_hand_over(w);\n", ""),
    Mutant("always_hand_over", "\tif (why == KSW_ACCEPTED && !state_busy(s))\n", "\tif (why == KSW_ACCEPTED)\n"),
    Mutant("pushable_although_closing", "(s & (KSW_LOOK | KSW_CLOSING)) == KSW_LOOK", "(s & KSW_LOOK)"),
    Mutant("misaligned_item_is_taken", "IS_ALIGNED((unsigned long)item, sizeof(void *)) && item->WorkerRoutine",
           "item->WorkerRoutine"),
    Mutant("routine_is_not_checked", " && item->WorkerRoutine;", ";"),
    Mutant("wrong_code_for_closing", "why == KSW_REFUSED_CLOSING ? STATUS_DELETE_PENDING : STATUS_DEVICE_BUSY",
           "why == KSW_REFUSED_ITEM ? STATUS_DELETE_PENDING : STATUS_DEVICE_BUSY"),
    # begin
    Mutant("item_is_not_released", "\tcompat_null_mb(&item->List.Flink); /* after the last read [ksw:item], and a barrier */\n", ""),
    Mutant("item_is_released_before_it_is_read", "\tksworker_hook(KSW_HOOK_TAKEN, w);\n\t*task = item_begin(w, place_item(*place));",
           "\titem_release(place_item(*place));\n\tksworker_hook(KSW_HOOK_TAKEN, w);\n\t*task = item_begin(w, place_item(*place));"),
    Mutant("what_came_last_is_taken_unseen", "if (unlikely(!atomic64_try_cmpxchg(&w->state, (s64 *)&s, busy)))\n\t\treturn false;",
           "atomic64_set(&w->state, (s64)busy);"),
    Mutant("flags_are_taken_for_an_item", "\t\tif (s & KSW_FLAGS)\n\t\t\treturn false;\n\t\t*place = s;", "\t\t*place = s;"),
    Mutant("null_is_looked_at", "if (unlikely(!((unsigned long)Worker & (unsigned long)WorkItem)))",
           "if (unlikely(!((unsigned long)Worker | (unsigned long)WorkItem)))"),
    Mutant("what_ran_stays_on_show", "\tWRITE_ONCE(w->routine, NULL);\n", ""),
    Mutant("wrong_parameter", ".parameter = READ_ONCE(item->Parameter),", ".parameter = item,"),
    Mutant("takes_the_item_before_first", "if ((s & KSW_COUNTED) && (s & KSW_LOOK)) {",
           "if ((s & KSW_COUNTED) && !item) {"),
    Mutant("takes_the_counted_item_always_first", "if ((s & KSW_COUNTED) && (s & KSW_LOOK)) {",
           "if (s & KSW_COUNTED) {"),
    Mutant("strict_never_hands_over", "\t\t\tif (rested)\n\t\t\t\tbreak;\n\t\t}\n\t\trunner_call(w, task, depth);\n\t} while (!runner_yields(w, &since, enough));\n\trun_end(w, rested);\n}\n\n/* The same for a backlog. */",
           "\t\t\tif (rested)\n\t\t\t\tbreak;\n\t\t}\n\t\trunner_call(w, task, depth);\n\t} while (enough);\n\trun_end(w, rested);\n}\n\n/* The same for a backlog. */"),
    Mutant("first_is_never_set", "u64 look = (s & KSW_COUNTED) || s == KSW_WATCHED ? KSW_LOOK : 0;",
           "u64 look = s == KSW_WATCHED ? KSW_LOOK : 0;"),
    Mutant("watched_is_forgotten", "u64 look = (s & KSW_COUNTED) || s == KSW_WATCHED ? KSW_LOOK : 0;",
           "u64 look = (s & KSW_COUNTED) ? KSW_LOOK : 0;"),
    Mutant("vacated_forgets_counted", "return (s & (KSW_CLOSING | KSW_COUNTED)) | KSW_BUSY;", "return (s & KSW_CLOSING) | KSW_BUSY;"),
    Mutant("vacated_forgets_closing", "return (s & (KSW_CLOSING | KSW_COUNTED)) | KSW_BUSY;", "return (s & KSW_COUNTED) | KSW_BUSY;"),
    Mutant("counted_stays_scheduled", "*new = item ? s & ~(KSW_COUNTED | KSW_LOOK) : (s & KSW_CLOSING) | KSW_BUSY;",
           "*new = item ? s & ~KSW_LOOK : (s & KSW_CLOSING) | KSW_BUSY | KSW_COUNTED;"),
    Mutant("idle_forgets_closing", "*new = (s & KSW_CLOSING) | KSW_IDLE;\n\treturn NULL;",
           "*new = KSW_IDLE;\n\treturn NULL;"),
    Mutant("rest_forgets_closing", "if (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, (s & KSW_CLOSING) | KSW_IDLE))",
           "if (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, KSW_IDLE))"),
    Mutant("hand_back_without_more", "\tif (!rested)\n\t\tworker_hand_over(w);\n\telse if (rested & KSW_CLOSING)",
           "\tif (rested & KSW_CLOSING)"),
    Mutant("runner_is_not_recorded", "\tWRITE_ONCE(w->runner, current);\n", ""),
    Mutant("context_is_not_checked", "\tif (unlikely(context_left(depth)))\n\t\tcontext_restore(w, w->routine, depth);\n",
           ""),
    Mutant("interrupts_stay_off", "\tif (irqs_disabled())\n\t\tlocal_irq_enable();\n", ""),
    Mutant("bottom_halves_stay_off", "\twhile (softirq_count())\n\t\tlocal_bh_enable();\n", ""),
    # the backlog
    Mutant("backlog_is_lifo", "\tfor (entry = youngest; entry != end; entry = older) {\n\t\tolder = entry->Blink;\n\t\tentry->Blink = younger;\n\t\tyounger = entry;\n\t}\n\t*w->tail = younger;\n\tw->tail = &youngest->Blink;\n",
           "\tfor (entry = youngest; entry->Blink != end; entry = entry->Blink)\n\t\t;\n\tentry->Blink = younger;\n\tolder = entry;\n\t*w->tail = youngest;\n\tw->tail = &older->Blink;\n"),
    Mutant("backlog_newcomers_go_first", "\t*w->tail = younger;\n\tw->tail = &youngest->Blink;\n",
           "\tyoungest->Blink = w->head;\n\tif (!w->head)\n\t\tw->tail = &youngest->Blink;\n\tw->head = younger;\n"),
    Mutant("pushable_is_not_asked", "\tif (backlog && unlikely(!data_race(w->pushable)))\n\t\treturn QUEUE_OBSERVED;\n", ""),
    Mutant("batch_is_not_taken_back", "\tif (w->backlog)\n\t\tbatch_take_back(w);\n\ts = state_read(w);\n", "\ts = state_read(w);\n"),
    Mutant("batch_comes_back_backwards", "\tPLIST_ENTRY entry;\n\n\twhile (batch->count) {\n\t\t/* or the runner has it [ksw:batch] */\n\t\tentry = xchg(&batch->entry[--batch->count], NULL);\n\t\tif (entry)\n\t\t\tbacklog_push_front(w, entry);\n\t}\n",
           "\tPLIST_ENTRY entry;\n\tunsigned int i;\n\n\tfor (i = 0; i < batch->count; i++) {\n\t\tentry = xchg(&batch->entry[i], NULL);\n\t\tif (entry)\n\t\t\tbacklog_push_front(w, entry);\n\t}\n\tbatch->count = 0;\n"),
    Mutant("batch_entry_is_taken_twice", "entry = xchg(next, NULL);", "entry = *next;"),
    Mutant("batch_passes_the_counted_item", "entry && entry != &w->counted_entry && n < KSW_BATCH",
           "entry && n < KSW_BATCH"),
    Mutant("batch_is_filled_while_somebody_waits", "\tif (entry && !waiters_care(w))\n\t\tbatch_fill",
           "\tif (entry)\n\t\tbatch_fill"),
    Mutant("backlog_pop_keeps_the_tail", "\tif (!w->head)\n\t\tw->tail = &w->head;\n", ""),
    Mutant("backlog_remove_keeps_the_tail", "\tif (!*link)\n\t\tw->tail = link;\n", ""),
    Mutant("backlog_counted_stays_scheduled", "\tif (entry == &w->counted_entry)\n\t\tatomic64_andnot(KSW_COUNTED, &w->state);\n",
           ""),
    # waiting
    Mutant("flush_does_not_wait", "busy = state_busy(s); /*", "busy = state_busy(s) && false; /*"),
    Mutant("flush_waits_for_the_running_only", "\t\ts = waiters_watch(w, &waiter->until);\n\t\tbusy",
           "\t\ts = waiters_watch(w, &waiter->until);\n\t\twaiter->until = NULL;\n\t\tbusy"),
    Mutant("flush_forgets_the_own_routine", "\town = READ_ONCE(Worker->runner) == current;\n\tif (!own)\n\t\tbusy = flush_join",
           "\town = false;\n\tif (!own)\n\t\tbusy = flush_join"),
    Mutant("who_waits_is_not_watched_again", "return waiters_care(w) ? state_watched(s) : s;", "return waiters_care(w) ? s : s;"),
    Mutant("who_waits_is_not_watched", "\twhile (!atomic64_try_cmpxchg(&w->state, (s64 *)&s, state_watched(s)))\n\t\t;\n",
           ""),
    Mutant("wait_ends_early", "MAX_SCHEDULE_TIMEOUT : (long)msecs_to_jiffies(ms);", "MAX_SCHEDULE_TIMEOUT : (long)msecs_to_jiffies(ms) / 2;"),
    Mutant("nobody_is_rested", "\twaiters_rested(w);\n\tentry = w->backlog ?",
           "\tif (!w)\n\t\twaiters_rested(w);\n\tentry = w->backlog ?"),
    Mutant("place_waiters_are_not_told", "\tif (entry != &w->counted_entry)\n\t\twaiters_retry(w);\n", ""),
    Mutant("closed_waiters_are_not_told", "\t\twaiters_retry(w);\n\t}\n\traw_spin_unlock_irqrestore(&w->lock, irqflags);\n\treturn s;",
           "\t}\n\traw_spin_unlock_irqrestore(&w->lock, irqflags);\n\treturn s;"),
    Mutant("own_routine_sleeps_for_the_place", "if (!left || (own && why == KSW_REFUSED_PLACE)) {", "if (!left) {"),
    Mutant("cancel_does_not_look", "\t\tif (state_item(s) != item)\n\t\t\treturn false;\n", ""),
    Mutant("cancel_keeps_the_item", "\t\titem_release(item);\n\t\twaiters_passed(w, &item->List, older);\n", "\t\twaiters_passed(w, &item->List, older);\n"),
    Mutant("cancel_passes_nobody", "\t\twaiters_passed(w, &item->List, older);\n", ""),
    # counting
    Mutant("closing_does_not_refuse_increments", "\t} else if (state_read(w) & KSW_CLOSING) {\n\t\tworker_refuse(w, KSW_REFUSED_CLOSING);\n", ""),
    Mutant("increment_does_not_schedule", "\t\thand_over = counted_schedule(w, caller);\n",
           "\t\thand_over = !w && counted_schedule(w, caller);\n"),
    Mutant("increment_returns_the_old_count", "\t\t\treturn count + 1;\n\t}\n\treturn increment_slow",
           "\t\t\treturn count;\n\t}\n\treturn increment_slow"),
    Mutant("increment_from_0_does_not_look", "while (likely(count + 1 > data_race(count_bounds.up)))", "while (likely(count + 1 >= data_race(count_bounds.up)))"),
    Mutant("decrement_at_0_does_not_look", "while (likely(count > data_race(count_bounds.down)))", "while (likely(count >= data_race(count_bounds.down)))"),
    Mutant("decrement_wraps", "\t\tif (unlikely(!count)) {", "\t\tif (unlikely(count == U32_MAX)) {"),
    Mutant("maximum_wraps", "\t\tif (unlikely(count == U32_MAX)) {", "\t\tif (unlikely(count == U32_MAX - 9)) {"),
    # closing
    Mutant("unregister_does_not_wait", "\tif (state_busy(s))\n\t\twait_for_completion(drained);\n", ""),
    Mutant("gate_stays_open", "\t\ts = atomic64_fetch_or(KSW_CLOSING, &w->state);\n", ""),
    Mutant("users_are_not_waited_for", "\tusers_wait(w);\n\tdestroy", "\tif (!w)\n\t\tusers_wait(w);\n\tdestroy"),
    # with lockdep, lockdep_unregister_key() waits for one
    Mutant("freed_without_a_grace_period", "\tkfree_rcu(w, rcu); /* [ksw:rcu] */", "\tkfree(w);"),
    Mutant("freed_twice", "\tkfree_rcu(w, rcu); /* [ksw:rcu] */", "\tkfree(w);\n\tkfree(w);", DEBUG),
    Mutant("worker_leaks", "\tkfree_rcu(w, rcu); /* [ksw:rcu] */\n", "", DEBUG),
    Mutant("workqueue_leaks", "\tdestroy_workqueue(w->wq);\n", ""),
    Mutant("own_routine_unregisters_like_others", "\town = READ_ONCE(Worker->runner) == current;\n\tif (!own)\n\t\tcompat",
           "\town = false;\n\tif (!own)\n\t\tcompat"),
    Mutant("owner_is_not_asked", "\tif (action == MODULE_STATE_GOING) {", "\tif (action == MODULE_STATE_COMING) {"),
    # registration
    Mutant("custom_priorities_go_on", "return custom < KSW_PRIORITIES ?", "return custom <= KSW_PRIORITIES ?"),
    Mutant("maximum_is_a_type", "if ((unsigned int)type < MaximumWorkQueue)", "if ((unsigned int)type <= MaximumWorkQueue)"),
    Mutant("failure_leaves_the_pointer", "\t*Worker = NULL;\n\tif (ksworker_type", "\tif (ksworker_type"),
    Mutant("unknown_flags_are_taken", "(Flags & ~(KSWORKER_BACKLOG | KSWORKER_MEM_RECLAIM)) ||", "false ||"),
    Mutant("failed_registration_leaks", "\t\tlockdep_unregister_key(&w->key);\n\t\tkfree(w);\n", "\t\tlockdep_unregister_key(&w->key);\n", DEBUG),
    Mutant("sysfs_is_never_asked_for", "\tif (READ_ONCE(ksworker_sysfs))\n", "\tif (false)\n"),
    Mutant("sysfs_is_always_on", "\tif (READ_ONCE(ksworker_sysfs))\n", "\tif (true)\n"),
    Mutant("errno_of_another_status", "{ STATUS_IO_TIMEOUT,\t\t\t-ETIMEDOUT }", "{ STATUS_IO_TIMEOUT,\t\t\t-EBUSY }"),
    # What only a detector of data races sees. Not the exchange of place_rest(): what it orders was written by a
    # routine that has returned, and KCSAN lets no access out of its function.
    Mutant("publish_is_relaxed", "if (unlikely(!atomic64_try_cmpxchg(&w->state, (s64 *)s, new)))",
           "if (unlikely(!atomic64_try_cmpxchg_relaxed(&w->state, (s64 *)s, new)))", KCSAN),
    Mutant("routine_is_stored_plainly", "\tWRITE_ONCE(w->routine, task.routine);\n",
           "\tw->routine = task.routine;\n", KCSAN),
    # items without a worker
    Mutant("io_no_looker_after_a_take", "\tlooker = looker_appoint(pool);\n\troom_update(pool);",
           "\tlooker = taken ? NULL : looker_appoint(pool);\n\troom_update(pool);", PLAIN, IO),
    Mutant("io_no_looker_at_the_queue_call", "\tif (why == IO_ACCEPTED)\n\t\tlooker = looker_appoint(pool);\n", "", PLAIN, IO),
    Mutant("io_looker_is_not_cleared", "\tif (pool->looker == seat)\n\t\tpool->looker = NULL;\n", "", PLAIN, IO),
    Mutant("io_seat_leaks", "\tif (!pool->head || enough) {\n\t\tseat_put(pool, seat);\n", "\tif (!pool->head || enough) {\n", PLAIN, IO),
    Mutant("io_last_seat_is_sent_first", "\tseat->next = NULL;\n\t*pool->free_tail = seat;\n\tpool->free_tail = &seat->next;\n",
           "\tseat->next = pool->free;\n\tpool->free = seat;\n", PLAIN, IO),
    Mutant("io_free_tail_is_kept", "\tif (!pool->free)\n\t\tpool->free_tail = &pool->free;\n", "", PLAIN, IO),
    Mutant("io_item_is_not_claimed", "\tif (unlikely(had)) /* by now it may have run and be gone */\n\t\treturn had == &io_gone ? IO_REFUSED_GONE : IO_REFUSED_QUEUED;\n",
           "\tif (unlikely(had))\n\t\tWRITE_ONCE(item->List.Flink, &pool->owner[owner]);\n", PLAIN, IO),
    Mutant("io_item_is_given_back_late", "\tksworker_item_give(entry_item(entry), run->given ? &io_gone : NULL);\n", "\tksworker_item_give(entry_item(entry), &io_gone);\n", PLAIN, IO),
    Mutant("io_tail_is_kept", "\tif (!pool->head)\n\t\tpool->tail = &pool->head;\n\tpool->queued--;", "\tpool->queued--;", PLAIN, IO),
    Mutant("io_replace_keeps_the_tail", "\tif (pool->tail == &entry->Blink)\n\t\tpool->tail = end;\n", "\t(void)end;\n", PLAIN, IO),
    Mutant("io_no_reference", "\tget_device(io->device);\n", "", PLAIN, IO),
    Mutant("io_reference_is_kept", "\tput_device(run->device);\n", "", PLAIN, IO),
    Mutant("io_reference_is_dropped_early", "\t\trun->routine(run->device, run->context);\n",
           "\t\tput_device(run->device);\n\t\trun->routine(run->device, run->context);\n\t\tget_device(run->device);\n", PLAIN, IO),
    Mutant("io_reference_is_dropped_late", "\tstruct io_run run;\n\n\twhile (seat_next(seat, &run, enough)) {\n\t\trun_call(&run, depth);\n\t\tenough = compat_need_resched() || time_after(jiffies, end);\n\t}\n",
           "\tstruct device *late = NULL;\n\tstruct io_run run;\n\n\twhile (seat_next(seat, &run, enough)) {\n\t\tput_device(late);\n\t\tlate = get_device(run.device);\n\t\trun_call(&run, depth);\n\t\tenough = compat_need_resched() || time_after(jiffies, end);\n\t}\n\tput_device(late);\n", PLAIN, IO),
    Mutant("io_given_item_is_kept", "\tif (run->given)\n\t\tgiven_end(", "\tif (run->given && !run->routine)\n\t\tgiven_end(", DEBUG, IO),
    Mutant("io_given_item_is_freed_although_queued", "\twrong = item_end(io);\n\tpreempt_enable();\n\tif (wrong)\n",
           "\twrong = IO_END_RIGHT;\n\tkfree_rcu(io, rcu);\n\tpreempt_enable();\n\tif (wrong)\n", DEBUG, IO),
    Mutant("io_freed_at_once", "\tkfree_rcu(io, rcu); /* [ksw:freed] */\n", "\tkfree(io);\n", DEBUG, IO),
    Mutant("io_freed_by_all_who_free", "\tif (cmpxchg(&io->magic, IO_ALLOCATED, IO_ENDED) != IO_ALLOCATED)\n\t\treturn false;\n",
           "\tio->magic = IO_ENDED;\n", DEBUG, IO),
    Mutant("io_kept_and_routine_are_one_word", "\t\tstruct rcu_head rcu;\n\t};\n\tstruct llist_node kept;\n", "\t\tstruct rcu_head rcu;\n\t\tstruct llist_node kept;\n\t};\n", PLAIN, IO),
    Mutant("io_refused_item_is_looked_at", "\telse if (why == IO_REFUSED_GONE)\n", "\telse if (READ_ONCE(((PWORK_QUEUE_ITEM)item)->List.Flink) == &io_gone)\n", DEBUG, IO),
    Mutant("io_context_is_not_checked", "\tksworker_context_check(run->routine, lockdep_depth);\n", "", PLAIN, IO),
    Mutant("io_room_is_one_too_many", "(int)(pool->free_seats + !!pool->looker - pool->queued)", "(int)(pool->free_seats + !!pool->looker - pool->queued + 1)", PLAIN, IO),
    Mutant("io_room_forgets_the_queued", "(int)(pool->free_seats + !!pool->looker - pool->queued)", "(int)(pool->free_seats + !!pool->looker)", PLAIN, IO),
    Mutant("io_all_types_are_one", "\t\treturn &pools[type];\n", "\t\treturn &pools[DelayedWorkQueue];\n", PLAIN, IO),
    Mutant("io_custom_priorities_are_normal", "WQ_HIGHPRI ? CriticalWorkQueue :", "WQ_HIGHPRI ? DelayedWorkQueue :", PLAIN, IO),
    Mutant("io_free_forgets_that_it_is_queued", "\towner = item_leave(io, false, NULL);\n", "\towner = NULL;\n", DEBUG, IO),
    Mutant("io_given_up_item_is_the_clients", "\tWRITE_ONCE(io->WorkItem.List.Flink, &pool->owner[IO_GIVEN]);\n", "", DEBUG, IO),
    Mutant("io_unload_does_not_wait", "\t\twait_event(io_left, !pools_count(leaver->module, &census));\n", "\t\tpools_count(leaver->module, &census);\n", DEBUG, IO),
    Mutant("io_nobody_tells_who_waits", "\tif (tell)\n\t\twake_up_all(&io_left);\n", "\t(void)tell;\n", PLAIN, IO),
    Mutant("io_nobody_tells_what_was_taken_away", "\tif (pool->watchers)\n\t\tirq_work_queue(&io_tell);\n", "", PLAIN, IO),
    Mutant("io_unload_looks_at_no_routine", "\treturn !module || within_module((unsigned long)item, module) ||\n\t       within_module((unsigned long)routine, module);\n",
           "\treturn !module;\n"),
    Mutant("io_leaving_module_is_not_refused", "if (unlikely(pool->leaving) && ksworker_leaves(item, run->routine))", "if (unlikely(pool->leaving) && ksworker_leaves(NULL, NULL))", PLAIN, IO),
    Mutant("io_all_are_refused_while_a_module_leaves", "if (unlikely(pool->leaving) && ksworker_leaves(item, run->routine))", "if (unlikely(pool->leaving))", PLAIN, IO),
    Mutant("io_refused_for_good", "\tpools_watch(-1, -1);\n\tksworker_leaver_remove(leaver);\n", "\tpools_watch(-1, 0);\n\tksworker_leaver_remove(leaver);\n", PLAIN, IO,
           equivalent="who is not on the list of modules that leave is accepted, by a longer way"),
    # modules that unload
    Mutant("unload_is_over_after_one_pass", "\t} while (clean < 2);\n", "\t} while (clean < 1);\n"),
    Mutant("unload_ignores_the_count", "\t\tif (begun != before)\n\t\t\tclean = 0;\n", "\t\tif (begun != before && !leaver)\n\t\t\tclean = 0;\n"),
    Mutant("unload_counts_nothing", "\t\tleaver->begun += ksworker_is_of(leaver->module, NULL, routine);\n", "\t\tleaver->begun += !leaver->module;\n"),
    Mutant("unload_does_not_look_at_the_workers_of_others", "\t\tclean = routines_leave(leaver) ? 0 : clean + 1;\n", "\t\tclean++;\n"),
    # the stall report
    Mutant("stalled_routine_is_told_again", "\trecord->begun_told = begun;\n", "", file="ksworker_stall.c"),
    Mutant("stalled_item_is_told_again", "\trecord->wait_told = true;\n\tstall->waits = true;\n",
           "\tstall->waits = true;\n", file="ksworker_stall.c"),
    Mutant("stall_forgets_what_it_watches", "\tif (!hlist_unhashed(&watch->node) && watch->until)\n\t\treturn;\n", "",
           file="ksworker_stall.c"),
]
