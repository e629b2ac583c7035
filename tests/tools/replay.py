#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Replays the sessions of a README: every block fenced with ```console whose lines start with `$ ringless`.

Runs each command in the folder of the built drivers and compares what it prints, line by line. A line `...` stands
for any lines; `[exit N]` as the last line of a command's output is its exit code (0 if absent); `~` inside a line
stands for any run of characters that is not the same every time. --write puts the real output into the file.
"""
import argparse
import os
import re
import shlex
import subprocess
import sys


def blocks(text):
    for found in re.finditer(r'^```console\n(.*?)^```$', text, re.M | re.S):
        yield found


def commands(block):
    """[(command, [expected lines])]; a command goes on over lines that end in a backslash."""
    result = []
    lines = iter(block.splitlines())
    for line in lines:
        if line.startswith('$ '):
            command = line[2:]
            while command.endswith('\\'):
                command = command[:-1] + next(lines).strip()
            result.append((line, command, []))
        elif result:
            result[-1][2].append(line)
    return result


def matches(expected, got):
    pattern = ''
    for line in expected:
        if line.strip() == '...':
            pattern += r'(?:.*\n)*?'
        else:
            pattern += '.*?'.join(re.escape(part) for part in line.split('~')) + r'\n'
    return re.fullmatch(pattern, ''.join(line + '\n' for line in got)) is not None


def run(command, options):
    words = shlex.split(command)
    done = subprocess.run([options.ringless] + words[1:], cwd=options.sys, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    lines = done.stdout.decode('utf-8', 'replace').splitlines()
    if done.returncode != 0:
        lines.append(f'[exit {done.returncode}]')
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('readme')
    parser.add_argument('--ringless', required=True)
    parser.add_argument('--sys', required=True)
    parser.add_argument('--write', action='store_true')
    options = parser.parse_args()
    options.ringless, options.sys = os.path.abspath(options.ringless), os.path.abspath(options.sys)
    text = open(options.readme, encoding='utf-8').read()
    failed = count = 0

    def one(found):
        nonlocal failed, count
        rewritten = ''
        for shown, command, expected in commands(found.group(1)):
            if not command.startswith('ringless '):
                rewritten += '\n'.join([shown] + expected) + '\n'
                continue
            count += 1
            got = run(command, options)
            if not matches(expected, got):
                failed += 1
                print(f'$ {command}\n--- the file says\n' + '\n'.join(expected) + '\n--- it prints\n' + '\n'.join(got))
            keep = expected if matches(expected, got) else got
            rewritten += '\n'.join([shown] + keep) + '\n'
        return '```console\n' + rewritten + '```'

    new = re.sub(r'^```console\n(.*?)^```$', one, text, flags=re.M | re.S)
    if options.write and new != text:
        open(options.readme, 'w', encoding='utf-8').write(new)
        return 0
    if count == 0:
        print('no session to replay')
        return 1
    print(f'{count} commands, {failed} differ')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
