// SPDX-License-Identifier: GPL-2.0
/*
 * fault.c - what was found wrong
 *
 * A fault may be found in a hard interrupt or under a raw lock. The kernel's
 * console takes locks that must not be taken there (they sleep on PREEMPT_RT),
 * and lockdep would report that in place of the fault. So it is written down
 * where it is found, and a thread prints it.
 */
#define pr_fmt(fmt) "ksworker_torture: " fmt

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/printk.h>

#include "torture.h"

#define TORTURE_TOLD	10	/* faults of a kind that are printed */
#define TORTURE_NOTES	(TORTURE_TOLD * TORTURE_FAULTS)

/**
 * struct torture_note - a fault that was not printed yet
 * @ready: it is whole
 * @fault: of which kind
 * @words: what happened
 */
struct torture_note {
	bool ready;
	enum torture_fault fault;
	char words[160];
};

static const char *const fault_names[TORTURE_FAULTS] = {
	[TORTURE_BOOKS] = "books",	[TORTURE_ONCE] = "once",
	[TORTURE_ORDER] = "order",	[TORTURE_OVERLAP] = "overlap",
	[TORTURE_COUNT] = "count",	[TORTURE_PAYLOAD] = "payload",
	[TORTURE_LATE] = "late",	[TORTURE_STATUS] = "status",
	[TORTURE_WAITER] = "waiter",	[TORTURE_FLUSH] = "flush",
};

enum torture_plant torture_plant;

static atomic_t faults[TORTURE_FAULTS];
static struct torture_note notes[TORTURE_NOTES];
static atomic_t notes_taken;
static unsigned int notes_printed;	/* by the one who prints */

const char *torture_fault_name(enum torture_fault fault)
{
	return fault_names[fault];
}

int torture_fault_count(enum torture_fault fault)
{
	return atomic_read(&faults[fault]);
}

unsigned long torture_faults_sum(void)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < TORTURE_FAULTS; i++)
		sum += torture_fault_count(i);
	return sum;
}

const char *torture_planted_word(void)
{
	return torture_plant ? "planted " : "";
}

/* In any context. There is a note for each fault that is told. */
void torture_fault(enum torture_fault fault, const char *fmt, ...)
{
	struct torture_note *note;
	va_list args;

	if (atomic_inc_return(&faults[fault]) > TORTURE_TOLD)
		return;
	note = &notes[atomic_fetch_inc(&notes_taken)];
	note->fault = fault;
	va_start(args, fmt);
	vscnprintf(note->words, sizeof(note->words), fmt, args);
	va_end(args);
	smp_store_release(&note->ready, true); /* after the words [torture:note] */
}

/* One thread at a time, which may sleep. */
void torture_faults_print(void)
{
	struct torture_note *note;

	for (; notes_printed < TORTURE_NOTES; notes_printed++) {
		note = &notes[notes_printed];
		if (!smp_load_acquire(&note->ready)) /* before the words [torture:note] */
			return;
		pr_alert("%s!!! %s: %s\n", torture_planted_word(), fault_names[note->fault],
			 note->words);
	}
}

/* The first chance, then each sixteenth. */
bool torture_plant_now(void)
{
	static atomic_t chances;

	return !(atomic_fetch_inc(&chances) & 0xf);
}
