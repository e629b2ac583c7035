/* SPDX-License-Identifier: MIT */
/* The blocks of the WMI tests' provider, for those that use them. */
#ifndef WMITEST_H
#define WMITEST_H

#include "../rltest.h"
#include <wmistr.h>

#ifndef WMIGUID_QUERY
#define WMIGUID_QUERY        0x0001
#define WMIGUID_SET          0x0002
#define WMIGUID_NOTIFICATION 0x0004
#define WMIGUID_EXECUTE      0x0010
#endif

#define WMI_TEST_GUID(name, n)                                                                               \
    static const __attribute__((unused))                                                                     \
    GUID name = {0x11223300 + n, 0x4455, 0x6677, {8, 9, 10, 11, 12, 13, 14, 15}}
WMI_TEST_GUID(LIST_BLOCK, 1);
WMI_TEST_GUID(BASE_BLOCK, 2);
WMI_TEST_GUID(DYNAMIC_BLOCK, 3);
WMI_TEST_GUID(EVENT_BLOCK, 4);
WMI_TEST_GUID(COSTLY_BLOCK, 5);
WMI_TEST_GUID(EXTRA_BLOCK, 6);
WMI_TEST_GUID(LIB_BLOCK, 7);
WMI_TEST_GUID(LIB_EVENT, 8);
WMI_TEST_GUID(NOBODYS_BLOCK, 9);

#endif
