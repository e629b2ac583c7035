/* SPDX-License-Identifier: MIT */
/*
 * An AT keyboard with 101 keys: scan code sets 1 and 2, its commands,
 * repetition of the key that is held. Codes wait in a FIFO of sixteen bytes;
 * what the user types beyond that waits until there is room, as if typed a
 * little later.
 */
#include "models/ps2.h"

enum {
    SET_LEDS = 0xED,
    ECHO = 0xEE,
    SELECT_SET = 0xF0,
    IDENTIFY = 0xF2,
    SET_TYPEMATIC = 0xF3,
    ENABLE = 0xF4,
    DISABLE = 0xF5,
    SET_DEFAULTS = 0xF6,
    ALL_KEYS_FIRST = 0xF7, /* to 0xFA: for set 3 only, accepted */
    RESEND = 0xFE,
    BREAK_PREFIX = 0xF0,
    EXTENDED = 0xE0,
    EXTENDED_1 = 0xE1,
    LONGEST_CODE = 8,        /* of a key's press or release */
    DEFAULT_TYPEMATIC = 0x2B /* 10.9 a second, after half a second */
};

#define SELF_TEST_NS 100000000ull

/* The smallest that this keyboard types is a whole key, or its code would be cut. */
static bool has_room(const struct ps2_keyboard *keyboard)
{
    return keyboard->codes.count + LONGEST_CODE <= PS2_FIFO;
}

/* ---- scan codes ---- */

static void put_code(struct ps2_keyboard *keyboard, UCHAR code, bool pressed)
{
    if (keyboard->set == 1) {
        ps2_put(&keyboard->codes, (UCHAR)(ps2_translated(code) | (pressed ? 0 : 0x80)));
        return;
    }
    if (!pressed)
        ps2_put(&keyboard->codes, BREAK_PREFIX);
    ps2_put(&keyboard->codes, code);
}

static void put_extended(struct ps2_keyboard *keyboard, UCHAR code, bool pressed)
{
    ps2_put(&keyboard->codes, EXTENDED);
    put_code(keyboard, code, pressed);
}

/* Pause sends its release at once; print screen comes with a shift that is none. */
static void put_key(struct ps2_keyboard *keyboard, USHORT key, bool pressed)
{
    if (key == PS2_PAUSE) {
        for (unsigned i = 0; pressed && i < 2; i++) {
            ps2_put(&keyboard->codes, EXTENDED_1);
            put_code(keyboard, 0x14, i == 0);
            put_code(keyboard, 0x77, i == 0);
        }
    } else if (key == PS2_PRINT_SCREEN) {
        put_extended(keyboard, pressed ? 0x12 : 0x7C, pressed);
        put_extended(keyboard, pressed ? 0x7C : 0x12, pressed);
    } else if (key & PS2_E0) {
        put_extended(keyboard, (UCHAR)key, pressed);
    } else {
        put_code(keyboard, (UCHAR)key, pressed);
    }
}

/* ---- repetition ---- */

static uint64_t delay_ns(const struct ps2_keyboard *keyboard)
{
    return (1 + (keyboard->typematic >> 5 & 3)) * 250000000ull;
}

static uint64_t period_ns(const struct ps2_keyboard *keyboard)
{
    return (uint64_t)(8 + (keyboard->typematic & 7)) * (1u << (keyboard->typematic >> 3 & 3)) * 4170000ull;
}

static void repeat_from_now(struct ps2_keyboard *keyboard, USHORT key)
{
    keyboard->repeated = key;
    if (key != 0 && !keyboard->testing)
        hal_timer_start(&keyboard->timer, delay_ns(keyboard));
}

static void note_held(struct ps2_keyboard *keyboard, const struct ps2_key_event *event)
{
    if (event->pressed && event->key != PS2_PAUSE)
        repeat_from_now(keyboard, event->key);
    else if (event->key == keyboard->repeated)
        keyboard->repeated = 0;
}

/* What was typed goes to the FIFO as far as there is room; a keyboard that does not scan sees nothing of it.
 */
static void type_pending(struct ps2_keyboard *keyboard)
{
    while (keyboard->pending != 0 && !keyboard->testing && has_room(keyboard)) {
        const struct ps2_key_event *event = &keyboard->events[keyboard->first];

        keyboard->first = (keyboard->first + 1) % PS2_EVENTS;
        keyboard->pending--;
        if (!keyboard->scanning)
            continue;
        put_key(keyboard, event->key, event->pressed);
        note_held(keyboard, event);
    }
}

static void repeat(struct ps2_keyboard *keyboard)
{
    if (keyboard->repeated == 0 || !keyboard->scanning)
        return;
    if (keyboard->pending == 0 && has_room(keyboard))
        put_key(keyboard, keyboard->repeated, true);
    hal_timer_start(&keyboard->timer, period_ns(keyboard));
}

