/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Windows Kernel Streaming worker calls for Linux
 *
 * A KSWORKER is a thread of control of its own: a client registers one, queues
 * work items on it from any context but NMI, and each accepted item's routine
 * is called once, in process context, one at a time, in the order of
 * acceptance. On Linux a worker is a dedicated workqueue_struct, and "the
 * worker is on a queue" is that worker's one work_struct being pending.
 *
 * The rule that surprises people who port drivers is the place. "The worker
 * can only be on a queue in one place, so subsequent queuing of the worker
 * must wait until the work item has begun executing": at most one item is
 * queued and not yet begun. A second one is refused with STATUS_DEVICE_BUSY
 * and is *not* queued; nothing has happened to it, and it may be queued again
 * at once. Look at the result (the compiler insists), and choose:
 *
 *   - one item, one worker, many interrupts: a refusal means that the item has
 *     not begun yet and will run; ignore it on purpose, and put smp_mb() between
 *     your data and the call, since a refused call orders nothing;
 *   - the caller may sleep: KsQueueWorkItemWait();
 *   - every item counts and callers cannot wait: KSWORKER_BACKLOG, which
 *     queues first in, first out, without a limit;
 *   - there is one task list and one routine: a counted worker.
 *
 * What happens when, by the state that the worker is in:
 *
 *                  idle       queued      running     running +   closing
 *                                                     queued
 *   queue,         accepted   BUSY        accepted    BUSY        DELETE_PENDING
 *    strict
 *   queue,         accepted   accepted    accepted    accepted    DELETE_PENDING
 *    BACKLOG
 *   queue, item    -          BUSY        BUSY        BUSY        DELETE_PENDING
 *    is queued
 *   increment      scheduled  scheduled   scheduled   scheduled   refused: 0
 *    0 -> 1
 *   increment n    n + 1      n + 1       n + 1       n + 1       n + 1
 *   decrement n    n - 1      n - 1       n - 1       n - 1       n - 1
 *   unregister     frees      runs it,    waits,      waits for   a client
 *                             frees       frees       both, frees error
 *
 * "queued" ends, and the item is the client's again, before its routine is
 * called: the routine may free the item, queue it again, here or elsewhere.
 *
 * Who may run concurrently, on one worker (x: without any lock of the caller):
 *
 *                 register queue inc/dec cancel wait/flush unregister
 *   queue            -       x      x      x        x         x (1)
 *   inc/dec          -       x      x      x        x         x (1)
 *   cancel           -       x      x      x        x         x (1)
 *   wait/flush       -       x      x      x        x         x (1)
 *   unregister       -       x(1)   x(1)   x(1)     x(1)      - (2)
 *
 *   (1) the call must have begun before KsUnregisterWorker() returns. Then it is
 *       refused, in memory that is still there: the worker's goes with an RCU
 *       grace period, and calls look at it with preemption off. A preemptible
 *       caller sees to it that nothing comes between its decision and the call.
 *       An item that is passed to a call stays where it is until that returns.
 *   (2) a second unregister of one worker is a client error.
 *
 * Ordering. What a caller wrote before an accepted queue or increment is seen
 * by the routine, and what a routine wrote by the next one and by a flush:
 *
 *   CPU 0                             CPU 1 (the worker)
 *   buffer = 1;                       routine(parameter)
 *   r0 = KsQueueWorkItem(w, item);      r1 = buffer;
 *
 *   Forbids: r0 == STATUS_SUCCESS && the routine runs for it && r1 == 0
 *
 * A refused call orders nothing by itself. (Linux's queue_work() that finds its
 * work pending does order, because there the pending run stands in for the caller;
 * here a refused item has no run.) With a barrier of the caller's, data for an item
 * that is queued already is seen by the run that is still to come:
 *
 *   CPU 0                             CPU 1 (the worker)
 *   WRITE_ONCE(data, 1);              routine(parameter)
 *   smp_mb();                           r1 = READ_ONCE(data);
 *   r0 = KsQueueWorkItem(w, item);
 *
 *   Forbids: r0 == STATUS_DEVICE_BUSY since item is queued on w, and the run that it
 *   is queued for ends, and r1 == 0
 *
 * Increment orders the same way as an accepted queue, always.
 *
 * The work items of the I/O manager and the executive (IoQueueWorkItem(),
 * ExQueueWorkItem()) need no worker. They are for what may run at any time
 * beside anything else: routines of one type run concurrently, in no promised
 * order, and one that blocks holds up nobody else's. Queueing cannot fail. Of
 * the above holds for them what is said about whose the item is and when, and
 * about ordering; queueing an item that is queued is a mistake, which is named.
 */
#ifndef _KSWORKER_H
#define _KSWORKER_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/stddef.h>
#include <linux/stringify.h>
#include <linux/types.h>

struct device;

/*
 * The version of this header and of the module that is built with it. It stands
 * here only: the module, the packages and the documents take it from here.
 * docs/abi.md says what may change from one version to the next.
 */
