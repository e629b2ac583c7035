/* SPDX-License-Identifier: MIT */
/*
 * A PS/2 mouse with three buttons, and with a wheel once its driver has asked
 * for one by the sequence of sample rates 200, 100, 80. In stream mode it sends
 * a packet a sample while there is something to tell.
 */
#include "models/ps2.h"

enum {
    SCALE_1 = 0xE6,
    SCALE_2 = 0xE7,
    SET_RESOLUTION = 0xE8,
    STATUS = 0xE9,
    STREAM = 0xEA,
    READ_DATA = 0xEB,
    RESET_WRAP = 0xEC,
    WRAP = 0xEE,
    REMOTE = 0xF0,
    IDENTIFY = 0xF2,
    SET_RATE = 0xF3,
    ENABLE = 0xF4,
    DISABLE = 0xF5,
    SET_DEFAULTS = 0xF6,
    RESEND = 0xFE,
    WHEEL_ID = 3,
    ALWAYS_ONE = 0x08,
    SIGN_X = 0x10,
    SIGN_Y = 0x20,
    MOST = 255
};

#define SELF_TEST_NS 100000000ull

/* ---- movement ---- */

static int clamp(int value, int most)
{
    return value > most ? most : value < -most ? -most : value;
}

/* Scaling 2:1 of the small movements, as the data sheets have it. */
static int scaled(const struct ps2_mouse *mouse, int value)
{
    static const UCHAR small[] = {0, 1, 1, 3, 6, 9};
    int size = value < 0 ? -value : value;

    if (!mouse->double_scaling || mouse->remote)
        return value;
    size = size < (int)countof(small) ? small[size] : size * 2;
    return clamp(value < 0 ? -size : size, MOST);
}

/* The movement since the last packet, as far as one can hold. */
static void put_packet(struct ps2_mouse *mouse, struct ps2_fifo *to)
{
    int dx = clamp(mouse->dx, MOST), dy = clamp(mouse->dy, MOST), wheel = clamp(mouse->wheel, 7);
    int x = scaled(mouse, dx), y = scaled(mouse, dy);

    mouse->dx = (SHORT)(mouse->dx - dx);
    mouse->dy = (SHORT)(mouse->dy - dy);
    mouse->wheel = (SHORT)(mouse->wheel - wheel);
    ps2_put(to, (UCHAR)(ALWAYS_ONE | mouse->buttons | (x < 0 ? SIGN_X : 0) | (y < 0 ? SIGN_Y : 0)));
    ps2_put(to, (UCHAR)x);
    ps2_put(to, (UCHAR)y);
    if (mouse->id == WHEEL_ID)
        ps2_put(to, (UCHAR)-wheel); /* towards the user is positive on the wire */
    else
        mouse->wheel = 0;
}

static bool has_moved(const struct ps2_mouse *mouse)
{
    return mouse->dx != 0 || mouse->dy != 0 || mouse->wheel != 0;
}

static bool may_report(const struct ps2_mouse *mouse)
{
    return mouse->reporting && !mouse->remote && !mouse->wrap && !mouse->testing &&
           mouse->packet.count == 0 && !mouse->sampling;
}

/* One step of the user is one sample: its buttons are seen even if they change back at once. */
static void report(struct ps2_mouse *mouse)
{
    if (!may_report(mouse) || (mouse->pending == 0 && !has_moved(mouse)))
        return;
    if (!has_moved(mouse)) {
        const struct ps2_mouse_event *event = &mouse->events[mouse->first];

        mouse->first = (mouse->first + 1) % PS2_EVENTS;
        mouse->pending--;
        mouse->dx = event->dx;
        mouse->dy = event->dy;
        mouse->wheel = event->wheel;
        mouse->buttons = event->buttons;
    }
    put_packet(mouse, &mouse->packet);
    mouse->sampling = true;
    hal_timer_start(&mouse->timer, 1000000000ull / mouse->rate);
}

/* Without reports movement adds up, and the buttons are as they are now. */
static void collect(struct ps2_mouse *mouse)
{
    while (mouse->pending != 0) {
        const struct ps2_mouse_event *event = &mouse->events[mouse->first];

        mouse->first = (mouse->first + 1) % PS2_EVENTS;
        mouse->pending--;
        mouse->dx = (SHORT)clamp(mouse->dx + event->dx, MOST);
        mouse->dy = (SHORT)clamp(mouse->dy + event->dy, MOST);
        mouse->wheel = (SHORT)clamp(mouse->wheel + event->wheel, 7);
        mouse->buttons = event->buttons;
    }
}

/* ---- commands ---- */

static void answer(struct ps2_mouse *mouse, UCHAR byte)
{
    ps2_put(&mouse->answers, byte);
}

static void forget_movement(struct ps2_mouse *mouse)
{
    collect(mouse);
    mouse->dx = mouse->dy = mouse->wheel = 0;
    mouse->packet.count = 0;
}

static void set_defaults(struct ps2_mouse *mouse)
{
    mouse->rate = 100;
    mouse->resolution = 2;
    mouse->double_scaling = mouse->remote = mouse->wrap = mouse->reporting = false;
    forget_movement(mouse);
}

static void reset(struct ps2_mouse *mouse)
{
    set_defaults(mouse);
    mouse->id = 0;
    mouse->testing = true;
    mouse->sampling = false;
    __builtin_memset(mouse->rates, 0, sizeof(mouse->rates));
    hal_timer_start(&mouse->timer, SELF_TEST_NS);
}

