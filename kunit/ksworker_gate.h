/* SPDX-License-Identifier: GPL-2.0 */
/* What ksworker_gate.c lends to ksworker_hopper.c. */
#ifndef _KSWORKER_GATE_H
#define _KSWORKER_GATE_H

#include "../ksworker.h"

extern PKSWORKER gate_workers[3];

void gate_open(const char *mode);
bool gate_turn(int place);
void gate_left(void);
void gate_arrived(void);
void gate_stays(PVOID parameter);
void gate_fill(void);

extern PIO_WORKITEM gate_item;

#endif /* _KSWORKER_GATE_H */
