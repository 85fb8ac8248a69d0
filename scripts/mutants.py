#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Wrong changes to ksworker.c, each of which the suites must notice.

Each mutant is a name, the text in ksworker.c and what replaces it; a text that does not stand there
exactly once is an error, so the catalogue follows the code. The suites run on a debug kernel, or on
the kernel that a mutant names. Prints who killed it, or SURVIVED.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
WORK = TOP / "build" / "mutants"
KERNEL = "6.12-debug"

MUTANTS = [
    # acceptance
    ("queue_ignores_closing", "\tif (s & KSW_CLOSING)\n\t\treturn KSW_REFUSED_CLOSING;\n\tif (state_item(s))",
     "\tif (state_item(s))"),
    ("exchange_ignores_closing", "\t\tif (!(s & KSW_CLOSING) && !state_item(s))\n\t\t\tcontinue;",
     "\t\tif (!state_item(s))\n\t\t\tcontinue;"),
    ("queue_ignores_the_place", "\tif (state_item(s))\n\t\treturn KSW_REFUSED_PLACE;\n", ""),
    ("exchange_ignores_the_place", "\t\tif (!(s & KSW_CLOSING) && !state_item(s))\n\t\t\tcontinue;",
     "\t\tif (!(s & KSW_CLOSING))\n\t\t\tcontinue;"),
    ("item_is_not_claimed", "\tif (item_queued(item) ||\n\t    !try_cmpxchg_acquire(&item->List.Flink, &none, (PLIST_ENTRY)w))\n\t\treturn false;\n",
     "\tnone = (PLIST_ENTRY)w;\n\tWRITE_ONCE(item->List.Flink, none);\n"),
    ("refused_item_is_not_released", "\t\titem_release(item);\n\t\treturn s & KSW_CLOSING ?", "\t\treturn s & KSW_CLOSING ?"),
    ("backlog_refused_item_is_not_released", "\tif (s & KSW_CLOSING) {\n\t\titem_release(item);\n", "\tif (s & KSW_CLOSING) {\n"),
    ("no_hand_over", "\tif (!state_busy(s))\n\t\tworker_hand_over(w);\n\treturn KSW_ACCEPTED;", "\treturn KSW_ACCEPTED;"),
    ("always_hand_over", "\tif (!state_busy(s))\n\t\tworker_hand_over(w);\n\treturn KSW_ACCEPTED;",
     "\tworker_hand_over(w);\n\treturn KSW_ACCEPTED;"),
    ("backlog_no_hand_over", "\tif (hand_over)\n\t\tworker_hand_over(w);\n\treturn KSW_ACCEPTED;", "\treturn KSW_ACCEPTED;"),
    ("backlog_ignores_closing", "\tif (!(s & KSW_CLOSING))\n\t\thand_over = backlog_accept(w, s, &item->List);",
     "\thand_over = backlog_accept(w, s, &item->List);"),
    ("misaligned_item_is_taken", "item && !(((u64)(unsigned long)item << KSW_SHIFT) & KSW_FLAGS) &&", "item &&"),
    ("routine_is_not_checked", " &&\n\t       READ_ONCE(item->WorkerRoutine);", ";"),
    ("wrong_code_for_closing", "why == KSW_REFUSED_CLOSING ? STATUS_DELETE_PENDING : STATUS_DEVICE_BUSY",
     "why == KSW_REFUSED_ITEM ? STATUS_DELETE_PENDING : STATUS_DEVICE_BUSY"),
    # begin
    ("item_is_not_released", "\tif (entry != &w->counted_entry)\n\t\titem_release(item);\n}",
     "}"),
    ("wrong_parameter", "run->parameter = READ_ONCE(item->Parameter)", "run->parameter = item"),
    ("takes_the_item_before_first", "((s & KSW_FIRST) || !item)", "!item"),
    ("takes_the_counted_item_always_first", "((s & KSW_FIRST) || !item)", "true"),
    ("first_is_never_set", " | (s & KSW_COUNTED) << 1;", ";"),
    ("vacated_forgets_counted", "return (s & (KSW_CLOSING | KSW_COUNTED)) | KSW_BUSY;", "return (s & KSW_CLOSING) | KSW_BUSY;"),
    ("vacated_forgets_closing", "return (s & (KSW_CLOSING | KSW_COUNTED)) | KSW_BUSY;", "return (s & KSW_COUNTED) | KSW_BUSY;"),
    ("counted_stays_scheduled", "*new = s & ~(KSW_COUNTED | KSW_FIRST);", "*new = s & ~KSW_FIRST;"),
    ("idle_forgets_closing", "*new = s & KSW_CLOSING;\n\treturn NULL;", "*new = 0;\n\treturn NULL;"),
    ("hand_back_without_more", "\tif (more)\n\t\tworker_hand_over(w);\n\telse if", "\tif (more)\n\t\treturn;\n\tif"),
    ("runner_is_not_recorded", "\tWRITE_ONCE(w->runner, current);\n", ""),
    ("context_is_not_checked", "\tif (unlikely(context_left(run->lockdep_depth)))\n\t\tcontext_restore(w, run);\n", ""),
    ("interrupts_stay_off", "\tif (irqs_disabled())\n\t\tlocal_irq_enable();\n", ""),
    ("bottom_halves_stay_off", "\twhile (softirq_count())\n\t\tlocal_bh_enable();\n", ""),
    # the backlog
    ("backlog_is_lifo", "\tentry->Blink = NULL;\n\tWRITE_ONCE(*w->tail, entry);\n\tw->tail = &entry->Blink;\n",
     "\tentry->Blink = w->head;\n\tif (!w->head)\n\t\tw->tail = &entry->Blink;\n\tWRITE_ONCE(w->head, entry);\n"),
    ("backlog_pop_keeps_the_tail", "\tif (!w->head)\n\t\tw->tail = &w->head;\n", ""),
    ("backlog_remove_keeps_the_tail", "\tif (!*link)\n\t\tw->tail = link;\n", ""),
    ("backlog_counted_stays_scheduled", "\t\telse if (entry == &w->counted_entry)\n\t\t\tatomic64_set(&w->state, run->state & ~KSW_COUNTED);\n", ""),
    # waiting
    ("flush_does_not_wait", "\t\tbusy = state_busy(s);\n", "\t\tbusy = false;\n"),
    ("flush_waits_for_the_running_only", "\t\twaiter->until = worker_youngest(w, s);\n\t\tbusy",
     "\t\twaiter->until = NULL;\n\t\tbusy"),
    ("flush_forgets_the_own_routine", "\town = READ_ONCE(Worker->runner) == current;\n\tif (!own)\n\t\tbusy = flush_join",
     "\town = false;\n\tif (!own)\n\t\tbusy = flush_join"),
    ("no_catch_up", "\t\tif (unlikely(READ_ONCE(w->waiters.first)))\n\t\t\twaiters_catch_up(w, *entry);\n", ""),
    ("nobody_is_rested", "\twaiters_rested(w);\n\tentry = locked_next", "\tentry = locked_next"),
    ("place_waiters_are_not_told", "\tif (entry != &w->counted_entry)\n\t\twaiters_retry(w);\n", ""),
    ("closed_waiters_are_not_told", "\t\twaiters_retry(w);\n\t}\n\traw_spin_unlock_irqrestore(&w->lock, irqflags);\n\treturn s;",
     "\t}\n\traw_spin_unlock_irqrestore(&w->lock, irqflags);\n\treturn s;"),
    ("own_routine_sleeps_for_the_place", "if (!left || (own && why == KSW_REFUSED_PLACE)) {", "if (!left) {"),
    ("cancel_does_not_look", "\t\tif (state_item(s) != item)\n\t\t\treturn false;\n", ""),
    ("cancel_keeps_the_item", "\tif (cancelled) {\n\t\titem_release(item);\n", "\tif (cancelled) {\n"),
    ("cancel_passes_nobody", "\t\twaiters_passed(w, &item->List, older);\n", ""),
    # counting
    ("closing_does_not_refuse_increments", "\t} else if (state_read(w) & KSW_CLOSING) {\n\t\tworker_refuse(w, KSW_REFUSED_CLOSING);\n", ""),
    ("increment_does_not_schedule", "\t\thand_over = counted_schedule(w);\n", ""),
    ("increment_returns_the_old_count", "\treturn count + 1;\n", "\treturn count;\n"),
    ("decrement_wraps", "\t\tif (unlikely(!count)) {", "\t\tif (unlikely(count == U32_MAX)) {"),
    ("maximum_wraps", "\t\tif (unlikely(count == U32_MAX)) {", "\t\tif (unlikely(count == U32_MAX - 9)) {"),
    # closing
    ("unregister_does_not_wait", "\tif (state_busy(s))\n\t\twait_for_completion(drained);\n", ""),
    ("gate_stays_open", "\t\ts = atomic64_fetch_or(KSW_CLOSING, &w->state);\n", ""),
    ("users_are_not_waited_for", "\tusers_wait(w);\n\tdestroy", "\tdestroy"),
    ("freed_without_a_grace_period", "\tkfree_rcu(w, rcu); /* [ksw:rcu] */", "\tkfree(w);"),
    ("freed_twice", "\tkfree_rcu(w, rcu); /* [ksw:rcu] */", "\tkfree(w);\n\tkfree(w);"),
    ("worker_leaks", "\tkfree_rcu(w, rcu); /* [ksw:rcu] */\n", ""),
    ("workqueue_leaks", "\tdestroy_workqueue(w->wq);\n", ""),
    ("own_routine_unregisters_like_others", "\town = READ_ONCE(Worker->runner) == current;\n\tif (!own)\n\t\tcompat",
     "\town = false;\n\tif (!own)\n\t\tcompat"),
    ("owner_is_not_asked", "\tif (action == MODULE_STATE_GOING) {", "\tif (action == MODULE_STATE_COMING) {"),
    # registration
    ("custom_priorities_go_on", "return custom < KSW_PRIORITIES ?", "return custom <= KSW_PRIORITIES ?"),
    ("maximum_is_a_type", "if ((unsigned int)type < MaximumWorkQueue)", "if ((unsigned int)type <= MaximumWorkQueue)"),
    ("failure_leaves_the_pointer", "\t*Worker = NULL;\n\tif (queue", "\tif (queue"),
    ("unknown_flags_are_taken", "(Flags & ~(KSWORKER_BACKLOG | KSWORKER_MEM_RECLAIM)) ||", "false ||"),
    ("failed_registration_leaks", "\t\tlockdep_unregister_key(&w->key);\n\t\tkfree(w);\n", "\t\tlockdep_unregister_key(&w->key);\n"),
    ("errno_of_another_status", "{ STATUS_IO_TIMEOUT,\t\t\t-ETIMEDOUT }", "{ STATUS_IO_TIMEOUT,\t\t\t-EBUSY }"),
]


