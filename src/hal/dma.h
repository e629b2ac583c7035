/* SPDX-License-Identifier: MIT */
/*
 * DMA adapters inside. An adapter is what one device may do on its bus: how
 * far its addresses reach, whether it wants one piece of memory or takes many,
 * a bus master's own channel or one of the system controller's. A request is
 * one allocation of the channel and of map registers, from the call that asks
 * for it until both are given back; the driver knows it as MapRegisterBase or
 * by its scatter/gather list. A map register is a page of a pool that the
 * adapter reaches; data bounces through it where the buffer itself will not do.
 *
 * dma_lock guards the lists, the channels and the pools' maps; it is not held
 * while driver code runs, nor, but by FlushDmaBuffer, while data is copied. What a request has mapped
 * is the business of the driver that holds it.
 */
#ifndef DMA_H
#define DMA_H

#include "base/lock.h"
#include "hal/internal.h"

#define DMA_TAG 0x20616D44u /* 'Dma ' */

/* Pages below an address, contiguous, handed out in runs. */
struct dma_pool {
    LIST_ENTRY link;
    uint64_t limit; /* the last address that its adapters reach */
    uint64_t pa;
    ULONG count;
    LIST_ENTRY waiting; /* requests, in turn */
    UCHAR taken[];
};

struct dma_channel {
    struct dma_request *owner;
    LIST_ENTRY waiting; /* requests, in turn */
};

struct dma_adapter {
    DMA_ADAPTER public;
    LIST_ENTRY link;
    const void *caller;
    bool permanent; /* HalGetAdapter's: NT has no routine that frees it */
    bool master, scatter_gather, auto_initialize, demand;
    ULONG version;  /* of the description, and of the operations */
    UCHAR number;   /* of the system controller's channel */
    UCHAR unit;     /* bytes that the system controller moves at once; 1 for a bus master */
    ULONG width;    /* address bits */
    uint64_t limit; /* the last address that the device reaches */
    ULONG boundary; /* no transfer may cross a multiple of it; 0: any may */
    ULONG registers;
    struct dma_pool *pool; /* NULL: the device reaches every page as it is */
    struct dma_channel own, *channel;
    LIST_ENTRY requests, buffers;
};

/* A part of a request that bounces. */
struct dma_bounce {
    PMDL mdl;
    uint64_t offset; /* in the MDL chain */
    uint64_t pa;
    ULONG length;
    ULONG first, pages; /* registers, counted in the request's run */
};

enum dma_state { DMA_WAITS_FOR_CHANNEL, DMA_WAITS_FOR_REGISTERS, DMA_READY, DMA_RUNNING, DMA_HELD };

struct dma_request {
    LIST_ENTRY link;  /* the adapter's */
    LIST_ENTRY queue; /* who waits for the same */
    struct dma_adapter *adapter;
    enum dma_state state;
    bool has_channel, has_registers;
    bool classic;       /* by AllocateAdapterChannel: one at a time for a device object */
    const void *caller; /* code of a driver; NULL: none asked */
    bool *gone;         /* while its routine runs: set if the request ends meanwhile */
    void *storage;      /* what is freed with it; NULL: it lies in a driver's buffer */
    PDEVICE_OBJECT device;
    PIRP irp;
    PDRIVER_CONTROL control;
    PDRIVER_LIST_CONTROL list_control;
    PVOID driver_context;
    void *transfer_context; /* version 3 */
    ULONG count;            /* map registers asked for */
    ULONG taken, first;     /* those of the pool */
    ULONG used;
    PMDL mdl; /* what the list describes */
    uint64_t offset;
    ULONG length;
    bool write;
    PSCATTER_GATHER_LIST list;
    PMDL built; /* by BuildMdlFromScatterGatherList */
    ULONG bounce_count, bounce_room;
    struct dma_bounce *bounces;
};

extern rl_lock dma_lock;
extern LIST_ENTRY dma_adapters;

/* A driver's mistake that would damage memory on a real machine: bug check 0xE6. */
_Noreturn void dma_violation(ULONG kind, ULONG64 p2, ULONG64 p3, ULONG64 p4, const char *sentence);

/* dma_adapter.c */
void dma_init(void);
void dma_fini(void);
struct dma_adapter *dma_adapter_of(PDMA_ADAPTER adapter); /* bug check 0xE6 for what is none */

/* dma_operations.c: the table of a version, NULL without memory. */
PDMA_OPERATIONS dma_operations(ULONG version);
void dma_operations_reset(void);

