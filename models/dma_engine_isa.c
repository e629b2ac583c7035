/* SPDX-License-Identifier: MIT */
/*
 * The dma-engine on the old bus: its registers in I/O ports, a line, a channel
 * of the system's controller.
 */
#include "models/dma_engine.h"
#include "host/host.h"

struct isa_engine {
    struct model model;
    struct dma_engine engine;
    struct hal_port_range ports;
    struct hal_pin pin;
};

/* Registers are read and written whole; a narrower access sees the part that it names. */
static ULONG read_ports(void *context, USHORT offset, unsigned width_bytes)
{
    struct isa_engine *isa = context;

    return dma_engine_read(&isa->engine, offset & ~3u) >> 8 * (offset & 3u);
}

static void write_ports(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct isa_engine *isa = context;

    if (offset % 4 == 0)
        dma_engine_write(&isa->engine, offset, value);
}

static void set_interrupt(void *context, bool asserted)
{
    struct isa_engine *isa = context;

    hal_set_pin(&isa->pin, asserted);
}

static void stop(struct model *model)
{
    hal_timer_stop(&container_of(model, struct isa_engine, model)->engine.timer);
}

static void destroy(struct model *model)
{
    struct isa_engine *isa = container_of(model, struct isa_engine, model);

    hal_timer_stop(&isa->engine.timer);
    hal_remove_ports(&isa->ports);
    hal_remove_pin(&isa->pin);
    dma_engine_fini(&isa->engine);
    host_free(isa);
}

static const struct model_ops operations = {.stop = stop, .destroy = destroy};

static bool number_key(const struct model_description *description, const char *key, uint64_t least,
                       uint64_t most, uint64_t *value, char *message, size_t size)
{
    const char *text = model_value(description, key);

    if (text == NULL || (model_number(text, value) && *value >= least && *value <= most))
        return true;
    host_snprintf(message, size, "%s wants a number from %llu to %llu for %s", description->name,
                  (unsigned long long)least, (unsigned long long)most, key);
    return false;
}

static bool read_description(struct isa_engine *isa, const struct model_description *description,
                             uint64_t *memory, char *message, size_t size)
{
    static const char *const keys[] = {"port", "irq", "dma", "memory", "address-bits", "delay", NULL};
    uint64_t port = 0x300, irq = 5, dma = DMA_ENGINE_NO_CHANNEL, bits = 64, delay = 10000;

    if (!model_only_keys(description, keys, message, size) ||
        !number_key(description, "port", 0, 0x10000 - DMA_ENGINE_REGISTERS, &port, message, size) ||
        !number_key(description, "irq", 0, HAL_LINES - 1, &irq, message, size) ||
        !number_key(description, "dma", 0, 7, &dma, message, size) ||
        !number_key(description, "memory", 4096, 16 << 20, memory, message, size) ||
        !number_key(description, "address-bits", 16, 64, &bits, message, size) ||
        !number_key(description, "delay", 0, 1000000000, &delay, message, size))
        return false;
    if (dma == 4 || (*memory & (*memory - 1)) != 0) {
        host_snprintf(message, size,
                      dma == 4 ? "channel 4 is the second controller's own"
                               : "dma-engine wants a power of two for memory");
        return false;
    }
    isa->ports.first = (USHORT)port;
    isa->pin.line = (ULONG)irq;
    isa->engine.channel = (ULONG)dma;
    isa->engine.address_mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
    isa->engine.delay_ns = delay;
    return true;
}

static NTSTATUS connect(struct isa_engine *isa, const struct model_description *description, char *message,
                        size_t size)
{
    NTSTATUS status = hal_add_pin(&isa->pin, isa->pin.line);

    if (!NT_SUCCESS(status))
        return status;
    status = hal_add_ports(&isa->ports);
    if (!NT_SUCCESS(status)) {
        host_snprintf(message, size, "the ports from 0x%x are taken", isa->ports.first);
    } else {
        status = model_register(&isa->model, description, message, size);
        if (!NT_SUCCESS(status))
            hal_remove_ports(&isa->ports);
    }
    if (!NT_SUCCESS(status))
        hal_remove_pin(&isa->pin);
    return status;
}

static NTSTATUS create(const struct model_description *description, char *message, size_t size)
{
    struct isa_engine *isa = host_alloc(sizeof(*isa));
    uint64_t memory = 65536;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    isa->model.ops = &operations;
    isa->model.pin = &isa->pin;
    isa->engine.set_interrupt = set_interrupt;
    isa->engine.context = isa;
    isa->ports = (struct hal_port_range){
        .count = DMA_ENGINE_REGISTERS, .context = isa, .read = read_ports, .write = write_ports};
    if (read_description(isa, description, &memory, message, size)) {
        dma_engine_init(&isa->engine, (ULONG)memory);
        status = connect(isa, description, message, size);
    }
    if (!NT_SUCCESS(status)) {
        dma_engine_fini(&isa->engine);
        host_free(isa);
    }
    return status;
}

const struct model_type model_dma_engine = {
    "dma-engine", "dma-engine[,port=0x300][,irq=5][,dma=CHANNEL][,memory=64K][,address-bits=64][,delay=NS]",
    create};
