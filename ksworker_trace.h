/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints, system "ksworker"
 *
 * Those with a register function make all workers observed for as long as they are
 * on: see ksworker_observe.c. Of the item they tell the address, and touch nothing.
 * "queue" stands in the trace before the item's "begin", and "end" before the next
 * "begin" of its worker.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ksworker

#if !defined(_KSWORKER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KSWORKER_TRACE_H

#include <linux/module.h>
#include <linux/tracepoint.h>

#include "ksworker_internal.h"

DECLARE_EVENT_CLASS(ksworker_life,
	TP_PROTO(struct ksworker *w),
	TP_ARGS(w),
	TP_STRUCT__entry(
		__field(unsigned int, worker)
		__field(unsigned int, type)
		__field(unsigned int, flags)
		__array(char, owner, MODULE_NAME_LEN)
	),
	TP_fast_assign(
		__entry->worker = w->id;
		__entry->type = w->type;
		__entry->flags = READ_ONCE(w->flags) & (KSWORKER_BACKLOG | KSWORKER_MEM_RECLAIM);
		strscpy(__entry->owner, w->owner ? w->owner->name : "-", MODULE_NAME_LEN);
	),
	TP_printk("worker=%u owner=%s type=%u flags=%u",
		  __entry->worker, __entry->owner, __entry->type, __entry->flags)
);

/* The worker is there. */
DEFINE_EVENT(ksworker_life, ksworker_register,
	TP_PROTO(struct ksworker *w), TP_ARGS(w));

/* Its gate is closed: what comes later is refused. */
DEFINE_EVENT(ksworker_life, ksworker_close,
	TP_PROTO(struct ksworker *w), TP_ARGS(w));

/* It has drained and goes. */
DEFINE_EVENT(ksworker_life, ksworker_unregister,
	TP_PROTO(struct ksworker *w), TP_ARGS(w));

DECLARE_EVENT_CLASS(ksworker_work,
	TP_PROTO(struct ksworker *w, const void *item, const void *routine),
	TP_ARGS(w, item, routine),
	TP_STRUCT__entry(
		__field(const void *, item)
		__field(const void *, routine)
		__field(unsigned int, worker)
		__array(char, owner, MODULE_NAME_LEN)
	),
	TP_fast_assign(
		__entry->item = item;
		__entry->routine = routine;
		__entry->worker = w->id;
		strscpy(__entry->owner, w->owner ? w->owner->name : "-", MODULE_NAME_LEN);
	),
	TP_printk("worker=%u owner=%s item=%p routine=%ps",
		  __entry->worker, __entry->owner, __entry->item, __entry->routine)
);

/* The routine is going to be called. */
DEFINE_EVENT_FN(ksworker_work, ksworker_begin,
	TP_PROTO(struct ksworker *w, const void *item, const void *routine),
	TP_ARGS(w, item, routine),
	ksworker_observe, ksworker_unobserve);

/* It has returned. Told when the worker has looked what is next. */
DEFINE_EVENT_FN(ksworker_work, ksworker_end,
	TP_PROTO(struct ksworker *w, const void *item, const void *routine),
	TP_ARGS(w, item, routine),
	ksworker_observe, ksworker_unobserve);

TRACE_EVENT_FN(ksworker_queue,
	TP_PROTO(struct ksworker *w, const void *item, const void *routine, s32 status,
		 void *caller),
	TP_ARGS(w, item, routine, status, caller),
	TP_STRUCT__entry(
		__field(const void *, item)
		__field(const void *, routine)
		__field(void *, caller)
		__field(s32, status)
		__field(unsigned int, worker)
		__array(char, owner, MODULE_NAME_LEN)
	),
	TP_fast_assign(
		__entry->item = item;
		__entry->routine = routine;
		__entry->caller = caller;
		__entry->status = status;
		__entry->worker = w->id;
		strscpy(__entry->owner, w->owner ? w->owner->name : "-", MODULE_NAME_LEN);
	),
	TP_printk("worker=%u owner=%s item=%p routine=%ps status=%s caller=%pS",
		  __entry->worker, __entry->owner, __entry->item, __entry->routine,
		  __print_symbolic(__entry->status,
				   { (s32)0x00000000, "SUCCESS" },
				   { (s32)0x80000011, "DEVICE_BUSY" },
				   { (s32)0xc000000d, "INVALID_PARAMETER" },
				   { (s32)0xc0000056, "DELETE_PENDING" },
				   { (s32)0xc00000b5, "IO_TIMEOUT" },
				   { (s32)0xc0000194, "POSSIBLE_DEADLOCK" }),
		  __entry->caller),
	ksworker_observe, ksworker_unobserve);

TRACE_EVENT_FN(ksworker_cancel,
	TP_PROTO(struct ksworker *w, const void *item, const void *routine, void *caller),
	TP_ARGS(w, item, routine, caller),
	TP_STRUCT__entry(
		__field(const void *, item)
		__field(const void *, routine)
		__field(void *, caller)
		__field(unsigned int, worker)
		__array(char, owner, MODULE_NAME_LEN)
	),
	TP_fast_assign(
		__entry->item = item;
		__entry->routine = routine;
		__entry->caller = caller;
		__entry->worker = w->id;
		strscpy(__entry->owner, w->owner ? w->owner->name : "-", MODULE_NAME_LEN);
	),
	TP_printk("worker=%u owner=%s item=%p routine=%ps caller=%pS",
		  __entry->worker, __entry->owner, __entry->item, __entry->routine,
		  __entry->caller),
	ksworker_observe, ksworker_unobserve);

TRACE_EVENT_FN(ksworker_count,
	TP_PROTO(struct ksworker *w, int change, unsigned int count, void *caller),
	TP_ARGS(w, change, count, caller),
	TP_STRUCT__entry(
		__field(const void *, item)
		__field(void *, caller)
		__field(int, change)
		__field(unsigned int, count)
		__field(unsigned int, worker)
		__array(char, owner, MODULE_NAME_LEN)
	),
	TP_fast_assign(
		__entry->item = w->counted;
		__entry->caller = caller;
		__entry->change = change;
		__entry->count = count;
		__entry->worker = w->id;
		strscpy(__entry->owner, w->owner ? w->owner->name : "-", MODULE_NAME_LEN);
	),
	TP_printk("worker=%u owner=%s item=%p change=%d count=%u caller=%pS",
		  __entry->worker, __entry->owner, __entry->item, __entry->change,
		  __entry->count, __entry->caller),
	ksworker_observe, ksworker_unobserve);

#endif /* _KSWORKER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE ksworker_trace
#include <trace/define_trace.h>
