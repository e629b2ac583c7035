/* SPDX-License-Identifier: MIT */
/*
 * Information about files and volumes, fast I/O, named pipe and mailslot
 * creation, change notification.
 */
#ifndef NT_IO_FILE_H
#define NT_IO_FILE_H

#include "nt/types.h"
#include "nt/file_codes.h"

#endif