/* dma_pool.c */
struct dma_pool *dma_pool_below(uint64_t limit);
/* Locked. Takes the request's registers; false: it must wait. */
bool dma_pool_take(struct dma_request *request);
void dma_pool_give(struct dma_request *request);
void dma_pool_reset(void);

/* dma_channel.c */
struct dma_channel *dma_system_channel(ULONG number);
void dma_channels_reset(void);
struct dma_request *dma_request_create(struct dma_adapter *adapter, PDEVICE_OBJECT device, ULONG registers);
/* Asks for the channel and the registers and calls the routine when they are there. wait false: only if they
 * are there now. The request is consumed; on success it lives until what it has is given back. */
NTSTATUS dma_request_submit(struct dma_request *request, bool wait);
struct dma_request *dma_request_of(struct dma_adapter *adapter,
                                   PVOID map_register_base); /* NULL: none of its */
struct dma_request *dma_request_by_list(struct dma_adapter *adapter, const SCATTER_GATHER_LIST *list);
/* Locked. Any adapter's. */
struct dma_request *dma_request_by_context(const void *transfer_context);
void dma_request_release(struct dma_request *request, bool channel, bool registers);
NTSTATUS dma_allocate_channel_for(struct dma_adapter *adapter, PDEVICE_OBJECT device, PIRP irp,
                                  ULONG registers, PDRIVER_CONTROL routine, PVOID context);
bool dma_request_cancel(
    struct dma_request *request); /* waits no longer, and is freed; false: it does not wait */
struct dma_request *dma_channel_owner(struct dma_adapter *adapter);

/* dma_chain.c: positions in chains of MDLs. */
struct dma_cursor {
    PMDL mdl;
    ULONG at; /* bytes into this MDL */
};
uint64_t dma_chain_bytes(PMDL mdl);
bool dma_chain_holds(PMDL mdl, uint64_t offset, uint64_t length);
struct dma_cursor dma_seek(PMDL mdl, uint64_t offset);
uint64_t dma_address(const struct dma_cursor *cursor);
ULONG dma_chunk(const struct dma_cursor *cursor, ULONG most); /* to the end of the page, of the MDL */
/* Physically contiguous bytes from here on, all of them (reach true) or none at or below the limit. */
ULONG dma_run(const struct dma_cursor *cursor, ULONG most, uint64_t limit, bool reach);
void dma_advance(struct dma_cursor *cursor, ULONG bytes);
ULONG dma_span(PMDL mdl, uint64_t offset, ULONG length); /* pages that it touches */

/* dma_map.c */
/* One piece of a scatter/gather transfer: its logical address; *length shrinks to what is in one piece. */
uint64_t dma_map_piece(struct dma_request *request, PMDL mdl, uint64_t offset, ULONG *length, bool write);
/* The whole as one piece. */
uint64_t dma_map_whole(struct dma_request *request, PMDL mdl, uint64_t offset, ULONG length, bool write);
bool dma_needs_bounce(const struct dma_adapter *adapter, PMDL mdl, uint64_t offset, ULONG length);
void dma_sync(struct dma_request *request, PMDL mdl, uint64_t offset, uint64_t length, bool write);
void dma_flush(struct dma_request *request, PMDL mdl, uint64_t offset, uint64_t length, bool write);
ULONG dma_room(const struct dma_request *request, uint64_t pa); /* bytes that may still bounce */

/* dma_list.c */
struct dma_list_order {
    struct dma_adapter *adapter;
    PDEVICE_OBJECT device;
    PMDL mdl;
    uint64_t offset;
    ULONG length;
    bool write, wait;
    PDRIVER_LIST_CONTROL routine;
    PVOID context;
    void *transfer_context, *buffer; /* buffer: the driver's for the list, or NULL */
    ULONG buffer_length;
    PSCATTER_GATHER_LIST *list; /* where to put it before the routine is called, or NULL */
};
NTSTATUS dma_list_submit(const struct dma_list_order *order);
size_t dma_list_storage(const struct dma_adapter *adapter, ULONG elements, ULONG bounced);
ULONG dma_list_elements(const struct dma_adapter *adapter, PMDL mdl, uint64_t offset, ULONG length,
                        ULONG *bounced);
void dma_list_fill(struct dma_request *request);

