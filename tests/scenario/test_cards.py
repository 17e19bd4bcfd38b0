#!/usr/bin/env python3
"""What a scenario says of cards: their description, queues, interrupts and
bus, orders that make them fail, and what a run does about it."""
import os
import re
import sys

import lib

CARD = ('mce0: {model: basic, mtu: 1500}', 'mce0: {%s}')
NO_CLAIMS = ('expect:', 'x-expect:')


def changed(d, card, *steps, more=()):
    """The quickstart with this card and these steps, without its claims."""
    timeline = ''.join('  - {at: %s, do: card, on: server.mce0, %s}\n' % s
                       for s in steps)
    return lib.edited('quickstart', d, (CARD[0], CARD[1] % card), NO_CLAIMS,
                      ('until: 10s', 'timeline:\n' + timeline +
                       'until: 10s' if steps else 'until: 10s'), *more)


def run(sim, d, file, *options):
    r, report = lib.run_out(sim, file, os.path.join(d, 'out'), *options)
    if report is None:
        raise SystemExit(r.stderr)
    return r, report


def facts(report, point):
    return [x for x in report['facts'] if x['point'] == point]


def descriptions(c, sim):
    short = lib.run(sim, ['list', 'models']).stdout
    c.check(re.search(r'^basic +- +plain card: .*\n +RXCSUM,TXCSUM,', short,
                      re.M), 'list models: ' + short)
    for name in re.findall(r'^(\w+)', short, re.M):
        r = lib.run(sim, ['list', 'models', name])
        c.equal(r.returncode, 0, 'list models ' + name)
        for label in ("FreeBSD's driver", 'behaviour from', 'capabilities',
                      'TSO', 'ring', 'queues', 'bus', 'fetch', 'buffer',
                      'orders'):
            c.check(re.search('^  %s +\\S' % label, r.stdout, re.M),
                    'list models %s: %s' % (name, label))
        c.check('\n  settings' in r.stdout, 'settings of ' + name)
    c.check('TXTLS4' in lib.run(sim, ['list', 'models', 'ideal']).stdout,
            'capabilities of ideal')
    for args, text in ((['models', 'idela'], 'did you mean `ideal`?'),
                       (['models', 'qwertz'], '`ktls-sim list models` shows'),
                       (['models', 'basic', 'ideal'], 'say what to list'),
                       (['suites', '--markdown'], 'is for `list models`'),
                       (['suites', 'basic'], 'say what to list')):
        r = lib.run(sim, ['list', *args])
        c.equal((r.returncode, r.stdout), (2, ''), str(args))
        c.check(text in r.stderr, '%s: %s' % (args, r.stderr))


def limits(c, sim, d):
    """The bus and the interrupt cost the time that they are said to."""
    took = {}
    for card in ('model: basic', 'model: basic, pcie: 2Gbit/s',
                 'model: basic, pcie: 1Gbit/s', 'model: basic, pcie: 0bit/s',
                 'model: basic, bus: x, pcie: 1Gbit/s'):
        _, report = run(sim, d, changed(d, card))
        took[card] = report['connections'][0]['end_ps']
    c.equal(took['model: basic, pcie: 0bit/s'], took['model: basic'],
            'pcie 0 is the model')
    # 8 MiB over 1 Gbit/s are 67 ms.
    c.check(67e9 < took['model: basic, pcie: 1Gbit/s'] < 80e9, str(took))
    c.check(33e9 < took['model: basic, pcie: 2Gbit/s'] < 40e9, str(took))
    c.equal(took['model: basic, bus: x, pcie: 1Gbit/s'],
            took['model: basic, pcie: 1Gbit/s'], 'alone on its bus')
    # The bus of two is that of the one that says more.
    end = {}
    for name, first, second in (
            ('own', 'pcie: 1Gbit/s', 'pcie: 2Gbit/s'),
            ('shared', 'bus: x, pcie: 1Gbit/s', 'bus: x, pcie: 2Gbit/s'),
            ('other', 'bus: x, pcie: 1Gbit/s', 'bus: y, pcie: 2Gbit/s')):
        f = lib.edited('failover', d, NO_CLAIMS, ('timeline:', 'x-timeline:'),
                       ('mce0: {model: ideal}', 'mce0: {model: ideal, %s}' % first),
                       ('mce1: {model: ideal}', 'mce1: {model: ideal, %s}' % second))
        _, report = run(sim, d, f)
        end[name] = report['connections'][0]['end_ps']
    c.check(67e9 < end['own'] < 80e9 and 33e9 < end['shared'] < 40e9,
            'one bus of two cards: %s' % end)
    c.equal(end['other'], end['own'], 'buses of other names')
    # An interrupt that is held back frees nothing: the ring fills.
    full = [run(sim, d, changed(d, 'model: basic, ring: 4' + more))[1]
            ['counters']['server'].get('dev.mce0.enobuf', 0)
            for more in ('', ', tx_coalesce: 100us')]
    c.check(full[0] == 0 < full[1], 'ring full: %s' % full)


