/* SPDX-License-Identifier: GPL-2.0 */
/*
 * binary.h - what a loaded Windows binary and the layer have in common: a
 * calling convention, and a table of imports by name
 */
#ifndef _PORTING_BINARY_H
#define _PORTING_BINARY_H

/* How Windows' code calls and is called. Elsewhere both systems call alike. */
#if defined(__x86_64__)
#define WINAPI __attribute__((ms_abi))
#elif defined(__i386__)
#define WINAPI __attribute__((stdcall))
#else
#define WINAPI
#endif

typedef void WINAPI binary_routine(void *Parameter);

struct import {
	const char *name;
	void *address;
};

/* What the binary did, for the guest's test: each accepted item ran once. */
struct binary_counts {
	unsigned int asked, accepted, refused, ran, wrong;
};

/* What a loader finds in the file. */
extern struct import binary_imports[];
int WINAPI binary_entry(struct binary_counts *counts);
void WINAPI binary_unload(void);

#endif /* _PORTING_BINARY_H */
