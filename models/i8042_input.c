/* SPDX-License-Identifier: MIT */
/*
 * What a user does, as text: characters are typed on a US keyboard; {enter},
 * {ctrl+alt+delete} are keys by name, pressed together and released; {+shift}
 * only presses, {-shift} only releases; {mouse 10 -5} moves, {lbutton} clicks,
 * {+lbutton} and {-lbutton} press and release. {{ is a brace. The text is
 * checked as a whole before anything of it happens.
 */
#include "models/i8042.h"
#include "host/host.h"

#define KEY_SHIFT  0x12
#define NAME_BYTES 48
#define CHORD      8

struct typing {
    struct i8042 *controller;
    bool dry; /* only check */
    unsigned keys, moves;
    UCHAR buttons;
    const char *wrong; /* the piece that is not understood */
};

static void key(struct typing *typing, USHORT code, bool pressed)
{
    if (typing->dry)
        typing->keys++;
    else
        ps2_keyboard_type(&typing->controller->keyboard, code, pressed);
}

static void mouse(struct typing *typing, int dx, int dy, int wheel)
{
    struct ps2_mouse_event event = {(SHORT)dx, (SHORT)dy, (SHORT)wheel, typing->buttons};

    if (typing->dry)
        typing->moves++;
    else
        ps2_mouse_move(&typing->controller->mouse, &event);
}

static bool type_character(struct typing *typing, char c)
{
    bool shift;
    USHORT code = ps2_key_of_character(c, &shift);

    if (code == 0)
        return false;
    if (shift)
        key(typing, KEY_SHIFT, true);
    key(typing, code, true);
    key(typing, code, false);
    if (shift)
        key(typing, KEY_SHIFT, false);
    return true;
}

/* ---- in braces ---- */

static UCHAR button_of(const char *name)
{
    return __builtin_strcmp(name, "lbutton") == 0   ? PS2_LEFT_BUTTON
           : __builtin_strcmp(name, "rbutton") == 0 ? PS2_RIGHT_BUTTON
           : __builtin_strcmp(name, "mbutton") == 0 ? PS2_MIDDLE_BUTTON
                                                    : 0;
}

static void button(struct typing *typing, UCHAR bit, bool press, bool release)
{
    if (press) {
        typing->buttons |= bit;
        mouse(typing, 0, 0, 0);
    }
    if (release) {
        typing->buttons &= (UCHAR)~bit;
        mouse(typing, 0, 0, 0);
    }
}

static const char *read_number(const char *text, int *value)
{
    bool negative;

    while (*text == ' ')
        text++;
    negative = *text == '-';
    text += negative;
    if (*text < '0' || *text > '9')
        return NULL;
    for (*value = 0; *text >= '0' && *text <= '9' && *value < 10000; text++)
        *value = *value * 10 + (*text - '0');
    if (negative)
        *value = -*value;
    return *value > 4096 || *value < -4096 ? NULL : text;
}

/* mouse DX DY [WHEEL]: right, up and away from the user are positive. */
static bool move_mouse(struct typing *typing, const char *text)
{
    int dx, dy, wheel = 0;

    text = read_number(text, &dx);
    text = text != NULL ? read_number(text, &dy) : NULL;
    if (text != NULL && *text != '\0')
        text = read_number(text, &wheel);
    if (text == NULL || *text != '\0')
        return false;
    mouse(typing, dx, dy, wheel);
    return true;
}

/* Keys that are joined by +, pressed in order and released backwards. */
static bool type_chord(struct typing *typing, char *names)
{
    USHORT keys[CHORD];
    unsigned count = 0;

    while (names != NULL) {
        char *next = names[0] != '\0' ? names + 1 : names; /* + itself is a key */
        while (*next != '\0' && *next != '+')
            next++;
        bool more = *next == '+';
        *next = '\0';
        if (count == CHORD || (keys[count++] = ps2_key_by_name(names)) == 0)
            return false;
        names = more ? next + 1 : NULL;
    }
    for (unsigned i = 0; i < count; i++)
        key(typing, keys[i], true);
    for (unsigned i = count; i-- > 0;)
        key(typing, keys[i], false);
    return true;
}

static bool press_or_release(struct typing *typing, const char *name, bool pressed)
{
    UCHAR bit = button_of(name);
    USHORT code = ps2_key_by_name(name);

    if (bit != 0)
        button(typing, bit, pressed, !pressed);
    else if (code != 0)
        key(typing, code, pressed);
    return bit != 0 || code != 0;
}

static bool type_braced(struct typing *typing, char *name)
{
    if ((name[0] == '+' || name[0] == '-') && name[1] != '\0')
        return press_or_release(typing, name + 1, name[0] == '+');
    if (button_of(name) != 0) {
        button(typing, button_of(name), true, true);
        return true;
    }
    if (__builtin_strncmp(name, "mouse ", 6) == 0)
        return move_mouse(typing, name + 6);
    return type_chord(typing, name);
}

/* One piece of the text; returns its length, 0 if it is not understood. */
static size_t type_piece(struct typing *typing, const char *text, size_t length)
{
    char name[NAME_BYTES];
    size_t end = 1;

    if (text[0] != '{')
        return type_character(typing, text[0]) ? 1 : 0;
    if (length > 1 && text[1] == '{')
        return type_character(typing, '{') ? 2 : 0;
    while (end < length && text[end] != '}')
        end++;
    if (end == length || end > NAME_BYTES)
        return 0;
    __builtin_memcpy(name, text + 1, end - 1);
    name[end - 1] = '\0';
    return type_braced(typing, name) ? end + 1 : 0;
}

static void type_all(struct typing *typing, const char *text, size_t length)
{
    for (size_t at = 0, step; at < length; at += step) {
        step = type_piece(typing, text + at, length - at);
        if (step == 0) {
            typing->wrong = text + at;
            return;
        }
    }
}

static bool check(struct i8042 *controller, const char *text, size_t length, char *message, size_t size)
{
    struct typing typing = {.controller = controller, .dry = true};

    type_all(&typing, text, length);
    if (typing.wrong != NULL) {
        size_t left = length - (size_t)(typing.wrong - text);

        host_snprintf(message, size, "no key or movement: %.*s", (int)MIN(left, (size_t)24), typing.wrong);
        return false;
    }
    if (typing.keys > PS2_EVENTS - controller->keyboard.pending ||
        typing.moves > PS2_EVENTS - controller->mouse.pending) {
        host_snprintf(message, size, "that is more than the driver can be ahead of: %u steps", PS2_EVENTS);
        return false;
    }
    return true;
}

bool i8042_type_text(struct i8042 *controller, const char *text, size_t length, char *message, size_t size)
{
    struct typing typing = {.controller = controller};
    bool right;

    rl_lock_acquire(&controller->lock);
    typing.buttons =
        controller->mouse.pending != 0
            ? controller->mouse.events[(controller->mouse.first + controller->mouse.pending - 1) % PS2_EVENTS]
                  .buttons
            : controller->mouse.buttons;
    right = check(controller, text, length, message, size);
    if (right)
        type_all(&typing, text, length);
    rl_lock_release(&controller->lock);
    return right;
}