/* dma_system.c: the channels of the system's controller. */
void dma_system_init(void);
void dma_system_fini(void);
void dma_system_start(struct dma_request *request, uint64_t pa, ULONG length, bool write);
void dma_system_start_alone(struct dma_request *request, uint64_t pa, ULONG length, bool write);
void dma_system_stop(struct dma_request *request);
ULONG dma_system_left(const struct dma_adapter *adapter);
void dma_system_expect(struct dma_request *request, PDMA_COMPLETION_ROUTINE routine, PVOID context);
void dma_system_cancel(struct dma_request *request);
const void *
dma_system_expected(const struct dma_adapter *adapter); /* locked: who is to be called at the end */
void dma_system_terminal(ULONG channel);

/* dma8237.c: the controller itself. */
void dma8237_init(void);
void dma8237_fini(void);
void dma8237_program(ULONG channel, uint64_t pa, ULONG bytes, UCHAR mode);
void dma8237_mask(ULONG channel);
ULONG dma8237_left(ULONG channel); /* bytes */
#define DMA8237_DEMAND          0x00
#define DMA8237_SINGLE          0x40
#define DMA8237_BLOCK           0x80
#define DMA8237_AUTO_INITIALIZE 0x10
#define DMA8237_TO_MEMORY       0x04
#define DMA8237_FROM_MEMORY     0x08

/* ---- the operations, by their documented names ---- */
VOID NTAPI dma_put_adapter(PDMA_ADAPTER DmaAdapter);
PVOID NTAPI dma_allocate_common_buffer(PDMA_ADAPTER DmaAdapter, ULONG Length,
                                       PPHYSICAL_ADDRESS LogicalAddress, BOOLEAN CacheEnabled);
VOID NTAPI dma_free_common_buffer(PDMA_ADAPTER DmaAdapter, ULONG Length, PHYSICAL_ADDRESS LogicalAddress,
                                  PVOID VirtualAddress, BOOLEAN CacheEnabled);
NTSTATUS NTAPI dma_allocate_adapter_channel(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                            ULONG NumberOfMapRegisters, PDRIVER_CONTROL ExecutionRoutine,
                                            PVOID Context);
BOOLEAN NTAPI dma_flush_adapter_buffers(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                        PVOID CurrentVa, ULONG Length, BOOLEAN WriteToDevice);
VOID NTAPI dma_free_adapter_channel(PDMA_ADAPTER DmaAdapter);
VOID NTAPI dma_free_map_registers(PDMA_ADAPTER DmaAdapter, PVOID MapRegisterBase, ULONG NumberOfMapRegisters);
PHYSICAL_ADDRESS NTAPI dma_map_transfer(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                        PVOID CurrentVa, PULONG Length, BOOLEAN WriteToDevice);
ULONG NTAPI dma_get_alignment(PDMA_ADAPTER DmaAdapter);
ULONG NTAPI dma_read_counter(PDMA_ADAPTER DmaAdapter);
NTSTATUS NTAPI dma_get_list(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PMDL Mdl, PVOID CurrentVa,
                            ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                            BOOLEAN WriteToDevice);
VOID NTAPI dma_put_list(PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather, BOOLEAN WriteToDevice);
NTSTATUS NTAPI dma_calculate_list(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID CurrentVa, ULONG Length,
                                  PULONG ScatterGatherListSize, PULONG NumberOfMapRegisters);
NTSTATUS NTAPI dma_build_list(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PMDL Mdl, PVOID CurrentVa,
                              ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                              BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer, ULONG ScatterGatherLength);
NTSTATUS NTAPI dma_build_mdl(PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather, PMDL OriginalMdl,
                             PMDL *TargetMdl);
NTSTATUS NTAPI dma_get_adapter_info(PDMA_ADAPTER DmaAdapter, PDMA_ADAPTER_INFO AdapterInfo);
NTSTATUS NTAPI dma_get_transfer_info(PDMA_ADAPTER DmaAdapter, PMDL Mdl, ULONGLONG Offset, ULONG Length,
                                     BOOLEAN WriteOnly, PDMA_TRANSFER_INFO TransferInfo);
NTSTATUS NTAPI dma_initialize_context(PDMA_ADAPTER DmaAdapter, PVOID DmaTransferContext);
PVOID NTAPI dma_allocate_common_buffer_ex(PDMA_ADAPTER DmaAdapter, PPHYSICAL_ADDRESS MaximumAddress,
                                          ULONG Length, PPHYSICAL_ADDRESS LogicalAddress,
                                          BOOLEAN CacheEnabled, ULONG PreferredNode);
