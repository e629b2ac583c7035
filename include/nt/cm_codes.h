/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the registry and of resource descriptors.
 */
#ifndef NT_CM_CODES_H
#define NT_CM_CODES_H

#include "nt/types.h"

/* Value types */
#define REG_NONE 0
#define REG_SZ 1
#define REG_EXPAND_SZ 2
#define REG_BINARY 3
#define REG_DWORD 4
#define REG_DWORD_LITTLE_ENDIAN 4
#define REG_DWORD_BIG_ENDIAN 5
#define REG_LINK 6
#define REG_MULTI_SZ 7
#define REG_RESOURCE_LIST 8
#define REG_FULL_RESOURCE_DESCRIPTOR 9
#define REG_RESOURCE_REQUIREMENTS_LIST 10
#define REG_QWORD 11
#define REG_QWORD_LITTLE_ENDIAN 11

/* CreateOptions and disposition */
#define REG_OPTION_NON_VOLATILE 0x00000000
#define REG_OPTION_RESERVED 0x00000000
#define REG_OPTION_VOLATILE 0x00000001
#define REG_OPTION_CREATE_LINK 0x00000002
#define REG_OPTION_BACKUP_RESTORE 0x00000004
#define REG_OPTION_OPEN_LINK 0x00000008
#define REG_CREATED_NEW_KEY 0x00000001
#define REG_OPENED_EXISTING_KEY 0x00000002

/* Notification filters */
#define REG_NOTIFY_CHANGE_NAME 0x00000001
#define REG_NOTIFY_CHANGE_ATTRIBUTES 0x00000002
#define REG_NOTIFY_CHANGE_LAST_SET 0x00000004
#define REG_NOTIFY_CHANGE_SECURITY 0x00000008

/* CM_PARTIAL_RESOURCE_DESCRIPTOR.Flags, port */
#define CM_RESOURCE_PORT_MEMORY 0x00000000
#define CM_RESOURCE_PORT_IO 0x1
#define CM_RESOURCE_PORT_10_BIT_DECODE 0x4
#define CM_RESOURCE_PORT_12_BIT_DECODE 0x8
#define CM_RESOURCE_PORT_16_BIT_DECODE 0x10
#define CM_RESOURCE_PORT_POSITIVE_DECODE 0x20
#define CM_RESOURCE_PORT_PASSIVE_DECODE 0x40
#define CM_RESOURCE_PORT_WINDOW_DECODE 0x80
#define CM_RESOURCE_PORT_BAR 0x00000100

/* CM_PARTIAL_RESOURCE_DESCRIPTOR.Flags, interrupt */
#define CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE 0x00000000
#define CM_RESOURCE_INTERRUPT_LATCHED 0x1
#define CM_RESOURCE_INTERRUPT_LEVEL_LATCHED_BITS 0x1
#define CM_RESOURCE_INTERRUPT_MESSAGE 0x2
#define CM_RESOURCE_INTERRUPT_POLICY_INCLUDED 0x4
#define CM_RESOURCE_INTERRUPT_SECONDARY_INTERRUPT 0x10
#define CM_RESOURCE_INTERRUPT_WAKE_HINT 0x20
#define CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN ((ULONG)-2)

/* CM_PARTIAL_RESOURCE_DESCRIPTOR.Flags, memory */
#define CM_RESOURCE_MEMORY_READ_WRITE 0x00000000
#define CM_RESOURCE_MEMORY_READ_ONLY 0x1
#define CM_RESOURCE_MEMORY_WRITE_ONLY 0x2
#define CM_RESOURCE_MEMORY_WRITEABILITY_MASK 0x3
#define CM_RESOURCE_MEMORY_PREFETCHABLE 0x4
#define CM_RESOURCE_MEMORY_COMBINEDWRITE 0x8
#define CM_RESOURCE_MEMORY_24 0x10
#define CM_RESOURCE_MEMORY_CACHEABLE 0x20
#define CM_RESOURCE_MEMORY_WINDOW_DECODE 0x40
#define CM_RESOURCE_MEMORY_BAR 0x80
#define CM_RESOURCE_MEMORY_COMPAT_FOR_INACCESSIBLE_RANGE 0x00000100
#define CM_RESOURCE_MEMORY_LARGE_40 0x00000200
#define CM_RESOURCE_MEMORY_LARGE_48 0x00000400
#define CM_RESOURCE_MEMORY_LARGE_64 0x00000800
#define CM_RESOURCE_MEMORY_LARGE 0x00000E00
#define CM_RESOURCE_MEMORY_LARGE_40_MAXLEN 0x000000FFFFFFFF00ull
#define CM_RESOURCE_MEMORY_LARGE_48_MAXLEN 0x0000FFFFFFFF0000ull
#define CM_RESOURCE_MEMORY_LARGE_64_MAXLEN 0xFFFFFFFF00000000ull

/* CM_PARTIAL_RESOURCE_DESCRIPTOR.Flags, dma */
#define CM_RESOURCE_DMA_8 0x00000000
#define CM_RESOURCE_DMA_16 0x1
#define CM_RESOURCE_DMA_32 0x2
#define CM_RESOURCE_DMA_8_AND_16 0x4
#define CM_RESOURCE_DMA_BUS_MASTER 0x8
#define CM_RESOURCE_DMA_TYPE_A 0x10
#define CM_RESOURCE_DMA_TYPE_B 0x20
#define CM_RESOURCE_DMA_TYPE_F 0x40
#define CM_RESOURCE_DMA_V3 0x80

