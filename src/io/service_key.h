/* SPDX-License-Identifier: MIT */
/* Service keys: what the loader reads of them and writes for a driver that nobody installed. */
#ifndef IO_SERVICE_KEY_H
#define IO_SERVICE_KEY_H

#include "io/private.h"

enum { TYPE_KERNEL_DRIVER = 1, TYPE_FILE_SYSTEM_DRIVER = 2 };
enum { START_BOOT, START_SYSTEM, START_AUTO, START_DEMAND, START_DISABLED };
enum { ERROR_IGNORE, ERROR_NORMAL, ERROR_SEVERE, ERROR_CRITICAL };

struct io_service {
    char name[IO_SERVICE_NAME_BYTES];
    WCHAR path[IO_SERVICE_NAME_BYTES + 128]; /* of the key: what RegistryPath carries */
    WCHAR image_path[IO_SERVICE_NAME_BYTES + 256];
    ULONG type, start, error_control;
};

void io_service_name(struct io_service *s, const char *name);
NTSTATUS io_service_of_path(struct io_service *s,
                            const UNICODE_STRING *path); /* STATUS_OBJECT_NAME_NOT_FOUND: no such key */
NTSTATUS io_service_install(struct io_service *s, const char *file_name); /* keeps what is there */
void io_service_read(struct io_service *s);
NTSTATUS io_service_check(const struct io_service *s);                        /* may it start? */
void io_service_name_of_file(const char *file_name, char *name, size_t room); /* without the extension */
/* RegistryPath as an entry point sees it: memory of its own, wiped and freed when the routine returns. */
PUNICODE_STRING io_registry_path_create(const WCHAR *path);
void io_registry_path_drop(PUNICODE_STRING path);
NTSTATUS io_load_from_path(const struct io_service *s, struct io_load_result *result); /* as ImagePath says */
bool io_service_use_last_known_good(struct io_service *s);

#endif
