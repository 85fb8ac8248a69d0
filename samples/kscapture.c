// SPDX-License-Identifier: GPL-2.0
/*
 * kscapture - a small capture driver that uses ksworker as any client would
 *
 * It has the shape of a ported Windows streaming driver. The way of a frame:
 *
 *   tick_capture()      interrupt; puts a frame on the ring, and
 *                       KsIncrementCountedWorker() says "one task more"
 *   frames_deliver()    the counted item's routine: takes one frame from the
 *                       ring for each task, gives it to the reader's queue
 *   kscapture_read()    takes frames from the queue
 *
 * RUN and PAUSE are plain work items of the same worker. Routines of one
 * worker never overlap, so starting and stopping the timer needs no lock
 * against each other nor against the delivery.
 *
 * A change of the format takes the device its time, and frames shall go on
 * meanwhile. So it does not run on the worker: format_change() is queued with
 * IoQueueWorkItem(), which needs none and holds a reference of the device.
 *
 * The worker lives from open() to release(): the source of the increments is
 * stopped first, then the worker is unregistered, which runs what was accepted.
 *
 * The counted loop ends when the task list is empty. Where frames come faster
 * than they are delivered it never does, and the items of the same worker wait
 * behind it; so PAUSE waits for a bounded time, and rate_hz has a maximum.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kfifo.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "ksworker.h"
#include "kscapture.h"
#include "kscapture_compat.h"

#define RATE_MAX	10000
#define DEPTH_MIN	2
#define DEPTH_MAX	2048
#define CONTROL_MS	5000
#define FORMAT_US	2000	/* how long the device needs for another format */

static unsigned int rate_hz = 1000;
module_param(rate_hz, uint, 0444);
MODULE_PARM_DESC(rate_hz, "frames a second, 1 to 10000 (default 1000)");

static unsigned int depth = 1024;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "frames that wait for the reader, 2 to 2048, rounded up to a power of two (default 1024)");

static unsigned int payload = 64;
module_param(payload, uint, 0444);
MODULE_PARM_DESC(payload, "bytes of payload in a frame, 0 to 216 (default 64)");

/*
 * How the fields are protected:
 *
 * I: set by open before the file can be used; constant until release
 * L: lock. A raw one, because a hard timer takes it, on PREEMPT_RT too
 * W: only routines of the worker, which never overlap, and release after them
 * C: control_lock, which lets one RUN, PAUSE or FORMAT at a time use the items
 * R: read_lock, which makes "copy the oldest frame, then remove it" one step
 * S: by itself
 */
struct capture {
	PKSWORKER worker;				/* I */
	WORK_QUEUE_ITEM deliver_item;			/* I: the counted item */
	ktime_t period;					/* I */

	struct mutex control_lock;			/* S */
	WORK_QUEUE_ITEM run_item;			/* C: and ksworker's while queued */
	WORK_QUEUE_ITEM pause_item;			/* C: and ksworker's while queued */
	struct completion changed;			/* S: RUN or PAUSE took effect */
	PIO_WORKITEM format_item;			/* C: and ksworker's while queued */
	u32 format;					/* C: the one to change to */
	struct completion formatted;			/* S: FORMAT took effect */

	struct hrtimer timer;				/* W */
	bool running;					/* W */

	raw_spinlock_t lock;				/* S */
	DECLARE_KFIFO_PTR(ring, struct kscapture_frame);  /* L: interrupt to worker */
	DECLARE_KFIFO_PTR(queue, struct kscapture_frame); /* L: worker to reader */
	u64 produced;					/* L */
	u64 delivered;					/* L */
	u64 ring_dropped;				/* L: found the ring full */
	u64 queue_dropped;				/* L: found the queue full */
	u64 missed_ticks;				/* L */
	u32 payload;					/* L: the format: bytes in a frame */

	struct mutex read_lock;				/* S: R */
	wait_queue_head_t readers;			/* S */
};

static_assert(sizeof(struct kscapture_frame) == KSCAPTURE_FRAME_BYTES);

static struct miscdevice kscapture_device;

/* One opener at a time: bit 0 of device_busy. */
static unsigned long device_busy;

/* --- interrupt --- */

