#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A terminal program on the serial port's pseudoterminal: it reads what a driver writes, types what a driver reads, comes and
goes. The machine runs in real time.

    terminal.py --ringless PROGRAM --sys FOLDER"""
import argparse
import os
import select
import subprocess
import sys
import tempfile
import time


class Terminal:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def expect(self, text, seconds=20):
        got = b''
        until = time.monotonic() + seconds
        while len(got) < len(text) and select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
            got += os.read(self.fd, 4096)
        assert got == text, f'on the terminal: {got!r}, wanted {text!r}'

    def type(self, text):
        os.write(self.fd, text)

    def close(self):
        os.close(self.fd)


def start(options, link):
    child = subprocess.Popen([options.ringless, 'shell', '--model', f'uart16550,backend=pty:{link}',
                              os.path.join(options.sys, 'serial16550.sys')],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
    first = child.stdout.readline()
    assert first.startswith('uart16550 is at /dev/pts/'), first
    place = first.split()[-1]
    assert os.readlink(link) == place, f'{link} leads to {os.readlink(link)}, not to {place}'
    return child, place


def command(child, line, answer):
    child.stdin.write(line + '\n')
    child.stdin.flush()
    while True:
        got = child.stdout.readline()
        assert got != '', f'{line}: the program ended'
        if got.startswith(line.split()[0]):
            assert answer in got, f'{line}: {got}, wanted {answer}'
            return got


def read_all(child, wanted):
    """A read gives what has arrived: so one after the other, until all is there."""
    got = b''
    while len(got) < len(wanted):
        line = command(child, f'read {len(wanted) - len(got)}', 'STATUS_SUCCESS')
        got += bytes.fromhex(line.split('data ')[1].split()[0])
    assert got == wanted, f'read {got!r}, wanted {wanted!r}'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--ringless', required=True)
    parser.add_argument('--sys', required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        link = os.path.join(folder, 'com1')
        child, place = start(options, link)
        command(child, 'open \\\\.\\COM1', 'STATUS_SUCCESS')
        command(child, 'write "before you came\\n"', 'STATUS_SUCCESS')
        terminal = Terminal(link)
        terminal.expect(b'before you came\\n')
        command(child, 'write random:3000:1', 'Information 3000')
        data = bytearray()
        while len(data) < 3000 and select.select([terminal.fd], [], [], 20)[0]:
            data += os.read(terminal.fd, 4096)
        assert len(data) == 3000, f'{len(data)} of 3000 bytes arrived'
        terminal.type(b'typed by a person\r')
        read_all(child, b'typed by a person\r')
        terminal.close()
        terminal = Terminal(place)
        command(child, 'write "again"', 'STATUS_SUCCESS')
        terminal.expect(b'again')
        child.stdin.close()
        rest = child.stdout.read()
        assert child.wait(20) == 0, f'exit {child.returncode}: {rest}'
        assert not os.path.lexists(link), 'the link is left behind'
        terminal.close()


if __name__ == '__main__':
    sys.exit(main())
