#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays a .play file: runs `ringless run` on test drivers and judges the output.

A play is a list of lines `key: value`; `#` starts a comment line.
  rules:    rule ids that this play shows (may repeat)
  drivers:  names of build/sys/NAME.sys, loaded in order (may be empty)
  args:     further options of `ringless run` (may repeat; {tmp} is a fresh folder, {sys} the drivers' folder, {here} the play's)
  command:  one command of the command language, in order (may repeat; a path goes in quotes: load "{sys}/x.sys"); a trailing `## ID ID` says which rules
            the command's success (usually an `expect`) shows
  exit:     the exit code that must come (default 0)
  sees:     [ID ...:] a regular expression that some line of the output must match
  sees-not: a regular expression that no line may match
  stdin:    text for standard input
  repeat:   run that many times and require identical output (for --seed plays)

The play passes if the exit code is right, every `sees` matched, no `sees-not` did, no driver printed
`check ID FAIL`, and every declared rule was shown: by `check ID pass`, by `## ID`, or by `sees ID:`.
Prints `rules: ...` of what it showed, so that `make conformance` can count, and exits 0 or 1.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

RULE = r'[A-Z0-9]+-[0-9A-Za-z]+'


def read_play(path):
    play = {'rules': [], 'drivers': [], 'args': [], 'command': [], 'exit': 0, 'sees': [], 'sees-not': [],
            'stdin': None, 'repeat': 1}
    for number, line in enumerate(open(path, encoding='utf-8'), 1):
        line = line.rstrip('\n')
        if not line.strip() or line.startswith('#'):
            continue
        key, colon, value = line.partition(':')
        value = value.strip()
        if not colon or key not in play:
            sys.exit(f'{path}:{number}: not a line of a play: {line}')
        if key in ('rules', 'drivers', 'args'):
            play[key] += value.split()
        elif key in ('command', 'sees', 'sees-not'):
            play[key].append(value)
        elif key in ('exit', 'repeat'):
            play[key] = int(value)
        else:
            play[key] = value
    return play


def command_line(play, options, tmp):
    here = os.path.dirname(os.path.abspath(options.play))
    fill = lambda text: text.replace('{tmp}', tmp).replace('{sys}', options.sys).replace('{here}', here)
    line = [options.ringless, 'run'] + [fill(a) for a in play['args']]
    line += [os.path.join(options.sys, name + '.sys') for name in play['drivers']]
    shown = set()
    for command in play['command']:
        text, _, ids = command.partition(' ## ')
        line += ['-c', fill(text)]
        shown.update(ids.split())
    return line, shown


def run(line, play, timeout):
    try:
        done = subprocess.run(line, input=(play['stdin'] or '').encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout)
        return done.returncode, done.stdout.decode('utf-8', 'replace')
    except subprocess.TimeoutExpired as late:
        return 'time-out', (late.stdout or b'').decode('utf-8', 'replace')


def judge(play, code, output, shown):
    problems = []
    lines = output.splitlines()
    if code != play['exit']:
        problems.append(f'exit code {code}, wanted {play["exit"]}')
    for want in play['sees']:
        ids = re.match(rf'((?:{RULE} )*{RULE}): ', want)
        pattern = want[ids.end():] if ids else want
        if not any(re.search(pattern, line) for line in lines):
            problems.append(f'no line matches: {pattern}')
        elif ids:
            shown.update(ids.group(1).split())
    for bad in play['sees-not']:
        problems += [f'a line must not match {bad}: {line}' for line in lines if re.search(bad, line)]
    problems += [line for line in lines if re.search(rf'check {RULE} FAIL', line)]
    shown.update(re.findall(rf'check ({RULE}) pass', output))
    problems += [f'declared but not shown: {rule}' for rule in play['rules'] if rule not in shown]
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('play')
    parser.add_argument('--ringless', required=True)
    parser.add_argument('--sys', required=True)
    parser.add_argument('--timeout', type=int, default=60)
    options = parser.parse_args()
    play = read_play(options.play)
    with tempfile.TemporaryDirectory() as tmp:
        line, shown = command_line(play, options, tmp)
        code, output = run(line, play, options.timeout)
        problems = judge(play, code, output, shown)
        for _ in range(play['repeat'] - 1):
            again = run(line, play, options.timeout)
            if again != (code, output):
                problems.append('a repeated run printed something else')
                break
    if problems:
        print(output, end='')
        print(f'{os.path.basename(options.play)}: ' + '; '.join(problems))
        return 1
    print('rules: ' + ' '.join(play['rules']))
    return 0


if __name__ == '__main__':
    sys.exit(main())
