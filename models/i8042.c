/* SPDX-License-Identifier: MIT */
/*
 * The keyboard controller of a PC, ports 0x60 and 0x64: its commands, the
 * output buffer that both devices share, translation to scan code set 1, and
 * interrupt requests 1 and 12 while the buffer is full. A device's byte takes
 * the time of its transfer; the controller's own answers are there at once.
 */
#include "models/i8042.h"
#include "host/host.h"
#include "nt/status.h"

enum {
    STATUS_FULL = 0x01,
    STATUS_SYSTEM = 0x04,
    STATUS_COMMAND = 0x08,
    STATUS_UNLOCKED = 0x10,
    STATUS_MOUSE = 0x20,

    MODE_KEYBOARD_IRQ = 0x01,
    MODE_MOUSE_IRQ = 0x02,
    MODE_SYSTEM = 0x04,
    MODE_KEYBOARD_OFF = 0x10,
    MODE_MOUSE_OFF = 0x20,
    MODE_TRANSLATE = 0x40,

    READ_MEMORY = 0x20,  /* to 0x3F */
    WRITE_MEMORY = 0x60, /* to 0x7F */
    TEST_PASSWORD = 0xA4,
    MOUSE_DISABLE = 0xA7,
    MOUSE_ENABLE = 0xA8,
    MOUSE_TEST = 0xA9,
    SELF_TEST = 0xAA,
    KEYBOARD_TEST = 0xAB,
    KEYBOARD_DISABLE = 0xAD,
    KEYBOARD_ENABLE = 0xAE,
    READ_INPUT_PORT = 0xC0,
    READ_OUTPUT_PORT = 0xD0,
    WRITE_OUTPUT_PORT = 0xD1,
    WRITE_KEYBOARD_BUFFER = 0xD2,
    WRITE_MOUSE_BUFFER = 0xD3,
    WRITE_MOUSE = 0xD4,
    READ_TEST_INPUTS = 0xE0,

    OUTPUT_LINES = 0x03, /* processor reset (1: not) and address line 20 */
    SELF_TEST_PASSED = 0x55,
    NO_PASSWORD = 0xF1,
    INPUT_UNLOCKED = 0x80,
    RELEASE_PREFIX = 0xF0
};

#define BYTE_NS 500000ull /* eleven bits at some 20 kHz */

static UCHAR mode_of(const struct i8042 *controller)
{
    return controller->memory[0];
}

/* ---- the output buffer ---- */

static void update_pins(struct i8042 *controller)
{
    bool full = controller->output_full, mouse = controller->output.from_mouse;

    hal_set_pin(&controller->keyboard_pin, full && !mouse && (mode_of(controller) & MODE_KEYBOARD_IRQ));
    hal_set_pin(&controller->mouse_pin, full && mouse && (mode_of(controller) & MODE_MOUSE_IRQ));
}

static void fill(struct i8042 *controller, UCHAR value, bool from_mouse)
{
    controller->output = (struct i8042_byte){value, from_mouse};
    controller->output_full = true;
    update_pins(controller);
}

/* A release arrives as a prefix and the code, and leaves as one byte: the code with its top bit set. */
static bool take_translated(struct i8042 *controller, UCHAR *byte)
{
    if (!ps2_keyboard_take(&controller->keyboard, byte))
        return false;
    if (!(mode_of(controller) & MODE_TRANSLATE))
        return true;
    if (*byte != RELEASE_PREFIX) {
        *byte = ps2_translated(*byte);
        return true;
    }
    if (!ps2_keyboard_take(&controller->keyboard, byte))
        return false;
    *byte = ps2_translated(*byte) | 0x80;
    return true;
}

static bool keyboard_may_send(const struct i8042 *controller)
{
    return !(mode_of(controller) & MODE_KEYBOARD_OFF) && ps2_keyboard_has(&controller->keyboard);
}

static bool mouse_may_send(const struct i8042 *controller)
{
    return !(mode_of(controller) & MODE_MOUSE_OFF) && ps2_mouse_has(&controller->mouse);
}

/* The buffer is free: the controller's own answers go first, then a device begins to send. */
static void go_on(struct i8042 *controller)
{
    if (controller->output_full)
        return;
    if (controller->answer_count != 0) {
        struct i8042_byte next = controller->answers[0];

        controller->answer_count--;
        __builtin_memmove(controller->answers, controller->answers + 1,
                          controller->answer_count * sizeof(next));
        fill(controller, next.value, next.from_mouse);
    } else if (!controller->on_wire && (keyboard_may_send(controller) || mouse_may_send(controller))) {
        controller->on_wire = true;
        hal_timer_start(&controller->wire, BYTE_NS);
    }
}

static void device_is_ready(void *context)
{
    go_on(context);
}

