/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine around the CPU: port and memory space of device
 * models, MSRs, CMOS clock, PCI configuration ports, BIOS area. Sets
 * machine_ops. Device models register ranges here.
 */
#ifndef HAL_H
#define HAL_H

#include "ke/ke.h"
#include "arch/machine.h"

struct hal_port_range {
    LIST_ENTRY link;
    USHORT first, count;
    void *context;
    ULONG (*read)(void *context, USHORT offset, unsigned width_bytes);
    void (*write)(void *context, USHORT offset, ULONG value, unsigned width_bytes);
};

/*
 * Device memory, from a multiple of 16 bytes on. The callbacks see naturally aligned accesses of 1, 2, 4 and
 * 8 bytes: what a driver does across such a border arrives in pieces, lowest address first.
 */
struct hal_mmio_range {
    LIST_ENTRY link;
    uint64_t first, length; /* physical, beyond RAM, multiples of 16 */
    void *context;
    void (*read)(void *context, uint64_t offset, void *value, unsigned width_bytes);
    void (*write)(void *context, uint64_t offset, const void *value, unsigned width_bytes);
};

/* A function on the PCI bus: its configuration space, as the ports 0xCF8/0xCFC and HalGetBusData see it. */
struct hal_pci_function {
    LIST_ENTRY link;
    UCHAR bus, device, function;
    bool absent; /* nobody finds it */
    void *context;
    void (*read)(void *context, ULONG offset, void *buffer, ULONG length);
    void (*write)(void *context, ULONG offset, const void *buffer, ULONG length);
};

/*
 * Interrupts as devices ask for them. Lines 0..15 are ISA's, 16..23 those that PCI's INTA..INTD lead to. A
 * line is asserted while one of its pins is (wired-or): a level-sensitive line interrupts as long as it is, a
 * latched one when it becomes so. Any thread may call these, also one that holds no processor, and an
 * emulated instruction of a driver at any IRQL: they take no NT lock, wait for nothing and run no driver
 * code.
 */
#define HAL_LINES 24
struct hal_pin {
    LIST_ENTRY link;
    ULONG line;
    bool asserted;
};
NTSTATUS hal_add_pin(struct hal_pin *pin, ULONG line); /* STATUS_INVALID_PARAMETER: no such line */
void hal_remove_pin(struct hal_pin *pin);              /* lets go of the line */
void hal_set_pin(struct hal_pin *pin, bool asserted);
/* A message-signaled interrupt: the device's write of data to the interrupt controller's address. */
#define HAL_MESSAGE_ADDRESS 0xFEE00000ull
void hal_send_message(uint64_t address, ULONG data);
/* As if a device on this line asked for one interrupt: a pulse. STATUS_INVALID_PARAMETER: no such line;
 * STATUS_INVALID_DEVICE_STATE: no driver has connected to it. */
NTSTATUS hal_pulse_line(ULONG line);

/*
 * Vectors: what the processor sees. A vector's IRQL is its upper four bits. Each line has one of its own;
 * those without a line are for messages.
 */
enum { HAL_VECTOR_FIRST = 0x30, HAL_VECTOR_END = 0xC0 }; /* DIRQL 3..11 */
#define HAL_NO_LINE (~0u)
ULONG hal_vector_of_line(ULONG line);
ULONG hal_line_of_vector(ULONG vector); /* HAL_NO_LINE: a message's, or none */
static inline KIRQL hal_vector_irql(ULONG vector)
{
    return (KIRQL)(vector >> 4);
}
/* Who serves a vector, at its IRQL on one of the processors: false: it will call hal_vector_end itself. One
 * service at a time. */
struct hal_service {
    bool latched;
    KAFFINITY processors;
    bool (*serve)(void *context);
    void *context;
};
NTSTATUS hal_vector_connect(ULONG vector, const struct hal_service *service); /* replaces the former */
void hal_vector_disconnect(ULONG vector); /* may still be serving: hal_vector_is_busy */
bool hal_vector_is_busy(ULONG vector);
void hal_vector_end(ULONG vector);

/*
 * A device's own time, apart from any processor's IRQL: fn runs once when delay_ns have passed, as hardware
 * does (with no processor, or in the middle of any driver's code). It may set pins, start timers, use memory
 * and rl_locks, and nothing of NT. With a seed the time is virtual. hal_timer_stop returns when fn does not
 * run and will not.
 */
