/* SPDX-License-Identifier: MIT */
/*
 * Device models by name: what `--model NAME[,key=value...]` means. A model is
 * C on top of hal (ports, device memory, interrupt lines, timers); it is made
 * once, before the driver that uses it, and lives as long as the machine.
 *
 * create, input, stop and destroy run on the host side: on a thread that holds
 * no virtual processor, with host_alloc and files at hand and nothing of NT.
 * Register accesses come from any virtual processor, timers from anywhere (see
 * hal/hal.h): a model guards its state with an rl_lock of its own, and calls
 * hal_set_pin and hal_timer_start with it held if it likes, but never
 * hal_timer_stop, which waits for the timer's routine.
 */
#ifndef MODEL_H
#define MODEL_H

#include "base/base.h"
#include "nt/nt.h"

#define MODEL_ARGUMENTS 16

struct model_argument {
    const char *key, *value; /* value "" if there is none */
};

/* A description taken apart. Owns its text. */
struct model_description {
    char text[256];
    const char *name;
    const char *instance; /* the value of the key `name`, which every model takes; NULL if not given */
    struct model_argument arguments[MODEL_ARGUMENTS];
    unsigned count;
};

#define MODEL_NAME_BYTES 32

struct hal_pin;
struct model;
struct model_ops {
    /* What `model-input NAME DATA` means to this device. On failure *message has one line. NULL: it takes
     * none. */
    NTSTATUS (*input)(struct model *model, const void *data, size_t length, char *message, size_t size);
    /* The machine ends: whatever works by itself (a thread, a backend) does no more. Drivers may still touch
     * registers. NULL: nothing to do. */
    void (*stop)(struct model *model);
    /* No driver runs any more: gives back what it has, ranges included. */
    void (*destroy)(struct model *model);
};

/* A device that was made. Part of the model's own structure. */
struct model {
    LIST_ENTRY link;
    const struct model_ops *ops;
    struct hal_pin *pin; /* the line it interrupts by; NULL: none */
    const char *place;   /* where the outside reaches it, as /dev/pts/3; NULL or "": nowhere */
    char name[MODEL_NAME_BYTES];
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

/*
 * What create calls last, with the device ready: enters it under the name that the description gives with
 * name=, else under its type's name, with a number from the second on (uart16550, uart16550-2). From here on
 * the registry ends it. STATUS_OBJECT_NAME_COLLISION: the name is taken, and *message says so.
 */
NTSTATUS model_register(struct model *model, const struct model_description *description, char *message,
                        size_t size);
void model_unregister(struct model *model); /* what create could not finish */
/* The device that was made with the number index; NULL: there are fewer. */
struct model *model_at(unsigned index);
struct model *model_find(const char *name); /* NULL: there is none */
/* Hands data to a model's input operation. */
NTSTATUS model_input(const char *name, const void *data, size_t length, char *message, size_t size);
void model_stop_all(void);    /* before the processors stop */
void model_destroy_all(void); /* after they did */

#endif