static void byte_has_come(void *context)
{
    struct i8042 *controller = context;
    UCHAR byte;

    rl_lock_acquire(&controller->lock);
    controller->on_wire = false;
    if (!controller->output_full) {
        if (keyboard_may_send(controller) && take_translated(controller, &byte))
            fill(controller, byte, false);
        else if (mouse_may_send(controller) && ps2_mouse_take(&controller->mouse, &byte))
            fill(controller, byte, true);
    }
    go_on(controller);
    rl_lock_release(&controller->lock);
}

static void answer(struct i8042 *controller, UCHAR value, bool from_mouse)
{
    if (controller->answer_count < I8042_ANSWERS)
        controller->answers[controller->answer_count++] = (struct i8042_byte){value, from_mouse};
}

/* ---- commands ---- */

static UCHAR output_port(const struct i8042 *controller)
{
    return (UCHAR)(controller->output_port | (controller->keyboard_pin.asserted ? 0x10 : 0) |
                   (controller->mouse_pin.asserted ? 0x20 : 0));
}

static void set_mode(struct i8042 *controller, UCHAR set, UCHAR clear)
{
    controller->memory[0] = (UCHAR)((controller->memory[0] | set) & ~clear);
    update_pins(controller);
}

static void self_test(struct i8042 *controller)
{
    controller->answer_count = 0;
    controller->output_full = false;
    controller->pending_command = 0;
    set_mode(controller, MODE_SYSTEM | MODE_KEYBOARD_OFF | MODE_MOUSE_OFF,
             MODE_KEYBOARD_IRQ | MODE_MOUSE_IRQ);
    answer(controller, SELF_TEST_PASSED, false);
}

/* The commands without a parameter; what pulses the output lines leads nowhere here. */
static void run_command(struct i8042 *controller, UCHAR command)
{
    switch (command) {
    case TEST_PASSWORD:
        answer(controller, NO_PASSWORD, false);
        break;
    case MOUSE_DISABLE:
        set_mode(controller, MODE_MOUSE_OFF, 0);
        break;
    case MOUSE_ENABLE:
        set_mode(controller, 0, MODE_MOUSE_OFF);
        break;
    case MOUSE_TEST:
    case KEYBOARD_TEST:
        answer(controller, 0, false);
        break;
    case SELF_TEST:
        self_test(controller);
        break;
    case KEYBOARD_DISABLE:
        set_mode(controller, MODE_KEYBOARD_OFF, 0);
        break;
    case KEYBOARD_ENABLE:
        set_mode(controller, 0, MODE_KEYBOARD_OFF);
        break;
    case READ_INPUT_PORT:
        answer(controller, INPUT_UNLOCKED, false);
        break;
    case READ_OUTPUT_PORT:
        answer(controller, output_port(controller), false);
        break;
    case READ_TEST_INPUTS:
        answer(controller, (UCHAR)(keyboard_may_send(controller) ? 0 : 1), false);
        break;
    default:
        if (command >= READ_MEMORY && command < READ_MEMORY + 32)
            answer(controller, controller->memory[command - READ_MEMORY], false);
        break;
    }
}

static bool takes_parameter(UCHAR command)
{
    return (command >= WRITE_MEMORY && command < WRITE_MEMORY + 32) ||
           (command >= WRITE_OUTPUT_PORT && command <= WRITE_MOUSE);
}

static void write_command(struct i8042 *controller, UCHAR command)
{
    controller->last_was_command = true;
    controller->pending_command = takes_parameter(command) ? command : 0;
    if (!takes_parameter(command))
        run_command(controller, command);
}

static void write_parameter(struct i8042 *controller, UCHAR command, UCHAR value)
{
    switch (command) {
    case WRITE_OUTPUT_PORT:
        controller->output_port = (UCHAR)((value & OUTPUT_LINES) | 1);
        break;
    case WRITE_KEYBOARD_BUFFER:
    case WRITE_MOUSE_BUFFER:
        answer(controller, value, command == WRITE_MOUSE_BUFFER);
        break;
    case WRITE_MOUSE:
        set_mode(controller, 0, MODE_MOUSE_OFF);
        ps2_mouse_write(&controller->mouse, value);
        break;
    default:
        controller->memory[command - WRITE_MEMORY] = value;
        update_pins(controller);
        break;
    }
}

/* A byte for the keyboard turns its interface on, as it takes the clock. */
static void write_data(struct i8042 *controller, UCHAR value)
{
    UCHAR command = controller->pending_command;

    controller->last_was_command = false;
    controller->pending_command = 0;
    if (command != 0) {
        write_parameter(controller, command, value);
        return;
    }
    set_mode(controller, 0, MODE_KEYBOARD_OFF);
    ps2_keyboard_write(&controller->keyboard, value);
}

