/* SPDX-License-Identifier: MIT */
#ifndef RTL_DOS_ERROR_H
#define RTL_DOS_ERROR_H

#include "base/base.h"

struct rtl_dos_error {
    ULONG status, error;
};

extern const struct rtl_dos_error rtl_dos_errors[]; /* ascending */
extern const ULONG rtl_dos_error_count;

#endif
