/* SPDX-License-Identifier: MIT */
/*
 * Answers of variable size. A reply is put together in pool under the
 * registry's lock, and goes to the caller after it is released.
 */
#ifndef CM_QUERY_H
#define CM_QUERY_H

#include "cm/store.h"

struct cm_reply {
    char *bytes;
    ULONG size;  /* of the whole answer */
    ULONG fixed; /* of the part that must fit, else STATUS_BUFFER_TOO_SMALL */
};

NTSTATUS cm_reply_start(struct cm_reply *reply, ULONG size, ULONG fixed); /* zeroed bytes */
void cm_reply_put(struct cm_reply *reply, ULONG offset, const void *data, ULONG length);
/* Writes as much as fits; frees the reply. STATUS_BUFFER_OVERFLOW: the fixed part and some of the rest
 * fitted. */
NTSTATUS cm_reply_give(struct cm_reply *reply, void *buffer, ULONG length, ULONG *result_length,
                       KPROCESSOR_MODE mode);

NTSTATUS cm_reply_key(struct cm_reply *reply, const struct cm_key *key, KEY_INFORMATION_CLASS class);
NTSTATUS cm_reply_value(struct cm_reply *reply, const struct cm_value *value,
                        KEY_VALUE_INFORMATION_CLASS class);

#endif