/* ---- ports ---- */

static ULONG read_data_port(void *context, USHORT offset, unsigned width_bytes)
{
    struct i8042 *controller = context;
    UCHAR value;

    rl_lock_acquire(&controller->lock);
    value = controller->output.value; /* an empty buffer shows its last byte */
    controller->output_full = false;
    update_pins(controller);
    go_on(controller);
    rl_lock_release(&controller->lock);
    return value | ~0xFFu;
}

static void write_data_port(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct i8042 *controller = context;

    rl_lock_acquire(&controller->lock);
    write_data(controller, (UCHAR)value);
    go_on(controller);
    rl_lock_release(&controller->lock);
}

static ULONG read_status_port(void *context, USHORT offset, unsigned width_bytes)
{
    struct i8042 *controller = context;
    ULONG status = STATUS_UNLOCKED;

    rl_lock_acquire(&controller->lock);
    if (controller->output_full)
        status |= controller->output.from_mouse ? STATUS_FULL | STATUS_MOUSE : STATUS_FULL;
    status |= mode_of(controller) & MODE_SYSTEM ? STATUS_SYSTEM : 0;
    status |= controller->last_was_command ? STATUS_COMMAND : 0;
    rl_lock_release(&controller->lock);
    return status | ~0xFFu;
}

static void write_command_port(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct i8042 *controller = context;

    rl_lock_acquire(&controller->lock);
    write_command(controller, (UCHAR)value);
    go_on(controller);
    rl_lock_release(&controller->lock);
}

/* ---- making ---- */

static NTSTATUS input(struct model *model, const void *data, size_t length, char *message, size_t size)
{
    struct i8042 *controller = container_of(model, struct i8042, model);
    bool done = i8042_type_text(controller, data, length, message, size);

    rl_lock_acquire(&controller->lock);
    go_on(controller);
    rl_lock_release(&controller->lock);
    return done ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static void give_back(struct i8042 *controller)
{
    hal_remove_ports(&controller->data);
    hal_remove_ports(&controller->command_status);
    hal_timer_stop(&controller->wire);
    hal_timer_stop(&controller->keyboard.timer);
    hal_timer_stop(&controller->mouse.timer);
    hal_remove_pin(&controller->keyboard_pin);
    hal_remove_pin(&controller->mouse_pin);
    host_free(controller);
}

static void destroy(struct model *model)
{
    give_back(container_of(model, struct i8042, model));
}

static const struct model_ops operations = {.input = input, .destroy = destroy};

/* As a BIOS leaves it: tested, translating, the keyboard's interrupt on, the mouse's too and its port open.
 */
static void begin(struct i8042 *controller)
{
    struct ps2_link link = {&controller->lock, device_is_ready, controller};

    controller->model.ops = &operations;
    controller->model.pin = &controller->keyboard_pin;
    controller->memory[0] = MODE_KEYBOARD_IRQ | MODE_MOUSE_IRQ | MODE_SYSTEM | MODE_TRANSLATE;
    controller->output_port = OUTPUT_LINES;
    hal_timer_init(&controller->wire, byte_has_come, controller);
    ps2_keyboard_init(&controller->keyboard, &link);
    ps2_mouse_init(&controller->mouse, &link);
    controller->data = (struct hal_port_range){
        .first = 0x60, .count = 1, .context = controller, .read = read_data_port, .write = write_data_port};
    controller->command_status = (struct hal_port_range){.first = 0x64,
                                                         .count = 1,
                                                         .context = controller,
                                                         .read = read_status_port,
                                                         .write = write_command_port};
}

static NTSTATUS create(const struct model_description *description, char *message, size_t size)
{
    static const char *const keys[] = {NULL};
    struct i8042 *controller;
    NTSTATUS status;

    if (!model_only_keys(description, keys, message, size))
        return STATUS_INVALID_PARAMETER;
    controller = host_alloc(sizeof(*controller));
    begin(controller);
    status = hal_add_ports(&controller->data);
    if (NT_SUCCESS(status)) {
        status = hal_add_ports(&controller->command_status);
        if (!NT_SUCCESS(status))
            hal_remove_ports(&controller->data);
    }
    if (!NT_SUCCESS(status)) {
        host_snprintf(message, size, "something answers at ports 0x60 and 0x64 already");
        host_free(controller);
        return status;
    }
    hal_add_pin(&controller->keyboard_pin, 1);
    hal_add_pin(&controller->mouse_pin, 12);
    status = model_register(&controller->model, description, message, size);
    if (!NT_SUCCESS(status))
        give_back(controller);
    return status;
}

const struct model_type model_i8042 = {
    "i8042", "i8042: keyboard controller with a keyboard (IRQ 1) and a mouse (IRQ 12)", create};
