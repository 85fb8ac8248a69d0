/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of the work items without a worker share
 *
 * A job is a probe that is queued by ExQueueWorkItem() or one of the Io calls,
 * and records besides what those routines are told. Jobs that are out are
 * counted: the fixture's end waits for all of them, since nothing can be
 * unregistered here.
 */
#ifndef _KSWORKER_KUNIT_IO_H
#define _KSWORKER_KUNIT_IO_H

#include <linux/device.h>

#include "ksworker_kunit.h"

/* What ksworker_io.c can have blocked at a time, for each type. */
#define SEATS	128

/**
 * struct io_device - a device object
 * @dev: the device
 * @released: completed by its release
 */
struct io_device {
	struct device dev;
	struct completion released;
};

/**
 * struct job - a probe, and what its routine was told
 * @p: the probe; its item is for ExQueueWorkItem()
 * @io: for the Io calls
 * @device: the routine's first argument
 * @told: its third one
 * @refs: of the device, when the routine ran
 * @kinds: how often each kind of routine ran: WORK_QUEUE_ITEM, Io, IoEx
 */
struct job {
	struct probe *p;
	PIO_WORKITEM io;
	struct device *device;
	PIO_WORKITEM told;
	unsigned int refs;
	atomic_t kinds[3];
};

int io_fixture_init(struct kunit *test);
void io_fixture_exit(struct kunit *test);

void jobs_begin(void);
void jobs_end(struct kunit *test);

struct io_device *device_new(struct fixture *f);
unsigned int device_refs(struct io_device *d);
bool device_at_rest(void *d);

struct job *job_new(struct fixture *f);
struct job *job_held(struct fixture *f);
struct job *job_io(struct fixture *f, struct io_device *d);
struct job *job_io_held(struct fixture *f, struct io_device *d);
struct job *job_of(struct probe *p);
void job_plain(PVOID parameter);
void job_device(struct device *device, PVOID context);
void job_object(PVOID object, PVOID context, PIO_WORKITEM item);
void job_queue(struct job *j, WORK_QUEUE_TYPE type);
void job_queue_io(struct job *j, WORK_QUEUE_TYPE type);
void job_queue_object(struct job *j, WORK_QUEUE_TYPE type);
bool job_try(struct job *j, WORK_QUEUE_TYPE type);
void job_out(void);
bool jobs_home(void);
void seats_take(struct fixture *f, WORK_QUEUE_TYPE type, struct job **jobs, unsigned int n);
void jobs_release(struct job **jobs, unsigned int n);

static inline bool job_runs(struct job *j, int n)
{
	return probe_runs(j->p) == n;
}

#endif /* _KSWORKER_KUNIT_IO_H */
