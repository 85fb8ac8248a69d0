// SPDX-License-Identifier: GPL-2.0
/*
 * before.c - a driver as it is on Windows: a meter that a timer's DPC feeds
 *
 * Written for this guide; it uses the calls and habits that drivers have. It is
 * compiled here as it stands, by means of the small layer in layer/.
 */
#include <ntddk.h>
#include <ks.h>

#define METER_TAG	0x7274654d	/* "Metr" in memory */

typedef struct _FRAME {
	LIST_ENTRY Link;
	ULONG Level;
} FRAME, *PFRAME;

typedef struct _METER {
	PKSWORKER Worker;
	WORK_QUEUE_ITEM FrameItem;
	KSPIN_LOCK Lock;
	LIST_ENTRY Frames;
	ULONG Made, Metered, Peak;
	ULONG ResetsAsked, ResetsDone;
	KTIMER Timer;
	KDPC Dpc;
} METER, *PMETER;

typedef struct _RESET {
	WORK_QUEUE_ITEM Item;
	PMETER Meter;
} RESET, *PRESET;

static METER TheMeter;

static VOID MeterFrames(PVOID Context)
{
	PMETER Meter = Context;
	PFRAME Frame;
	KIRQL Irql;

	KeAcquireSpinLock(&Meter->Lock, &Irql);
	while (!IsListEmpty(&Meter->Frames)) {
		Frame = CONTAINING_RECORD(RemoveHeadList(&Meter->Frames), FRAME, Link);
		KeReleaseSpinLock(&Meter->Lock, Irql);
		if (Frame->Level > Meter->Peak)
			Meter->Peak = Frame->Level;
		Meter->Metered++;
		ExFreePoolWithTag(Frame, METER_TAG);
		KeAcquireSpinLock(&Meter->Lock, &Irql);
	}
	KeReleaseSpinLock(&Meter->Lock, Irql);
}

static VOID MeterReset(PVOID Context)
{
	PRESET Reset = Context;

	Reset->Meter->Peak = 0;
	Reset->Meter->ResetsDone++;
	ExFreePoolWithTag(Reset, METER_TAG);
}

static VOID MeterAskReset(PMETER Meter)
{
	PRESET Reset = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Reset), METER_TAG);

	if (!Reset)
		return;
	Meter->ResetsAsked++;
	Reset->Meter = Meter;
	ExInitializeWorkItem(&Reset->Item, MeterReset, Reset);
	KsQueueWorkItem(Meter->Worker, &Reset->Item);
}

static VOID MeterDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
	PMETER Meter = Context;
	PFRAME Frame = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Frame), METER_TAG);
	ULONG Level;

	if (!Frame)
		return;
	KeAcquireSpinLockAtDpcLevel(&Meter->Lock);
	Level = Meter->Made++ % 100;
	Frame->Level = Level;
	InsertTailList(&Meter->Frames, &Frame->Link);
	KeReleaseSpinLockFromDpcLevel(&Meter->Lock);
	KsQueueWorkItem(Meter->Worker, &Meter->FrameItem);
	if (Level == 99)
		MeterAskReset(Meter);
}

static VOID MeterUnload(PDRIVER_OBJECT DriverObject)
{
	PMETER Meter = &TheMeter;

	KeCancelTimer(&Meter->Timer);
	KeFlushQueuedDpcs();
	KsUnregisterWorker(Meter->Worker);
	DbgPrint("meter: made %u metered %u asked %u done %u\n",
		 Meter->Made, Meter->Metered, Meter->ResetsAsked, Meter->ResetsDone);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
	PMETER Meter = &TheMeter;
	LARGE_INTEGER Due = { .QuadPart = -10000 };	/* a millisecond from now */

	KeInitializeSpinLock(&Meter->Lock);
	InitializeListHead(&Meter->Frames);
	ExInitializeWorkItem(&Meter->FrameItem, MeterFrames, Meter);
	KsRegisterWorker(CriticalWorkQueue, &Meter->Worker);
	KeInitializeDpc(&Meter->Dpc, MeterDpc, Meter);
	KeInitializeTimer(&Meter->Timer);
	KeSetTimerEx(&Meter->Timer, Due, 1, &Meter->Dpc);
	DriverObject->DriverUnload = MeterUnload;
	return STATUS_SUCCESS;
}
