/* SPDX-License-Identifier: MIT */
/*
 * Device models by name: what `--model NAME[,key=value...]` means. A model is
 * C on top of hal (ports, device memory, MSRs); it is made once, before the
 * driver that uses it, and lives as long as the machine.
 */
#ifndef MODEL_H
#define MODEL_H

#include "base/base.h"

#define MODEL_ARGUMENTS 16

struct model_argument {
    const char *key, *value; /* value "" if there is none */
};

/* A description taken apart. Owns its text. */
struct model_description {
    char text[256];
    const char *name;
    struct model_argument arguments[MODEL_ARGUMENTS];
    unsigned count;
};

struct model_type {
    const char *name;
    const char *synopsis; /* "ram,size=BYTES: ..." */
    /* Makes the device. On failure *message has one line. */
    NTSTATUS (*create)(const struct model_description *description, char *message, size_t size);
};

/* NULL-terminated. */
extern const struct model_type *const model_types[];

/* Splits a description; false: message says what is wrong with it. */
bool model_parse(struct model_description *description, const char *text, char *message, size_t size);
/* The value of a key, NULL if it is not given. */
const char *model_value(const struct model_description *description, const char *key);
/* Fails with a message that names the first key which is not in the NULL-terminated list. */
bool model_only_keys(const struct model_description *description, const char *const *keys, char *message,
                     size_t size);
/* A number: decimal or 0x..., with a suffix K, M or G. */
bool model_number(const char *text, uint64_t *value);

/* Makes the model that text describes, in the machine that is there. */
NTSTATUS model_add(const char *text, char *message, size_t size);
/* Before there is a machine: the RAM size that text asks for, if it is a description of RAM. */
bool model_ram_size(const char *text, uint64_t *bytes);

#endif
