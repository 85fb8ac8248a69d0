// SPDX-License-Identifier: GPL-2.0
/*
 * Reads frames from /dev/kscapture and proves that none is missing.
 *
 * Build: gcc -static -O2 -Wall -Wextra -Werror -o OUTPUT THIS_FILE
 *
 * Exit codes: 0 all was as it should be, 1 something was not, 2 usage.
 */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "kscapture.h"

#define DEVICE		"/dev/kscapture"
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define BATCH		16	/* frames a read */
#define SILENCE_S	20	/* no frame for that long: something is wrong */
#define QUIET_MS	200	/* how long a paused device is watched */

/* --- words or TAP --- */

static bool tap;
static unsigned int checks, failures;

static bool check_begin(bool ok)
{
	checks++;
	failures += !ok;
	if (tap)
		printf("%s %u - ", ok ? "ok" : "not ok", checks);
	else if (!ok)
		printf("WRONG: ");
	return ok;
}

/* One thing that is so, or is not, in words as for printf(). Its value is ok. */
#define check(ok, ...) ({ \
	bool __is = check_begin(ok); \
	printf(__VA_ARGS__); \
	printf("\n"); \
	__is; \
})

/* A line that claims nothing. */
#define note(...) do { \
	printf("%s", tap ? "# " : ""); \
	printf(__VA_ARGS__); \
	printf("\n"); \
} while (0)

static int summary(void)
{
	if (tap)
		printf("1..%u\n", checks);
	else if (failures)
		printf("kscapture-read: %u of %u checks failed\n", failures, checks);
	return failures ? 1 : 0;
}

/* --- the device --- */

static int device_open(int flags)
{
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC | flags);

	if (fd < 0)
		check(false, "%s opens: %s%s", DEVICE, strerror(errno),
		      errno == EBUSY ? " (one program at a time may have it open)" :
		      errno == ENOENT ? " (load ksworker.ko, then kscapture.ko)" : "");
	return fd;
}

static bool device_control(int fd, unsigned long what, const char *name)
{
	if (!ioctl(fd, what))
		return true;
	return check(false, "%s is accepted: %s", name, strerror(errno));
}

static bool run(int fd)
{
	return device_control(fd, KSCAPTURE_RUN, "RUN");
}

static bool pause_device(int fd)
{
	return device_control(fd, KSCAPTURE_PAUSE, "PAUSE");
}

static bool set_format(int fd, __u32 bytes)
{
	if (!ioctl(fd, KSCAPTURE_FORMAT, &bytes))
		return true;
	return check(false, "FORMAT %u is accepted: %s", bytes, strerror(errno));
}

static struct kscapture_stats stats_of(int fd)
{
	struct kscapture_stats stats = { 0 };

	if (ioctl(fd, KSCAPTURE_STATS, &stats))
		check(false, "the statistics can be read: %s", strerror(errno));
	return stats;
}

static void on_alarm(int signal)
{
	(void)signal;	/* read() ends with EINTR */
}

/* --- what was read --- */

struct tally {
	__u64 received;	/* since open */
	__u64 next;		/* the sequence number after the last frame's */
	__u64 dropped;	/* as the last frame says */
	__u32 payload;	/* of the last frame, in bytes */
	__u64 first_ns, last_ns;
	__u64 lost, doubled, damaged, backward, unaccounted;
	bool may_drop;
};

static bool payload_right(const struct kscapture_frame *frame)
{
	__u32 i;

	if (frame->payload_bytes > KSCAPTURE_PAYLOAD_MAX)
		return false;
	for (i = 0; i < KSCAPTURE_PAYLOAD_MAX; i++) {
		__u8 right = i < frame->payload_bytes ? (__u8)(frame->sequence + i) : 0;

		if (frame->payload[i] != right)
			return false;
	}
	return true;
}

static void complain(__u64 *count, const struct kscapture_frame *frame, const char *what)
{
	if (!(*count)++)	/* the first of each kind is enough */
		note("frame %llu: %s", frame->sequence, what);
}

