/* SPDX-License-Identifier: MIT */
/* How the two drivers of the fault stress talk: Parameters.Write.Length is where the fault is handled, .Key
 * which. */
#ifndef FAULT_H
#define FAULT_H

#include "stress.h"

#define NOINLINE __attribute__((noinline))

enum where { HANDLED_BELOW, CROSSES, TIDIED_BELOW, CHANGED_BELOW, HERE, WHERE_COUNT };

#endif
