/* SPDX-License-Identifier: MIT */
/*
 * A dispatcher for tests: one host thread plays all NT threads in turn. A wait
 * on an event that is not signaled calls the test's hook, which plays what the
 * others do meanwhile; the wait then has to be satisfied.
 */
#ifndef FAKES_KE_H
#define FAKES_KE_H

#include "../mm/fakes.h"
#include "ke/routines.h"
#include "mm/mm.h"

extern void (*fake_wait_hook)(void);
extern unsigned fake_waits; /* how many waits found nothing signaled */
extern KIRQL fake_irql;
void fake_be_thread(struct ke_thread *thread); /* who ke_thread() is from now on */
int fake_ex_start(void **state);

#endif