/* ---- commands ---- */

static void answer(struct ps2_keyboard *keyboard, UCHAR byte)
{
    ps2_put(&keyboard->answers, byte);
}

static void set_defaults(struct ps2_keyboard *keyboard, bool scanning)
{
    keyboard->typematic = DEFAULT_TYPEMATIC;
    keyboard->set = 2;
    keyboard->repeated = 0;
    keyboard->codes.count = 0;
    keyboard->scanning = scanning;
}

static void reset(struct ps2_keyboard *keyboard)
{
    set_defaults(keyboard, false);
    keyboard->leds = 0;
    keyboard->testing = true;
    hal_timer_start(&keyboard->timer, SELF_TEST_NS);
}

static void take_parameter(struct ps2_keyboard *keyboard, UCHAR command, UCHAR value)
{
    bool valid = command == SET_LEDS ? value <= 7 : command == SELECT_SET ? value <= 2 : value <= 0x7F;

    if (!valid) {
        keyboard->command = command;
        answer(keyboard, PS2_RESEND_ANSWER);
        return;
    }
    answer(keyboard, PS2_ACK);
    if (command == SET_LEDS)
        keyboard->leds = value;
    else if (command == SET_TYPEMATIC)
        keyboard->typematic = value;
    else if (value == 0)
        answer(keyboard, keyboard->set);
    else
        keyboard->set = value;
}

static void take_command(struct ps2_keyboard *keyboard, UCHAR command)
{
    if (command == ECHO || command < SET_LEDS || (command > ECHO && command < SELECT_SET) ||
        command == 0xF1 || command == RESEND || (command > 0xFA && command < RESEND)) {
        answer(keyboard, command == ECHO     ? ECHO
                         : command == RESEND ? keyboard->last_sent
                                             : PS2_RESEND_ANSWER);
        return;
    }
    answer(keyboard, PS2_ACK);
    if (command == SET_LEDS || command == SELECT_SET || command == SET_TYPEMATIC) {
        keyboard->command = command;
    } else if (command == IDENTIFY) {
        answer(keyboard, 0xAB);
        answer(keyboard, 0x83);
    } else if (command == ENABLE) {
        keyboard->codes.count = 0;
        keyboard->scanning = true;
    } else if (command == DISABLE || command == SET_DEFAULTS) {
        set_defaults(keyboard, command == SET_DEFAULTS);
    } else if (command == PS2_RESET) {
        reset(keyboard);
    }
}

/* ---- the controller's side ---- */

/* A byte of which its awaited parameter cannot be one ends that command and is one itself. */
void ps2_keyboard_write(struct ps2_keyboard *keyboard, UCHAR byte)
{
    UCHAR command = keyboard->command;

    if (keyboard->testing)
        return;
    keyboard->command = 0;
    keyboard->answers.count = 0;
    if (command != 0 && byte < SET_LEDS)
        take_parameter(keyboard, command, byte);
    else
        take_command(keyboard, byte);
}

bool ps2_keyboard_has(const struct ps2_keyboard *keyboard)
{
    return keyboard->answers.count != 0 || keyboard->codes.count != 0;
}

bool ps2_keyboard_take(struct ps2_keyboard *keyboard, UCHAR *byte)
{
    bool taken = ps2_take(&keyboard->answers, byte) || ps2_take(&keyboard->codes, byte);

    if (taken)
        keyboard->last_sent = *byte;
    type_pending(keyboard);
    return taken;
}

bool ps2_keyboard_type(struct ps2_keyboard *keyboard, USHORT key, bool pressed)
{
    unsigned at = (keyboard->first + keyboard->pending) % PS2_EVENTS;

    if (keyboard->pending == PS2_EVENTS)
        return false;
    keyboard->events[at] = (struct ps2_key_event){key, pressed};
    keyboard->pending++;
    type_pending(keyboard);
    return true;
}

static void timer_due(void *context)
{
    struct ps2_keyboard *keyboard = context;

    rl_lock_acquire(keyboard->link.lock);
    if (keyboard->testing) {
        keyboard->testing = false;
        keyboard->scanning = true;
        answer(keyboard, PS2_BAT_PASSED);
        type_pending(keyboard);
    } else {
        repeat(keyboard);
    }
    keyboard->link.ready(keyboard->link.controller);
    rl_lock_release(keyboard->link.lock);
}

void ps2_keyboard_init(struct ps2_keyboard *keyboard, const struct ps2_link *link)
{
    keyboard->link = *link;
    hal_timer_init(&keyboard->timer, timer_due, keyboard);
    set_defaults(keyboard, true);
}
