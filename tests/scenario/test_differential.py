#!/usr/bin/env python3
"""Every scenario with every card: in software, on the ideal card, ConnectX-6 Dx
(both drivers) and Chelsio T6, with NIC TLS and with TOE. What each client
receives is the same, and no invariant breaks; what may differ (packets,
duplicates, time) is listed.

  test_differential.py ktls-sim [SCENARIO ...]"""
import glob
import os
import re
import sys

import lib

CARDS = {
    'software': None,
    'ideal': {'model': 'ideal'},
    'cx6dx old': {'model': 'cx6dx', 'settings.driver': 'old'},
    'cx6dx new': {'model': 'cx6dx', 'settings.driver': 'new'},
    't6': {'model': 't6'},
    't6 toe': {'model': 't6', 'settings.toe': 1},
}
# What happens there depends on when exactly a packet leaves, or on a card; or another
# test has the cards.
OWN_TIME = {
    'card-failures': 'orders that only a ConnectX has',
    'disk-error': 'the connection breaks where the window then is',
    'receive-errors': 'clients that misbehave',
    'no-backend': 'what no card takes ends',
    'toe': 'settings that only a T6 has',
    'tags-run-out': 'settings that only a ConnectX has',
    'port-removed': 'settings that only a T6 has',
    'iperf-tls': 'sends for a time, as much as a card lets it',
    'cdn': 'clients that go in the middle; its matrix has the cards',
    'flapping': 'test_flapping.py',
    'lagg-failover-cx6dx': 'test_failover_matrix.py',
    'lagg-failover-t6': 'test_failover_matrix.py',
    'ng-tls-compare': 'test_ng.py',
    'tags-released-early': 'settings that only a ConnectX has',
}


def hosts(text):
    """host: its cards."""
    found, host, nics = {}, None, False
    for line in text[text.index('\nhosts:'):].splitlines()[2:]:
        if re.match(r'\S', line):
            break
        m = re.match(r'  (\w+):', line)
        if m:
            host, nics = m[1], False
            found[host] = []
        elif re.match(r'    \w+:', line):
            nics = line.startswith('    nics:')
        elif nics and (m := re.match(r'      (\w+):', line)):
            found[host].append(m[1])
    return found


def options(text, card):
    opts = []
    for host, nics in hosts(text).items():
        sysctl = 'hosts.%s.sysctl.kern.ipc.tls.' % host
        if 'kern.ipc.tls.enable: 1' in text:
            opts += ['--set', '%sifnet.permitted=%d' % (sysctl, card is not None),
                     '--set', sysctl + 'ifnet_max_rexmit_pct=100']
        opts += ['--set', 'hosts.%s.coarse_timestamps=true' % host]
        for nic in nics:
            for key, value in (card or {}).items():
                opts += ['--set', 'hosts.%s.nics.%s.%s=%s' % (host, nic, key, value)]
    return opts


def outcome(report):
    """What the applications got. Where records are cut depends on when there
    was room to write; that the bytes are the sender's, invariant 1 holds."""
    held = [i['number'] for i in report['invariants'] if i['broken']]
    return ({x['name']: (x['done'], x['failed'], x['body_bytes'])
             for x in report['connections']}, held)


def summary(report):
    sides = [x['server_side'] for x in report['connections']]
    modes = sorted({s['tx_mode'] for s in sides})
    return 'tx %-8s frames %6d, again %5d packets, read again %9d bytes' % (
        '+'.join(modes), report['frames'],
        sum(s['retransmitted_packets'] for s in sides),
        sum(c['bus_bytes']['reread'] for c in report.get('cards', [])))


def one(c, sim, d, name):
    with open(lib.scenario(name)) as f:
        text = f.read()
    path = os.path.join(d, name + '.ktls.yaml')
    with open(path, 'w') as f:      # claims are of the card it was written for
        f.write(text.replace('\nexpect:', '\nx-expect:'))
    lib.with_folders(lib.scenario(name), d)
    want = None
    for card, keys in CARDS.items():
        out = os.path.join(d, name + '-' + card.replace(' ', '-'))
        r, report = lib.run_out(sim, path, out, '--set', 'capture.wire=false',
                                *options(text, keys), *lib.programs(path))
        c.equal(r.returncode, 0, '%s, %s: %s' % (name, card, r.stderr[-400:]))
        if report is None:
            continue
        got = outcome(report)
        if want is None:
            want = got
            c.check(got[0] and not got[1], name + ': no connections, or broken')
        c.equal(got, want, '%s, %s: what was received' % (name, card))
        print('%-18s %-10s %s' % (name, card, summary(report)))


def main():
    sim, names = lib.optimised(sys.argv[1]), sys.argv[2:]
    c = lib.Checks()
    for path in sorted(glob.glob(os.path.join(lib.SCENARIOS, '*.ktls.yaml'))):
        name = os.path.basename(path)[:-len('.ktls.yaml')]
        if names and name not in names:
            continue
        if name in OWN_TIME or lib.is_live(path):
            continue
        with lib.tmpdir() as d:
            one(c, sim, d, name)
    c.done()


main()