static void tally_frame(struct tally *tally, const struct kscapture_frame *frame)
{
	if (frame->magic != KSCAPTURE_MAGIC || frame->checksum != kscapture_checksum(frame) ||
	    !payload_right(frame))
		complain(&tally->damaged, frame, "magic, checksum or payload is wrong");
	if (frame->sequence < tally->next) {
		complain(&tally->doubled, frame, "came twice, or too late");
	} else if (frame->sequence > tally->next) {
		if (!tally->lost && !tally->may_drop)
			note("frame %llu: frames are missing before it", frame->sequence);
		tally->lost += frame->sequence - tally->next;
	}
	if (frame->sequence != tally->received + frame->dropped)
		complain(&tally->unaccounted, frame, "read + dropped is not its number");
	if (tally->received && frame->timestamp_ns < tally->last_ns)
		complain(&tally->backward, frame, "is older than the one before it");
	if (!tally->received)
		tally->first_ns = frame->timestamp_ns;
	tally->last_ns = frame->timestamp_ns;
	tally->dropped = frame->dropped;
	tally->payload = frame->payload_bytes;
	tally->next = frame->sequence + 1;
	tally->received++;
}

/* Reads frames, waiting for the first: their number, 0 for "none now", -1 for a failure. */
static int read_frames(int fd, struct tally *tally, unsigned int most)
{
	struct kscapture_frame frames[BATCH];
	ssize_t got;
	int i, n;

	if (most > BATCH)
		most = BATCH;
	alarm(SILENCE_S);
	got = read(fd, frames, most * sizeof(frames[0]));
	alarm(0);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got < 0) {
		check(false, "a read gives frames: %s",
		      errno == EINTR ? "none came for 20 s" : strerror(errno));
		return -1;
	}
	if (!got || got % sizeof(frames[0])) {
		check(false, "a read gives whole frames: it gave %zd bytes", got);
		return -1;
	}
	n = got / sizeof(frames[0]);
	for (i = 0; i < n; i++)
		tally_frame(tally, &frames[i]);
	return n;
}

static bool read_exactly(int fd, struct tally *tally, __u64 frames)
{
	__u64 until = tally->received + frames;

	while (tally->received < until)
		if (read_frames(fd, tally, until - tally->received) <= 0)
			return false;
	return true;
}

static bool nonblocking(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	return !fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) ||
	       check(false, "O_NONBLOCK can be set: %s", strerror(errno));
}

/* Everything that is there, without waiting. Leaves the file blocking. */
static bool drain(int fd, struct tally *tally)
{
	int n;

	if (!nonblocking(fd, true))
		return false;
	do {
		n = read_frames(fd, tally, BATCH);
	} while (n > 0);
	return nonblocking(fd, false) && !n;
}

/* The claims about all that was read. */
static void verify(const struct tally *tally)
{
	const __u64 n = tally->received;

	if (!tally->may_drop)
		check(!tally->lost, "%llu frames read, %llu lost", n, tally->lost);
	check(!tally->doubled, "%llu frames read, %llu doubled", n, tally->doubled);
	check(!tally->damaged, "every checksum and payload is right (%llu wrong)",
	      tally->damaged);
	check(!tally->backward, "time never runs backward (%llu times)", tally->backward);
	check(!tally->unaccounted,
	      "every frame's number is read + dropped before it (%llu are not)",
	      tally->unaccounted);
	if (!tally->may_drop)
		check(!tally->dropped, "the driver dropped %llu", tally->dropped);
}

/* Paused: all that was captured comes, then nothing more. */
static bool verify_silence(int fd, struct tally *tally)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	const struct kscapture_stats before = stats_of(fd);
	__u64 read_before = tally->received;
	int polled;

	if (!drain(fd, tally))
		return false;
	note("%llu more frames had been captured before the pause; they were read",
	     tally->received - read_before);
	check(before.delivered + before.dropped == before.produced,
	      "pause leaves no frame on its way (captured %llu, delivered %llu, dropped %llu)",
	      before.produced, before.delivered, before.dropped);
	check(tally->received == before.delivered, "all %llu delivered frames were read",
	      before.delivered);
	polled = poll(&ready, 1, QUIET_MS);
	check(!polled, "no frame comes while paused (watched for %d ms)", QUIET_MS);
	return check(stats_of(fd).produced == before.produced, "nothing is captured while paused");
}

