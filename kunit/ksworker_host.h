/* SPDX-License-Identifier: GPL-2.0 */
/* What ksworker_host.c lends to ksworker_lodger.c. */
#ifndef _KSWORKER_HOST_H
#define _KSWORKER_HOST_H

#include "../ksworker.h"

extern PKSWORKER host_strict, host_backlog;

bool host_occupy(void);
void host_go_on(void);
bool host_relay(PWORK_QUEUE_ITEM item);
PKSWORKER host_register(PWORK_QUEUE_ITEM item);

#endif /* _KSWORKER_HOST_H */
