#!/usr/bin/env python3
"""Churn on small tables of TLS contexts, of every card that has one: without
kern.ipc.tls.ifnet.release_early finished connections keep them, and new ones
are software's; with it none is, under loss too, and every byte arrives."""
import os
import sys

import lib

SMALL = {'cx6dx': 'tls_max_tags: 8', 't6': 'tids: 8'}
# A T6 knows no other.
TLS12 = ['--set', 'apps.web.tls.version=1.2',
         '--set', 'apps.get.tls.version=1.2']
EARLY = 'hosts.server.sysctl.kern.ipc.tls.ifnet.release_early=1'


def counters(c, sim, d, what, file, *options):
    """Of the server; the expectations of the file itself need not hold."""
    r, report = lib.run_out(sim, file, os.path.join(d, 'out'), *options)
    c.check(r.returncode in (0, 1) and report is not None,
            '%s: run: %s' % (what, r.stderr))
    c.equal(sum(x['body_bytes'] for x in report['connections']), 40 * 65536,
            what + ': bytes')
    c.equal(report['panic'], None, what + ': panic')
    return report['counters']['server']


def test_card(c, sim, d, model, setting):
    f = lib.edited('tags-run-out', d,
                   ('{model: cx6dx, settings: {tls_max_tags: 8}}',
                    '{model: %s, settings: {%s}}' % (model, setting)),
                   ('    files:', '    coarse_timestamps: true\n    files:'))
    n = counters(c, sim, d, model, f, *TLS12)
    c.equal(n.get('kern.ipc.tls.sw.gcm', 0), 32, model + ': software')
    n = counters(c, sim, d, model + ' early', f, '--set', EARLY, *TLS12)
    c.equal(n.get('kern.ipc.tls.sw.gcm', 0), 0, model + ' early: software')
    c.check(n['kern.ipc.tls.ifnet.released_early'] >= 39,
            model + ' early: released')


def test_loss(c, sim, d):
    """What is lost is sent again by the card: nothing was released too soon."""
    n = counters(c, sim, d, 'loss', lib.scenario('tags-released-early'),
                 '--set', 'links[0].loss=2%', '--until', '60s', '--set',
                 # Lost SYNs come again all at once.
                 'hosts.server.nics.mce0.settings.tls_max_tags=40', '--set',
                 'hosts.server.sysctl.kern.ipc.tls.ifnet_max_rexmit_pct=100')
    c.check(n['net.inet.tcp.stats.sndrexmitpack'] > 10, 'loss: sent again')
    c.check(n['kern.ipc.tls.ifnet.released_early'] >= 39, 'loss: released')
    c.equal(n.get('kern.ipc.tls.ifnet.reset', 0), 0, 'loss: resets')


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        for model, setting in SMALL.items():
            test_card(c, sys.argv[1], d, model, setting)
        test_loss(c, sys.argv[1], d)
    c.done()


main()
