/* SPDX-License-Identifier: MIT */
/*
 * Controller objects: one piece of hardware behind several device objects, let
 * to one of them at a time. Who must wait stands in the controller's device
 * queue with the block that its device object has for that, so a device object
 * waits for one controller at a time. The list of controllers is for the
 * report of what a driver leaves behind; its lock is never held while driver
 * code runs.
 */
#include "io/private.h"
#include "base/lock.h"

#define CONTROLLER_TAG IO_TAG('C', 'o', 'n', 't')

/* The extension follows, aligned as any allocation. */
struct __attribute__((aligned(16))) io_controller {
    LIST_ENTRY link;
    const void *caller;
    CONTROLLER_OBJECT public;
};

static LIST_ENTRY controllers = {&controllers, &controllers};
static rl_lock controllers_lock;

static struct io_controller *controller_of(PCONTROLLER_OBJECT controller)
{
    return container_of(controller, struct io_controller, public);
}

void io_controllers_reset(void)
{
    list_init(&controllers);
}

void io_for_each_controller(void (*visit)(const CONTROLLER_OBJECT *controller, const void *caller,
                                          void *context),
                            void *context)
{
    rl_lock_acquire(&controllers_lock);
    list_for_each(it, &controllers)
    {
        struct io_controller *controller = container_of(it, struct io_controller, link);
        visit(&controller->public, controller->caller, context);
    }
    rl_lock_release(&controllers_lock);
}

/*
 * A controller object with an extension of Size bytes, zeroed, that any routine of the driver may touch at
 * any IRQL. NULL: no memory.
 * Owns: the caller (IoDeleteController). IRQL: PASSIVE_LEVEL. Rules: CTL-01.
 */
EXPORT(ntoskrnl, IoCreateController, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PCONTROLLER_OBJECT NTAPI IoCreateController(ULONG Size)
{
    size_t bytes = sizeof(struct io_controller) + Size;
    /* CTL-01: nonpaged and zeroed. */
    struct io_controller *controller = mm_alloc(bytes, CONTROLLER_TAG);

    /* CTL-01: none without memory. */
    if (controller == NULL)
        return NULL;
    controller->caller = mm_caller(__builtin_return_address(0));
    controller->public.Type = IO_TYPE_CONTROLLER;
    controller->public.Size = (CSHORT)(sizeof(CONTROLLER_OBJECT) + Size);
    /* CTL-01: the extension lies behind the object. */
    controller->public.ControllerExtension = controller + 1;
    KeInitializeDeviceQueue(&controller->public.DeviceWaitQueue);
    rl_lock_acquire(&controllers_lock);
    list_insert_tail(&controllers, &controller->link);
    rl_lock_release(&controllers_lock);
    return &controller->public;
}

/*
 * Frees the object and its extension. What the driver keeps in the extension, such as its interrupt object,
 * it has given back before. IRQL: PASSIVE_LEVEL. Rules: CTL-07.
 */
EXPORT(ntoskrnl, IoDeleteController, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoDeleteController(PCONTROLLER_OBJECT ControllerObject)
{
    struct io_controller *controller = controller_of(ControllerObject);

    rl_lock_acquire(&controllers_lock);
    /* CTL-07: the driver no longer has it. */
    list_remove(&controller->link);
    rl_lock_release(&controllers_lock);
    mm_free(controller);
}

static IO_ALLOCATION_ACTION call_control(const WAIT_CONTEXT_BLOCK *wcb)
{
    struct ke_request starter = ke_request_begin(wcb->CurrentIrp, wcb->DeviceObject);
    uint64_t cookie = ke_callout_enter("ControllerControl", wcb->DeviceRoutine);
    TRACE(TRACE_CONTROL, wcb->DeviceObject, .b = (uintptr_t)wcb->DeviceRoutine, .text = "ControllerControl");
    /* DPC-06, CTL-03, SR-20: with the IRP current when the controller was asked for, and no map registers. */
    IO_ALLOCATION_ACTION action =
        wcb->DeviceRoutine(wcb->DeviceObject, wcb->CurrentIrp, NULL, wcb->DeviceContext);

    TRACE(TRACE_CONTROL_RETURN, wcb->DeviceObject, .a = action, .b = (uintptr_t)wcb->DeviceRoutine,
          .text = "ControllerControl");
    ke_callout_leave("ControllerControl", wcb->DeviceRoutine, cookie);
    ke_request_end(starter);
    return action;
}

/* The controller is this waiter's, and after it the next ones' for as long as their routines let go at once.
 */
static void serve(PCONTROLLER_OBJECT controller, PWAIT_CONTEXT_BLOCK wcb)
{
    /* The routine may ask again with the same block before it returns. */
    while (wcb != NULL) {
        WAIT_CONTEXT_BLOCK turn = *wcb;
        /* CTL-04: KeepObject: until IoFreeController. */
        if (call_control(&turn) == KeepObject)
            return;
        /* CTL-04: else the controller is free on return. */
        PKDEVICE_QUEUE_ENTRY next = KeRemoveDeviceQueue(&controller->DeviceWaitQueue);
        wcb = next != NULL ? container_of(next, WAIT_CONTEXT_BLOCK, WaitQueueEntry) : NULL;
    }
}

/*
 * Calls ExecutionRoutine with the device's current IRP as soon as the controller is free: now, or when who
 * has it lets go. Locks: none. IRQL: DISPATCH_LEVEL. Rules: CTL-02, CTL-03, CTL-04.
 */
EXPORT(ntoskrnl, IoAllocateController, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoAllocateController(PCONTROLLER_OBJECT ControllerObject, PDEVICE_OBJECT DeviceObject,
                                PDRIVER_CONTROL ExecutionRoutine, PVOID Context)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    PWAIT_CONTEXT_BLOCK wcb = &DeviceObject->Queue.Wcb;

    wcb->DeviceRoutine = ExecutionRoutine;
    wcb->DeviceContext = Context;
    wcb->DeviceObject = DeviceObject;
    /* CTL-03: what StartIo was called with. */
    wcb->CurrentIrp = DeviceObject->CurrentIrp;
    /* CTL-02: in turn behind those who wait already; at once if it is free. */
    BOOLEAN waits = KeInsertDeviceQueue(&ControllerObject->DeviceWaitQueue, &wcb->WaitQueueEntry);
    /* CTL-02: who waits is called later. */
    if (!waits)
        serve(ControllerObject, wcb);
    ke_lower_irql(irql);
}

/*
 * Ends an allocation that KeepObject kept: the next who waits is called. Bug check 0x2 if nobody has the
 * controller. IRQL: DISPATCH_LEVEL. Rules: CTL-05.
 */
EXPORT(ntoskrnl, IoFreeController, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoFreeController(PCONTROLLER_OBJECT ControllerObject)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    PKDEVICE_QUEUE_ENTRY next = KeRemoveDeviceQueue(&ControllerObject->DeviceWaitQueue);

    /* CTL-05, CTL-06: the next one's turn, if there is one, even if who lets go has only just been called. */
    if (next != NULL)
        serve(ControllerObject, container_of(next, WAIT_CONTEXT_BLOCK, WaitQueueEntry));
    ke_lower_irql(irql);
}