static void frame_fill(struct kscapture_frame *frame, u64 sequence, u32 bytes)
{
	unsigned int i;

	memset(frame, 0, sizeof(*frame));
	frame->magic = KSCAPTURE_MAGIC;
	frame->payload_bytes = bytes;
	frame->sequence = sequence;
	frame->timestamp_ns = ktime_get_ns();
	for (i = 0; i < bytes; i++)
		frame->payload[i] = (u8)(sequence + i);
	frame->checksum = kscapture_checksum(frame);
}

/* Returns whether there is a frame more on the ring. */
static bool frame_capture(struct capture *capture)
{
	struct kscapture_frame frame;

	lockdep_assert_held(&capture->lock);
	frame_fill(&frame, capture->produced++, capture->payload);
	frame.dropped = capture->ring_dropped;
	if (kfifo_put(&capture->ring, frame))
		return true;
	capture->ring_dropped++;
	return false;
}

/* In hard interrupt context on every kernel, PREEMPT_RT included. */
static enum hrtimer_restart tick_capture(struct hrtimer *timer)
{
	struct capture *capture = container_of(timer, struct capture, timer);
	u64 periods = hrtimer_forward_now(timer, capture->period);
	unsigned long flags;
	bool captured;

	raw_spin_lock_irqsave(&capture->lock, flags);
	if (periods > 1)
		capture->missed_ticks += periods - 1;
	captured = frame_capture(capture);
	raw_spin_unlock_irqrestore(&capture->lock, flags);

	/*
	 * One task for each frame on the ring. The count cannot be refused
	 * (0): release stops this timer before it closes the worker.
	 */
	if (captured)
		KsIncrementCountedWorker(capture->worker);
	return HRTIMER_RESTART;
}

/* --- the worker --- */

static void frame_deliver(struct capture *capture)
{
	struct kscapture_frame frame;
	unsigned long flags;

	raw_spin_lock_irqsave(&capture->lock, flags);
	/* Cannot be empty: there is one frame for each increment. */
	if (!WARN_ON_ONCE(!kfifo_get(&capture->ring, &frame))) {
		/* Those that the ring lost before this frame, and those that the queue lost. */
		frame.dropped += capture->queue_dropped;
		if (kfifo_put(&capture->queue, frame))
			capture->delivered++;
		else
			capture->queue_dropped++;
	}
	raw_spin_unlock_irqrestore(&capture->lock, flags);
	wake_up_interruptible(&capture->readers);
}

static VOID frames_deliver(PVOID parameter)
{
	struct capture *capture = parameter;

	do {
		frame_deliver(capture);
	} while (KsDecrementCountedWorker(capture->worker));
}

static VOID capture_run(PVOID parameter)
{
	struct capture *capture = parameter;

	/* Not twice: a timer must not be started while its callback moves it on. */
	if (!capture->running) {
		capture->running = true;
		hrtimer_start(&capture->timer, capture->period, HRTIMER_MODE_REL_HARD);
	}
	complete(&capture->changed);
}

static VOID capture_pause(PVOID parameter)
{
	struct capture *capture = parameter;

	hrtimer_cancel(&capture->timer);
	capture->running = false;
	complete(&capture->changed);
}

/* --- a thread of the system --- */

/* A reference of @device is held until this has returned. */
static VOID format_change(PDEVICE_OBJECT device, PVOID context)
{
	struct capture *capture = context;
	unsigned long flags;

	usleep_range(FORMAT_US, 2 * FORMAT_US);	/* here a real device would be programmed */
	raw_spin_lock_irqsave(&capture->lock, flags);
	capture->payload = capture->format;
	raw_spin_unlock_irqrestore(&capture->lock, flags);
	dev_dbg(device, "frames have %u bytes of payload from now on\n", capture->format);
	complete(&capture->formatted);
}

/* --- the file --- */

/* Has the worker run one of the two items, and waits until it took effect. */
static int capture_control(struct capture *capture, PWORK_QUEUE_ITEM item)
{
	NTSTATUS status;

	lockdep_assert_held(&capture->control_lock);
	reinit_completion(&capture->changed);

	/*
	 * The worker has one place. A plain KsQueueWorkItem() would give
	 * STATUS_DEVICE_BUSY when it is taken; we may sleep, so we wait for it.
	 */
	status = KsQueueWorkItemWait(capture->worker, item, CONTROL_MS);
	if (!NT_SUCCESS(status))
		return KsStatusToErrno(status);

	if (!wait_for_completion_timeout(&capture->changed, msecs_to_jiffies(CONTROL_MS))) {
		if (KsCancelWorkItem(capture->worker, item))
			return -ETIMEDOUT;	/* it will not run any more */
		wait_for_completion(&capture->changed);	/* it has begun */
	}
	return 0;
}

