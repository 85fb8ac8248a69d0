/* SPDX-License-Identifier: GPL-2.0 */
/* Held windows of ksworker_io.c; its hooks have no worker, so a window is armed for NULL. */
#ifndef _KSWORKER_KUNIT_IO_HOLD_H
#define _KSWORKER_KUNIT_IO_HOLD_H

#include "hold.h"
#include "io.h"

int io_hold_init(struct kunit *test);
void io_hold_exit(struct kunit *test);
void pool_stop(struct fixture *f);
void pool_go(void);

#endif /* _KSWORKER_KUNIT_IO_HOLD_H */