/* --- cases: each opens the device afresh --- */

static void frames_and_pause(__u64 frames, bool verified, bool pause_test)
{
	struct tally tally = { 0 };
	struct kscapture_stats stats;
	__u64 resumed;
	int fd = device_open(0);

	if (fd < 0)
		return;
	if (!run(fd) || !read_exactly(fd, &tally, frames))
		goto close;
	note("read %llu frames, numbers 0 to %llu, %.1f frames a second",
	     tally.received, tally.next - 1, tally.last_ns > tally.first_ns ?
	     (tally.received - 1) * 1e9 / (tally.last_ns - tally.first_ns) : 0.0);

	if (pause_test) {
		if (!pause_device(fd) || !verify_silence(fd, &tally))
			goto close;
		resumed = tally.next;
		if (!run(fd) || !read_exactly(fd, &tally, frames))
			goto close;
		check(!tally.lost, "after RUN frames go on with number %llu", resumed);
	}
	if (!pause_device(fd))
		goto close;
	if (verified) {
		verify(&tally);
		stats = stats_of(fd);
		check(!stats.dropped, "the statistics say that %llu were dropped",
		      stats.dropped);
		if (stats.missed_ticks)
			note("the machine was late for %llu ticks; no number was used up",
			     stats.missed_ticks);
	}
close:
	close(fd);
}

static void second_opener_gets_ebusy(void)
{
	int fd = device_open(0), second;

	if (fd < 0)
		return;
	errno = 0;
	second = open(DEVICE, O_RDONLY);
	check(second < 0 && errno == EBUSY, "a second open is refused: %s", strerror(errno));
	if (second >= 0)
		close(second);
	close(fd);
	fd = device_open(0);
	check(fd >= 0, "after the close it opens again");
	if (fd >= 0)
		close(fd);
}

static void nonblocking_read_does_not_wait(void)
{
	struct tally tally = { 0 };
	struct pollfd ready = { .events = POLLIN };
	struct kscapture_frame frame;
	int fd = device_open(O_NONBLOCK);

	if (fd < 0)
		return;
	ready.fd = fd;
	errno = 0;
	check(read(fd, &frame, sizeof(frame)) < 0 && errno == EAGAIN,
	      "a read before RUN says %s", strerror(EAGAIN));
	check(poll(&ready, 1, 0) == 0, "poll says that there is nothing");
	if (run(fd)) {
		check(poll(&ready, 1, SILENCE_S * 1000) == 1 && ready.revents & POLLIN,
		      "poll wakes up for the first frame");
		check(read_frames(fd, &tally, BATCH) > 0, "then a read does not wait");
		verify(&tally);
	}
	close(fd);
}

/* A read that must fail, and with which errno. */
static void refused(int fd, void *to, size_t bytes, int wanted, const char *what)
{
	ssize_t got;

	errno = 0;
	got = read(fd, to, bytes);
	check(got < 0 && errno == wanted, "%s gives \"%s\" (got %zd, \"%s\")", what,
	      strerror(wanted), got, strerror(errno));
}

/* A read that is refused takes no frame away. */
static void refused_read_takes_no_frame(void)
{
	struct tally tally = { 0 };
	struct pollfd ready = { .events = POLLIN };
	struct kscapture_frame frame;
	int fd = device_open(0);

	if (fd < 0)
		return;
	refused(fd, &frame, 1, EINVAL, "a read of 1 byte");
	refused(fd, &frame, sizeof(frame) - 1, EINVAL, "a read of a frame less 1 byte");
	ready.fd = fd;
	if (run(fd) && check(poll(&ready, 1, SILENCE_S * 1000) == 1, "a frame comes")) {
		refused(fd, &frame, sizeof(frame) - 1, EINVAL, "a small read of a frame");
		refused(fd, (void *)8, sizeof(frame), EFAULT, "a read to a bad address");
		if (read_exactly(fd, &tally, 3))
			verify(&tally);
	}
	close(fd);
}

