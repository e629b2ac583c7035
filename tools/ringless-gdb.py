# SPDX-License-Identifier: MIT
"""gdb with Windows drivers that Ringless runs.

    gdb -x ringless-gdb.py --args ringless run my.sys -c 'open \\\\.\\MyDevice'

Each driver's symbols are added when it is loaded, before its DriverEntry runs, and taken away when it goes: breakpoints on
its functions and lines may be set before (answer y to "pending"), and backtraces go through driver and runtime frames.
Signals that the runtime uses itself are passed on silently. Commands:

    ringless drivers     what is loaded, and where
    ringless threads     the NT threads on processors: number, thread, IRQL
    ringless irps        the requests that are outstanding

Stopped at a bug check: break ke_bugcheck.
"""
import gdb

LOADED = {}  # base -> path


def pass_on_signals():
    real_time = ' '.join(f'SIG{number}' for number in range(34, 64))
    gdb.execute(f'handle SIGSEGV SIGFPE SIGILL SIGBUS {real_time} nostop noprint pass', to_string=True)


class ImageLoaded(gdb.Breakpoint):
    """rgl_debug_image_loaded(path, base, size, preferred base): the arguments are still in their registers."""

    def __init__(self):
        super().__init__('rgl_debug_image_loaded', internal=True)
        self.silent = True

    def stop(self):
        path, base, preferred = (int(gdb.parse_and_eval(f'(unsigned long)${name}')) for name in ('rdi', 'rsi', 'rcx'))
        if path == 0:
            return False
        path = gdb.selected_inferior().read_memory(path, 4096).tobytes().split(b'\0')[0].decode()
        LOADED[base] = path
        gdb.execute(f'add-symbol-file "{path}" -o {base - preferred:#x}', to_string=True)
        return False


class ImageUnloading(gdb.Breakpoint):
    """rgl_debug_image_unloading(base)"""

    def __init__(self):
        super().__init__('rgl_debug_image_unloading', internal=True)
        self.silent = True

    def stop(self):
        base = int(gdb.parse_and_eval('(unsigned long)$rdi'))
        if LOADED.pop(base, None):
            try:
                gdb.execute(f'remove-symbol-file -a {base + 0x1000:#x}', to_string=True)
            except gdb.error:
                pass  # its first section is elsewhere: the symbols stay, harmlessly
        return False


class Ringless(gdb.Command):
    """What a machine of Ringless is doing: ringless drivers|threads|irps."""

    def __init__(self):
        super().__init__('ringless', gdb.COMMAND_STATUS, prefix=True)


class Drivers(gdb.Command):
    """The loaded drivers and their addresses."""

    def __init__(self):
        super().__init__('ringless drivers', gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for base, path in sorted(LOADED.items()):
            print(f'{base:#x}  {path}')


class Threads(gdb.Command):
    """The NT threads that are on virtual processors."""

    def __init__(self):
        super().__init__('ringless threads', gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for number in range(int(gdb.parse_and_eval('ke_vp_count'))):
            vp = gdb.parse_and_eval(f'ke_vps[{number}]')
            thread = vp['ke']['current']
            name = thread['name'].string() if int(thread['name']) else ''
            print(f'processor {number}: thread {int(thread):#x} {name}, IRQL {int(vp["ke"]["pcr"]["Irql"])}')


class Irps(gdb.Command):
    """The IRPs of the thread that is on a processor, or of every processor's."""

    def __init__(self):
        super().__init__('ringless irps', gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        thread_type = gdb.lookup_type('struct ps_thread').pointer()
        irp = gdb.lookup_type('IRP')
        link = next(field for field in irp.fields() if field.name == 'ThreadListEntry').bitpos // 8
        for number in range(int(gdb.parse_and_eval('ke_vp_count'))):
            tcb = gdb.parse_and_eval(f'ke_vps[{number}].ke.current')
            if tcb == gdb.parse_and_eval(f'ke_vps[{number}].ke.idle'):
                continue
            head = tcb.cast(thread_type)['irps']
            entry = head['Flink']
            while int(entry) not in (0, int(head.address)):
                at = int(entry) - link
                found = gdb.Value(at).cast(irp.pointer())
                location = int(found['CurrentLocation'])
                print(f'processor {number}: IRP {at:#x}, location {location} of {int(found["StackCount"])}')
                entry = entry['Flink']


gdb.execute('set breakpoint pending on')
pass_on_signals()
ImageLoaded()
ImageUnloading()
Ringless()
Drivers()
Threads()
Irps()
