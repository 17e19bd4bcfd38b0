#!/usr/bin/env python3
"""The report's reasons come from the branch that was taken: change the cause,
see the reason change."""
import os
import sys

import lib

PERMITTED = ('kern.ipc.tls.ifnet.permitted: 0', 'kern.ipc.tls.ifnet.permitted: 1')
IDEAL = ('mce0: {model: basic, mtu: 1500}', 'mce0: {model: ideal, mtu: 1500}')


def fact(report, point, host, **want):
    out = [f for f in report['facts'] if f['point'] == point and
           f['at'] == host]
    return [(f['texts'], f['error'], f['count']) for f in out]


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    cases = [
        # changes, mode of the server's tx, texts of the tls_mode fact, errno
        ([], 'sw', ['tx', 'sw', 'kern.ipc.tls.ifnet.permitted is 0'], 'ENXIO'),
        ([PERMITTED], 'sw', ['tx', 'sw',
         "the route's interface does not offer transmit TLS"], 'EOPNOTSUPP'),
        ([PERMITTED, IDEAL], 'ifnet', ['tx', 'ifnet',
         'the card took the session'], '0'),
    ]
    with lib.tmpdir() as d:
        for i, (changes, mode, texts, errno) in enumerate(cases):
            f = lib.edited('quickstart', d, *changes, (
                'mode: {app: web, dir: tx, is: sw}',
                'mode: {app: web, dir: tx, is: %s}' % mode))
            r, report = lib.run_out(sim, f, os.path.join(d, 'out%d' % i))
            c.equal(r.returncode, 0, 'case %d: %s' % (i, r.stderr))
            c.equal(fact(report, 'tls_mode', 'server'),
                    [(texts, errno, 1)], 'case %d' % i)
        # The kernel refuses altogether: user space goes on.
        f = lib.edited('quickstart', d,
                       ('kern.ipc.tls.enable: 1', 'kern.ipc.tls.enable: 0'),
                       ('is: sw}', 'is: none}'))
        r, report = lib.run_out(sim, f, os.path.join(d, 'refused'))
        c.equal(r.returncode, 0, 'refused: ' + r.stderr)
        c.check(any(t[0] == 'tx' and t[2] == 'kern.ipc.tls.enable is 0' and
                    e in ('EOPNOTSUPP', 'ENOTSUP')
                    for t, e, n in fact(report, 'tls_enable', 'server')),
                'refusal is told: %r' % fact(report, 'tls_enable', 'server'))
        c.equal(report['connections'][0]['server_side']['tx_mode'], 'none',
                'refused: mode')
        # Drops: loss on the link, and a link that goes down.
        f = lib.edited('quickstart', d, ('delay: 20us}', 'delay: 20us, loss: 1%}'))
        r, report = lib.run_out(sim, f, os.path.join(d, 'loss'))
        reasons = {t[1] for t, e, n in fact(report, 'wire_drop', '')}
        c.equal(reasons, {'link: loss'}, 'reasons of drops under loss')
        r, report = lib.run_out(sim, lib.scenario('failover'),
                                os.path.join(d, 'failover'))
        reasons = {t[1] for t, e, n in fact(report, 'wire_drop', '')}
        c.equal(reasons, {'link down'}, 'reasons of drops at failover')
        drops = [(t, e) for t, e, n in fact(report, 'lagg_drop', 'server')]
        c.check((['lagg0', 'send tag is not of the active port'], 'EAGAIN')
                in drops, 'lagg drop: %r' % drops)
        # Frames that were in memory, their interrupt still to come.
        c.equal({t[1] for t, e in drops} -
                {'send tag is not of the active port',
                 'received on a port that is not active'}, set(),
                'other reasons')
    c.done()


main()
