/* SPDX-License-Identifier: GPL-2.0 */
/* ks.h - of a porting layer: the worker calls are ksworker's */
#ifndef _PORTING_KS_H
#define _PORTING_KS_H

#include "ntddk.h"

/* The layer's NTSTATUS, LIST_ENTRY and so on, which ksworker.h holds to their layout. */
#define KSWORKER_OWN_TYPES
#include "ksworker.h"

#endif /* _PORTING_KS_H */
