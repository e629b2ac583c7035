/* SPDX-License-Identifier: MIT */
/*
 * Bus configuration data and address translation, the old way: PCI
 * configuration space by slot, CMOS bytes by index. Bus addresses of the
 * simulated machine are its physical addresses.
 */
#include "hal/exports.h"
#include "hal/internal.h"

static ULONG slot_device(ULONG slot)
{
    return slot & 0x1F;
}

static ULONG slot_function(ULONG slot)
{
    return slot >> 5 & 7;
}

static ULONG read_cmos(ULONG first, UCHAR *buffer, ULONG length)
{
    ULONG i;

    for (i = 0; i < length && first + i < 128; i++)
        buffer[i] = hal_cmos_read((UCHAR)(first + i));
    return i;
}

static ULONG write_cmos(ULONG first, const UCHAR *buffer, ULONG length)
{
    ULONG i;

    for (i = 0; i < length && first + i < 128; i++)
        hal_cmos_write((UCHAR)(first + i), buffer[i]);
    return i;
}

/*
 * The bytes of a slot's configuration from Offset on: how many were read; 0 if there is no such bus; 2 and
 * the vendor 0xFFFF if the slot is empty. For Cmos the slot is the index of the first byte.
 */
EXPORT(hal, HalGetBusDataByOffset, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                                  ULONG Offset, ULONG Length)
{
    if (BusDataType == Cmos && BusNumber == 0)
        return read_cmos(SlotNumber + Offset, Buffer, Length);
    if (BusDataType != PCIConfiguration)
        return 0;
    return hal_pci_read(BusNumber, slot_device(SlotNumber), slot_function(SlotNumber), Offset, Buffer,
                        Length);
}

EXPORT(hal, HalGetBusData, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                          ULONG Length)
{
    return HalGetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}

/* How many bytes were written: 0 where there is no device. */
EXPORT(hal, HalSetBusDataByOffset, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                                  ULONG Offset, ULONG Length)
{
    if (BusDataType == Cmos && BusNumber == 0)
        return write_cmos(SlotNumber + Offset, Buffer, Length);
    if (BusDataType != PCIConfiguration)
        return 0;
    return hal_pci_write(BusNumber, slot_device(SlotNumber), slot_function(SlotNumber), Offset, Buffer,
                         Length);
}

EXPORT(hal, HalSetBusData, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI HalSetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                          ULONG Length)
{
    return HalSetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}

static BOOLEAN bus_exists(INTERFACE_TYPE type, ULONG number)
{
    return number == 0 && (type == Internal || type == Isa || type == Eisa || type == PCIBus ||
                           type == PNPBus || type == PNPISABus || type == ACPIBus);
}

/*
 * The system's vector for a bus interrupt, its DIRQL, and the processors that can take it; 0: there is no
 * such bus or line. ISA lines are 0..15; a PCI function's is what its interrupt line register says, so level
 * and vector are the same there.
 */
EXPORT(hal, HalGetInterruptVector, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber, ULONG BusInterruptLevel,
                                  ULONG BusInterruptVector, PKIRQL Irql, PKAFFINITY Affinity)
{
    ULONG lines = InterfaceType == PCIBus || InterfaceType == Internal ? HAL_LINES : 16;

    if (!bus_exists(InterfaceType, BusNumber) || BusInterruptLevel >= lines)
        return 0;
    ULONG vector = hal_vector_of_line(BusInterruptLevel);
    *Irql = hal_vector_irql(vector);
    *Affinity = KeQueryActiveProcessors();
    return vector;
}

/*
 * A bus address as a physical one: the same number, in memory (*AddressSpace 0) or port space (1), which x64
 * has too. FALSE: no such bus, or no such port.
 */
EXPORT(hal, HalTranslateBusAddress, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI HalTranslateBusAddress(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                     PHYSICAL_ADDRESS BusAddress, PULONG AddressSpace,
                                     PPHYSICAL_ADDRESS TranslatedAddress)
{
    if (!bus_exists(InterfaceType, BusNumber) || *AddressSpace > 1)
        return FALSE;
    if (*AddressSpace == 1 && (ULONGLONG)BusAddress.QuadPart > 0xFFFF)
        return FALSE;
    TranslatedAddress->QuadPart = BusAddress.QuadPart;
    return TRUE;
}
