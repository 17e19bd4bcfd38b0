#!/usr/bin/env python3
"""lagg-failover-cx6dx and -t6, which claim that resets equal connections, none
is dropped and every byte arrives, for each pair of cards, TLS version, IP version
and with 1, 100 and 5,000 connections; the mixed pair whose second card does not
know TLS 1.3; and what the default of ifnet_max_rexmit_pct makes of it."""
import os
import sys

import lib

TLS = ('apps.web.tls.version=%s', 'apps.get.tls.version=%s')
SUITE = ('apps.web.tls.suite=%s', 'apps.get.tls.suite=%s')
MODEL = ('hosts.server.nics.%s0.model=%s', 'hosts.server.nics.%s1.model=%s')


def run(c, sim, d, name, sets, what, rc=0):
    options = ['--set', 'capture.wire=false']
    for s in sets:
        options += ['--set', s]
    out = os.path.join(d, 'out')
    r, report = lib.run_out(sim, lib.scenario(name), out, *options)
    if r.returncode != rc and os.path.exists(os.path.join(out, 'report.txt')):
        with open(os.path.join(out, 'report.txt')) as f:
            r.stderr += f.read()[-1500:]
    c.equal(r.returncode, rc, '%s: %s' % (what, r.stderr))
    return report


def of(key, *values):
    return [k % v for k in key for v in values]


def pairs(c, sim, d):
    """Those of one kind: the files' own claims, with other numbers where they differ."""
    for name, cards in (('lagg-failover-cx6dx', ('cx6dx', 'ideal')), ('lagg-failover-t6', ('t6',))):
        nic = {'lagg-failover-cx6dx': 'mce', 'lagg-failover-t6': 'cc'}[name]
        for card in cards:
            for tls, suite in [('1.2', 'aes128-gcm'), ('1.2', 'aes256-gcm')] + (
                    [('1.2', 'aes128-cbc-sha1'), ('1.1', 'aes256-cbc-sha1')] if card == 't6'
                    else [('1.3', 'aes128-gcm'), ('1.3', 'aes256-gcm')]):
                for ip in ('ipv4', 'ipv6'):
                    sets = of(TLS, tls) + of(SUITE, suite) + ['apps.get.family=' + ip] + [
                        MODEL[i] % (nic, card) for i in (0, 1)]
                    run(c, sim, d, name, sets, '%s TLS %s %s %s, 100' % (card, tls, suite, ip))
                    one = ['apps.get.connections=1', 'expect[1].counter.is=1',
                           'expect[3].counter.is=1', 'expect[4].counter.is=1',
                           'hosts.server.files./data.bin.size=16MiB',
                           'expect[8].delivered.bytes=16MiB']
                    run(c, sim, d, name, sets + one, '%s TLS %s %s %s, 1' % (card, tls, suite, ip))


def mixed(c, sim, d):
    """A ConnectX and a T6 in one lagg: TLS 1.2 goes over, TLS 1.3 is refused and each
    connection is aborted, as in FreeBSD; new ones are software's."""
    cards = ['hosts.server.coarse_timestamps=true', 'hosts.server.nics.mce1.model=t6']
    name = 'lagg-failover-cx6dx'
    for ip in ('ipv4', 'ipv6'):
        run(c, sim, d, name, cards + of(TLS, '1.2') + ['apps.get.family=' + ip], 'mixed 1.2 ' + ip)
        report = run(c, sim, d, name, cards + ['apps.get.family=' + ip], 'mixed 1.3 ' + ip, 1)
        n = report['counters']['server']
        c.equal([n.get('kern.ipc.tls.ifnet.' + x, 0) for x in
                 ('reset', 'reset_failed', 'reset_dropped')], [0, 100, 100],
                'mixed 1.3 %s: reset, failed, dropped' % ip)
        c.equal({x['failed'] for x in report['connections']}, {'ECONNRESET'}, 'what clients hear')
        why = [f for f in report['facts'] if f['point'] == 'tag_refused']
        c.equal({(f['texts'][0], f['error']) for f in why},
                {('lagg0', 'EPROTONOSUPPORT'), ('mce1', 'EPROTONOSUPPORT')}, 'why')


def many(c, sim, d):
    for name, sets in (
            ('lagg-failover-cx6dx', ['apps.get.interval=4us', 'timeline[0].at=22ms',
                                     'apps.get.family=ipv6', 'links[0].rate=100Gbit/s',
                                     'links[1].rate=100Gbit/s']),
            ('lagg-failover-t6', ['apps.get.interval=16us', 'timeline[0].at=88ms',
                                  'links[0].rate=20Gbit/s', 'links[1].rate=20Gbit/s'] + [
                'hosts.server.nics.cc%d.settings.%s=16384' % (i, s) for i in (0, 1)
                for s in ('atids', 'soft_ring')])):
        report = run(c, sim, d, name, sets + [
            'apps.get.connections=5000', 'apps.get.start=200us', 'apps.web.sndbuf=16KiB',
            'hosts.server.files./data.bin.size=96KiB', 'expect[8].delivered.bytes=480000KiB'],
                     name + ', 5000', 1)
        n = report['counters']['server']
        c.equal(sum(x['done'] for x in report['connections']), 5000, name + ': done')
        c.equal(sum(x['body_bytes'] for x in report['connections']), 5000 * 96 * 1024,
                name + ': bytes')
        c.equal({x['server_side']['tx_mode'] for x in report['connections']}, {'ifnet'},
                name + ': modes')
        c.check(n['kern.ipc.tls.ifnet.reset'] > 2500, '%s: %d resets' % (
            name, n['kern.ipc.tls.ifnet.reset']))
        c.equal([n.get(x, 0) for x in ('kern.ipc.tls.ifnet.reset_failed',
                                       'kern.ipc.tls.ifnet.reset_dropped',
                                       'net.inet.tcp.stats.drops')], [0, 0, 0], name + ': dropped')
        for inv in report['invariants']:
            c.equal(inv['broken'], 0, '%s: %s' % (name, inv))


def default_limit(c, sim, d):
    """With the default of 2 % a failover of young connections ends in software: all of
    those that resent enough, which are all but one or two."""
    for name in ('lagg-failover-cx6dx', 'lagg-failover-t6'):
        r, report = lib.run_out(
            sim, lib.scenario(name), os.path.join(d, 'out'), '--set', 'capture.wire=false',
            '--set', 'hosts.server.sysctl.kern.ipc.tls.ifnet_max_rexmit_pct=2')
        n = report['counters']['server']
        sw = [x for x in report['connections'] if x['server_side']['tx_mode'] == 'sw']
        c.equal(n['kern.ipc.tls.stats.ifnet_disable_ok'], len(sw), name + ': returned')
        c.check(len(sw) >= 95, '%s: %d returned to software' % (name, len(sw)))
        c.equal(sum(x['done'] for x in report['connections']), 100, name + ': done')
        c.equal(n['kern.ipc.tls.ifnet.reset'], 100, name + ': resets')


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        for part in (pairs, mixed, many, default_limit):
            part(c, lib.optimised(sys.argv[1]), d)
    c.done()


main()
