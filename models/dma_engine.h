/* SPDX-License-Identifier: MIT */
/*
 * A little DMA device for trying drivers on (docs/models.md): a memory of its
 * own, and commands that move it to or from the machine's, as a bus master with
 * one buffer or a table of them, or through a channel of the system's
 * controller. This is the device; what attaches it to a bus gives it registers
 * by dma_engine_read and ..._write, a way to interrupt, and lets it run.
 */
#ifndef MODEL_DMA_ENGINE_H
#define MODEL_DMA_ENGINE_H

#include "base/lock.h"
#include "hal/hal.h"
#include "models/model.h"

/* Registers of 32 bits, by their offset. */
enum {
    DMA_ENGINE_ID = 0x00,
    DMA_ENGINE_CONTROL = 0x04,
    DMA_ENGINE_STATUS = 0x08,
    DMA_ENGINE_ADDRESS = 0x0C,
    DMA_ENGINE_ADDRESS_HIGH = 0x10,
    DMA_ENGINE_LENGTH = 0x14,
    DMA_ENGINE_OFFSET = 0x18,
    DMA_ENGINE_COUNT = 0x1C,
    DMA_ENGINE_REGISTERS = 0x20
};

#define DMA_ENGINE_IDENTITY 0x31414D44u /* "DMA1" */

enum {
    DMA_ENGINE_START = 0x01,      /* the doorbell */
    DMA_ENGINE_TO_DEVICE = 0x02,  /* reads the machine's memory */
    DMA_ENGINE_TABLE = 0x04,      /* ADDRESS is a table of descriptors, LENGTH counts them */
    DMA_ENGINE_SLAVE = 0x08,      /* by the system's controller: LENGTH bytes, ADDRESS does not count */
    DMA_ENGINE_INTERRUPTS = 0x10, /* the line follows DONE */
    DMA_ENGINE_RESET = 0x80
};

enum { DMA_ENGINE_BUSY = 0x01, DMA_ENGINE_DONE = 0x02, DMA_ENGINE_ERROR = 0x04 };

/* In a table, at any address that is a multiple of 4. */
struct dma_engine_descriptor {
    uint64_t address;
    uint32_t length;
    uint32_t reserved;
};

#define DMA_ENGINE_NO_CHANNEL (~0u)

struct dma_engine {
    rl_lock lock;
    UCHAR *memory;
    ULONG memory_bytes;
    uint64_t address_mask;                               /* of its address lines */
    uint64_t delay_ns;                                   /* from the doorbell to the end */
    ULONG channel;                                       /* of the system's controller */
    void (*set_interrupt)(void *context, bool asserted); /* with the lock held */
    void *context;
    struct hal_timer timer;
    ULONG control, status, address[2], length, offset, count;
};

/* memory_bytes: a power of two. */
void dma_engine_init(struct dma_engine *engine, ULONG memory_bytes);
void dma_engine_fini(struct dma_engine *engine); /* nothing of it runs any more */
ULONG dma_engine_read(struct dma_engine *engine, ULONG offset);
void dma_engine_write(struct dma_engine *engine, ULONG offset, ULONG value);

extern const struct model_type model_dma_engine;

#endif
