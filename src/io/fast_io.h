/* SPDX-License-Identifier: MIT */
/* Fast I/O, tried before an IRP is made. True: done, *status is the service's result; false: nothing was. */
#ifndef IO_FAST_IO_H
#define IO_FAST_IO_H

#include "io/private.h"

bool io_fast_control(struct io_request *r, ULONG code, PVOID in, ULONG in_length, PVOID out, ULONG out_length,
                     NTSTATUS *status);
bool io_fast_transfer(struct io_request *r, UCHAR major, PVOID buffer, ULONG length, ULONG key,
                      NTSTATUS *status);
bool io_fast_query(struct io_request *r, FILE_INFORMATION_CLASS class_, PVOID to, NTSTATUS *status);
bool io_fast_lock(struct io_request *r, PLARGE_INTEGER offset, PLARGE_INTEGER length, ULONG key,
                  BOOLEAN fail_immediately, BOOLEAN exclusive, NTSTATUS *status);
bool io_fast_unlock(struct io_request *r, PLARGE_INTEGER offset, PLARGE_INTEGER length, ULONG key,
                    NTSTATUS *status);
bool io_fast_unlock_all(PFILE_OBJECT file, PDEVICE_OBJECT device, PEPROCESS process);
void io_fast_detach(PDEVICE_OBJECT upper, PDEVICE_OBJECT lower);

#endif
