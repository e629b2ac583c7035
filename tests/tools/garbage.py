#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the driver garbage.sys with each of its mistakes, a process each: every run must end by itself with exit code
0 (the routine took it), 1 (it failed), 4 or 5 (a report), and a report must name the driver.

usage: garbage.py --ringless PATH --sys FOLDER [--verify WHAT] [--share K/N] [NUMBER...]
"""
import argparse
import subprocess
import sys

ROUTINES, POINTERS = 52, 10


def run(options, number):
    code = 0x222000 | number << 2
    line = [options.ringless, 'run', '--seed', '1', '--watchdog', '2', '--keep-going', '--verify', options.verify,
            f'{options.sys}/garbage.sys', '-c', r'open \Device\Garbage', '-c', f'ioctl 0x{code:x}', '-c', 'flush']
    try:
        done = subprocess.run(line, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return 'hangs', ''
    text = (done.stdout + done.stderr).decode('utf-8', 'replace')
    if done.returncode not in (0, 1, 4, 5):
        return f'exit {done.returncode}', text
    if done.returncode >= 4 and 'garbage.sys' not in text.split('*** ')[-1]:
        return 'the report does not name the driver', text
    return None, text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--ringless', required=True)
    parser.add_argument('--sys', required=True)
    parser.add_argument('--verify', default='standard')
    parser.add_argument('--share', default='0/1')
    parser.add_argument('numbers', nargs='*', type=int)
    options = parser.parse_args()
    share, shares = map(int, options.share.split('/'))
    numbers = options.numbers or range(share, ROUTINES * POINTERS, shares)
    failures = 0
    for number in numbers:
        wrong, text = run(options, number)
        if wrong:
            failures += 1
            print(f'garbage {number}: {wrong}\n{text[-1500:]}')
    print(f'{len(numbers)} mistakes, {failures} failures')
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