static int kscapture_set_state(struct capture *capture, bool run)
{
	int err;

	err = mutex_lock_interruptible(&capture->control_lock);
	if (err)
		return err;
	err = capture_control(capture, run ? &capture->run_item : &capture->pause_item);
	/* No frame comes any more; those on the ring shall be in the queue when PAUSE returns. */
	if (!err && !run)
		err = KsStatusToErrno(KsFlushWorker(capture->worker));
	mutex_unlock(&capture->control_lock);
	return err;
}

/* IoQueueWorkItem() may be called from an interrupt as well, and cannot fail. */
static int kscapture_set_format(struct capture *capture, const u32 __user *from)
{
	u32 format;
	int err;

	if (get_user(format, from))
		return -EFAULT;
	if (format > KSCAPTURE_PAYLOAD_MAX)
		return -EINVAL;
	err = mutex_lock_interruptible(&capture->control_lock);
	if (err)
		return err;
	capture->format = format;
	reinit_completion(&capture->formatted);
	IoQueueWorkItem(capture->format_item, format_change, DelayedWorkQueue, capture);
	wait_for_completion(&capture->formatted);
	mutex_unlock(&capture->control_lock);
	return 0;
}

static int kscapture_get_stats(struct capture *capture, void __user *to)
{
	struct kscapture_stats stats = { .rate_hz = rate_hz };
	unsigned long flags;

	raw_spin_lock_irqsave(&capture->lock, flags);
	stats.produced = capture->produced;
	stats.delivered = capture->delivered;
	stats.dropped = capture->ring_dropped + capture->queue_dropped;
	stats.missed_ticks = capture->missed_ticks;
	stats.depth = kfifo_size(&capture->queue);
	raw_spin_unlock_irqrestore(&capture->lock, flags);
	return copy_to_user(to, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static long kscapture_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct capture *capture = file->private_data;

	switch (cmd) {
	case KSCAPTURE_RUN:
		return kscapture_set_state(capture, true);
	case KSCAPTURE_PAUSE:
		return kscapture_set_state(capture, false);
	case KSCAPTURE_STATS:
		return kscapture_get_stats(capture, (void __user *)arg);
	case KSCAPTURE_FORMAT:
		return kscapture_set_format(capture, (const u32 __user *)arg);
	default:
		return -ENOTTY;
	}
}

/* Copies the oldest frame and leaves it where it is. */
static bool queue_peek(struct capture *capture, struct kscapture_frame *frame)
{
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&capture->lock, flags);
	found = kfifo_peek(&capture->queue, frame);
	raw_spin_unlock_irqrestore(&capture->lock, flags);
	return found;
}

static void queue_skip(struct capture *capture)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&capture->lock, flags);
	kfifo_skip(&capture->queue);
	raw_spin_unlock_irqrestore(&capture->lock, flags);
}

static bool queue_has_frame(struct capture *capture)
{
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&capture->lock, flags);
	found = !kfifo_is_empty(&capture->queue);
	raw_spin_unlock_irqrestore(&capture->lock, flags);
	return found;
}

/*
 * As many whole frames as there are and as fit; 0 when there is none. A frame
 * is removed when its copy has arrived: a bad address loses none.
 */
static ssize_t queue_read(struct capture *capture, char __user *to, size_t bytes)
{
	struct kscapture_frame frame;
	size_t done = 0;

	lockdep_assert_held(&capture->read_lock);
	while (bytes - done >= sizeof(frame) && queue_peek(capture, &frame)) {
		if (copy_to_user(to + done, &frame, sizeof(frame)))
			return done ? done : -EFAULT;
		queue_skip(capture);
		done += sizeof(frame);
	}
	return done;
}

static ssize_t kscapture_read(struct file *file, char __user *to, size_t bytes, loff_t *pos)
{
	struct capture *capture = file->private_data;
	ssize_t done;
	int err;

	if (!bytes)
		return 0;
	if (bytes < KSCAPTURE_FRAME_BYTES)
		return -EINVAL;

	for (;;) {
		err = mutex_lock_interruptible(&capture->read_lock);
		if (err)
			return err;
		done = queue_read(capture, to, bytes);
		mutex_unlock(&capture->read_lock);
		if (done)
			return done;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(capture->readers, queue_has_frame(capture));
		if (err)
			return err;
	}
}