struct hal_timer {
    LIST_ENTRY link;
    uint64_t due_ns; /* of hal_now_ns */
    bool armed;
    void (*fn)(void *context);
    void *context;
};
void hal_timer_init(struct hal_timer *timer, void (*fn)(void *context), void *context);
void hal_timer_start(struct hal_timer *timer, uint64_t delay_ns); /* again: replaces the former time */
void hal_timer_stop(struct hal_timer *timer);
uint64_t hal_now_ns(void);

/* RAM as a bus master sees it; false: not all of it is RAM, and nothing was copied. */
bool hal_memory_read(uint64_t pa, void *to, size_t length);
bool hal_memory_write(uint64_t pa, const void *from, size_t length);

/*
 * A device on a channel of the system's DMA controller (0..3 move bytes, 5..7 words). When it has or wants
 * data it asks; the controller serves it through these, for as long as wants says so. terminal: with this
 * unit the count that the driver's HAL had programmed has run out. Any thread; no lock of the controller is
 * held.
 */
struct hal_dma_device {
    void *context;
    ULONG (*read)(void *context, bool terminal); /* a unit from the device */
    void (*write)(void *context, ULONG value, bool terminal);
    bool (*wants)(void *context);
};
size_t hal_dma_request(ULONG channel, const struct hal_dma_device *device); /* bytes; 0: not programmed */

/* An adapter for a description; permanent: no driver is expected to release it. NULL as IoGetDmaAdapter. */
PDMA_ADAPTER hal_get_adapter(const DEVICE_DESCRIPTION *description, PULONG registers, bool permanent,
                             const void *caller);
/* One that a bus driver made is the driver's that asked the bus for it. */
void hal_set_adapter_caller(PDMA_ADAPTER adapter, const void *caller);
/* What drivers hold: adapters that were not put, common buffers, and what was asked for by an adapter.
 * caller: who made it. A lock is held: visit must not allocate. */
struct hal_adapter_info {
    const DMA_ADAPTER *adapter;
    const void *caller;
    bool permanent; /* HalGetAdapter's: NT drivers have no way to release it */
};
struct hal_buffer_info {
    const DMA_ADAPTER *adapter;
    void *address;
    ULONG length;
    const void *caller;
};
struct hal_request_info {
    const DMA_ADAPTER *adapter;
    const void *handle; /* the list, or MapRegisterBase */
    const void *caller;
    const void *routine; /* to be called yet, when it is its turn or at the end of its transfer; or NULL */
    bool waits, list, channel;
};
void hal_for_each_adapter(void (*visit)(const struct hal_adapter_info *info, void *context), void *context);
void hal_for_each_common_buffer(void (*visit)(const struct hal_buffer_info *info, void *context),
                                void *context);
void hal_for_each_dma_request(void (*visit)(const struct hal_request_info *info, void *context),
                              void *context);

NTSTATUS hal_init(void);
void hal_fini(void);
NTSTATUS hal_add_ports(struct hal_port_range *range); /* STATUS_CONFLICTING_ADDRESSES */
NTSTATUS hal_add_mmio(struct hal_mmio_range *range);
void hal_remove_ports(struct hal_port_range *range);
/* Whether a device model answers somewhere between first and last, both included. */
bool hal_ports_are_decoded(USHORT first, USHORT last);
bool hal_memory_is_decoded(uint64_t first, uint64_t last);
void hal_remove_mmio(struct hal_mmio_range *range);
ULONG hal_port_read(USHORT port, unsigned width_bytes);
void hal_port_write(USHORT port, ULONG value, unsigned width_bytes);
NTSTATUS
hal_add_pci(struct hal_pci_function *function); /* STATUS_CONFLICTING_ADDRESSES: the place is taken */
void hal_remove_pci(struct hal_pci_function *function);
void hal_pci_set_absent(struct hal_pci_function *function, bool absent); /* pulled out, or back */
ULONG hal_pci_changes(void); /* how often a function came or went */
/* Whole or part of a function's configuration space: bytes done; 0: no such bus; 2 with an invalid vendor: no
 * such function. */
ULONG hal_pci_read(ULONG bus, ULONG device, ULONG function, ULONG offset, void *buffer, ULONG length);
ULONG hal_pci_write(ULONG bus, ULONG device, ULONG function, ULONG offset, const void *buffer, ULONG length);
/* A place for a function's BAR, as firmware finds it: aligned to its size; 0: the windows are full. */
uint64_t hal_pci_assign(bool is_ports, uint64_t size);
UCHAR hal_cmos_read(UCHAR index);
void hal_cmos_write(UCHAR index, UCHAR value);
void hal_set_msr(ULONG msr, uint64_t value); /* an embedder's or model's own MSR */

#endif
