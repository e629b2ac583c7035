/* SPDX-License-Identifier: MIT */
/* The drivers' callbacks at a bug check: run once, at HIGH_LEVEL, on the failing VP. */
#ifndef KE_BUGCHECK_H
#define KE_BUGCHECK_H

void bugcheck_callbacks_init(void);
void bugcheck_callbacks_run(void);

#endif
