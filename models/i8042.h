/* SPDX-License-Identifier: MIT */
/*
 * The keyboard controller with its two devices: i8042.c has the registers and
 * commands, i8042_input.c what a user does.
 */
#ifndef MODEL_I8042_H
#define MODEL_I8042_H

#include "models/model.h"
#include "models/ps2.h"

struct i8042_byte {
    UCHAR value;
    bool from_mouse;
};

#define I8042_ANSWERS 8

struct i8042 {
    struct model model;
    struct hal_port_range data, command_status;
    struct hal_pin keyboard_pin, mouse_pin; /* IRQ 1 and 12 */
    struct hal_timer wire;                  /* a byte of a device is on its way */
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
    rl_lock lock;
    /* Under the lock. */
    UCHAR memory[32]; /* byte 0 is the command byte */
    UCHAR output_port, pending_command;
    bool last_was_command;
    struct i8042_byte output; /* the output buffer */
    bool output_full, on_wire;
    struct i8042_byte answers[I8042_ANSWERS]; /* the controller's own, behind the output buffer */
    unsigned answer_count;
};

/* What the text of model-input does to the devices. False: message says what is wrong; nothing was done. */
bool i8042_type_text(struct i8042 *controller, const char *text, size_t length, char *message, size_t size);

extern const struct model_type model_i8042;

#endif