NTSTATUS NTAPI dma_allocate_adapter_channel_ex(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                               PVOID DmaTransferContext, ULONG NumberOfMapRegisters,
                                               ULONG Flags, PDRIVER_CONTROL ExecutionRoutine,
                                               PVOID ExecutionContext, PVOID *MapRegisterBase);
NTSTATUS NTAPI dma_configure_channel(PDMA_ADAPTER DmaAdapter, ULONG FunctionNumber, PVOID Context);
BOOLEAN NTAPI dma_cancel_adapter_channel(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                         PVOID DmaTransferContext);
NTSTATUS NTAPI dma_map_transfer_ex(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase, ULONGLONG Offset,
                                   ULONG DeviceOffset, PULONG Length, BOOLEAN WriteToDevice,
                                   PSCATTER_GATHER_LIST ScatterGatherBuffer, ULONG ScatterGatherBufferLength,
                                   PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext);
NTSTATUS NTAPI dma_get_list_ex(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PVOID DmaTransferContext,
                               PMDL Mdl, ULONGLONG Offset, ULONG Length, ULONG Flags,
                               PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context, BOOLEAN WriteToDevice,
                               PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext,
                               PSCATTER_GATHER_LIST *ScatterGatherList);
NTSTATUS NTAPI dma_build_list_ex(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                 PVOID DmaTransferContext, PMDL Mdl, ULONGLONG Offset, ULONG Length,
                                 ULONG Flags, PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                                 BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer, ULONG ScatterGatherLength,
                                 PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext,
                                 PVOID ScatterGatherList);
NTSTATUS NTAPI dma_flush_adapter_buffers_ex(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                            ULONGLONG Offset, ULONG Length, BOOLEAN WriteToDevice);
VOID NTAPI dma_free_adapter_object(PDMA_ADAPTER DmaAdapter, IO_ALLOCATION_ACTION AllocationAction);
NTSTATUS NTAPI dma_cancel_mapped_transfer(PDMA_ADAPTER DmaAdapter, PVOID DmaTransferContext);
NTSTATUS NTAPI dma_allocate_domain_buffer(PDMA_ADAPTER DmaAdapter, HANDLE DomainHandle,
                                          PPHYSICAL_ADDRESS MaximumAddress, ULONG Length, ULONG Flags,
                                          MEMORY_CACHING_TYPE *CacheType, ULONG PreferredNode,
                                          PPHYSICAL_ADDRESS LogicalAddress, PVOID *VirtualAddress);
NTSTATUS NTAPI dma_flush_buffer(PDMA_ADAPTER DmaAdapter, PMDL Mdl, BOOLEAN ReadOperation);
NTSTATUS NTAPI dma_join_domain(PDMA_ADAPTER DmaAdapter, HANDLE DomainHandle);
NTSTATUS NTAPI dma_leave_domain(PDMA_ADAPTER DmaAdapter);
HANDLE NTAPI dma_get_domain(PDMA_ADAPTER DmaAdapter);
PVOID NTAPI dma_allocate_common_buffer_with_bounds(PDMA_ADAPTER DmaAdapter, PPHYSICAL_ADDRESS MinimumAddress,
                                                   PPHYSICAL_ADDRESS MaximumAddress, ULONG Length,
                                                   ULONG Flags, MEMORY_CACHING_TYPE *CacheType,
                                                   ULONG PreferredNode, PPHYSICAL_ADDRESS LogicalAddress);
NTSTATUS NTAPI dma_allocate_vector(PDMA_ADAPTER DmaAdapter, PHYSICAL_ADDRESS LowAddress,
                                   PHYSICAL_ADDRESS HighAddress, MEMORY_CACHING_TYPE CacheType,
                                   ULONG IdealNode, ULONG Flags, ULONG NumberOfElements,
                                   ULONGLONG SizeOfElements, PDMA_COMMON_BUFFER_VECTOR *VectorOut);
VOID NTAPI dma_get_from_vector(PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index,
                               PVOID *VirtualAddressOut, PPHYSICAL_ADDRESS LogicalAddressOut);
VOID NTAPI dma_free_from_vector(PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index);
VOID NTAPI dma_free_vector(PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector);
NTSTATUS NTAPI dma_create_buffer_from_mdl(PDMA_ADAPTER DmaAdapter, PMDL Mdl,
                                          PDMA_COMMON_BUFFER_EXTENDED_CONFIGURATION ExtendedConfigs,
                                          ULONG ExtendedConfigsCount, PPHYSICAL_ADDRESS LogicalAddress);

#endif
