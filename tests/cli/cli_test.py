#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line: bad input ends with one line and exit 2, exit codes are those that the documentation gives, JSON parses
line by line, the shell works from a pipe and on a terminal, a failing seed's line replays it.

    cli_test.py --ringless PROGRAM --sys FOLDER TOPIC"""
import argparse
import json
import os
import pty
import re
import select
import shlex
import struct
import subprocess
import sys
import tempfile
import time

PROBLEMS = []
OPTIONS = None


def run(*words, stdin=''):
    done = subprocess.run([OPTIONS.ringless, *words], input=stdin.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=OPTIONS.sys, timeout=60)
    return done.returncode, done.stdout.decode('utf-8', 'replace'), done.stderr.decode('utf-8', 'replace')


def expect(what, truth, *shown):
    if not truth:
        PROBLEMS.append(what + ''.join(f'\n    {text!r}' for text in shown))


def refused(words, pattern, stdin=''):
    """One line on stderr that matches, exit 2."""
    code, out, err = run(*words, stdin=stdin)
    good = code == 2 and err.count('\n') == 1 and re.search(pattern, err)
    expect(f'ringless {shlex.join(words)}: exit {code}, wanted 2 and one line that matches {pattern}', good, out, err)


def exits(wanted, *words, stdin=''):
    code, out, err = run(*words, stdin=stdin)
    expect(f'ringless {shlex.join(words)}: exit {code}, wanted {wanted}', code == wanted, out, err)
    return out


def patched(source, offset, value):
    data = bytearray(source)
    header = struct.unpack_from('<I', data, 0x3C)[0]
    struct.pack_into('<H', data, header + offset, value)
    return bytes(data)


def files(tmp):
    sample = open(os.path.join(OPTIONS.sys, 'hello.sys'), 'rb').read()
    bad = {'empty': b'', 'text': b'This is not a driver.\n', 'script': b'#!/bin/sh\nexit 0\n',
           'elf': open(OPTIONS.ringless, 'rb').read(4096), 'mz-only': b'MZ' + bytes(62),
           'x86': patched(sample, 4, 0x14C), 'arm64': patched(sample, 4, 0xAA64), 'ia64': patched(sample, 4, 0x200),
           'no-sections': patched(sample, 6, 0), 'pe32': patched(sample, 24, 0x10B)}
    for cut in (1, 63, 64, 128, 320, 1024, len(sample) // 2):
        bad[f'cut-{cut}'] = sample[:cut]
    for name, data in bad.items():
        path = os.path.join(tmp, name + '.sys')
        open(path, 'wb').write(data)
        for command in ('inspect', 'run'):
            refused([command, path], re.escape(path) + ': .')
    for command in ('inspect', 'run'):
        refused([command, os.path.join(tmp, 'absent.sys')], 'cannot read .*absent.sys')
        refused([command, tmp], 'cannot read ')
    for name, word in (('x86', 'x86|i386|32'), ('arm64', 'ARM64|AArch64'), ('ia64', 'IA-?64|Itanium')):
        refused(['inspect', os.path.join(tmp, name + '.sys')], word)
    code, out, err = run('run', 'hello.sys', os.path.join(tmp, 'text.sys'), '-c', 'echo no')
    expect('a driver behind one that loads is refused: no command runs', code == 2 and 'no\n' not in out, out, err)


def usage(tmp):
    refused(['rnu'], "'rnu'; did you mean 'run'")
    refused(['xyzzyplugh'], "'xyzzyplugh'")
    refused(['run', '--sed', '1', 'hello.sys'], "'--sed'; did you mean '--seed'")
    refused(['run', '--kep-going', 'hello.sys'], "did you mean '--keep-going'")
    refused(['run', '--xyzzyplugh', 'hello.sys'], "'--xyzzyplugh'")
    refused(['run', 'hello.sys', '-c', 'opne x'], "'opne'; did you mean 'open'")
    refused(['run', 'hello.sys', '-c', 'xyzzyplugh'], "'xyzzyplugh'")
    refused(['exports', '--modul', 'hal'], "--module")
    refused(['inspect', '--jsn', 'hello.sys'], "--json")
    refused(['help', 'opne'], "did you mean 'open'")
    refused(['run'], 'wants a driver')
    refused(['inspect'], 'wants a file')
    refused(['inspect', 'a.sys', 'b.sys'], 'one file')
    refused(['exports', '--module'], 'wants a value')
    refused(['exports', '--module', 'nosuch'], 'nosuch')
    refused(['run', 'hello.sys', '--seed'], '--seed wants')
    refused(['run', 'hello.sys', '-c'], '-c wants')
    refused(['run', '--json=1', 'hello.sys'], 'takes no value')
    for word in ('x', '-1', '1x', '', '0x', '99999999999999999999999'):
        refused(['run', '--seed', word, 'hello.sys'], '--seed wants a number')
    for word in ('1', '2..1', 'a..b', '..', '1..', '..5', '1...3'):
        refused(['run', '--seeds', word, 'hello.sys'], '--seeds wants A..B')
    for word in ('0', '257', 'x'):
        refused(['run', '--jobs', word, 'hello.sys'], '--jobs wants a number')
    for word in ('0', '65'):
        refused(['run', '--cpus', word, 'hello.sys'], '--cpus wants a number')
    refused(['run', '--verify', 'standrad', 'hello.sys'], 'did you mean standard')
    refused(['run', '--trace', os.path.join(tmp, 'no', 'such'), 'hello.sys'], 'cannot write the trace')
    refused(['run', '-f', os.path.join(tmp, 'absent'), 'hello.sys'], 'cannot read the commands')
    refused(['run', '-f', tmp, 'hello.sys'], 'cannot read the commands')
    refused(['run', '--model', 'nosuch', 'hello.sys'], '--model nosuch: ')
    expect('help lists the models', 'ram,size=BYTES' in exits(0, 'help', 'models'))
    code, out, err = run('run', 'hello.sys', '-c', 'model-input nosuch "x"')
    expect('input for a model that is not there fails', code == 1 and "there is no model 'nosuch'" in out + err, out, err)
    for source, reason in (('nosuch', "there is no model 'nosuch'"), ('24', 'lines 0 to 23'), ('99999999999', 'lines 0 to 23'),
                           ('5', 'no driver has connected to line 5'), ('doorbell', 'no driver has connected to line 7')):
        code, out, err = run('run', '--model', 'doorbell,line=7', 'hello.sys', '-c', 'interrupt ' + source)
        expect('interrupt ' + source + ' fails', code == 1 and reason in out + err, out, err)
    for wrong in ('doorbell,line=24', 'doorbell,port=0xfff9', 'doorbell,color=red', 'doorbell,port=0xcfa'):
        refused(['run', '--model', wrong, 'hello.sys'], '--model ' + wrong)
    for size in ('1', '4G', '8', 'x'):
        refused(['run', '--model', 'ram,size=' + size, 'hello.sys'], '--model ram wants')
    for size in ('8M', '3G'):
        exits(0, 'run', '--model', 'ram,size=' + size, 'hello.sys')
    refused(['run', '--registry', os.path.join(tmp, 'absent.reg'), 'hello.sys'], 'cannot read')
    bad = os.path.join(tmp, 'bad.reg')
    open(bad, 'w').write('Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SYSTEM\\X]\n"a"=nonsense\n')
    refused(['run', '--registry', bad, 'hello.sys'], 'bad.reg: line 4: ')
    refused(['shell', '--seeds', '1..2'], '--seeds is for')


GUID = '{11223344-5566-7788-99aa-bbccddeeff00}'


def commands(tmp):
    single = ['run', 'dispatch-single.sys', '-c', r'open \\.\Single']
    for command, pattern in (
            ('write', 'wants data'), ('write abc', 'data is'), ('write hex:0', 'pairs'), ('write hex:zz', 'pairs'),
            ('write @' + os.path.join(tmp, 'absent'), 'cannot read'), ('write random:5', 'LENGTH:SEED'),
            ('write zero:100M', '64 MiB'), ('write "x', 'not closed'), ('read', 'a length'), ('read x', 'a length'),
            ('read 1 at', 'an offset'), ('read 100M', '64 MiB'), ('ioctl', 'a control code'), ('ioctl 0x1ffffffff', '32 bits'),
            ('ioctl 1 out', 'a length'), ('flush now', 'more words'), ('expect', 'a status'), ('expect STATUS_NO_SUCH', 'a status'),
            ('expect-data', 'wants data'), ('model-input', 'wants the name'), ('model-input com1', 'wants data'), ('interrupt', 'wants the name'), ('advance', 'milliseconds'), ('open', 'the name'), (r'open \Device\X as 1', 'no name'),
            (r'open \Device\X sideways', 'open NAME'), ('load', 'wants a file'), ('unload', "driver's name"), ('system', 'wants S0'),
            ('system S9', 'wants S0'), ('system S5 now', 'more words'), ('power', 'wants a device'), ('power X D4', 'wants D0'),
            ('wmi x', 'wants a GUID'), ('wmi ' + GUID + ' 0 set', 'wants data'), ('wmi ' + GUID + ' 0 method', 'a number'),
            ('wmi ' + GUID + ' enable now', 'more words'), ('wmi ' + GUID + ' 0 sideways', 'more words'),
            ('power-setting', "setting's GUID"), ('power-setting x', 'the value')):
        refused([*single, '-c', command], pattern)
    blanks = os.path.join(tmp, 'a name with blanks')
    open(blanks, 'w').write('x')
    exits(0, *single, '-c', f'write @"{blanks}"', '-c', 'expect STATUS_SUCCESS 1')
    refused([*single, '-c', f'write @"{blanks}'], 'not closed')
    for command in ('read 1', 'write "x"', 'ioctl 1', 'close', 'flush', 'cancel', 'wait'):
        refused(['run', 'hello.sys', '-c', command], 'no handle is open')


def codes(tmp):
    del tmp
    write = ['-c', r'open \\.\Single', '-c', 'write "x"']
    exits(0, 'run', 'dispatch-single.sys', *write)
    out = exits(1, 'run', 'hello.sys', '-c', r'open \Device\None', '-c', 'echo behind')
    expect('an error status ends the run', 'behind' not in out, out)
    out = exits(1, 'run', '--keep-going', 'hello.sys', '-c', r'open \Device\None', '-c', 'echo behind')
    expect('--keep-going goes on', 'behind' in out, out)
    exits(0, 'run', 'hello.sys', '-c', r'open \Device\None', '-c', 'expect STATUS_OBJECT_NAME_NOT_FOUND')
    exits(0, 'run', 'hello.sys', '-c', r'open \Device\None', '-c', 'expect 0xC0000034')
    out = exits(1, 'run', 'hello.sys', '-c', r'open \Device\None', '-c', 'expect STATUS_SUCCESS')
    expect('a failed expectation says what came', 'got STATUS_OBJECT_NAME_NOT_FOUND' in out, out)
    exits(1, 'run', 'dispatch-single.sys', *write, '-c', 'expect STATUS_SUCCESS 2')
    exits(0, 'run', 'dispatch-single.sys', *write, '-c', 'expect STATUS_SUCCESS 1')
    exits(1, 'run', 'dispatch-single.sys', *write, '-c', 'read 4', '-c', 'expect-data "y"')
    exits(3, 'run', 'hello.sys', 'hello.sys', '-c', 'echo no')
    exits(3, 'run', 'hello.sys', '-c', 'load hello.sys')
    exits(3, 'run', '--keep-going', 'hello.sys', '-c', r'open \Device\None', '-c', 'load hello.sys')
    double = ['double-complete.sys', '-c', r'open \Device\DoubleComplete']
    exits(4, 'run', *double, '-c', 'write "x"')
    exits(4, 'run', '--keep-going', *double, '-c', 'load double-complete.sys', '-c', 'write "x"')
    out = exits(1, 'run', '--quiet', 'dispatch-single.sys', *write, '-c', 'echo said', '-c', 'expect STATUS_END_OF_FILE')
    expect('--quiet prints failures only', out.count('\n') == 1 and 'not met' in out, out)
    exits(0, 'run', 'missing.sys', '-c', r'open \Device\Missing')
    out = exits(4, 'run', 'missing.sys', '-c', r'open \Device\Missing', '-c', 'write "x"')
    expect('a call of a missing import names it', 'InbvDisplayString' in out, out)
    expect('--quiet prints nothing when all is well', exits(0, 'run', '--quiet', 'dispatch-single.sys', *write) == '')
    expect('--version', re.fullmatch(r'ringless \d+\.\d+\.\d+\n', exits(0, '--version')))
    for words in (['--help'], ['-h'], ['help'], ['run', '--help'], ['help', 'run'], ['help', 'commands']):
        expect(f'{words} prints help', 'ringless' in exits(0, *words) or words == ['help', 'commands'])
    listed = re.findall(r'^  ([a-z-]+)', exits(0, 'help', 'commands'), re.M)
    expect('help knows many commands', len(listed) >= 20, listed)
    for word in listed:
        expect(f'help {word}', exits(0, 'help', word).startswith(word))


def devices(tmp):
    """--device, add-device, start, tree."""
    del tmp
    driver = ['run', '--seed', '1', 'testlog.sys', 'pnpfunc.sys']
    for command, pattern in (('add-device', 'wants a hardware id'), ('add-device A B', 'more words'), ('start', 'wants a device'),
                             ('tree all', 'more words')):
        refused([*driver, '-c', command], pattern)
    refused(['run', '--device'], 'wants a value')
    out = exits(0, *driver, '--device', r'ROOT\GADGET', '-c', 'tree')
    wanted = r'^ROOT\\GADGET\\0000: started, driver pnpfunc\n  stack: pnpfunc > PnpManager \\Device\\00000001$'
    expect('tree', re.search(wanted, out, re.M), out)
    out = exits(0, 'run', 'hello.sys', '-c', 'tree')
    expect('an empty tree', 'no devices' in out, out)
    out = exits(1, *driver, '-c', 'add-device A,B')
    expect('a bad id is named', "'A,B' cannot be a hardware id" in out, out)
    out = exits(1, *driver, '-c', r'start ROOT\NOBODY')
    expect('nobody is named', 'STATUS_NO_SUCH_DEVICE' in out, out)
    exits(0, *driver, '-c', r'start ROOT\NOBODY', '-c', 'expect STATUS_NO_SUCH_DEVICE')
    out = exits(1, 'run', '--seed', '1', 'hello.sys', '--device', r'ROOT\GADGET', '-c', 'echo ran')
    expect('a device without a driver ends the run', 'problem 28' in out and 'ran' not in out, out)
    out = exits(0, 'run', '--seed', '1', 'hello.sys', '--device', r'ROOT\GADGET', '--keep-going', '-c', 'tree')
    shown = re.search(r'^ROOT\\GADGET\\0000: identified$', out, re.M) and 'STATUS_PNP_NO_COMPAT_DRIVERS' in out
    expect('and is shown', shown, out)
    out = exits(0, *driver, '--json', '--device', r'ROOT\GADGET', '-c', 'tree')
    nodes = [event for event in map(json.loads, out.splitlines()) if event['event'] == 'devnode']
    wanted = {'instance': 'ROOT\\GADGET\\0000', 'depth': 1, 'state': 'started', 'service': 'pnpfunc', 'problem': 0, 'raw': False}
    expect('tree --json', len(nodes) == 1 and wanted.items() <= nodes[0].items() and
           [device['service'] for device in nodes[0]['stack']] == ['pnpfunc', 'PnpManager'], out)


def machine_readable(tmp):
    del tmp
    script = ''.join(line + '\n' for line in (
        '# every command once', 'drivers', 'devices', 'irps', 'pool', r'open \\.\Separate as a rw', 'write a "a\\b\tc" at 0',
        'read a 3 at 0', 'expect STATUS_SUCCESS 3', 'flush a', 'ioctl a 0x222000 hex:00 out 4', 'expect STATUS_INVALID_DEVICE_REQUEST',
        'internal-ioctl a 0x222003', 'expect STATUS_INVALID_DEVICE_REQUEST', r'open \\.\Separate as b async', 'write b "later"',
        'wait b', 'wait all timeout 100', 'cancel b', 'advance 5', 'sleep 5', 'echo "quoted" \\ back', 'close b', 'close a',
        'load hello.sys', 'unload hello'))
    for words in (['run', '--json', '--seed', '3', 'dispatch-separate.sys', '-f', '-'],
                  ['run', '--json', '--seed', '7', 'double-complete.sys', '-c', r'open \Device\DoubleComplete', '-c', 'write "x"'],
                  ['run', '--json', 'hello.sys', '-c', 'expect STATUS_SUCCESS'], ['exports', '--json'], ['inspect', '--json', 'hello.sys']):
        code, out, err = run(*words, stdin=script)
        events = []
        for line in out.splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                PROBLEMS.append(f'{words}: not JSON: {line}')
        if words[0] == 'run':
            expect(f'{words}: ends with its exit code', events and events[-1] == {'event': 'end', 'exit': code}, out, err)
        if '-f' in words:
            expect('every command ran', code == 0 and len(events) > 25, out, err)
        if 'double-complete.sys' in words:
            reports = [event for event in events if event['event'] in ('bugcheck', 'violation')]
            expect('the bug check is an event', len(reports) == 1 and reports[0]['code'] == 0x44, out)
    inspected = json.loads(exits(0, 'inspect', '--json', 'missing.sys'))
    missing = [row['name'] for row in inspected['imports'] if not row['provided']]
    expect('inspect --json lists missing imports', missing == ['InbvDisplayString'], inspected)
    text = exits(0, 'inspect', 'missing.sys')
    expect('inspect shows missing imports', all(re.search(rf'{re.escape(name)} +MISSING', text) for name in missing), text)
    hal = exits(0, 'exports', '--module', 'HAL.dll').splitlines()
    expect('exports --module', hal and all(line.startswith('hal ') for line in hal), hal[:3])


def seeds(tmp):
    out = exits(0, 'run', '--seeds', '1..6', '--jobs', '2', 'hello.sys')
    expect('seeds that pass are counted', out == '6 seeds, no failure\n', out)
    words = ['run', '--seeds=5..9', '--jobs', '2', 'double-complete.sys', '-c', r'open \Device\DoubleComplete', '-c', 'write "x y"']
    out = exits(4, *words)
    found = re.search(r'^seed 5 failed with exit code 4; replay it with: ringless (.*)$', out, re.M)
    expect('the first failing seed is named with a line', found, out)
    if found:
        again = exits(4, *shlex.split(found.group(1)))
        expect('the line prints what the seed printed', again and again in out, again, out)
        line = re.search(r'replay: ringless (.*)$', again, re.M)
        expect('the report has the same line', line and exits(4, *shlex.split(line.group(1))) == again, again)
    trace = os.path.join(tmp, 'trace.json')
    exits(0, 'run', '--seed', '4', '--trace', trace, 'hello.sys')
    expect('a trace in JSON', len(json.load(open(trace))['traceEvents']) > 5)


def shell(tmp):
    del tmp
    code, out, err = run('shell', 'dispatch-single.sys',
                         stdin='open \\\\.\\Single\nopne\nwrite "x"\nhelp write\nhelp\n\n# nothing\nread 4\nquit\nwrite "y"\n')
    expect('the shell goes on behind a mistake, and quits', code == 0 and 'write 1: STATUS_SUCCESS' in out and
           'read 4: ' in out and "did you mean 'open'" in err and 'unload dispatch-single' in out and 'DATA' in out and
           out.count('write 1: ') == 1, code, out, err)
    code, out, _ = run('shell', stdin='expect STATUS_SUCCESS\n')
    expect('a failed expectation is exit 1', code == 1, code, out)
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(OPTIONS.sys)
        os.environ['TERM'] = 'vt100'
        os.execv(OPTIONS.ringless, ['ringless', 'shell', 'hello.sys'])
    seen = b''

    def until(text):
        nonlocal seen
        end = time.time() + 20
        while text not in seen and time.time() < end:
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    seen += os.read(fd, 4096)
                except OSError:
                    break
        found = text in seen
        expect(f'the terminal shows {text!r}', found, seen[-300:])
        seen = seen.split(text, 1)[1] if found else b''

    until(b'ringless> ')
    os.write(fd, b'echo one\n')
    until(b'one\r\n')
    until(b'ringless> ')
    os.write(fd, b'\x10\n')  # control-P: the line before
    until(b'one\r\n')
    until(b'ringless> ')
    os.write(fd, b'driv\t\n')
    until(b'hello')
    until(b'ringless> ')
    os.write(fd, b'help open\n')
    until(b'exclusive')
    until(b'ringless> ')
    os.write(fd, b'quit\n')
    until(b'unload hello: STATUS_SUCCESS')
    expect('the shell ends', os.waitpid(pid, 0)[1] == 0)


INF = r"""[Version]
Signature = "$Windows NT$"
Class     = System
ClassGuid = {4d36e97d-e325-11ce-bfc1-08002be10318}
Provider  = "A maker"
DriverVer = 11/20/2026,1.0.0.0
[Manufacturer]
"A maker" = Models, NTamd64
[Models.NTamd64]
"A device" = Device, ROOT\\CLIDEV
"Another"  = Other, ROOT\\CLIOTHER
[Device]
CopyFiles = @cli.sys
AddReg    = Registry
[Device.Services]
AddService = cli, 2, Service
[Other]
Needs = Far
[Registry]
HKR,, Speed, 0x10001, 7
[Service]
ServiceType   = 1
StartType     = 3
ErrorControl  = 1
ServiceBinary = %12%\\cli.sys
""".replace('\\\\', '\\')


def inf(tmp):
    path = os.path.join(tmp, 'cli.inf')
    open(path, 'w').write(INF)
    out = exits(0, 'inf', path)
    for line in ('cli.inf: class System {4d36e97d-e325-11ce-bfc1-08002be10318}, from A maker, version 1.0.0.0 of 11/20/2026',
                 r'A device (A maker): ROOT\CLIDEV', '  section Device, service cli', r'  file C:\Windows\System32\cli.sys from cli.sys',
                 '  set driver key, Speed = 7', r'  set Services\cli, ImagePath = "\SystemRoot\System32\drivers\cli.sys"',
                 '  set device key, Service = "cli"', '  note, line 18: Needs=Far: there is no such section'):
        expect(f'ringless inf prints {line}', line + '\n' in out, out)
    chosen = exits(0, 'inf', path, r'root\cliother')
    expect('a hardware id chooses', 'Another' in chosen and 'A device' not in chosen, chosen)
    shown = json.loads(exits(0, 'inf', path, '--json'))
    expect('JSON says the same', [(i['service'], i['ids']) for i in shown['installs']] ==
           [('cli', [r'ROOT\CLIDEV']), ('', [r'ROOT\CLIOTHER'])], str(shown))
    step = next(s for s in shown['installs'][0]['steps'] if s.get('name') == 'Speed')
    expect('a step in JSON', step == {'action': 'set', 'line': 20, 'key': 'driver key', 'name': 'Speed', 'type': 'REG_DWORD', 'data': 7},
           str(step))
    refused(['inf'], 'wants a file')
    refused(['inf', path, 'A', 'B'], 'one file and one hardware id')
    refused(['inf', '--jsn', path], '--json')
    refused(['inf', path, r'ROOT\NOBODY'], r'no line of its models is for ROOT.NOBODY')
    refused(['inf', os.path.join(tmp, 'absent.inf')], 'cannot read .*absent.inf')
    for number, (old, new, why) in enumerate((
            ('HKR,, Speed', 'HKX,, Speed', "bad0.inf:20: 'HKX' is no root"), ('AddService = cli, 2, Service', 'AddService = cli, 2, None',
             r'bad1.inf:16: there is no section .None.'), ('ClassGuid', 'Guid', 'no ClassGuid'), ('[Version]', '[Vers]', r'no section .Version.'),
            ('[Device]', '[Device', r"bad4.inf:12: '\]' is missing"))):
        bad = os.path.join(tmp, f'bad{number}.inf')
        open(bad, 'w').write(INF.replace(old, new, 1))
        refused(['inf', bad], why)
        refused(['run', '--inf', bad, '-c', 'echo no'], why)


REG = r"""Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Enum\ROOT\WIDGET\0000]
"Service"="pnpfunc"

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\pnpfunc]
"Type"=dword:00000001
"Start"=dword:00000003
"""


def registry(tmp):
    reg, hive, copy = (os.path.join(tmp, name) for name in ('a.reg', 'a.hive', 'b.hive'))
    open(reg, 'w').write(REG)
    code, _, err = run('run', '--registry', reg, '--registry-write', hive, '-c', 'devices')
    if 'hivex was not there' in err:
        return
    expect('a hive is written', code == 0 and open(hive, 'rb').read(4) == b'regf', err)
    device = ['--device', r'ROOT\WIDGET', 'testlog.sys', '-c', 'tree']
    out = exits(0, 'run', '--registry', hive, '--registry-write', copy, *device)
    expect('a device of the hive finds its driver', 'WIDGET\\0000: started, driver pnpfunc' in out, out)
    out = exits(0, 'run', '--registry', r'HKLM\System=' + copy, *device)
    expect('and of the hive that was written at the end', 'started, driver pnpfunc' in out, out)
    exits(0, 'run', '--registry', hive, '--inf', 'infdev.inf', '--device', r'ROOT\INFDEV', 'testlog.sys', '--registry-write', hive)
    out = exits(0, 'run', '--registry', hive, '--device', r'ROOT\INFDEV', 'testlog.sys', '-c', 'tree')
    expect('what an INF has installed is there in the next run', 'INFDEV\\0000: started, driver infdev' in out, out)
    out = exits(0, 'run', '--registry', hive, *device)
    expect('and what was there has stayed', 'started, driver pnpfunc' in out, out)
    os.remove(copy)
    exits(0, 'run', '--registry', hive, '--registry-write', copy, '-c', 'system S5')
    expect('a hive is written after a shutdown too', os.path.exists(copy))
    exits(4, 'run', '--registry', hive, '--registry-write', os.path.join(tmp, 'no.hive'), '-c', 'interrupt nmi')
    expect('and not after a bug check', not os.path.exists(os.path.join(tmp, 'no.hive')))
    open(copy, 'wb').write(open(hive, 'rb').read()[:5000])
    refused(['run', '--registry', copy, '-c', 'devices'], 'b.hive: ')
    refused(['run', '--registry', 'HKLM\\Software=' + reg, '-c', 'devices'], 'is no hive')
    refused(['run', '--registry', 'HKXX\\Software=' + hive, '-c', 'devices'], 'is no key')
    refused(['run', '--registry-write', os.path.join(tmp, 'no', 'folder'), '-c', 'echo x'], 'cannot be written')


TOPICS = {'files': files, 'usage': usage, 'commands': commands, 'codes': codes, 'json': machine_readable, 'seeds': seeds,
          'shell': shell, 'devices': devices, 'inf': inf, 'registry': registry}


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--ringless', required=True)
    parser.add_argument('--sys', required=True)
    parser.add_argument('topic', choices=TOPICS)
    OPTIONS = parser.parse_args()
    OPTIONS.ringless = os.path.abspath(OPTIONS.ringless)
    with tempfile.TemporaryDirectory() as tmp:
        TOPICS[OPTIONS.topic](tmp)
    if PROBLEMS:
        print('\n'.join(PROBLEMS))
        sys.exit(1)


if __name__ == '__main__':
    main()