static void note_rate(struct ps2_mouse *mouse, UCHAR rate)
{
    mouse->rate = rate;
    mouse->rates[0] = mouse->rates[1];
    mouse->rates[1] = mouse->rates[2];
    mouse->rates[2] = rate;
    if (mouse->rates[0] == 200 && mouse->rates[1] == 100 && mouse->rates[2] == 80)
        mouse->id = WHEEL_ID;
}

static bool is_rate(UCHAR rate)
{
    return rate == 10 || rate == 20 || rate == 40 || rate == 60 || rate == 80 || rate == 100 || rate == 200;
}

static void take_parameter(struct ps2_mouse *mouse, UCHAR command, UCHAR value)
{
    bool valid = command == SET_RATE ? is_rate(value) : value <= 3;

    answer(mouse, valid ? PS2_ACK : PS2_RESEND_ANSWER);
    if (!valid)
        mouse->command = command;
    else if (command == SET_RATE)
        note_rate(mouse, value);
    else
        mouse->resolution = value;
}

static void answer_status(struct ps2_mouse *mouse)
{
    UCHAR buttons =
        (UCHAR)((mouse->buttons & PS2_LEFT_BUTTON ? 4 : 0) | (mouse->buttons & PS2_MIDDLE_BUTTON ? 2 : 0) |
                (mouse->buttons & PS2_RIGHT_BUTTON ? 1 : 0));

    answer(mouse, (UCHAR)((mouse->remote ? 0x40 : 0) | (mouse->reporting ? 0x20 : 0) |
                          (mouse->double_scaling ? 0x10 : 0) | buttons));
    answer(mouse, mouse->resolution);
    answer(mouse, mouse->rate);
}

static bool change_mode(struct ps2_mouse *mouse, UCHAR command)
{
    switch (command) {
    case SCALE_1:
    case SCALE_2:
        mouse->double_scaling = command == SCALE_2;
        return true;
    case STREAM:
    case REMOTE:
        mouse->remote = command == REMOTE;
        forget_movement(mouse);
        return true;
    case WRAP:
    case RESET_WRAP:
        mouse->wrap = command == WRAP;
        forget_movement(mouse);
        return true;
    case ENABLE:
    case DISABLE:
        mouse->reporting = command == ENABLE;
        forget_movement(mouse);
        return true;
    case SET_DEFAULTS:
        set_defaults(mouse);
        return true;
    case PS2_RESET:
        reset(mouse);
        return true;
    default:
        return false;
    }
}

static void take_command(struct ps2_mouse *mouse, UCHAR command)
{
    if (command == RESEND) {
        answer(mouse, mouse->last_sent);
        return;
    }
    answer(mouse, PS2_ACK);
    if (command == SET_RESOLUTION || command == SET_RATE) {
        mouse->command = command;
    } else if (command == STATUS) {
        answer_status(mouse);
    } else if (command == IDENTIFY) {
        answer(mouse, mouse->id);
    } else if (command == READ_DATA) {
        collect(mouse);
        put_packet(mouse, &mouse->answers);
    } else if (!change_mode(mouse, command)) {
        mouse->answers.count = 0;
        answer(mouse, PS2_RESEND_ANSWER);
    }
}

/* ---- the controller's side ---- */

void ps2_mouse_write(struct ps2_mouse *mouse, UCHAR byte)
{
    UCHAR command = mouse->command;

    if (mouse->testing)
        return;
    mouse->command = 0;
    mouse->answers.count = 0;
    if (mouse->wrap && byte != RESET_WRAP && byte != PS2_RESET)
        answer(mouse, byte);
    else if (command != 0 && byte < SCALE_1)
        take_parameter(mouse, command, byte);
    else
        take_command(mouse, byte);
    report(mouse);
}

bool ps2_mouse_has(const struct ps2_mouse *mouse)
{
    return mouse->answers.count != 0 || mouse->packet.count != 0;
}

bool ps2_mouse_take(struct ps2_mouse *mouse, UCHAR *byte)
{
    bool taken = ps2_take(&mouse->answers, byte) || ps2_take(&mouse->packet, byte);

    if (taken)
        mouse->last_sent = *byte;
    return taken;
}

bool ps2_mouse_move(struct ps2_mouse *mouse, const struct ps2_mouse_event *event)
{
    unsigned at = (mouse->first + mouse->pending) % PS2_EVENTS;

    if (mouse->pending == PS2_EVENTS)
        return false;
    mouse->events[at] = *event;
    mouse->pending++;
    if (!mouse->reporting || mouse->remote)
        collect(mouse);
    report(mouse);
    return true;
}

static void timer_due(void *context)
{
    struct ps2_mouse *mouse = context;

    rl_lock_acquire(mouse->link.lock);
    mouse->sampling = false;
    if (mouse->testing) {
        mouse->testing = false;
        answer(mouse, PS2_BAT_PASSED);
        answer(mouse, mouse->id);
    }
    report(mouse);
    mouse->link.ready(mouse->link.controller);
    rl_lock_release(mouse->link.lock);
}

void ps2_mouse_init(struct ps2_mouse *mouse, const struct ps2_link *link)
{
    mouse->link = *link;
    hal_timer_init(&mouse->timer, timer_due, mouse);
    set_defaults(mouse);
}
