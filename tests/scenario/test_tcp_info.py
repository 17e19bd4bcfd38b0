#!/usr/bin/env python3
"""TCP_INFO of connections: over time, at the end in the report, in claims, and
what it says agrees with the capture; sequence numbers that wrap; the congestion
control by its name."""
import json
import os
import sys

import lib

CLAIMS = ('  - time: {app: get, max: 100ms}', '''
  - tcp_info: {app: get, field: state, is: 4, at: 2ms}
  - tcp_info: {app: web, field: snd_cwnd, min: 14480, at: 2ms}
  - tcp_info: {app: web, connection: 0, field: bytes_rexmit, is: 0}
  - tcp_info: {app: web, field: rtt, min: 40, max: 2000}''')


def samples(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


def over_time(c, sim, d):
    f = lib.edited('quickstart', d, CLAIMS,
                   ('until: 10s', 'capture: {tcp_info: 1ms}\nuntil: 10s'))
    out = os.path.join(d, 'out')
    r, report = lib.run_out(sim, f, out)
    c.equal(r.returncode, 0, r.stdout + r.stderr)
    lines = samples(os.path.join(out, 'tcpinfo.ndjson'))
    web = [x for x in lines if x['app'] == 'web']
    c.check(len(web) >= 5, 'only %d samples' % len(web))
    c.equal([x['ps'] % 10**9 for x in lines], [0] * len(lines), 'instants')
    c.equal(sorted(x['bytes_sent'] for x in web),
            [x['bytes_sent'] for x in web], 'bytes never become fewer')
    c.check(any(x['snd_buffered'] > 0 for x in web), 'never anything to send')
    for x in web:
        c.equal(x['in_flight'], x['snd_max'] - x['snd_una'], 'in flight')
        c.equal(x['cc'], 'cubic', 'default')
    tcp = report['connections'][0]['server_side']['tcp']
    c.equal(tcp['bytes_sent'], report['connections'][0]['server_side']['bytes'],
            'the report has the same')
    # A second look takes nothing from the run.
    plain = os.path.join(d, 'plain')
    _, report2 = lib.run_out(sim, lib.edited('quickstart', d, CLAIMS), plain)
    c.equal(report2['end_ps'], report['end_ps'], 'looking changes nothing')
    with open(os.path.join(out, 'wire.pcapng'), 'rb') as a, \
            open(os.path.join(plain, 'wire.pcapng'), 'rb') as b:
        c.equal(a.read() == b.read(), True, 'the capture is the same')


def not_met(c, sim, d):
    f = lib.edited('quickstart', d, (
        '  - time: {app: get, max: 100ms}',
        '  - tcp_info: {app: web, field: snd_cwnd, max: 10}'))
    r, report = lib.run_out(sim, f, os.path.join(d, 'bad'))
    c.equal(r.returncode, 1, 'a claim that is not met')
    c.equal([(x['claim'], x['met']) for x in report['expectations']
             if 'snd_cwnd' in x['claim']],
            [('web snd_cwnd is at most 10', False)], 'told')


def wrap(c, sim, d):
    """Both directions cross 2^32 in the middle of the transfer."""
    f = lib.edited('quickstart', d, ('cpus: 4', 'cpus: 4\n    '
                                     'initial_seq: 4294900000'))
    out = os.path.join(d, 'wrap')
    r, report = lib.run_out(sim, f, out)
    c.equal(r.returncode, 0, r.stdout + r.stderr)
    c.equal(report['connections'][0]['server_side']['retransmitted_bytes'], 0,
            'nothing is lost at the wrap')
    seqs = lib.tshark(os.path.join(out, 'wire.pcapng'), '-o',
                      'tcp.relative_sequence_numbers:FALSE', '-Y',
                      'tcp.srcport==443', '-T', 'fields', '-e', 'tcp.seq')
    if seqs is not None:
        n = [int(x) for x in seqs.split()]
        c.equal(n[0], 4294900000, 'the first one')
        c.check(min(n) < 10**6, 'it wraps')


def by_name(c, sim, d):
    f = lib.edited('quickstart', d, (
        'kern.ipc.tls.enable: 1', 'kern.ipc.tls.enable: 1\n      '
        'net.inet.tcp.cc.algorithm: newreno'))
    r, report = lib.run_out(sim, f, os.path.join(d, 'cc'))
    side = report['connections'][0]
    c.equal((side['server_side']['tcp']['congestion_control'],
             side['client_side']['tcp']['congestion_control']),
            ('newreno', 'cubic'), 'congestion control')


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        over_time(c, sys.argv[1], d)
        not_met(c, sys.argv[1], d)
        wrap(c, sys.argv[1], d)
        by_name(c, sys.argv[1], d)
    c.done()


main()
