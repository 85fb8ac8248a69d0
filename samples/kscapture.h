/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kscapture.h - what the sample driver and its readers share
 *
 * read() on /dev/kscapture returns whole frames, each KSCAPTURE_FRAME_BYTES
 * long. No frame is lost unseen:
 *
 *   frame.sequence == frames read before it + frame.dropped
 *
 * holds for every frame since open(), whatever was dropped on the way.
 */
#ifndef _KSCAPTURE_H
#define _KSCAPTURE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KSCAPTURE_MAGIC		0x4643534bu	/* "KSCF" */
#define KSCAPTURE_PAYLOAD_MAX	216
#define KSCAPTURE_FRAME_BYTES	256

/**
 * struct kscapture_frame - one frame
 * @magic: KSCAPTURE_MAGIC
 * @payload_bytes: how much of @payload is in use; the rest is 0
 * @sequence: 0 for the first frame after open(), then one more for each
 * @timestamp_ns: when it was captured (CLOCK_MONOTONIC)
 * @dropped: how many frames before this one never reached the reader
 * @checksum: kscapture_checksum(); it leaves out @dropped, which is set last
 * @reserved: 0
 * @payload: byte i is the low byte of @sequence + i
 */
struct kscapture_frame {
	__u32 magic;
	__u32 payload_bytes;
	__u64 sequence;
	__u64 timestamp_ns;
	__u64 dropped;
	__u32 checksum;
	__u32 reserved;
	__u8 payload[KSCAPTURE_PAYLOAD_MAX];
};

/**
 * struct kscapture_stats - what happened since open()
 * @produced: frames captured, the dropped ones too: the next sequence number
 * @delivered: frames that were handed to the reader's queue
 * @dropped: frames lost because the reader (or the worker) was too slow;
 *	@produced - @delivered - @dropped are on their way to the queue
 * @missed_ticks: timer periods in which the machine was too slow to capture
 *	anything; no sequence number was used up for them
 * @rate_hz: frames a second
 * @depth: how many frames wait for the reader before one is dropped
 */
struct kscapture_stats {
	__u64 produced;
	__u64 delivered;
	__u64 dropped;
	__u64 missed_ticks;
	__u32 rate_hz;
	__u32 depth;
};

/* open() leaves the device paused. Asking for the state that it is in is no error. */
#define KSCAPTURE_RUN	_IO('K', 0xa0)
/* When this returns, capturing has stopped and each captured frame can be read or was dropped. */
#define KSCAPTURE_PAUSE	_IO('K', 0xa1)
#define KSCAPTURE_STATS	_IOR('K', 0xa2, struct kscapture_stats)
/* Bytes of payload, up to KSCAPTURE_PAYLOAD_MAX: so many are in each frame captured after it. */
#define KSCAPTURE_FORMAT	_IOW('K', 0xa3, __u32)

static inline __u32 kscapture_hash(__u32 hash, const void *data, unsigned int bytes)
{
	const __u8 *p = data;

	while (bytes--)
		hash = (hash ^ *p++) * 0x01000193u;	/* FNV-1a */
	return hash;
}

static inline __u32 kscapture_checksum(const struct kscapture_frame *frame)
{
	__u32 hash = 0x811c9dc5u;

	hash = kscapture_hash(hash, &frame->payload_bytes, sizeof(frame->payload_bytes));
	hash = kscapture_hash(hash, &frame->sequence, sizeof(frame->sequence));
	hash = kscapture_hash(hash, &frame->timestamp_ns, sizeof(frame->timestamp_ns));
	return kscapture_hash(hash, frame->payload, sizeof(frame->payload));
}

#endif /* _KSCAPTURE_H */
