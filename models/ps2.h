/* SPDX-License-Identifier: MIT */
/*
 * The two devices behind the i8042: each takes bytes from the controller and
 * has bytes for it. Everything runs with the controller's lock held, but for
 * the timers, which take it. A device tells its controller by `ready` when it
 * may have something to send.
 */
#ifndef MODEL_PS2_H
#define MODEL_PS2_H

#include "base/lock.h"
#include "hal/hal.h"

#define PS2_FIFO   16 /* what a keyboard holds */
#define PS2_EVENTS 1024

enum ps2_command { PS2_RESEND_ANSWER = 0xFE, PS2_ACK = 0xFA, PS2_BAT_PASSED = 0xAA, PS2_RESET = 0xFF };

struct ps2_fifo {
    UCHAR bytes[PS2_FIFO];
    unsigned count;
};

static inline bool ps2_put(struct ps2_fifo *fifo, UCHAR byte)
{
    if (fifo->count == PS2_FIFO)
        return false;
    fifo->bytes[fifo->count++] = byte;
    return true;
}

static inline bool ps2_take(struct ps2_fifo *fifo, UCHAR *byte)
{
    if (fifo->count == 0)
        return false;
    *byte = fifo->bytes[0];
    __builtin_memmove(fifo->bytes, fifo->bytes + 1, --fifo->count);
    return true;
}

struct ps2_link { /* what a device knows of its controller */
    rl_lock *lock;
    void (*ready)(void *controller);
    void *controller;
};

/* ---- keyboard ---- */

/* A key: its code in scan code set 2, with PS2_E0 if that has the prefix. */
#define PS2_E0           0x100
#define PS2_PAUSE        0x177 /* a sequence of its own, and no release */
#define PS2_PRINT_SCREEN 0x17C

struct ps2_key_event {
    USHORT key;
    bool pressed;
};

struct ps2_keyboard {
    struct ps2_link link;
    struct hal_timer timer; /* the self test's end, or the next repetition */
    struct ps2_fifo answers, codes;
    struct ps2_key_event events[PS2_EVENTS]; /* what is still to be typed, a ring */
    unsigned first, pending;
    UCHAR command; /* whose parameter is awaited; 0: none */
    UCHAR set;     /* 1 or 2 */
    UCHAR leds, typematic, last_sent;
    USHORT repeated; /* the key that is held; 0: none */
    bool scanning, testing;
};

void ps2_keyboard_init(struct ps2_keyboard *keyboard, const struct ps2_link *link);
void ps2_keyboard_write(struct ps2_keyboard *keyboard, UCHAR byte);
bool ps2_keyboard_take(struct ps2_keyboard *keyboard, UCHAR *byte);
bool ps2_keyboard_has(const struct ps2_keyboard *keyboard);
bool ps2_keyboard_type(struct ps2_keyboard *keyboard, USHORT key, bool pressed); /* false: no room */

/* A code of set 2 as the controller and set 1 have it. */
UCHAR ps2_translated(UCHAR code);

/* ---- mouse ---- */

enum { PS2_LEFT_BUTTON = 1, PS2_RIGHT_BUTTON = 2, PS2_MIDDLE_BUTTON = 4 };

struct ps2_mouse_event {
    SHORT dx, dy, wheel; /* dy: up is positive */
    UCHAR buttons;
};

struct ps2_mouse {
    struct ps2_link link;
    struct hal_timer timer; /* the self test's end, or the next sample */
    struct ps2_fifo answers, packet;
    struct ps2_mouse_event events[PS2_EVENTS];
    unsigned first, pending;
    UCHAR command, resolution, rate, last_sent, id;
    UCHAR rates[3]; /* the last ones that were set: a sequence makes it a wheel mouse */
    UCHAR buttons;
    SHORT dx, dy, wheel; /* since the last packet */
    bool double_scaling, remote, wrap, reporting, testing, sampling;
};

void ps2_mouse_init(struct ps2_mouse *mouse, const struct ps2_link *link);
void ps2_mouse_write(struct ps2_mouse *mouse, UCHAR byte);
bool ps2_mouse_take(struct ps2_mouse *mouse, UCHAR *byte);
bool ps2_mouse_has(const struct ps2_mouse *mouse);
bool ps2_mouse_move(struct ps2_mouse *mouse, const struct ps2_mouse_event *event); /* false: no room */

/* ---- text ---- */

/* The key of a name ("a", "enter", "f1"); 0: none. shift: the character needs it. */
USHORT ps2_key_by_name(const char *name);
USHORT ps2_key_of_character(char c, bool *shift);

#endif