static void unknown_ioctl_is_refused(void)
{
	int fd = device_open(0);

	if (fd < 0)
		return;
	errno = 0;
	check(ioctl(fd, _IO('K', 0xaf)) < 0 && errno == ENOTTY, "an unknown ioctl says %s",
	      strerror(ENOTTY));
	errno = 0;
	check(ioctl(fd, KSCAPTURE_STATS, (void *)8) < 0 && errno == EFAULT,
	      "statistics to a bad address say %s", strerror(EFAULT));
	close(fd);
}

static void run_and_pause_may_be_repeated(void)
{
	struct tally tally = { 0 };
	int fd = device_open(0), i;

	if (fd < 0)
		return;
	if (!pause_device(fd) || !pause_device(fd))
		goto close;
	for (i = 0; i < 20; i++)
		if (!run(fd) || !run(fd) || !read_exactly(fd, &tally, 3) ||
		    !pause_device(fd) || !pause_device(fd))
			goto close;
	verify_silence(fd, &tally);
	verify(&tally);
close:
	close(fd);
}

static void open_and_close_while_streaming(void)
{
	int i;

	for (i = 0; i < 50; i++) {
		struct tally tally = { 0 };
		int fd = device_open(0);
		bool good;

		if (fd < 0)
			return;
		/* every third at once, the others with frames read and frames left */
		good = run(fd) && (i % 3 == 0 || read_exactly(fd, &tally, i % 3 * 5));
		if (tally.lost || tally.doubled || tally.damaged || tally.unaccounted)
			good = check(false, "the frames of turn %d are right", i);
		close(fd);
		if (!good)
			return;
	}
	check(true, "opened, streamed and closed %d times", i);
}

static void format_changes_while_streaming(void)
{
	struct tally tally = { 0 };
	struct kscapture_stats stats;
	int fd = device_open(0);

	if (fd < 0)
		return;
	if (!run(fd) || !read_exactly(fd, &tally, 5) || !set_format(fd, 100))
		goto close;
	/* what was captured before the change may still be on its way */
	stats = stats_of(fd);
	while (tally.next <= stats.produced)
		if (!read_exactly(fd, &tally, 1))
			goto close;
	check(tally.payload == 100, "frames after FORMAT have 100 bytes (%u)", tally.payload);
	if (!pause_device(fd) || !drain(fd, &tally) || !set_format(fd, 7) || !run(fd) ||
	    !read_exactly(fd, &tally, 3))
		goto close;
	check(tally.payload == 7, "FORMAT while paused holds after RUN (%u)", tally.payload);
	verify(&tally);
close:
	close(fd);
}

static void bad_format_is_refused(void)
{
	const __u32 bytes = KSCAPTURE_PAYLOAD_MAX + 1;
	struct tally tally = { 0 };
	int fd = device_open(0);

	if (fd < 0)
		return;
	if (!set_format(fd, 9))
		goto close;
	errno = 0;
	check(ioctl(fd, KSCAPTURE_FORMAT, &bytes) < 0 && errno == EINVAL,
	      "FORMAT %u says %s", bytes, strerror(EINVAL));
	errno = 0;
	check(ioctl(fd, KSCAPTURE_FORMAT, (void *)8) < 0 && errno == EFAULT,
	      "FORMAT from a bad address says %s", strerror(EFAULT));
	if (run(fd) && read_exactly(fd, &tally, 3))
		check(tally.payload == 9, "and the format is what it was (%u)", tally.payload);
close:
	close(fd);
}

