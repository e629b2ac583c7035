/* SPDX-License-Identifier: MIT */
/* The drivers' callbacks at a bug check: run once, at HIGH_LEVEL, on the failing VP; and what they said. */
#ifndef KE_BUGCHECK_H
#define KE_BUGCHECK_H

#include "base/base.h"
#include "nt/nt.h"

enum { BUGCHECK_NOTES = 16 };

struct bugcheck_note {
    KBUGCHECK_CALLBACK_REASON reason; /* KbCallbackInvalid: a plain callback, the data are its buffer */
    PUCHAR component;                 /* the driver's string */
    GUID guid;                        /* of secondary data */
    bool physical;                    /* data is a physical address */
    bool ours;                        /* data lies in our memory, not the driver's */
    const void *data;
    ULONG length;
};

void bugcheck_callbacks_init(void);
void bugcheck_callbacks_run(void);
void nmi_init(void);
unsigned bugcheck_notes(const struct bugcheck_note **first);

#endif
