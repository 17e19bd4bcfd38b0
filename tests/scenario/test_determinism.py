#!/usr/bin/env python3
"""A run is a pure function of scenario and seed: the same bytes in every
output, twice with more than two seconds between (so that a wall clock would
show), and with 0, 1, 2 and 8 host threads. Another seed gives other bytes."""
import os
import re
import sys
import time

import lib


# Without a lagg or a vlan, but with changes of mode: they have a picture, too.
CHANGES = ('mode-switch', 'rexmit-limit', 'cx6dx-rexmit', 't6-rexmit')


def has_picture(name):
    with open(lib.scenario(name)) as f:
        text = f.read()
    return name in CHANGES or ' laggs:' in text or ' vlans:' in text


def links(name):
    """The files of capture.ports."""
    with open(lib.scenario(name)) as f:
        text = f.read()
    if 'ports: true' not in text:
        return []
    ends = re.findall(r'ends: \[(\S+), (\S+)\]', text)
    return ['wire-%s-%s.pcapng' % (a.replace('.', '-'), b.replace('.', '-')) for a, b in ends]


def main():
    sim, name = lib.optimised(sys.argv[1]), sys.argv[2]
    c = lib.Checks()
    runs = [('0 threads', 0), ('2.1 s later', 0), ('1 thread', 1),
            ('2 threads', 2), ('8 threads', 8)]
    first = None
    with lib.tmpdir() as d:
        for what, threads in runs:
            if what == '2.1 s later':
                time.sleep(2.1)
            out = os.path.join(d, what.replace(' ', '-'))
            r, _ = lib.run_out(sim, lib.scenario(name), out, '--pcap',
                               '--trace', '--perfetto', '--threads', str(threads),
                               *lib.programs(lib.scenario(name)))
            c.equal(r.returncode, 0, '%s: %s' % (what, r.stderr))
            got = lib.digest(out)
            first = first or got
            picture = ['timeline.svg'] if has_picture(name) else []
            c.equal(sorted(got), ['.ktls-sim-run', 'report.html', 'report.json', 'report.txt',
                                  'scenario.yaml', 'sslkeys.log', *picture,
                                  'trace.ndjson', 'trace.perfetto.json', *links(name),
                                  'wire.pcap', 'wire.pcapng'],
                    what)
            for f in got:
                c.equal(got[f], first.get(f), '%s, %s' % (what, f))
        out = os.path.join(d, 'seed')
        lib.run_out(sim, lib.scenario(name), out, '--pcap', '--trace',
                    '--seed', '2', *lib.programs(lib.scenario(name)))
        got = lib.digest(out)
        for f in ('wire.pcapng', 'wire.pcap', 'sslkeys.log', 'trace.ndjson'):
            c.check(got[f] != first[f], 'seed 2 gives the same ' + f)
    c.done()


main()