def settings(c, sim, d):
    """A setting changes what the card does, from the file and by --set."""
    permit = ('kern.ipc.tls.ifnet.permitted: 0', 'kern.ipc.tls.ifnet.permitted: 1')
    f = changed(d, 'model: cx6dx', more=(permit,))
    for sets, mode in (([], 'ifnet'),
                       (['hosts.server.nics.mce0.settings.tls=0'], 'sw'),
                       (['hosts.server.nics.mce0.settings.log_max_dek=0'], 'sw')):
        _, report = run(sim, d, f, *[x for s in sets for x in ('--set', s)])
        c.equal(report['connections'][0]['server_side']['tx_mode'], mode,
                'mode with %s' % sets)
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'out'), '--set',
                      'hosts.server.nics.mce0.settings.cmd_time=2s', f])
    c.equal(r.returncode, 2, 'out of bounds')
    c.check('settings.cmd_time=2s: error: setting `cmd_time` goes from 0 s to '
            '1 s: 2s is out of bounds' in r.stderr, r.stderr)


def orders(c, sim, d):
    ideal = ('kern.ipc.tls.ifnet.permitted: 0', 'kern.ipc.tls.ifnet.permitted: 1')
    base = run(sim, d, changed(d, 'model: ideal', more=(ideal,)))[1]
    end = base['connections'][0]['end_ps']
    c.check(end > 600e6, 'the order at 600us is within the download')

    def ordered(*steps):
        r, report = run(sim, d, changed(d, 'model: ideal', *steps, more=(ideal,)))
        c.equal(r.returncode, 0, '%s: %s' % (steps, r.stderr))
        c.equal([x['texts'] for x in facts(report, 'timeline')],
                [['card', 'server.mce0 ' + s[1].split()[1].rstrip(',')]
                 for s in steps], 'told')
        return report, report['counters']['server'], report['connections'][0]

    report, ctr, conn = ordered(('600us', 'order: reset'))
    c.equal(ctr['dev.mce0.resets'], 1, 'resets')
    report, ctr, conn = ordered(('600us', 'order: stall, for: 2ms'))
    c.check(end + 19e8 < conn['end_ps'] < end + 300e9,
            'a stall of 2 ms: %d, without %d' % (conn['end_ps'], end))
    report, ctr, conn = ordered(('600us', 'order: dma-fail, count: 3'))
    c.equal(ctr['dev.mce0.dma_map_failed'], 3, 'failed mappings')
    c.equal(sum(x['count'] for x in facts(report, 'nic_drop')
                if 'its payload could not be mapped' in x['texts']), 3,
            'packets dropped')
    report, ctr, conn = ordered(('1us', 'order: cmd-fail, count: 1'))
    c.equal(ctr.get('dev.mce0.tls_packets', 0), 0, 'no context, no TLS')
    c.equal(conn['server_side']['tx_mode'], 'sw', 'mode without a context')
    ordered(('600us', 'order: cmd-time, for: 1ms'))
    ordered(('600us', 'order: stall, for: 10us'), ('700us', 'order: reset'),
            ('800us', 'order: dma-fail, count: 1'))

    # A bit of the ciphertext: the receiver ends the connection, and that is
    # no invariant's fault.
    report, ctr, conn = ordered(('600us', 'order: corrupt, count: 1'))
    c.check(conn['body_bytes'] < 8 * 1024 ** 2, 'not all of it arrives')
    c.check(facts(report, 'app_error'), 'the client says why')
    c.check(all(i['broken'] == 0 for i in report['invariants']), 'invariants')

    # What is ordered without end is over when the faults are switched off.
    for order in ('order: stall, for: 3600s', 'order: dma-fail, count: 4000000000'):
        ordered(('600us', order))

    # What only a card with firmware knows: keys that are not there.
    keys = changed(d, 'model: cx6dx, settings: {cmd_time: 5us}',
                   ('1us', 'order: keys, count: 0'), more=(ideal,))
    r, report = run(sim, d, keys)
    c.equal(r.returncode, 0, r.stderr)
    c.equal(report['counters']['server'].get('dev.mce0.tls_packets', 0), 0,
            'no keys, no TLS by the card')
    c.equal(report['connections'][0]['server_side']['tx_mode'], 'sw', 'mode')

    # The old driver takes the session all the same: nothing of it ever gets
    # through, which is that driver's fault and no invariant's.
    hole = changed(d, 'model: cx6dx, settings: {cmd_time: 5us, driver: old}',
                   ('1us', 'order: keys, count: 0'), more=(ideal,))
    r, report = run(sim, d, hole)
    c.equal(r.returncode, 0, r.stderr)
    c.equal(report['counters']['server']['dev.mce0.tls_black_holes'], 1,
            'a black hole')
    c.equal(report['connections'][0]['body_bytes'], 0, 'nothing arrives')

    # One that the model cannot follow is told before, not when it is due.
    f = changed(d, 'model: basic', ('1ms', 'order: corrupt, count: 1'))
    r = lib.run(sim, ['check', f])
    c.equal(r.returncode, 2, 'check')
    c.check('of the model `basic`, which knows no order corrupt' in r.stderr,
            r.stderr)
    # --set reaches a step as any other place.
    f = changed(d, 'model: ideal', ('600us', 'order: dma-fail, count: 3'),
                more=(ideal,))
    _, report = run(sim, d, f, '--set', 'timeline[0].count=1')
    c.equal(report['counters']['server']['dev.mce0.dma_map_failed'], 1, '--set')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    descriptions(c, sim)
    with lib.tmpdir() as d:
        limits(c, sim, d)
        settings(c, sim, d)
        orders(c, sim, d)
    c.done()


main()
