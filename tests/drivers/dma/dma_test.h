/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the DMA test driver share: the dma-engine's registers,
 * buffers above and below the reach of 24 address bits, version 3 of the
 * operations, which the headers do not have.
 */
#ifndef DMA_TEST_H
#define DMA_TEST_H

#include "../rltest.h"

extern ULONG engine_port; /* 0x300: the engine with 24 address lines; 0x320: one with 64 */
enum { REG_ID, REG_CONTROL, REG_STATUS, REG_ADDRESS, REG_HIGH, REG_LENGTH, REG_OFFSET, REG_COUNT };
enum { RUN = 1, TO_DEVICE = 2, TABLE = 4, SLAVE = 8 };
#define ISA_END 0x1000000

extern PDEVICE_OBJECT device, other_device;

void engine_start(ULONG control, PHYSICAL_ADDRESS address, ULONG length, ULONG offset);
ULONG engine_wait(void); /* the status */
ULONG engine_run(ULONG control, PHYSICAL_ADDRESS address, ULONG length, ULONG offset);
ULONG engine_count(void);
/* Contiguous memory below or above 16 MiB, every byte set. */
PVOID buffer_at(BOOLEAN low, SIZE_T bytes, UCHAR value);
PMDL mdl_for(PVOID buffer, ULONG bytes);
BOOLEAN all_are(const UCHAR *bytes, ULONG count, UCHAR value);
DEVICE_DESCRIPTION describe(ULONG version, ULONG maximum_length);
PDMA_ADAPTER adapter_for(DEVICE_DESCRIPTION *description, PULONG registers);
KIRQL raise(void);

/* An AdapterControl that notes how it was called. */
struct control_call {
    IO_ALLOCATION_ACTION action;
    ULONG calls;
    KIRQL irql;
    PIRP irp;
    PVOID base;
    PDEVICE_OBJECT device;
};
IO_ALLOCATION_ACTION NTAPI note_control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                        PVOID Context);
struct list_call {
    ULONG calls;
    KIRQL irql;
    PIRP irp;
    PSCATTER_GATHER_LIST list;
};
VOID NTAPI note_list(PDEVICE_OBJECT DeviceObject, PIRP Irp, PSCATTER_GATHER_LIST ScatterGather,
                     PVOID Context);

void test_adapters(void);
void test_channels(void);
void test_transfers(void);
void test_system(void);
void test_buffers(void);
void test_lists(void);
void test_version3(void);

/* ---- version 3 ---- */

#define DMA_SYNCHRONOUS_CALLBACK     0x1
#define DMA_TRANSFER_CONTEXT_SIZE_V1 128

/* As wdm.h has had it since Windows 8. */
struct description3 {
    DEVICE_DESCRIPTION common;
    ULONG DmaAddressWidth, DmaControllerInstance, DmaRequestLine;
    PHYSICAL_ADDRESS DeviceAddress;
};

struct adapter_info {
    ULONG Version, padding, ReadDmaCounterAvailable, ScatterGatherLimit, DmaAddressWidth, Flags,
        MinimumTransferUnit;
    ULONG more[20];
};

struct transfer_info {
    ULONG Version, MapRegisterCount, ScatterGatherElementCount, ScatterGatherListSize, LogicalPageCount;
};

typedef VOID(NTAPI *completion_routine)(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context,
                                        int status);

