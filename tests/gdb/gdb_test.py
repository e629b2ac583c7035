#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb on a running driver, in batch mode: a breakpoint in a sample's dispatch routine shows its source line and a backtrace
through driver and runtime; DriverEntry can be stopped in; faults that a driver handles do not stop the program."""
import argparse
import os
import re
import subprocess
import sys


def gdb(options, commands, words):
    line = ['gdb', '-batch', '-nx', '-x', options.script]
    for command in commands:
        line += ['-ex', command]
    environment = dict(os.environ)
    environment['ASAN_OPTIONS'] = environment.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
    done = subprocess.run(line + ['--args', options.ringless] + words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, cwd=options.sys, env=environment, timeout=80)
    return done.stdout.decode('utf-8', 'replace')


def check(output, patterns):
    at = 0
    for pattern in patterns:
        found = re.compile(pattern, re.M).search(output, at)
        if not found:
            sys.exit(f'{output}\n--- does not show, in order: {pattern}')
        at = found.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--ringless', required=True)
    parser.add_argument('--sys', required=True)
    parser.add_argument('--script', required=True)
    options = parser.parse_args()
    options.ringless = os.path.abspath(options.ringless)
    check(gdb(options, ['break dispatch_write', 'run', 'bt', 'ringless drivers', 'ringless threads', 'ringless irps',
                        'next', 'continue'],
              ['run', 'dispatch-separate.sys', '-c', r'open \\.\Separate', '-c', 'write "abc"', '-c', 'flush']),
          [r'^#0 +dispatch_write \(DeviceObject=\S*0x\w+, Irp=\S*0x\w+\) at .*dispatch-separate\.c:\d+$',
           r'^#\d+ .*IofCallDriver \(', r'^#\d+ .*NtWriteFile \(',
           r'^0x2\w+  /.*/dispatch-separate\.sys$', r'^processor \d+: thread 0x\w+ host, IRQL 0$',
           r'^processor \d+: IRP 0x\w+, location 1 of 1$', r'^6\d\t',
           r'^write 3: STATUS_SUCCESS, Information 3$', r'^unload dispatch-separate: STATUS_SUCCESS$', r'exited normally'])
    check(gdb(options, ['break DriverEntry', 'run', 'bt 1', 'finish', 'continue'], ['run', '--seed', '1', 'hello.sys']),
          [r'^#0 +DriverEntry \(DriverObject=.*hello\.c:\d+$', r'^Value returned is \$1 = 0$', r'exited normally'])
    check(gdb(options, ['run'], ['run', 'exceptions.sys', '-c', r'open \Device\Exceptions', '-c', 'ioctl 0x22200f',
                                 '-c', 'expect STATUS_ACCESS_VIOLATION', '-c', 'ioctl 0x222008 hex:00000000 out 4',
                                 '-c', 'expect STATUS_INTEGER_DIVIDE_BY_ZERO']),
          [r'^load exceptions\.sys: STATUS_SUCCESS$', r'^unload exceptions: STATUS_SUCCESS$', r'exited normally'])
    print('source lines, backtraces and commands are shown')


if __name__ == '__main__':
    main()
