#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The JSON trace is valid, its slices nest on each track, its flows and spans are whole, its tracks are named."""
import collections
import json
import subprocess
import sys


def tracks_nest(events):
    open_slices = collections.defaultdict(list)
    last = {}
    for event in events:
        if event['ph'] not in 'BEi':
            continue
        track = event['pid'], event['tid']
        assert event['ts'] >= last.get(track, 0), f'time goes back on {track}'
        last[track] = event['ts']
        if event['ph'] == 'B':
            open_slices[track].append(event['name'])
        elif event['ph'] == 'E':
            assert open_slices[track], f'an end without a begin on {track}'
            open_slices[track].pop()
    assert not any(open_slices.values()), f'left open: {dict(open_slices)}'


def tracks_are_named(events):
    named = {(e['pid'], e['tid']) for e in events if e['ph'] == 'M' and e['name'] == 'thread_name'}
    used = {(e['pid'], e['tid']) for e in events if e['ph'] in 'BE'}
    assert used <= named, f'without a name: {used - named}'


def load(command):
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    events = json.loads(text)['traceEvents']
    tracks_nest(events)
    tracks_are_named(events)
    return events


def main():
    events = load([sys.argv[1]])
    names = [e.get('name') for e in events]
    for name in ('READ device #2 (serial)', 'READ device #1 (serial)', 'DPC serial.sys!SerialDpc', 'ISR serial.sys!SerialDpc', 'DriverEntry serial',
                 'completion filter.sys!FilterDone', 'StartIo serial.sys!SerialDpc', 'completed STATUS_SUCCESS, Information 16', 'IRQL of VP 0'):
        assert name in names, f'{name} is missing in {names}'
    flows = [e['ph'] for e in events if e.get('cat') == 'irp-flow']
    assert flows[0] == 's' and flows[-1] == 'f' and set(flows[1:-1]) == {'t'}, flows
    spans = [e for e in events if e.get('cat') == 'irp']
    assert [e['ph'] for e in spans][0] == 'b' and spans[-1]['ph'] == 'e' and {e['id'] for e in spans} == {4}
    slices = {e['name']: e for e in events if e['ph'] == 'B'}
    assert slices['DPC serial.sys!SerialDpc']['pid'] == 1, 'a DPC is on its processor\'s track'
    assert slices['READ device #1 (serial)']['pid'] == 2, 'a dispatch routine is on its thread\'s track'
    assert slices['completion filter.sys!FilterDone']['pid'] == 1, 'a routine in a DPC is on the processor\'s track'
    cut = load([sys.argv[1], 'cut'])
    assert any(e.get('name') == 'kernel code prints:    "quoted" \\' for e in cut), [e.get('name') for e in cut]
    print(f'{len(events)} events')


if __name__ == '__main__':
    main()
