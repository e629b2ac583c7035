/* SPDX-License-Identifier: MIT */
/* A function driver of a PCI device, in three files: its stack, its resources, its interrupts. */
#ifndef PCIFUN_H
#define PCIFUN_H

#include "../rltest.h"

#define MOST_MESSAGES 64

struct device {
    PDEVICE_OBJECT self, pdo, lower;
    BOOLEAN started;
    /* resources.c */
    ULONG messages, lines; /* assigned */
    BOOLEAN is_msix;       /* a descriptor for each message */
    KIRQL highest;
    PDMA_ADAPTER adapter;
    volatile ULONG *registers;
    ULONG register_bytes;
    ULONG line_vector;
    BUS_INTERFACE_STANDARD bus;
    BOOLEAN intercept; /* the next that is asked for leads through this driver */
    /* interrupts.c */
    ULONG version; /* as IoConnectInterruptEx left it */
    union {
        PVOID generic;
        PKINTERRUPT object;
        PIO_INTERRUPT_MESSAGE_INFO table;
    } connection;
    volatile LONG counts[MOST_MESSAGES], line_count, wrong;
    volatile LONG resend; /* times that the routine sends itself its message */
    volatile LONG level;  /* the lowest IRQL at which a message was served */
};

/* ---- pcifun.c ---- */
NTSTATUS ask_pnp(struct device *d, UCHAR minor, PIO_STACK_LOCATION parameters, ULONG_PTR *information);

/* ---- resources.c ---- */
void take_resources(struct device *d, PCM_RESOURCE_LIST raw, PCM_RESOURCE_LIST translated);
void let_go_of_resources(struct device *d);
void use_configuration(struct device *d);
void intercept_interface(struct device *d, PIO_STACK_LOCATION here);

/* ---- interrupts.c ---- */
void connect_interrupts(struct device *d);
void disconnect_interrupts(struct device *d);
void merge_messages(struct device *d);
void use_table(struct device *d, ULONG step);
ULONG count_of(struct device *d, ULONG message);

#endif