/* IO_RESOURCE_DESCRIPTOR.Option */
#define IO_RESOURCE_PREFERRED 0x1
#define IO_RESOURCE_DEFAULT 0x2
#define IO_RESOURCE_ALTERNATIVE 0x8

typedef enum _KEY_INFORMATION_CLASS {
    KeyBasicInformation = 0,
    KeyNodeInformation,
    KeyFullInformation,
    KeyNameInformation,
    KeyCachedInformation,
    KeyFlagsInformation,
    KeyVirtualizationInformation,
    KeyHandleTagsInformation,
    KeyTrustInformation,
    KeyLayerInformation,
    MaxKeyInfoClass,
} KEY_INFORMATION_CLASS, *PKEY_INFORMATION_CLASS;

typedef enum _KEY_VALUE_INFORMATION_CLASS {
    KeyValueBasicInformation = 0,
    KeyValueFullInformation,
    KeyValuePartialInformation,
    KeyValueFullInformationAlign64,
    KeyValuePartialInformationAlign64,
    KeyValueLayerInformation,
    MaxKeyValueInfoClass,
} KEY_VALUE_INFORMATION_CLASS, *PKEY_VALUE_INFORMATION_CLASS;

typedef enum _KEY_SET_INFORMATION_CLASS {
    KeyWriteTimeInformation = 0,
    KeyWow64FlagsInformation,
    KeyControlFlagsInformation,
    KeySetVirtualizationInformation,
    KeySetDebugInformation,
    KeySetHandleTagsInformation,
    KeySetLayerInformation,
    MaxKeySetInfoClass,
} KEY_SET_INFORMATION_CLASS, *PKEY_SET_INFORMATION_CLASS;

typedef enum _REG_NOTIFY_CLASS {
    RegNtDeleteKey = 0,
    RegNtPreDeleteKey = 0,
    RegNtSetValueKey,
    RegNtPreSetValueKey = 1,
    RegNtDeleteValueKey,
    RegNtPreDeleteValueKey = 2,
    RegNtSetInformationKey,
    RegNtPreSetInformationKey = 3,
    RegNtRenameKey,
    RegNtPreRenameKey = 4,
    RegNtEnumerateKey,
    RegNtPreEnumerateKey = 5,
    RegNtEnumerateValueKey,
    RegNtPreEnumerateValueKey = 6,
    RegNtQueryKey,
    RegNtPreQueryKey = 7,
    RegNtQueryValueKey,
    RegNtPreQueryValueKey = 8,
    RegNtQueryMultipleValueKey,
    RegNtPreQueryMultipleValueKey = 9,
    RegNtPreCreateKey,
    RegNtPostCreateKey,
    RegNtPreOpenKey,
    RegNtPostOpenKey,
    RegNtKeyHandleClose,
    RegNtPreKeyHandleClose = 14,
    RegNtPostDeleteKey,
    RegNtPostSetValueKey,
    RegNtPostDeleteValueKey,
    RegNtPostSetInformationKey,
    RegNtPostRenameKey,
    RegNtPostEnumerateKey,
    RegNtPostEnumerateValueKey,
    RegNtPostQueryKey,
    RegNtPostQueryValueKey,
    RegNtPostQueryMultipleValueKey,
    RegNtPostKeyHandleClose,
    RegNtPreCreateKeyEx,
    RegNtPostCreateKeyEx,
    RegNtPreOpenKeyEx,
    RegNtPostOpenKeyEx,
    RegNtPreFlushKey,
    RegNtPostFlushKey,
    RegNtPreLoadKey,
    RegNtPostLoadKey,
    RegNtPreUnLoadKey,
    RegNtPostUnLoadKey,
    RegNtPreQueryKeySecurity,
    RegNtPostQueryKeySecurity,
    RegNtPreSetKeySecurity,
    RegNtPostSetKeySecurity,
    RegNtCallbackObjectContextCleanup,
    RegNtPreRestoreKey,
    RegNtPostRestoreKey,
    RegNtPreSaveKey,
    RegNtPostSaveKey,
    RegNtPreReplaceKey,
    RegNtPostReplaceKey,
    RegNtPreQueryKeyName,
    RegNtPostQueryKeyName,
    MaxRegNtNotifyClass,
} REG_NOTIFY_CLASS, *PREG_NOTIFY_CLASS;

typedef enum _CM_SERVICE_NODE_TYPE {
    DriverType = 1,
    FileSystemType,
    Win32ServiceOwnProcess = 16,
    Win32ServiceShareProcess = 32,
    AdapterType = 4,
    RecognizerType = 8,
} CM_SERVICE_NODE_TYPE, *PCM_SERVICE_NODE_TYPE;

typedef enum _CM_SERVICE_LOAD_TYPE {
    BootLoad = 0,
    SystemLoad,
    AutoLoad,
    DemandLoad,
    DisableLoad,
} CM_SERVICE_LOAD_TYPE, *PCM_SERVICE_LOAD_TYPE;

typedef enum _CM_ERROR_CONTROL_TYPE {
    IgnoreError = 0,
    NormalError,
    SevereError,
    CriticalError,
} CM_ERROR_CONTROL_TYPE, *PCM_ERROR_CONTROL_TYPE;


#endif
