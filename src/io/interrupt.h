/* SPDX-License-Identifier: MIT */
/*
 * Interrupt objects, which drivers only point to, and the chains of them that
 * share a vector. A chain is walked without a lock, by one service at a time;
 * whoever takes an object out waits for the walk that may still see it.
 */
#ifndef IO_INTERRUPT_H
#define IO_INTERRUPT_H

#include "io/private.h"
#include "hal/hal.h"

#define IO_INTERRUPT_TAG IO_TAG('I', 'o', 'I', 'n')

typedef struct _KINTERRUPT KINTERRUPT;
struct _KINTERRUPT {
    CSHORT type;              /* InterruptObject */
    struct _KINTERRUPT *next; /* in the chain, in the order of connecting */
    struct _KINTERRUPT *also; /* the next of those that were connected by one call; they share a lock */
    PKSERVICE_ROUTINE routine;
    bool by_message; /* the routine is a KMESSAGE_SERVICE_ROUTINE, and gets `message` */
    ULONG message;
    PVOID context;
    PKSPIN_LOCK lock; /* the driver's, or own_lock */
    KSPIN_LOCK own_lock;
    unsigned holder; /* the processor that holds the lock for this object, + 1; 0: none */
    KEVENT event;    /* of a passive-level interrupt, in place of the lock */
    ULONG vector;
    KIRQL irql, synchronize_irql;
    bool latched, shared;
    bool passive; /* the routine runs in a thread at PASSIVE_LEVEL */
    bool active;
    KAFFINITY processors;
};

/* The thread that runs the service routines of passive-level interrupts of one vector. */
struct io_passive_service {
    KDPC dpc;
    KEVENT wake;
    struct ps_thread *thread;
    bool stopping;
};

struct io_vector {
    ULONG number;
    PKINTERRUPT first;
    uint32_t walks; /* begun, of the chain */
    struct io_passive_service *passive;
};

/* interrupt.c: what a connection is made of, and its two ends. */
struct io_connect_request {
    PKINTERRUPT *out;
    PKSERVICE_ROUTINE routine;
    PVOID context;
    PKSPIN_LOCK lock;
    ULONG vector;
    KIRQL irql, synchronize_irql;
    KINTERRUPT_MODE mode;
    bool shared;
    KAFFINITY processors;
    bool by_message;
    ULONG message;
};
NTSTATUS io_interrupt_connect(const struct io_connect_request *request);
void io_interrupt_disconnect(PKINTERRUPT interrupt);
void io_interrupt_set_active(PKINTERRUPT interrupt, bool active);

/* interrupt_assigned.c: by physical device object. */
NTSTATUS io_connect_lines(PIO_CONNECT_INTERRUPT_PARAMETERS parameters);
NTSTATUS io_connect_messages(PIO_CONNECT_INTERRUPT_PARAMETERS parameters);
/* Each object that one call connected, in whichever form it was. */
void io_for_each_connected(ULONG version, PVOID connection, void (*visit)(PKINTERRUPT interrupt));
void io_disconnect_all(ULONG version, PVOID connection);

/* interrupt_sync.c: at the object's IRQL. Who has it and asks for it again would wait for ever: bug check. */
void io_interrupt_lock(PKINTERRUPT interrupt);
void io_interrupt_unlock(PKINTERRUPT interrupt);

/* interrupt_service.c: how a vector is served. */
bool io_interrupt_serve(void *vector);         /* at the vector's IRQL */
bool io_interrupt_serve_passive(void *vector); /* the same: has the thread do it */
NTSTATUS io_passive_service_create(struct io_vector *vector);
void io_passive_service_destroy(struct io_vector *vector); /* waits for the thread's end */

#endif