def mutate(tree, old, new):
    """Copy the project to TREE with the one change; False: the catalogue is behind the code."""
    subprocess.run(["rsync", "-a", "--delete", "--exclude=/build", "--exclude=/.git",
                    f"{TOP}/", f"{tree}/src/"], check=True)
    source = tree / "src" / "ksworker.c"
    text = source.read_text()
    if text.count(old) != 1:
        return False
    source.write_text(text.replace(old, new))
    return True


def judge(tree, kernel, rc):
    """In a few words: who noticed."""
    summary = tree / "src" / "build" / kernel / "summary.json"
    if not summary.exists():
        return "the build"
    result = json.loads(summary.read_text())
    cases = [case["case"] if isinstance(case, dict) else str(case) for case in result.get("failing", [])]
    if cases:
        return f"{len(cases)} cases, {', '.join(cases[:2])}"
    reasons = [str(reason) for reason in result.get("reasons", [])]
    return reasons[0] if reasons else f"exit code {rc}"


def run(mutant):
    name, old, new = mutant[:3]
    kernel = mutant[3] if len(mutant) > 3 else KERNEL
    if not mutate(WORK, old, new):
        return False, "the text does not stand in ksworker.c exactly once"
    log = WORK / f"{name}.log"
    with log.open("w") as out:
        done = subprocess.run([str(WORK / "src/scripts/vmtest"), "--kernel", kernel, "--timeout", "240"],
                              cwd=WORK / "src", stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode in (1, 2):
        return True, judge(WORK, kernel, done.returncode)
    return False, "SURVIVED" if done.returncode == 0 else f"harness error, see {log}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="which mutants (default: all)")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    chosen = [m for m in MUTANTS if not args.names or m[0] in args.names]
    if args.list:
        print("\n".join(m[0] for m in MUTANTS))
        return 0
    WORK.mkdir(parents=True, exist_ok=True)
    killed = 0
    for mutant in chosen:
        start = time.monotonic()
        good, words = run(mutant)
        killed += good
        print(f"{'ok' if good else 'not ok'} - {mutant[0]}: {words} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{killed} passed, {len(chosen) - killed} failed")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