struct operations3 {
    DMA_OPERATIONS common;
    NTSTATUS(NTAPI *GetDmaAdapterInfo)(PDMA_ADAPTER, struct adapter_info *);
    NTSTATUS(NTAPI *GetDmaTransferInfo)
    (PDMA_ADAPTER, PMDL, ULONGLONG, ULONG, BOOLEAN, struct transfer_info *);
    NTSTATUS(NTAPI *InitializeDmaTransferContext)(PDMA_ADAPTER, PVOID);
    PVOID(NTAPI *AllocateCommonBufferEx)
    (PDMA_ADAPTER, PPHYSICAL_ADDRESS, ULONG, PPHYSICAL_ADDRESS, BOOLEAN, ULONG);
    NTSTATUS(NTAPI *AllocateAdapterChannelEx)
    (PDMA_ADAPTER, PDEVICE_OBJECT, PVOID, ULONG, ULONG, PDRIVER_CONTROL, PVOID, PVOID *);
    NTSTATUS(NTAPI *ConfigureAdapterChannel)(PDMA_ADAPTER, ULONG, PVOID);
    BOOLEAN(NTAPI *CancelAdapterChannel)(PDMA_ADAPTER, PDEVICE_OBJECT, PVOID);
    NTSTATUS(NTAPI *MapTransferEx)
    (PDMA_ADAPTER, PMDL, PVOID, ULONGLONG, ULONG, PULONG, BOOLEAN, PSCATTER_GATHER_LIST, ULONG,
     completion_routine, PVOID);
    NTSTATUS(NTAPI *GetScatterGatherListEx)
    (PDMA_ADAPTER, PDEVICE_OBJECT, PVOID, PMDL, ULONGLONG, ULONG, ULONG, PDRIVER_LIST_CONTROL, PVOID, BOOLEAN,
     completion_routine, PVOID, PSCATTER_GATHER_LIST *);
    NTSTATUS(NTAPI *BuildScatterGatherListEx)
    (PDMA_ADAPTER, PDEVICE_OBJECT, PVOID, PMDL, ULONGLONG, ULONG, ULONG, PDRIVER_LIST_CONTROL, PVOID, BOOLEAN,
     PVOID, ULONG, completion_routine, PVOID, PVOID);
    NTSTATUS(NTAPI *FlushAdapterBuffersEx)(PDMA_ADAPTER, PMDL, PVOID, ULONGLONG, ULONG, BOOLEAN);
    VOID(NTAPI *FreeAdapterObject)(PDMA_ADAPTER, IO_ALLOCATION_ACTION);
    NTSTATUS(NTAPI *CancelMappedTransfer)(PDMA_ADAPTER, PVOID);
    NTSTATUS(NTAPI *AllocateDomainCommonBuffer)
    (PDMA_ADAPTER, HANDLE, PPHYSICAL_ADDRESS, ULONG, ULONG, MEMORY_CACHING_TYPE *, ULONG, PPHYSICAL_ADDRESS,
     PVOID *);
    NTSTATUS(NTAPI *FlushDmaBuffer)(PDMA_ADAPTER, PMDL, BOOLEAN);
    NTSTATUS(NTAPI *JoinDmaDomain)(PDMA_ADAPTER, HANDLE);
    NTSTATUS(NTAPI *LeaveDmaDomain)(PDMA_ADAPTER);
    HANDLE(NTAPI *GetDmaDomain)(PDMA_ADAPTER);
    PVOID(NTAPI *AllocateCommonBufferWithBounds)
    (PDMA_ADAPTER, PPHYSICAL_ADDRESS, PPHYSICAL_ADDRESS, ULONG, ULONG, MEMORY_CACHING_TYPE *, ULONG,
     PPHYSICAL_ADDRESS);
    NTSTATUS(NTAPI *AllocateCommonBufferVector)
    (PDMA_ADAPTER, PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, MEMORY_CACHING_TYPE, ULONG, ULONG, ULONG, ULONGLONG,
     PVOID *);
    VOID(NTAPI *GetCommonBufferFromVectorByIndex)(PDMA_ADAPTER, PVOID, ULONG, PVOID *, PPHYSICAL_ADDRESS);
    VOID(NTAPI *FreeCommonBufferFromVector)(PDMA_ADAPTER, PVOID, ULONG);
    VOID(NTAPI *FreeCommonBufferVector)(PDMA_ADAPTER, PVOID);
    NTSTATUS(NTAPI *CreateCommonBufferFromMdl)(PDMA_ADAPTER, PMDL, PVOID, ULONG, PPHYSICAL_ADDRESS);
};

static inline struct operations3 *operations3(PDMA_ADAPTER adapter)
{
    return (struct operations3 *)adapter->DmaOperations;
}

#endif
