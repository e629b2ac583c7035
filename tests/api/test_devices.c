/* SPDX-License-Identifier: MIT */
/*
 * A device of the embedder's own: its ports, memory, timer, input and end, as a
 * driver and the API see them.
 */
#include <stdlib.h>
#include "api_test.h"

#define POKER(n)       (0x222000u | (0x800 + (n)) << 2)
#define POKER_PORT_IN  POKER(0)
#define POKER_PORT_OUT POKER(1)
#define POKER_MEM_IN   POKER(2)
#define POKER_MEM_OUT  POKER(3)
#define POKER_PAGE     POKER(4)
#define POKER_PAGE_IN  POKER(5)

#define STATUS_CONFLICTING_ADDRESSES  ((rgl_status)0xC0000018)
#define STATUS_OBJECT_NAME_COLLISION  ((rgl_status)0xC0000035)
#define STATUS_OBJECT_NAME_NOT_FOUND  ((rgl_status)0xC0000034)
#define STATUS_NOT_SUPPORTED          ((rgl_status)0xC00000BB)
#define STATUS_INVALID_DEVICE_REQUEST ((rgl_status)0xC0000010)

#define PORT   0x300
#define MEMORY 0xD0000000ull

struct access {
    uint64_t address, value;
    uint32_t width;
};

/* A device that keeps what was done to it. */
struct card {
    rgl_device *device;
    uint32_t port_offset, port_value, port_width;
    uint64_t memory_offset, memory_value;
    unsigned memory_width;
    uint64_t struck_at;
    unsigned strikes;
    char input[16];
    unsigned stopped, destroyed;
};

static rgl_machine *machine;
static rgl_file *poker;

static uint32_t port_read(void *context, unsigned offset, unsigned width)
{
    struct card *card = context;

    card->port_offset = offset;
    card->port_width = width;
    return 0x89ABCDEF;
}

/* The port at 4 starts the timer, 5 stops it; at 8 is the address of RAM that the card then fills. */
static void port_write(void *context, unsigned offset, uint32_t value, unsigned width)
{
    struct card *card = context;
    uint32_t read = 0;

    card->port_offset = offset;
    card->port_value = value;
    card->port_width = width;
    if (offset == 4)
        rgl_device_timer_start(card->device, value * 1000000ull);
    if (offset == 5)
        rgl_device_timer_stop(card->device);
    if (offset == 8 && rgl_device_memory_write(card->device, value, "bus master", 10) &&
        rgl_device_memory_read(card->device, value, &read, sizeof(read)))
        card->port_value = read;
}

static uint64_t memory_read(void *context, uint64_t offset, unsigned width)
{
    struct card *card = context;

    card->memory_offset = offset;
    card->memory_width = width;
    return 0x1122334455667788;
}

static void memory_write(void *context, uint64_t offset, uint64_t value, unsigned width)
{
    struct card *card = context;

    card->memory_offset = offset;
    card->memory_value = value;
    card->memory_width = width;
}

static void timer(void *context)
{
    struct card *card = context;

    card->strikes++;
    card->struck_at = rgl_device_now_ns(card->device);
}

static rgl_status input(void *context, const void *data, size_t length)
{
    struct card *card = context;

    if (length >= sizeof(card->input))
        return STATUS_INVALID_PARAMETER;
    memcpy(card->input, data, length);
    return RGL_STATUS_SUCCESS;
}

static void stop(void *context)
{
    ((struct card *)context)->stopped++;
}

static void destroyed(void *context)
{
    struct card *card = context;

    assert_int_equal(card->stopped, 1);
    card->destroyed++;
}

static struct rgl_device_model model_of(struct card *card)
{
    struct rgl_device_model model;

    rgl_device_model_init(&model);
    model.name = "card";
    model.context = card;
    model.port = PORT;
    model.port_count = 16;
    model.port_read = port_read;
    model.port_write = port_write;
    model.memory = MEMORY;
    model.memory_length = 4096;
    model.memory_read = memory_read;
    model.memory_write = memory_write;
    model.line = 5;
    model.timer = timer;
    model.input = input;
    model.stop = stop;
    model.destroyed = destroyed;
    return model;
}

static void start(struct card *card, bool simulated)
{
    struct rgl_config config;
    struct rgl_device_model model = model_of(card);

    rgl_config_init(&config);
    config.simulated = simulated;
    must(rgl_machine_create(&config, &machine));
    must(rgl_device_model_add(machine, &model, &card->device));
    must(rgl_driver_load_file(machine, SYS "/poker.sys", NULL, NULL));
    must(rgl_open(machine, "\\Device\\Poker", 0, &poker, NULL));
}

static uint64_t poke(uint32_t code, uint64_t address, uint64_t value, uint32_t width)
{
    struct access access = {address, value, width};
    uint64_t result = 0;

    must(rgl_ioctl(poker, code, &access, sizeof(access), &result, sizeof(result), NULL));
    return result;
}