#define KSWORKER_VERSION_MAJOR	0
#define KSWORKER_VERSION_MINOR	1
#define KSWORKER_VERSION_PATCH	0
#define KSWORKER_VERSION	__stringify(KSWORKER_VERSION_MAJOR) "." \
				__stringify(KSWORKER_VERSION_MINOR) "." \
				__stringify(KSWORKER_VERSION_PATCH)

/* #if KSWORKER_VERSION_CODE >= KSWORKER_MAKE_VERSION(0, 2, 0) */
#define KSWORKER_MAKE_VERSION(major, minor, patch) ((major) * 1000000 + (minor) * 1000 + (patch))
#define KSWORKER_VERSION_CODE	KSWORKER_MAKE_VERSION(KSWORKER_VERSION_MAJOR, \
						      KSWORKER_VERSION_MINOR, \
						      KSWORKER_VERSION_PATCH)

/*
 * Windows' base types. A porting layer that has its own defines
 * KSWORKER_OWN_TYPES first; the assertions below hold it to the layout.
 */
#ifndef KSWORKER_OWN_TYPES
#define VOID void
typedef void *PVOID;
typedef u8 BOOLEAN;
typedef u32 ULONG;
typedef s32 NTSTATUS;

typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink;
	struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

/* The calls below say struct device, so a layer may have a device object of its own. */
typedef struct device DEVICE_OBJECT, *PDEVICE_OBJECT;
#endif

#ifndef NT_SUCCESS
#define NT_SUCCESS(Status) ((NTSTATUS)(Status) >= 0)
#endif

#ifndef STATUS_SUCCESS
#define STATUS_SUCCESS			((NTSTATUS)0x00000000)
#endif
#ifndef STATUS_DEVICE_BUSY
#define STATUS_DEVICE_BUSY		((NTSTATUS)0x80000011)
#endif
#ifndef STATUS_INVALID_PARAMETER
#define STATUS_INVALID_PARAMETER	((NTSTATUS)0xC000000D)
#endif
#ifndef STATUS_DELETE_PENDING
#define STATUS_DELETE_PENDING		((NTSTATUS)0xC0000056)
#endif
#ifndef STATUS_INSUFFICIENT_RESOURCES
#define STATUS_INSUFFICIENT_RESOURCES	((NTSTATUS)0xC000009A)
#endif
#ifndef STATUS_IO_TIMEOUT
#define STATUS_IO_TIMEOUT		((NTSTATUS)0xC00000B5)
#endif
#ifndef STATUS_POSSIBLE_DEADLOCK
#define STATUS_POSSIBLE_DEADLOCK	((NTSTATUS)0xC0000194)
#endif

/**
 * typedef PWORKER_THREAD_ROUTINE - what a work item runs
 * @Parameter: the item's ``Parameter``
 *
 * Called in process context (PASSIVE_LEVEL) on a kernel worker thread. It may
 * sleep. It must return with the context as it found it.
 */
typedef void (*PWORKER_THREAD_ROUTINE)(PVOID Parameter);

/**
 * struct _WORK_QUEUE_ITEM - one piece of work, in the client's memory
 * @List: the queue's, from acceptance until the routine begins;
 *	``List.Flink == NULL`` means that the item is not queued
 * @WorkerRoutine: what to call
 * @Parameter: what to call it with
 *
 * The layout is Windows' own. Drivers initialise items inline, with three
 * stores (see ExInitializeWorkItem()), so nothing else here needs setting up.
 * Align it as a pointer is aligned.
 */