/* For a module with a small depth: nobody reads until frames were dropped. */
static void slow_reader_sees_each_loss(void)
{
	struct tally tally = { .may_drop = true };
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	struct kscapture_stats stats = { 0 };
	int fd = device_open(0), i;

	if (fd < 0)
		return;
	if (!run(fd))
		goto close;
	for (i = 0; i < SILENCE_S * 100 && stats.dropped < 100; i++) {
		nanosleep(&tick, NULL);
		stats = stats_of(fd);
	}
	check(stats.dropped >= 100, "frames are dropped and counted when nobody reads");
	/* across the hole, to frames that were captured after it */
	if (!read_exactly(fd, &tally, 3 * stats.depth) || !pause_device(fd))
		goto close;
	verify_silence(fd, &tally);
	verify(&tally);
	stats = stats_of(fd);
	check(tally.lost == tally.dropped && tally.lost >= 100,
	      "the hole in the numbers (%llu) is what the frames say (%llu)",
	      tally.lost, tally.dropped);
	check(tally.received + stats.dropped == stats.produced,
	      "read %llu + dropped %llu = captured %llu", tally.received,
	      stats.dropped, stats.produced);
close:
	close(fd);
}

#define CASE(name) { #name, name }
static const struct {
	const char *name;
	void (*function)(void);
} cases[] = {
	CASE(second_opener_gets_ebusy),
	CASE(nonblocking_read_does_not_wait),
	CASE(refused_read_takes_no_frame),
	CASE(unknown_ioctl_is_refused),
	CASE(run_and_pause_may_be_repeated),
	CASE(open_and_close_while_streaming),
	CASE(format_changes_while_streaming),
	CASE(bad_format_is_refused),
	CASE(slow_reader_sees_each_loss),
};

static void print_help(FILE *to)
{
	unsigned int i;

	fprintf(to,
		"usage: kscapture-read [--frames N] [--verify] [--pause-test] [--tap]\n"
		"       kscapture-read --case NAME [--tap]\n"
		"Reads N frames (default 1000) from " DEVICE ".\n"
		"  --verify      check that none is lost, doubled, damaged or dropped\n"
		"  --pause-test  then pause, check that nothing comes, run, read N more\n"
		"  --tap         TAP instead of sentences\n"
		"  --case NAME   one of:");
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		fprintf(to, "\n      %s", cases[i].name);
	fprintf(to, "\n");
}

static int usage_error(void)
{
	print_help(stderr);
	return 2;
}

static void (*case_named(const char *name))(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, name))
			return cases[i].function;
	return NULL;
}

static bool number(const char *text, __u64 *to)
{
	char *end;

	errno = 0;
	*to = strtoull(text, &end, 10);
	return !errno && *end == '\0' && *text >= '0' && *text <= '9' && *to > 0;
}

struct request {
	__u64 frames;
	bool verified, pause_test;
	void (*only)(void);	/* a case, in place of all that */
};

/* 0, or the exit code with which to end, less 1. */
static int option_take(struct request *request, int option, const char *value)
{
	switch (option) {
	case 'n':
		return number(value, &request->frames) ? 0 : usage_error() + 1;
	case 'v':
		request->verified = true;
		return 0;
	case 'p':
		request->pause_test = true;
		return 0;
	case 't':
		tap = true;
		return 0;
	case 'c':
		request->only = case_named(value);
		return request->only ? 0 : usage_error() + 1;
	case 'h':
		print_help(stdout);
		return 1;
	default:
		return usage_error() + 1;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "frames", required_argument, NULL, 'n' },
		{ "verify", no_argument, NULL, 'v' },
		{ "pause-test", no_argument, NULL, 'p' },
		{ "tap", no_argument, NULL, 't' },
		{ "case", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const struct sigaction on_silence = { .sa_handler = on_alarm };	/* no SA_RESTART */
	struct request request = { .frames = 1000 };
	int option, end;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		end = option_take(&request, option, optarg);
		if (end)
			return end - 1;
	}
	if (optind < argc)
		return usage_error();

	setlinebuf(stdout);
	sigaction(SIGALRM, &on_silence, NULL);
	if (request.only)
		request.only();
	else
		frames_and_pause(request.frames, request.verified, request.pause_test);
	return summary();
}
