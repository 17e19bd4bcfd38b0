#!/usr/bin/env python3
"""--perfetto: valid JSON in order of time, slices that begin and end, what it
says agrees with the report and the trace, and the run is the same with it."""
import collections
import json
import os
import re
import sys

import lib


def load(path):
    """Events; times as text, so that no digit is lost."""
    with open(path) as f:
        return json.load(f, parse_float=str)['traceEvents']


def ps(text):
    m = re.fullmatch(r'(\d+)\.(\d{6})', text)
    return int(m.group(1)) * 10**6 + int(m.group(2))


def form(c, name, events):
    last = 0
    depth = collections.Counter()
    records = {}
    names = set()
    for e in events:
        c.check(e['ph'] in 'MBEbneiC' and e['pid'] >= 1, '%s: %s' % (name, e))
        if e['ph'] == 'M':
            names.add((e['pid'], e['tid'] if e['name'] == 'thread_name' else None))
            continue
        now = ps(e['ts'])
        c.check(now >= last, '%s: goes back at %s' % (name, e))
        last = now
        track = (e['pid'], e['tid'])
        c.check((e['pid'], None) in names, '%s: process without a name: %s' % (name, e))
        c.check(e['ph'] == 'C' or track in names, '%s: thread without a name: %s' % (name, e))
        if e['ph'] in 'BE':
            depth[track] += 1 if e['ph'] == 'B' else -1
            c.check(0 <= depth[track] <= 1, '%s: slices of %s' % (name, track))
        elif e['ph'] == 'b':
            c.check(e['id'] not in records, '%s: record twice: %s' % (name, e))
            records[e['id']] = True
        elif e['ph'] in 'ne':
            c.check(records.get(e['id'], False), '%s: not begun: %s' % (name, e))
            records[e['id']] = e['ph'] == 'n'
    c.check(not any(depth.values()), '%s: left open: %s' % (name, +depth))
    c.check(not any(records.values()), name + ': records left open')


def contents(c, name, events, report, trace):
    """Instants are the trace's; of records and modes there are as many as the
    report counts."""
    said = collections.Counter(t['point'] for t in trace)
    have = collections.Counter(e['name'] for e in events if e['ph'] == 'i')
    for point, n in have.items():
        c.equal(n, said[point], '%s: %s' % (name, point))
    for point in ('wire_drop', 'nic_drop', 'tcp_rto', 'tcp_rexmit', 'tag_reset', 'timeline'):
        c.equal(have[point], said[point], '%s: %s' % (name, point))
    for point, n in (('wire_drop', 'wire_drop'), ('timeline', 'timeline')):
        total = sum(f['count'] for f in report['facts'] if f['point'] == n)
        c.check(have[point] >= total, '%s: %s %d of %d' % (name, point, have[point], total))
    c.equal(sum(e['ph'] == 'b' for e in events), said['tls_record'], name + ': records')
    kernel = sum(side['records'] for x in report['connections']
                 for side in (x.get('client_side'), x['server_side']) if side)
    c.check(sum(e['ph'] == 'b' for e in events) >= kernel > 0, name + ': %d records' % kernel)
    modes = collections.Counter(e['name'] for e in events if e['ph'] == 'B')
    for mode in ('sw', 'ifnet'):
        c.equal(modes[mode], sum(t['point'] == 'tls_mode' and t['mode'] == mode for t in trace),
                '%s: slices of mode %s' % (name, mode))
    counters = {e['name'] for e in events if e['ph'] == 'C'}
    c.check({'web#0 send buffer', 'web#0 cwnd'} <= counters, '%s: %s' % (name, counters))


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        for name in ('failover', 'many-lossy', 'mode-switch'):
            digests = []
            for threads in ('0', '2'):
                out = os.path.join(d, name + threads)
                r, report = lib.run_out(sim, lib.scenario(name), out, '--perfetto', '--trace',
                                        '--threads', threads)
                c.equal(r.returncode, 0, r.stderr)
                digests.append(lib.digest(out))
            c.equal(digests[0], digests[1], name + ': threads')
            events = load(os.path.join(out, 'trace.perfetto.json'))
            with open(os.path.join(out, 'trace.ndjson')) as f:
                trace = [json.loads(line) for line in f]
            form(c, name, events)
            contents(c, name, events, report, trace)
            out = os.path.join(d, name + 'without')
            lib.run_out(sim, lib.scenario(name), out, '--trace')
            without = lib.digest(out)
            for f in ('wire.pcapng', 'report.json', 'report.html', 'trace.ndjson'):
                c.equal(without[f], digests[0][f], '%s: looking changes %s' % (name, f))
        # A run that breaks off leaves a file that can be read.
        out = os.path.join(d, 'wreck')
        r, _ = lib.run_out(sim, lib.scenario('quickstart'), out, '--perfetto', '--defect',
                           'kern.sbready-early')
        c.equal(r.returncode, 4, r.stderr)
        form(c, 'wreck', load(os.path.join(out, 'trace.perfetto.json')))
        r = lib.run(sim, ['run', '--perfetto', '--out', out, lib.scenario('quickstart')])
        c.check('wreck/trace.perfetto.json: ' in r.stdout, 'it is not named: ' + r.stdout)
        r = lib.run(sim, ['run', '--out', out, lib.scenario('quickstart')])
        c.check(not os.path.exists(os.path.join(out, 'trace.perfetto.json')), 'the old one stays')
    c.done()


main()
