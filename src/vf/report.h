/* SPDX-License-Identifier: MIT */
/* What the files of the report share. */
#ifndef VF_REPORT_H
#define VF_REPORT_H

#include "vf/peek.h"
#include "vf/vf.h"

#define VF_FRAMES      32
#define VF_ANY_KIND    (~0ull)
#define VF_DESCRIPTION 160

/* Fills the report from what is known of the failure; its strings live in the storage given. */
struct vf_report_storage {
    struct vf_report report;
    char sentence[512];
    char text[16384];
    struct vf_text writer; /* of text */
};
void vf_report_notes(struct vf_text *text);
void vf_report_title(struct vf_report_storage *storage, const struct ke_bugcheck_info *info);
void vf_report_make(struct vf_report_storage *storage, const struct ke_bugcheck_info *info);

/* What happened, in words: sentence.c. */
void vf_add_sentence(struct vf_text *text, const struct ke_bugcheck_info *info);

/* Words for parameter 1 where it is a kind of error: kinds_table.c, codes_table.c. NULL: none. */
const char *vf_kind(ULONG code, ULONG64 parameter1); /* VF_ANY_KIND: of the code alone */
/* What a parameter means: meanings_table.c. NULL: not documented. */
const char *vf_meaning(const struct ke_bugcheck_info *info, unsigned index);

/* IRP and device: involved.c. */
void vf_add_irp(struct vf_text *text, const void *irp);
void vf_add_device(struct vf_text *text, const void *device);

/* The pool block that is involved, and whether special pool was large enough: pool.c. */
void vf_add_pool(struct vf_text *text, const struct ke_bugcheck_info *info);
void vf_add_missed(struct vf_text *text);
/* "0x200140000f9c, 100 bytes of nonpaged pool, tag 'Test'" */
void vf_add_block(struct vf_text *text, const void *address, size_t size, ULONG tag, bool paged);

/* An address of the Linux process rather than of the simulated machine: it differs from run to run. */
bool vf_is_host_address(ULONG64 value);
/* "0x0000200000401234", or words for an address that would not be the same in the next run. */
void vf_add_value(struct vf_text *text, ULONG64 value);
void vf_add_address(struct vf_text *text, ULONG64 value); /* the same without leading zeros, for sentences */

/* "hello.sys!HelloRead": without the place in it. */
void vf_describe_function(ULONG64 address, char *text, size_t size);

/* Calls for every IRP that is in use. */
void vf_each_irp(void (*visit)(PIRP irp, void *context), void *context);

/* The running system, behind these so that the report can be made from made-up facts: live.c. */
unsigned vf_frames(const struct ke_bugcheck_info *info, ULONG64 *frames, unsigned max);
ULONG64 vf_routine(const struct ke_thread *thread); /* the driver's that runs; 0: none, or not known */
int vf_describe(ULONG64 address, char *text, size_t size);
bool vf_image_of(ULONG64 address, char *name, size_t size);
bool vf_pool_history(const void *address, struct mm_pool_history *block);
ULONG64 vf_special_missed(void);
ULONG vf_irp_number(const void *irp); /* 0: not one of the I/O manager's */

#endif
