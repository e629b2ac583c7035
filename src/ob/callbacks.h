/* SPDX-License-Identifier: MIT */
/* Telling registered routines (ObRegisterCallbacks) of a handle, before and after it is made. */
#ifndef OB_CALLBACKS_H
#define OB_CALLBACKS_H

#include "ob/object.h"

#define OB_CALLS_LARGEST 32 /* entries of all registrations together */

struct ob_call {
    struct ob_registration *registration;
    const OB_OPERATION_REGISTRATION *entry;
    void *context; /* the routine's own, from before to after */
};

struct ob_watched {
    OB_OPERATION operation;
    bool kernel;
    void *source, *target; /* processes, of a duplication */
    unsigned count;
    struct ob_call calls[OB_CALLS_LARGEST];
};

/* False: nobody listens. Else *granted may have become less, and ob_callbacks_after has to follow. */
bool ob_callbacks_before(struct ob_watched *w, void *body, bool kernel, const struct ob_open_request *request,
                         ACCESS_MASK *granted);
void ob_callbacks_after(struct ob_watched *w, void *body, NTSTATUS status, ACCESS_MASK granted);
void ob_callbacks_fini(void);

#endif
