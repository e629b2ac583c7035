/* SPDX-License-Identifier: MIT */
/*
 * The core of the dma-engine: registers, and the command that the doorbell
 * starts. It takes its time: the transfer happens, all at once, when the delay
 * has passed, so a driver that looks too early, or gives the buffer back too
 * early, sees what it would see on hardware.
 */
#include "models/dma_engine.h"
#include "host/host.h"

#define DESCRIPTORS_MOST 4096

void dma_engine_fini(struct dma_engine *engine)
{
    host_free(engine->memory);
}

/* ---- a transfer; the lock is held ---- */

/* Beyond its lines a device has no address: what does not fit is cut off. */
static uint64_t bus_address(const struct dma_engine *engine, uint64_t address)
{
    return address & engine->address_mask;
}

/* One buffer. The device's memory wraps at its end. */
static bool move_buffer(struct dma_engine *engine, uint64_t address, ULONG length)
{
    while (length != 0) {
        ULONG at = (engine->offset + engine->count) & (engine->memory_bytes - 1);
        ULONG part = MIN(length, engine->memory_bytes - at);
        bool there = engine->control & DMA_ENGINE_TO_DEVICE
                         ? hal_memory_read(bus_address(engine, address), engine->memory + at, part)
                         : hal_memory_write(bus_address(engine, address), engine->memory + at, part);

        if (!there)
            return false;
        engine->count += part;
        address += part;
        length -= part;
    }
    return true;
}

static bool move_table(struct dma_engine *engine, uint64_t table, ULONG count)
{
    if (count > DESCRIPTORS_MOST)
        return false;
    for (ULONG i = 0; i < count; i++) {
        struct dma_engine_descriptor descriptor;

        if (!hal_memory_read(bus_address(engine, table + i * sizeof(descriptor)), &descriptor,
                             sizeof(descriptor)) ||
            !move_buffer(engine, descriptor.address, descriptor.length))
            return false;
    }
    return true;
}

/* The system's controller calls back, from here only, with the lock held here. */
static ULONG unit_bytes(const struct dma_engine *engine)
{
    return engine->channel < 4 ? 1 : 2;
}

static UCHAR *next_byte(struct dma_engine *engine)
{
    return &engine->memory[(engine->offset + engine->count++) & (engine->memory_bytes - 1)];
}

static ULONG slave_read(void *context, bool terminal)
{
    struct dma_engine *engine = context;
    ULONG value = 0;

    for (ULONG i = 0; i < unit_bytes(engine); i++)
        value |= (ULONG)*next_byte(engine) << 8 * i;
    return value;
}

static void slave_write(void *context, ULONG value, bool terminal)
{
    struct dma_engine *engine = context;

    for (ULONG i = 0; i < unit_bytes(engine); i++)
        *next_byte(engine) = (UCHAR)(value >> 8 * i);
}

static bool slave_wants(void *context)
{
    struct dma_engine *engine = context;

    return engine->count < engine->length;
}

static bool move_by_controller(struct dma_engine *engine)
{
    const struct hal_dma_device device = {engine, slave_read, slave_write, slave_wants};

    if (engine->channel == DMA_ENGINE_NO_CHANNEL)
        return false;
    if (engine->length != 0)
        hal_dma_request(engine->channel, &device);
    return engine->count >= engine->length;
}

static bool move(struct dma_engine *engine)
{
    uint64_t address = engine->address[0] | (uint64_t)engine->address[1] << 32;

    if (engine->control & DMA_ENGINE_SLAVE)
        return move_by_controller(engine);
    if (engine->control & DMA_ENGINE_TABLE)
        return move_table(engine, address, engine->length);
    return move_buffer(engine, address, engine->length);
}

/* ---- registers ---- */

static void update_interrupt(struct dma_engine *engine)
{
    engine->set_interrupt(engine->context,
                          (engine->status & DMA_ENGINE_DONE) && (engine->control & DMA_ENGINE_INTERRUPTS));
}

static void finish(struct dma_engine *engine)
{
    engine->count = 0;
    engine->status = DMA_ENGINE_DONE | (move(engine) ? 0 : DMA_ENGINE_ERROR);
    update_interrupt(engine);
}

static void timer_due(void *context)
{
    struct dma_engine *engine = context;

    rl_lock_acquire(&engine->lock);
    if (engine->status & DMA_ENGINE_BUSY)
        finish(engine);
    rl_lock_release(&engine->lock);
}

void dma_engine_init(struct dma_engine *engine, ULONG memory_bytes)
{
    engine->memory = host_alloc(memory_bytes);
    engine->memory_bytes = memory_bytes;
    hal_timer_init(&engine->timer, timer_due, engine);
}

/* While one command runs the doorbell is not heard; a reset ends it. */
static void write_control(struct dma_engine *engine, ULONG value)
{
    if (value & DMA_ENGINE_RESET) {
        engine->control = engine->status = engine->count = 0;
    } else if (!(engine->status & DMA_ENGINE_BUSY)) {
        engine->control = value & ~(ULONG)DMA_ENGINE_START;
        if (value & DMA_ENGINE_START) {
            engine->status = DMA_ENGINE_BUSY;
            hal_timer_start(&engine->timer, engine->delay_ns);
        }
    }
    update_interrupt(engine);
}

void dma_engine_write(struct dma_engine *engine, ULONG offset, ULONG value)
{
    rl_lock_acquire(&engine->lock);
    switch (offset) {
    case DMA_ENGINE_CONTROL:
        write_control(engine, value);
        break;
    case DMA_ENGINE_STATUS:
        engine->status &= ~(value & (DMA_ENGINE_DONE | DMA_ENGINE_ERROR));
        update_interrupt(engine);
        break;
    case DMA_ENGINE_ADDRESS:
        engine->address[0] = value;
        break;
    case DMA_ENGINE_ADDRESS_HIGH:
        engine->address[1] = value;
        break;
    case DMA_ENGINE_LENGTH:
        engine->length = value;
        break;
    case DMA_ENGINE_OFFSET:
        engine->offset = value;
        break;
    default:
        break;
    }
    rl_lock_release(&engine->lock);
}

ULONG dma_engine_read(struct dma_engine *engine, ULONG offset)
{
    ULONG value;

    rl_lock_acquire(&engine->lock);
    switch (offset) {
    case DMA_ENGINE_ID:
        value = DMA_ENGINE_IDENTITY;
        break;
    case DMA_ENGINE_CONTROL:
        value = engine->control;
        break;
    case DMA_ENGINE_STATUS:
        value = engine->status;
        break;
    case DMA_ENGINE_ADDRESS:
        value = engine->address[0];
        break;
    case DMA_ENGINE_ADDRESS_HIGH:
        value = engine->address[1];
        break;
    case DMA_ENGINE_LENGTH:
        value = engine->length;
        break;
    case DMA_ENGINE_OFFSET:
        value = engine->offset;
        break;
    case DMA_ENGINE_COUNT:
        value = engine->count;
        break;
    default:
        value = ~0u;
    }
    rl_lock_release(&engine->lock);
    return value;
}
