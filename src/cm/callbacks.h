/* SPDX-License-Identifier: MIT */
/*
 * Registry callbacks as the services use them: a notice describes one
 * operation and goes through every registered routine before and after it. No
 * lock is held while a routine runs.
 */
#ifndef CM_CALLBACKS_H
#define CM_CALLBACKS_H

#include "cm/store.h"

#define CM_CALLS_LARGEST 16 /* registrations there can be */

struct cm_registration {
    LIST_ENTRY link; /* by altitude, the highest first; those of CmRegisterCallback, without one, last */
    LONG running;    /* atomic */
    LONGLONG cookie;
    PEX_CALLBACK_FUNCTION routine;
    void *context;
    UNICODE_STRING altitude; /* storage follows */
};

struct cm_call {
    struct cm_registration *registration;
    void *context; /* the routine's own, from before to after */
};

struct cm_notice {
    REG_NOTIFY_CLASS before, after;
    void *information; /* what Argument2 points to before */
    void **contexts;   /* in it: CallContext, behind it ObjectContext */
    void *object;      /* the key object that it is about; for a create or open the one to begin at */
    bool makes_object; /* after, the object is the one that was opened: `made`, or NULL */
    void *made;
    unsigned count;
    struct cm_call calls[CM_CALLS_LARGEST];
};

/* False: a routine refused or did it; *status is the operation's, and nothing has to follow. True: do it,
 * then cm_notify_after. */
bool cm_notify_before(struct cm_notice *notice, NTSTATUS *status);
NTSTATUS cm_notify_after(struct cm_notice *notice, NTSTATUS status);
bool cm_notify_wanted(void);
/* An operation on a key object, between both; the first member of its information becomes the object. */
NTSTATUS cm_notified(struct cm_notice *notice, void *object, NTSTATUS (*operation)(void *), void *argument);

/* One call of one routine. */
NTSTATUS cm_run_routine(struct cm_registration *registration, REG_NOTIFY_CLASS class, void *argument);
/* By cookie, with `running` counted up; NULL: none. */
struct cm_registration *cm_registration_take(LONGLONG cookie);
void cm_registration_give(struct cm_registration *registration);

/* callback_context.c */
void *cm_object_context(const void *object, const struct cm_registration *registration);
void cm_object_contexts_end(void *object);                               /* the object goes */
void cm_registration_contexts_end(struct cm_registration *registration); /* the routine goes */
void cm_callbacks_fini(void);
void cm_object_contexts_fini(void);

#endif
