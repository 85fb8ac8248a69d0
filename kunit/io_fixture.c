// SPDX-License-Identifier: GPL-2.0
/* Jobs and devices: see io.h. */
#include <linux/slab.h>

#include "io.h"

#define MOST_DEVICES	4

/* Jobs that were queued and have not returned; suites run one after the other. */
static atomic_t jobs_out;
static struct io_device *devices[MOST_DEVICES];

/* Devices */

static void device_released(struct device *dev)
{
	complete_all(&container_of(dev, struct io_device, dev)->released);
}

struct io_device *device_new(struct fixture *f)
{
	struct io_device *d = kunit_kzalloc(f->test, sizeof(*d), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(f->test, d);
	init_completion(&d->released);
	device_initialize(&d->dev);
	d->dev.release = device_released;
	for (i = 0; i < MOST_DEVICES && devices[i]; i++)
		;
	KUNIT_ASSERT_LT(f->test, i, MOST_DEVICES);
	devices[i] = d;
	return d;
}

unsigned int device_refs(struct io_device *d)
{
	return kref_read(&d->dev.kobj.kref);
}

/* Jobs */

struct job *job_of(struct probe *p)
{
	return (struct job *)p->data;
}

static struct job *job_with(struct fixture *f, struct probe *p)
{
	struct job *j = kunit_kzalloc(f->test, sizeof(*j), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(f->test, j);
	j->p = p;
	p->data = (unsigned long)j;
	ExInitializeWorkItem(&p->item, job_plain, j);
	return j;
}

struct job *job_new(struct fixture *f)
{
	return job_with(f, probe_new(f));
}

struct job *job_held(struct fixture *f)
{
	return job_with(f, probe_held(f));
}

/* The case, or the job's routine, frees the item. */
static struct job *job_allocate(struct job *j, struct io_device *d)
{
	j->io = IoAllocateWorkItem(d ? &d->dev : NULL);
	KUNIT_ASSERT_NOT_NULL(j->p->f->test, j->io);
	return j;
}

struct job *job_io(struct fixture *f, struct io_device *d)
{
	return job_allocate(job_new(f), d);
}

struct job *job_io_held(struct fixture *f, struct io_device *d)
{
	return job_allocate(job_held(f), d);
}

/* A job that is queued by the case itself. */
void job_out(void)
{
	atomic_inc(&jobs_out);
}

static void job_end(struct job *j)
{
	atomic_dec(&jobs_out);
}

void job_plain(PVOID parameter)
{
	struct job *j = parameter;

	atomic_inc(&j->kinds[0]);
	probe_routine(j->p);
	job_end(j);
}

void job_device(struct device *device, PVOID context)
{
	struct job *j = context;

	atomic_inc(&j->kinds[1]);
	j->device = device;
	j->refs = device ? kref_read(&device->kobj.kref) : 0;
	probe_routine(j->p);
	job_end(j);
}

void job_object(PVOID object, PVOID context, PIO_WORKITEM item)
{
	struct job *j = context;

	atomic_inc(&j->kinds[2]);
	j->device = object;
	j->told = item;
	probe_routine(j->p);
	job_end(j);
}

void job_queue(struct job *j, WORK_QUEUE_TYPE type)
{
	job_out();
	ExQueueWorkItem(&j->p->item, type);
}

void job_queue_io(struct job *j, WORK_QUEUE_TYPE type)
{
	job_out();
	IoQueueWorkItem(j->io, job_device, type, j);
}

void job_queue_object(struct job *j, WORK_QUEUE_TYPE type)
{
	job_out();
	IoQueueWorkItemEx(j->io, job_object, type, j);
}

bool job_try(struct job *j, WORK_QUEUE_TYPE type)
{
	bool accepted;

	job_out();
	accepted = IoTryQueueWorkItem(j->io, job_object, type, j);
	if (!accepted)
		job_end(j);
	return accepted;
}

static bool nobody_is_out(void *unused)
{
	return !atomic_read(&jobs_out);
}

bool jobs_home(void)
{
	return condition_met(nobody_is_out, NULL);
}

/* Many routines of one type that block. */
void seats_take(struct fixture *f, WORK_QUEUE_TYPE type, struct job **jobs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		jobs[i] = job_held(f);
		job_queue(jobs[i], type);
	}
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE_MSG(f->test, probe_began(jobs[i]->p), "job %u of %u", i, n);
}

void jobs_release(struct job **jobs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		probe_release(jobs[i]->p);
}

/* The fixture */

/* A run puts its device after the routine, which is all that jobs_home() knows of. */
bool device_at_rest(void *d)
{
	return device_refs(d) == 1;
}

static void device_end(struct kunit *test, struct io_device *d)
{
	if (!d || completion_done(&d->released))
		return;
	KUNIT_EXPECT_TRUE_MSG(test, condition_met(device_at_rest, d), "a reference is left");
	put_device(&d->dev);
}

void jobs_begin(void)
{
	atomic_set(&jobs_out, 0);
	memset(devices, 0, sizeof(devices));
}

/* Nothing may hold them any more. */
void jobs_end(struct kunit *test)
{
	int i;

	KUNIT_EXPECT_TRUE_MSG(test, jobs_home(), "a job did not return");
	for (i = 0; i < MOST_DEVICES; i++)
		device_end(test, devices[i]);
}

int io_fixture_init(struct kunit *test)
{
	jobs_begin();
	return fixture_init(test);
}

void io_fixture_exit(struct kunit *test)
{
	fixture_exit(test);
	jobs_end(test);
}
