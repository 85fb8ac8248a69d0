/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ntddk.h - as much of a porting layer as before.c needs, on Linux
 *
 * A real layer is larger; what matters here is how it meets ksworker.h: it has
 * base types of its own, so ks.h defines KSWORKER_OWN_TYPES. DISPATCH_LEVEL is
 * bottom halves off, which is where Linux' timers call back as well.
 */
#ifndef _PORTING_NTDDK_H
#define _PORTING_NTDDK_H

#include <linux/container_of.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define VOID void
#define CONTAINING_RECORD container_of
#define STATUS_SUCCESS ((NTSTATUS)0)

typedef void *PVOID;
typedef unsigned char BOOLEAN, KIRQL, *PKIRQL;
typedef unsigned int ULONG;
typedef int LONG, NTSTATUS;

typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink;
	struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef union _LARGE_INTEGER {
	long long QuadPart;
} LARGE_INTEGER;

typedef struct _UNICODE_STRING *PUNICODE_STRING;
struct _DRIVER_OBJECT;
typedef void (*PDRIVER_UNLOAD)(struct _DRIVER_OBJECT *DriverObject);
typedef struct _DRIVER_OBJECT {
	PDRIVER_UNLOAD DriverUnload;
} DRIVER_OBJECT, *PDRIVER_OBJECT;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);

/* Lists */

static inline VOID InitializeListHead(PLIST_ENTRY Head)
{
	Head->Flink = Head;
	Head->Blink = Head;
}

static inline BOOLEAN IsListEmpty(const LIST_ENTRY *Head)
{
	return Head->Flink == Head;
}

static inline VOID InsertTailList(PLIST_ENTRY Head, PLIST_ENTRY Entry)
{
	Entry->Flink = Head;
	Entry->Blink = Head->Blink;
	Head->Blink->Flink = Entry;
	Head->Blink = Entry;
}

static inline PLIST_ENTRY RemoveHeadList(PLIST_ENTRY Head)
{
	PLIST_ENTRY Entry = Head->Flink;

	Head->Flink = Entry->Flink;
	Entry->Flink->Blink = Head;
	return Entry;
}

/* Spin locks: from PASSIVE_LEVEL to DISPATCH_LEVEL and back */

typedef spinlock_t KSPIN_LOCK;
#define KeInitializeSpinLock(Lock) spin_lock_init(Lock)
#define KeAcquireSpinLock(Lock, Irql) do { *(Irql) = 0; spin_lock_bh(Lock); } while (0)
#define KeReleaseSpinLock(Lock, Irql) do { (void)(Irql); spin_unlock_bh(Lock); } while (0)
#define KeAcquireSpinLockAtDpcLevel(Lock) spin_lock(Lock)
#define KeReleaseSpinLockFromDpcLevel(Lock) spin_unlock(Lock)

/* Pool */

#define NonPagedPool GFP_ATOMIC

static inline PVOID ExAllocatePoolWithTag(gfp_t Pool, size_t Size, ULONG Tag)
{
	return kmalloc(Size, Pool);
}

static inline VOID ExFreePoolWithTag(PVOID Memory, ULONG Tag)
{
	kfree(Memory);
}

/* A timer with its DPC: one sort, periodic */

struct _KDPC;
typedef void (*PKDEFERRED_ROUTINE)(struct _KDPC *Dpc, PVOID Context, PVOID Argument1,
				   PVOID Argument2);

typedef struct _KDPC {
	PKDEFERRED_ROUTINE Routine;
	PVOID Context;
} KDPC, *PKDPC;

typedef struct _KTIMER {
	struct timer_list Linux;
	PKDPC Dpc;
	LONG Period;
} KTIMER, *PKTIMER;

static inline void layer_timer_fire(struct timer_list *linux_timer)
{
	PKTIMER Timer = container_of(linux_timer, KTIMER, Linux);

	Timer->Dpc->Routine(Timer->Dpc, Timer->Dpc->Context, NULL, NULL);
	mod_timer(&Timer->Linux, jiffies + msecs_to_jiffies(Timer->Period));
}

static inline VOID KeInitializeDpc(PKDPC Dpc, PKDEFERRED_ROUTINE Routine, PVOID Context)
{
	Dpc->Routine = Routine;
	Dpc->Context = Context;
}

#define KeInitializeTimer(Timer) timer_setup(&(Timer)->Linux, layer_timer_fire, 0)

static inline VOID KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER Due, LONG Period, PKDPC Dpc)
{
	Timer->Dpc = Dpc;
	Timer->Period = Period;
	mod_timer(&Timer->Linux, jiffies + msecs_to_jiffies(-Due.QuadPart / 10000));
}

/* Linux' call waits for the callback, which KeCancelTimer() leaves to KeFlushQueuedDpcs(). */
#define KeCancelTimer(Timer) timer_shutdown_sync(&(Timer)->Linux)
#define KeFlushQueuedDpcs() do { } while (0)

#define DbgPrint pr_info

#endif /* _PORTING_NTDDK_H */
