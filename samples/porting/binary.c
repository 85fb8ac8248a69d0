// SPDX-License-Identifier: GPL-2.0
/*
 * binary.c - stands for a driver that is there as a Windows binary only
 *
 * No header of Linux or of ksworker: it was compiled elsewhere. It calls and is
 * called by Windows' convention, knows Windows' layout, and what it imports it
 * gets by name. A file that a loader has read could do no more.
 */
#include "binary.h"

#define ITEMS 3
#define ROUNDS 1000

typedef void WINAPI WORKER_THREAD_ROUTINE(void *Parameter);

typedef struct _WORK_QUEUE_ITEM {
	struct {
		void *Flink, *Blink;
	} List;
	WORKER_THREAD_ROUTINE *WorkerRoutine;
	void *Parameter;
} WORK_QUEUE_ITEM;

typedef int WINAPI KS_REGISTER(int WorkQueueType, void **Worker);
typedef int WINAPI KS_QUEUE(void *Worker, struct _WORK_QUEUE_ITEM *WorkItem);
typedef void WINAPI KS_UNREGISTER(void *Worker);

struct import binary_imports[] = {
	{ "KsRegisterWorker" },
	{ "KsQueueWorkItem" },
	{ "KsUnregisterWorker" },
	{ }
};

#define KsRegisterWorker ((KS_REGISTER *)binary_imports[0].address)
#define KsQueueWorkItem ((KS_QUEUE *)binary_imports[1].address)
#define KsUnregisterWorker ((KS_UNREGISTER *)binary_imports[2].address)

static struct binary_counts *counts;
static void *worker;
static WORK_QUEUE_ITEM items[ITEMS];

static void queue(WORK_QUEUE_ITEM *item)
{
	counts->asked++;
	if (KsQueueWorkItem(worker, item) >= 0)
		counts->accepted++;
	else
		counts->refused++;
}

/*
 * Each run queues the next item, whose place is free, then that item again and
 * another one, which are refused. The routines of one worker never overlap, so
 * nothing here is locked.
 */
static void WINAPI routine(void *Parameter)
{
	WORK_QUEUE_ITEM *item = Parameter;

	/* ours again: it is one of them, and not queued */
	if (item < items || item >= items + ITEMS || item->List.Flink || item->Parameter != item)
		counts->wrong++;
	if (++counts->ran == ROUNDS)
		return;
	queue(&items[counts->ran % ITEMS]);
	queue(&items[counts->ran % ITEMS]);
	queue(&items[(counts->ran + 1) % ITEMS]);
}

int WINAPI binary_entry(struct binary_counts *what)
{
	int status, i;

	counts = what;
	status = KsRegisterWorker(1, &worker);
	if (status < 0)
		return status;
	for (i = 0; i < ITEMS; i++) {
		/* ExInitializeWorkItem, which Windows inlines */
		items[i].WorkerRoutine = routine;
		items[i].Parameter = &items[i];
		items[i].List.Flink = (void *)0;
	}
	/* from then on the counts are the routine's */
	counts->asked = 1;
	counts->accepted = 1;
	status = KsQueueWorkItem(worker, &items[0]);
	if (status < 0)
		KsUnregisterWorker(worker);
	return status;
}

void WINAPI binary_unload(void)
{
	KsUnregisterWorker(worker);
}