typedef struct _WORK_QUEUE_ITEM {
	LIST_ENTRY List;
	PWORKER_THREAD_ROUTINE WorkerRoutine;
	PVOID Parameter;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;

static_assert(sizeof(WORK_QUEUE_ITEM) == 4 * sizeof(void *));
static_assert(offsetof(WORK_QUEUE_ITEM, List.Flink) == 0);
static_assert(offsetof(WORK_QUEUE_ITEM, List.Blink) == sizeof(void *));
static_assert(offsetof(WORK_QUEUE_ITEM, WorkerRoutine) == 2 * sizeof(void *));
static_assert(offsetof(WORK_QUEUE_ITEM, Parameter) == 3 * sizeof(void *));
static_assert(sizeof(NTSTATUS) == 4 && ~(NTSTATUS)0 < 0);
static_assert(sizeof(ULONG) == 4 && ~(ULONG)0 > 0);

/**
 * enum _WORK_QUEUE_TYPE - how urgent a worker is
 * @CriticalWorkQueue: NT priority 13: high
 * @DelayedWorkQueue: NT priority 12: normal
 * @HyperCriticalWorkQueue: NT priority 15: high, and goes on when memory is short
 * @NormalWorkQueue: NT priority 8: normal
 * @BackgroundWorkQueue: NT priority 7: normal
 * @RealTimeWorkQueue: NT priority 18: high
 * @SuperCriticalWorkQueue: NT priority 14: high
 * @MaximumWorkQueue: the bound of the list above, not a type
 * @CustomPriorityWorkQueue: plus an NT priority 0..31: high from 13 up
 *
 * High is Linux's ``WQ_HIGHPRI``; a workqueue knows two priorities.
 */
typedef enum _WORK_QUEUE_TYPE {
	CriticalWorkQueue = 0,
	DelayedWorkQueue = 1,
	HyperCriticalWorkQueue = 2,
	NormalWorkQueue = 3,
	BackgroundWorkQueue = 4,
	RealTimeWorkQueue = 5,
	SuperCriticalWorkQueue = 6,
	MaximumWorkQueue = 7,
	CustomPriorityWorkQueue = 32,
} WORK_QUEUE_TYPE;

struct ksworker;
typedef struct ksworker *PKSWORKER;

/* Begins with a WORK_QUEUE_ITEM. The rest is not for clients. */
typedef struct _IO_WORKITEM IO_WORKITEM, *PIO_WORKITEM;

/**
 * typedef PIO_WORKITEM_ROUTINE - what IoQueueWorkItem() runs
 * @DeviceObject: the item's device; a reference is held meanwhile
 * @Context: what was queued with it
 */
typedef void (*PIO_WORKITEM_ROUTINE)(struct device *DeviceObject, PVOID Context);

/**
 * typedef PIO_WORKITEM_ROUTINE_EX - what IoQueueWorkItemEx() runs
 * @IoObject: the item's device; a reference is held meanwhile
 * @Context: what was queued with it
 * @IoWorkItem: the item, for IoFreeWorkItem() or to queue it again
 */
typedef void (*PIO_WORKITEM_ROUTINE_EX)(PVOID IoObject, PVOID Context, PIO_WORKITEM IoWorkItem);

/* Flags of KsRegisterWorkerEx(). */
#define KSWORKER_BACKLOG	1u	/* items wait in line instead of being refused */
#define KSWORKER_MEM_RECLAIM	2u	/* goes on when memory is short; costs a thread */

/* KsQueueWorkItemWait(): no time-out */
#define KSWORKER_INFINITE	((ULONG)~0u)

/* The header's macros below add the caller's module, so that a worker knows its owner. */
NTSTATUS __must_check ksworker_worker_register(WORK_QUEUE_TYPE WorkQueueType, ULONG Flags,
					       PWORK_QUEUE_ITEM CountedWorkItem,
					       struct module *Owner, PKSWORKER *Worker);
NTSTATUS __must_check ksworker_counted_register(WORK_QUEUE_TYPE WorkQueueType,
						PWORK_QUEUE_ITEM CountedWorkItem,
						struct module *Owner, PKSWORKER *Worker);

NTSTATUS __must_check KsRegisterWorker(WORK_QUEUE_TYPE WorkQueueType, PKSWORKER *Worker);
NTSTATUS __must_check KsRegisterCountedWorker(WORK_QUEUE_TYPE WorkQueueType,
					      PWORK_QUEUE_ITEM CountedWorkItem,
					      PKSWORKER *Worker);
NTSTATUS __must_check KsRegisterWorkerEx(WORK_QUEUE_TYPE WorkQueueType, ULONG Flags,
					 PWORK_QUEUE_ITEM CountedWorkItem, PKSWORKER *Worker);
VOID KsUnregisterWorker(PKSWORKER Worker);

NTSTATUS __must_check KsQueueWorkItem(PKSWORKER Worker, PWORK_QUEUE_ITEM WorkItem);
NTSTATUS __must_check KsQueueWorkItemWait(PKSWORKER Worker, PWORK_QUEUE_ITEM WorkItem,
					  ULONG Milliseconds);
BOOLEAN KsCancelWorkItem(PKSWORKER Worker, PWORK_QUEUE_ITEM WorkItem);
NTSTATUS __must_check KsFlushWorker(PKSWORKER Worker);

ULONG KsIncrementCountedWorker(PKSWORKER Worker);
ULONG KsDecrementCountedWorker(PKSWORKER Worker);

VOID ExInitializeWorkItem(PWORK_QUEUE_ITEM Item, PWORKER_THREAD_ROUTINE Routine, PVOID Context);
int KsStatusToErrno(NTSTATUS Status);

VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType);

PIO_WORKITEM IoAllocateWorkItem(struct device *DeviceObject);
VOID IoFreeWorkItem(PIO_WORKITEM IoWorkItem);
VOID IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
		     WORK_QUEUE_TYPE QueueType, PVOID Context);
VOID IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
		       WORK_QUEUE_TYPE QueueType, PVOID Context);
BOOLEAN __must_check IoTryQueueWorkItem(PIO_WORKITEM IoWorkItem,
					PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
					WORK_QUEUE_TYPE QueueType, PVOID Context);

ULONG IoSizeofWorkItem(void);
VOID IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem);
VOID IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem);

#define KsRegisterWorker(WorkQueueType, Worker) \
	ksworker_worker_register(WorkQueueType, 0, NULL, THIS_MODULE, Worker)
#define KsRegisterCountedWorker(WorkQueueType, CountedWorkItem, Worker) \
	ksworker_counted_register(WorkQueueType, CountedWorkItem, THIS_MODULE, Worker)
#define KsRegisterWorkerEx(WorkQueueType, Flags, CountedWorkItem, Worker) \
	ksworker_worker_register(WorkQueueType, Flags, CountedWorkItem, THIS_MODULE, Worker)

#endif /* _KSWORKER_H */