static void registers_reach_the_callbacks(void **state)
{
    struct card card = {0};

    start(&card, false);
    assert_int_equal(poke(POKER_PORT_IN, PORT + 2, 0, 1), 0xEF);
    assert_int_equal(card.port_offset, 2);
    assert_int_equal(card.port_width, 1);
    assert_int_equal(poke(POKER_PORT_IN, PORT, 0, 4), 0x89ABCDEF);
    poke(POKER_PORT_OUT, PORT + 1, 0x12345678, 2);
    assert_int_equal(card.port_offset, 1);
    assert_int_equal(card.port_value, 0x5678);
    assert_int_equal(card.port_width, 2);
    assert_int_equal(poke(POKER_MEM_IN, MEMORY + 0x10, 0, 4), 0x55667788);
    assert_int_equal(card.memory_offset, 0x10);
    assert_int_equal(card.memory_width, 4);
    assert_int_equal(poke(POKER_MEM_IN, MEMORY + 0xFF8, 0, 8), 0x1122334455667788);
    poke(POKER_MEM_OUT, MEMORY + 0x20, 0xAABBCCDDEEFF0011, 8);
    assert_int_equal(card.memory_offset, 0x20);
    assert_int_equal(card.memory_value, 0xAABBCCDDEEFF0011);
    poke(POKER_MEM_OUT, MEMORY + 0x21, 0x1FF, 1);
    assert_int_equal(card.memory_value, 0xFF);
    rgl_machine_destroy(machine);
    assert_int_equal(card.destroyed, 1);
}

static void the_timer_strikes_once(void **state)
{
    struct card card = {0};
    uint64_t began;

    start(&card, true);
    began = rgl_device_now_ns(card.device);
    poke(POKER_PORT_OUT, PORT + 4, 5, 1);
    must(rgl_advance(machine, 4));
    assert_int_equal(card.strikes, 0);
    must(rgl_advance(machine, 20));
    assert_int_equal(card.strikes, 1);
    assert_in_range(card.struck_at - began, 5000000, 5100000);
    poke(POKER_PORT_OUT, PORT + 4, 5, 1);
    poke(POKER_PORT_OUT, PORT + 4, 10, 1); /* in place of the former */
    must(rgl_advance(machine, 8));
    assert_int_equal(card.strikes, 1);
    must(rgl_advance(machine, 8));
    assert_int_equal(card.strikes, 2);
    poke(POKER_PORT_OUT, PORT + 4, 5, 1);
    poke(POKER_PORT_OUT, PORT + 5, 0, 1);
    must(rgl_advance(machine, 20));
    assert_int_equal(card.strikes, 2);
    rgl_machine_destroy(machine);
}

static void the_device_masters_the_bus(void **state)
{
    struct card card = {0};
    uint32_t first;
    char page[10];

    start(&card, false);
    poke(POKER_PORT_OUT, PORT + 8, poke(POKER_PAGE, 0, 0, 0), 4);
    memcpy(&first, "bus ", 4);
    assert_int_equal(card.port_value, first);
    must(rgl_ioctl(poker, POKER_PAGE_IN, NULL, 0, page, sizeof(page), NULL));
    assert_memory_equal(page, "bus master", 10);
    assert_false(rgl_device_memory_write(card.device, MEMORY, "x", 1));
    assert_false(rgl_device_memory_read(card.device, (64 << 20) - 1, page, 2));
    rgl_machine_destroy(machine);
}

static void input_reaches_the_device(void **state)
{
    struct card card = {0};

    start(&card, false);
    must(rgl_model_input(machine, "card", "hello", 5));
    assert_string_equal(card.input, "hello");
    assert_int_equal(rgl_model_input(machine, "card", "0123456789012345", 16), STATUS_INVALID_PARAMETER);
    assert_int_equal(rgl_model_input(machine, "nobody", "x", 1), STATUS_OBJECT_NAME_NOT_FOUND);
    rgl_device_lock(card.device); /* as a thread of ours would */
    rgl_device_interrupt(card.device, true);
    rgl_device_interrupt(card.device, false);
    rgl_device_unlock(card.device);
    rgl_machine_destroy(machine);
    assert_int_equal(card.destroyed, 1);
}

static void see_name(void *context, const struct rgl_model_instance *instance)
{
    strcat(context, instance->name);
    strcat(context, " ");
    assert_string_equal(instance->place, "");
}

static void what_does_not_fit_is_refused(void **state)
{
    struct card card = {0}, other = {0};
    struct rgl_device_model model = model_of(&other);
    char names[100] = "";
    rgl_device *device;

    start(&card, false);
    model.port_count = 0;
    model.memory_length = 0;
    assert_int_equal(rgl_device_model_add(machine, &model, &device), STATUS_OBJECT_NAME_COLLISION);
    assert_non_null(strstr(rgl_message(), "card"));
    model.name = "other";
    model.line = 24;
    assert_int_equal(rgl_device_model_add(machine, &model, &device), STATUS_INVALID_PARAMETER);
    model.line = 5;
    model.port = PORT + 15;
    model.port_count = 1;
    assert_int_equal(rgl_device_model_add(machine, &model, &device), STATUS_CONFLICTING_ADDRESSES);
    model.port_count = 0;
    model.memory = 0x1000; /* RAM */
    model.memory_length = 4096;
    assert_int_equal(rgl_device_model_add(machine, &model, &device), STATUS_INVALID_PARAMETER);
    model.memory = MEMORY;
    assert_int_equal(rgl_device_model_add(machine, &model, &device), STATUS_CONFLICTING_ADDRESSES);
    assert_int_equal(other.destroyed, 0);
    model.memory = MEMORY + 4096;
    model.input = NULL;
    must(rgl_device_model_add(machine, &model, &device)); /* what was refused has left nothing behind */
    assert_int_equal(rgl_model_input(machine, "other", "x", 1), STATUS_NOT_SUPPORTED);
    rgl_for_each_model_instance(machine, see_name, names);
    assert_string_equal(names, "card other ");
    rgl_machine_destroy(machine);
    assert_int_equal(other.destroyed, 1);
    assert_int_equal(rgl_device_model_add(NULL, &model, &device), STATUS_INVALID_DEVICE_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_reach_the_callbacks), cmocka_unit_test(the_timer_strikes_once),
        cmocka_unit_test(the_device_masters_the_bus),    cmocka_unit_test(input_reaches_the_device),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