static __poll_t kscapture_poll(struct file *file, poll_table *wait)
{
	struct capture *capture = file->private_data;

	poll_wait(file, &capture->readers, wait);
	return queue_has_frame(capture) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void capture_init(struct capture *capture)
{
	ExInitializeWorkItem(&capture->deliver_item, frames_deliver, capture);
	ExInitializeWorkItem(&capture->run_item, capture_run, capture);
	ExInitializeWorkItem(&capture->pause_item, capture_pause, capture);
	capture->period = ns_to_ktime(NSEC_PER_SEC / rate_hz);
	mutex_init(&capture->control_lock);
	mutex_init(&capture->read_lock);
	raw_spin_lock_init(&capture->lock);
	init_completion(&capture->changed);
	init_completion(&capture->formatted);
	capture->payload = payload;
	init_waitqueue_head(&capture->readers);
	compat_hrtimer_setup(&capture->timer, tick_capture, CLOCK_MONOTONIC,
			     HRTIMER_MODE_REL_HARD);
}

static void capture_free(struct capture *capture)
{
	/* FORMAT waits for its routine to begin, so the item is ours. */
	IoFreeWorkItem(capture->format_item);
	kfifo_free(&capture->queue);
	kfifo_free(&capture->ring);
	kfree(capture);
}

static struct capture *capture_alloc(void)
{
	struct capture *capture = kzalloc(sizeof(*capture), GFP_KERNEL);
	NTSTATUS status;
	int err;

	if (!capture)
		return ERR_PTR(-ENOMEM);
	capture_init(capture);

	err = kfifo_alloc(&capture->ring, depth, GFP_KERNEL);
	if (err)
		goto free;
	err = kfifo_alloc(&capture->queue, depth, GFP_KERNEL);
	if (err)
		goto free;
	err = -ENOMEM;
	capture->format_item = IoAllocateWorkItem(kscapture_device.this_device);
	if (!capture->format_item)
		goto free;
	status = KsRegisterCountedWorker(CriticalWorkQueue, &capture->deliver_item,
					 &capture->worker);
	if (NT_SUCCESS(status))
		return capture;
	err = KsStatusToErrno(status);
free:
	capture_free(capture);
	return ERR_PTR(err);
}

static int kscapture_open(struct inode *inode, struct file *file)
{
	struct capture *capture;

	if (test_and_set_bit_lock(0, &device_busy))
		return -EBUSY;
	capture = capture_alloc();
	if (IS_ERR(capture)) {
		clear_bit_unlock(0, &device_busy);
		return PTR_ERR(capture);
	}
	file->private_data = capture;
	return stream_open(inode, file);
}

static int kscapture_release(struct inode *inode, struct file *file)
{
	struct capture *capture = file->private_data;

	/* RUN and PAUSE wait for their item, so that none is left to start the timer again. */
	hrtimer_cancel(&capture->timer);
	KsUnregisterWorker(capture->worker);
	capture_free(capture);
	clear_bit_unlock(0, &device_busy);
	return 0;
}

static const struct file_operations kscapture_fops = {
	.owner = THIS_MODULE,	/* no unload while the device is open */
	.open = kscapture_open,
	.release = kscapture_release,
	.read = kscapture_read,
	.poll = kscapture_poll,
	.unlocked_ioctl = kscapture_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice kscapture_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kscapture",
	.fops = &kscapture_fops,
};

static bool parameter_valid(const char *name, unsigned int value, unsigned int from,
			    unsigned int to)
{
	if (value >= from && value <= to)
		return true;
	pr_err("%s=%u is out of range; load it with %s=%u to %u\n", name, value, name, from, to);
	return false;
}

static int __init kscapture_init(void)
{
	if (!parameter_valid("rate_hz", rate_hz, 1, RATE_MAX) ||
	    !parameter_valid("depth", depth, DEPTH_MIN, DEPTH_MAX) ||
	    !parameter_valid("payload", payload, 0, KSCAPTURE_PAYLOAD_MAX))
		return -EINVAL;
	return misc_register(&kscapture_device);
}
module_init(kscapture_init);

static void __exit kscapture_exit(void)
{
	misc_deregister(&kscapture_device);
}
module_exit(kscapture_exit);

MODULE_DESCRIPTION("Sample capture driver on ksworker");
MODULE_LICENSE("GPL");
