#!/usr/bin/env python3
"""Impairments, presets, switches and waiting steps in whole runs: each kind
really strikes, is counted in the report, and is told in the capture, where
`ktls-sim dump` sees it; nothing depends on threads or on what else is there."""
import os
import re
import sys

import lib

LINK = '  - {ends: [server.mce0, client.em0], rate: 100Gbit/s, delay: 20us}'
UNTIL = 'until: 10s'
CLAIMS = ('  - time: {app: get, max: 100ms}\n', '')


def link(nodes, more=''):
    return (LINK, '  - {name: wan, ends: [server.mce0, client.em0], rate: 10Gbit/s, '
            'delay: 50us%s, impair: [%s]}' % (more, nodes))


def run(c, sim, d, name, *changes, code=0, options=()):
    """The quickstart with changes: its report, and the lines of its dump."""
    f = lib.edited('quickstart', d, CLAIMS, *changes)
    out = os.path.join(d, name)
    r, report = lib.run_out(sim, f, out, *options)
    c.equal(r.returncode, code, '%s: %s' % (name, r.stderr))
    for inv in report['invariants']:
        c.equal(inv['broken'], 0, '%s: invariant %d' % (name, inv['number']))
    dump = lib.run(sim, ['dump', os.path.join(out, 'wire.pcapng')]).stdout
    return report, dump.splitlines()


def node(report, name, end='server.mce0'):
    found = [n for n in report.get('impairments', [])
             if n['name'] == name and n['from'] == end]
    return found[0] if found else {}


def exact(c, sim, d):
    """Segment 2 of record 12 of flow 1: one frame, and its repetition passes."""
    report, dump = run(c, sim, d, 'exact', link(
        '{name: exact, drop: {flow: 1, record: 12, segment: 2}}'))
    lost = [line for line in dump if 'dropped: link: exact' in line]
    c.equal(len(lost), 1, 'frames with "dropped: link: exact"')
    m = re.search(r'tls\[#12 app_data 5\+(\d+): (\d+)\.\.', lost[0])
    c.check(m is not None and int(m.group(2)) > 0, 'it is of record 12: ' + lost[0])
    parts = [line for line in dump if '#12 app_data' in line and
             'server:mce0' in line and 'rexmit' not in line]
    c.equal(parts[1], lost[0], 'the second segment of record 12')
    number = lost[0].split()[0]
    c.check(any('rexmit of #%s' % number in line for line in dump),
            'the lost one came again')
    c.equal((node(report, 'exact').get('lost'), node(report, 'exact').get('kind')),
            (1, 'drop'), 'counted')
    facts = [f['texts'][1] for f in report['facts'] if f['point'] == 'wire_drop']
    c.equal(facts, ['link: exact'], 'reasons')


def exact_others(c, sim, d):
    for what, lost, words in (
            ('drop: {flags: syn-ack}', 1, 'S. '),
            ('drop: {flags: syn, first: 2}', 2, ' S '),
            ('drop: {mask: "0b00000000000011010"}', 3, 'record'),
            ('drop: {data: 20, whose: server}', 1, 'record'),
            ('drop: {app_record: 9}', None, 'record'),
            ('drop: {flags: pure-ack, first: 0, count: 3}', 3, ' . ')):
        report, dump = run(c, sim, d, 'others', link('{name: x, %s}' % what))
        lines = [line for line in dump if 'dropped: link: x' in line]
        total = sum(n['lost'] for n in report['impairments'] if n['name'] == 'x')
        c.equal(len(lines), total, what + ': capture and report')
        c.check(total == lost or (lost is None and total > 5),
                '%s: lost %d' % (what, total))
        c.check(all(words in line for line in lines), what + ': ' + str(lines[:1]))


def each_kind(c, sim, d):
    """By the report, by the capture's comments, and by what it does."""
    for what, count, word in (
            ('loss: 1%', 'lost', 'dropped: link: x'),
            ('bursts: {enter: 0.2%, leave: 30%}', 'lost', 'dropped: link: x'),
            ('duplicate: 2%', 'duplicated', 'arrives twice'),
            ('reorder: {every: 100, delay: 100us}', 'delayed', 'late by 100us'),
            ('corrupt: {chance: 1%}', 'corrupted', 'arrives damaged'),
            ('corrupt: {chance: 1%, where: header}', 'corrupted', 'arrives damaged'),
            ('corrupt: {data: 20}', 'corrupted', 'arrives damaged'),
            ('rate: {rate: 1Gbit/s, queue: 16KiB}', 'lost', 'dropped: link: x, queue full'),
            ('rate: {rate: 1Gbit/s, queue: 0B, packets: 10}', 'lost',
             'dropped: link: x, queue full'),
            ('rate: {rate: 1Gbit/s, red: {min: 20KiB, max: 200KiB}}', 'lost',
             'dropped: link: x, early')):
        report, dump = run(c, sim, d, 'kind', link('{name: x, from: server.mce0, %s}' % what))
        n = node(report, 'x')[count]
        c.check(n > 0, '%s: %s 0' % (what, count))
        told = sum(word in line for line in dump)
        c.equal(told, n, '%s: comments with "%s"' % (what, word))
        c.equal(node(report, 'x', 'client.em0'), {}, what + ': one direction')
        if 'corrupt' in what:
            c.equal(report['counters']['client'].get('dev.em0.rx_bad_csum'), n,
                    what + ': checksums that the card found bad')
    for what in ('delay: 3ms', 'jitter: {up_to: 6ms}'):
        report, _ = run(c, sim, d, 'slow', link('{name: x, %s}' % what))
        c.check(report['connections'][0]['end_ps'] > 15 * 10 ** 9,
                '%s: done at %d ps' % (what, report['connections'][0]['end_ps']))


def jitter_keeps_order(c, sim, d):
    for keep, disorder in (('true', False), ('false', True)):
        report, _ = run(c, sim, d, 'jitter', link(
            '{name: x, jitter: {up_to: 30us, keep_order: %s}}' % keep))
        dup = report['counters']['client'].get('net.inet.tcp.stats.rcvoopack', 0)
        c.equal(dup > 0, disorder, 'keep_order %s: %d out of order' % (keep, dup))


def right_checksum(c, sim, d):
    """TLS notices, in the kernel and in OpenSSL, and says so."""
    for rx, error in (('kernel', 'EBADMSG'), ('openssl', 'EPROTO')):
        report, dump = run(
            c, sim, d, 'right', link('{name: x, corrupt: {app_record: 9, segment: 3, '
                                     'checksum: right}}'),
            ('tx: openssl, rx: openssl}', 'tx: openssl, rx: %s}' % rx),
            ('  client:\n', '  client:\n    sysctl: {kern.ipc.tls.enable: 1}\n'),
            ('  - delivered: {app: get, bytes: 8MiB}\n', ''),
            ('  - mode: {app: web, dir: tx, is: sw}\n', ''))
        c.equal(node(report, 'x')['corrupted'], 1, rx)
        c.equal(sum('arrives damaged with a right checksum' in x for x in dump), 1, rx)
        told = [f['error'] for f in report['facts'] if f['point'] == 'app_error' and
                f['texts'][0] == 'get']
        c.equal(told, [error], rx + ': what the client was told')
        c.check('rx_bad_csum' not in str(report['counters']), 'no card noticed')


def same_fate(c, sim, d):
    """What is switched off, and another link's chance, leave no trace."""
    loss = '{name: x, loss: 1%}'
    digests = []
    for nodes in (loss, loss + ', {name: y, enabled: false, loss: 50%}',
                  '{name: y, enabled: false, bursts: {enter: 50%, leave: 1%}}, ' + loss):
        run(c, sim, d, 'same', link(nodes))
        digests.append(lib.digest(os.path.join(d, 'same'))['wire.pcapng'])
    c.equal(digests[1:], digests[:1] * 2, 'captures with a node that is off')
    both = [lib.digest(os.path.join(d, 't' + t)) for t in ('0', '2') if
            run(c, sim, d, 't' + t, link(loss + ', {duplicate: 1%}, {corrupt: {chance: 1%}}'),
                options=('--threads', t, '--trace'))]
    c.equal(both[0], both[1], 'with 0 and 2 threads')


OTHERS = [
    ('hosts:\n', '''hosts:
  aside:
    nics: {em0: {}}
    addresses: {em0: 10.9.0.1/24}
    files: {/data.bin: {size: 1MiB}}
  aback:
    nics: {em0: {}}
    addresses: {em0: 10.9.0.2/24}
'''), ('links:\n', '''links:
  - {ends: [aside.em0, aback.em0], rate: 1Gbit/s, loss: 2%,
     impair: [{duplicate: 3%}, {reorder: {chance: 2%, delay: 90us}}]}
'''), ('apps:\n', '''apps:
  other: {type: https-server, host: aside}
  fetch: {type: https-client, host: aback, server: other, path: /data.bin}
''')]


def same_beside_others(c, sim, d):
    """Two more hosts, and a bad link of their own in front of ours: each frame
    of ours has the fate that it has alone."""
    ours = link('{name: x, loss: 1%}, {duplicate: 2%}, '
                '{reorder: {chance: 1%, delay: 80us}}, '
                '{jitter: {up_to: 9us}, name: wobble}')
    found = []
    for name, others in (('alone', []), ('beside', OTHERS)):
        report, lines = run(c, sim, d, name, ours, *others)
        mine = [x for x in lines if ' server:mce0 ' in x or ' client:em0 ' in x]
        # Numbers of all frames, flows and hosts are not ours to compare.
        found.append((
            [re.sub(r'^\S+ (\S+)( f\d+)? ', r'\1 ',
                    re.sub(r'#\d+|02(:[0-9a-f]{2}){5}', '#', x))
             for x in mine],
            [n for n in report['impairments']
             if n['from'] in ('server.mce0', 'client.em0')]))
    c.check(len(found[0][0]) > 5000, 'frames: %d' % len(found[0][0]))
    c.equal([x for x, y in zip(found[0][0], found[1][0]) if x != y][:3], [],
            'frames')
    c.equal(len(found[1][0]), len(found[0][0]), 'number of frames')
    c.equal(found[1][1], found[0][1], 'counts of the nodes')


def black_hole(c, sim, d):
    """Large packets do not pass, and the sender is told."""
    report, dump = run(
        c, sim, d, 'mtu', link('{name: x, from: server.mce0, enabled: false, mtu: '
                               '{size: 1400, icmp: true, router: 10.0.0.254}}'),
        (UNTIL, '''timeline:
  - {when: "delivered(get) >= 1MiB", do: impair, on: wan, node: x, enabled: true}
  - {when: "delivered(get) >= 1MiB", after: 3ms, do: impair, on: wan, node: x, enabled: false}
''' + UNTIL))
    n = node(report, 'x')['lost']
    c.check(n > 0, 'nothing was too large')
    c.equal(sum('dropped: link: x, too large' in x for x in dump), n, 'told')
    r = lib.subprocess.run(
        ['tshark', '-n', '-r', os.path.join(d, 'mtu', 'wire.pcapng'), '-o',
         'ip.check_checksum:TRUE', '-Y',
         'icmp.type == 3 && icmp.code == 4 && icmp.mtu == 1400 && '
         'icmp.checksum.status == 1 && ip.src == 10.0.0.254 && !_ws.malformed',
         '-T', 'fields', '-e', 'frame.number'],
        capture_output=True, text=True)
    c.equal(len(r.stdout.splitlines()), n, 'answers that tshark sees')


def behind_a_switch(c, sim, d):
    """The answer of a router beside a switch is in the capture all the same,
    and frames are there once, where they began."""
    report, dump = run(
        c, sim, d, 'switched', (LINK, '''  - {name: wan, ends: [server.mce0, lan.1], rate: 10Gbit/s, impair: [
      {name: x, from: server.mce0, enabled: false, mtu: {size: 1400, icmp: true, router: 10.0.0.254}}]}
  - {name: last, ends: [lan.2, client.em0], rate: 10Gbit/s, loss: 0.2%}
switches:
  lan: {ports: 2}'''),
        (UNTIL, '''timeline:
  - {when: "delivered(get) >= 1MiB", do: impair, on: wan, node: x, enabled: true}
  - {when: "delivered(get) >= 1MiB", after: 1ms, do: impair, on: wan, node: x, enabled: false}
''' + UNTIL))
    n = node(report, 'x')['lost']
    c.check(n > 0, 'nothing was too large')
    answers = [x for x in dump if '10.0.0.254' in x]
    c.equal(len(answers), n, 'answers in the capture: %s' % answers[:1])
    # What the second link loses is told with the first one's numbers.
    lost = [f for f in report['facts'] if f['point'] == 'wire_drop' and
            f['texts'][0].startswith('lan.2')]
    c.check(lost and lost[0]['texts'][1] == 'link: loss', 'lost behind the switch')
    c.check(not any('dropped: link: loss' in x for x in dump if 'server:mce0' in x),
            'not marked')


def two_ways(c, sim, d):
    """The way back is what `back` says, the way there is not."""
    report, _ = run(c, sim, d, 'back', link('{delay: 1us}', ', back: {loss: 3%}'))
    c.check(node(report, 'loss', 'client.em0').get('lost', 0) > 0, 'lost on the way back')
    c.equal(node(report, 'loss').get('lost', 0), 0, 'lost on the way there')
    # ARP and SYN take the slow way; their answers do not come by it.
    report, _ = run(c, sim, d, 'back', link('', ', back: {delay: 5ms}'))
    at = report['connections'][0]['established_ps']
    c.check(10 * 10 ** 9 < at < 15 * 10 ** 9, 'established at %d' % at)


def waiting(c, sim, d):
    """Instants of steps are those of what they wait for."""
    report, dump = run(c, sim, d, 'waiting', link(''), (UNTIL, '''timeline:
  - {when: "record(flow1, 20).segment(2).sent", do: link_suspend, on: wan, must: true}
  - {when: "record(get#0, 20).segment(2).sent", after: 4ms, do: link_resume, on: client.em0}
  - {when: "record(flow1, *).sent", times: 2, do: sysctl, on: client, name: net.inet.tcp.delacktime, value: 50}
  - {when: "record(flow1, 1, client).delivered", do: queue, on: wan, queue: 2MiB}
  - {when: "state(get#0, ESTABLISHED)", do: loss, on: wan, loss: 0%}
  - {when: "delivered(get) >= 4MiB", do: rate, on: wan, rate: 5Gbit/s}
  - {when: "record(flow1, 30).sent", do: fragment, on: client}
  - {when: "delivered(get) >= 2MiB", times: 0, do: defragment, on: client}
  - {when: "counter(server, net.inet.tcp.stats.sndrexmitpack) > 1000000", do: link_down, on: wan}
  - {when: "record(flow2, 0).lost", do: link_down, on: wan}
''' + UNTIL))
    at = {f['texts'][0]: f for f in report['facts'] if f['point'] == 'timeline'}
    second = [x for x in dump if '#20 app_data' in x and 'server:mce0' in x][1]
    # The dump counts from the first frame, which needs half a microsecond to
    # leave; frames of this size are more than one apart.
    sent = int(second.split()[1].replace('.', '')) * 1000
    c.check(0 <= at['link suspended']['first_ps'] - sent < 10 ** 6,
            'suspended at %d, sent at %d' % (at['link suspended']['first_ps'], sent))
    c.equal(at['link resumed']['first_ps'] - at['link suspended']['first_ps'],
            4 * 10 ** 9, 'resumed 4 ms later')
    i = dump.index(second)
    c.check('dropped' not in second, 'its own fate was decided: ' + second)
    c.check('dropped: link: suspended' in
            [x for x in dump[i + 1:] if 'server:mce0' in x][0], 'the next one is lost')
    c.equal(at['sysctl']['count'], 2, 'times: 2')
    c.equal(at['defragment memory']['count'], 1, 'what stays true counts once')
    last = [x for x in dump if re.search('#30 app_data [^,]* end', x)][0]
    c.check(0 <= at['fragment memory']['first_ps'] -
            int(last.split()[1].replace('.', '')) * 1000 < 10 ** 6,
            'a record is sent with its last byte: %d, %s' %
            (at['fragment memory']['first_ps'], last))
    c.equal((at['queue']['count'], at['rate']['count'], at['loss']['count']), (1, 1, 1),
            'once each')
    ccs = [x for x in dump if '#1 ccs' in x and 'client:em0' in x][0]
    arrives = int(ccs.split()[1].replace('.', '')) * 1000 + 50 * 10 ** 6
    c.check(0 <= at['queue']['first_ps'] - arrives < 10 ** 6, 'delivered: at its arrival')
    c.check('if_link' not in [f['point'] for f in report['facts'] if
                              f['first_ps'] > 0], 'no card noticed')
    c.equal([x['step'].split(' when ')[1] for x in report['never_happened']],
            ['counter(server, net.inet.tcp.stats.sndrexmitpack) > 1000000',
             'record(flow2, 0).lost'], 'told as never happened')
    c.check(report['end_ps'] < 10 ** 12, 'a step that never comes keeps nothing alive')
    claims = [x for x in report['expectations'] if 'when' in x['claim']]
    c.equal([x['met'] for x in claims], [True], 'must is a claim')
    # A segment that is lost is sent and lost, but not delivered.
    report, _ = run(c, sim, d, 'lost', link('{name: x, drop: {record: 12, segment: 2}}'),
                    (UNTIL, '''timeline:
  - {when: "record(flow1, 12).segment(2).lost", do: fragment, on: client, must: true}
  - {when: "record(flow1, 12).segment(2).sent", do: fragment, on: client, must: true}
  - {when: "record(flow1, 12).segment(2).delivered", do: fragment, on: client}
''' + UNTIL))
    c.equal(len(report['never_happened']), 1, 'lost is not delivered')
    report, _ = run(c, sim, d, 'must', link(''), (UNTIL, '''timeline:
  - {when: "record(flow9, 0).sent", do: link_down, on: wan, must: true}
''' + UNTIL), code=1)
    c.check(any('never came true' in x['found'] for x in report['expectations']), 'must')


def changes(c, sim, d):
    """Nodes are changed and switched by the timeline."""
    report, _ = run(c, sim, d, 'changes', link('{name: x, loss: 0%}, {name: y, delay: 0s}'),
                    (UNTIL, '''timeline:
  - {when: "delivered(get) >= 1MiB", do: impair, on: wan, node: x, set: {loss: 100%}}
  - {when: "delivered(get) >= 1MiB", after: 1ms, do: impair, on: wan, node: x, enabled: false}
  - {when: "delivered(get) >= 2MiB", do: impair, on: server.mce0, node: y, set: {delay: 20ms}}
''' + UNTIL))
    c.check(node(report, 'x')['lost'] > 0, 'set: nothing was lost')
    lost = [f for f in report['facts'] if f['point'] == 'wire_drop']
    c.check(lost[0]['last_ps'] - lost[0]['first_ps'] <= 10 ** 9, 'lost for 1 ms only')
    c.check(report['connections'][0]['end_ps'] > 20 * 10 ** 9, 'slower from then on')


def preset_numbers(c, sim, d):
    """The table in docs/differences.md is what the links are."""
    with open(os.path.join(lib.ROOT, 'docs', 'differences.md')) as f:
        rows = re.findall(r'^  \| `(\w+)` \|(.*)\|$', f.read(), re.M)
    c.equal([r[0] for r in rows], ['datacentre', 'broadband', '4g', 'satellite'], 'table')
    units = {'Mbit/s': 10 ** 6, 'Gbit/s': 10 ** 9, 'KiB': 1024, 'MiB': 1024 ** 2}

    def number(text):
        value, unit = text.split()
        return int(value) * units[unit]

    for name, row in rows:
        forth, back, delay, jitter, loss, queues = [x.strip() for x in row.split('|')]
        ppb = int(float(loss.rstrip(' %')) * 10 ** 7 + 0.5)
        delay = delay.replace(' us', 'us').replace(' ms', '000us')
        want = ['%d bit/s delay %s loss %d ppb queue %d' %
                (number(rate), delay, ppb, number(queue))
                for rate, queue in zip((forth, back), queues.split(', '))]
        f = lib.edited('quickstart', d, (
            LINK, '  - {ends: [server.mce0, client.em0], preset: %s}' % name))
        out = os.path.join(d, 'numbers')
        lib.run_out(sim, f, out, '--until', '2us', '--dump-at', '1us')
        with open(os.path.join(out, 'state-1us.txt')) as f:
            state = f.read()
        c.check('link up ' + want[0] + '\n' in state if want[0] == want[1] else
                'link up %s, back %s\n' % tuple(want) in state, '%s: %s' % (name, want))
        c.equal('node jitter (jitter)' in state, jitter != '0', name + ': jitter')


def presets(c, sim, d):
    """A round trip is at least twice the preset's delay; a handshake takes
    two and a half of them with the request."""
    for name, delay, forth in (('datacentre', 5 * 10 ** 6, 10 ** 11),
                               ('broadband', 8 * 10 ** 9, 10 ** 8),
                               ('4g', 25 * 10 ** 9, 3 * 10 ** 7),
                               ('satellite', 300 * 10 ** 9, 25 * 10 ** 6)):
        f = lib.edited('quickstart', d, CLAIMS, (
            LINK, '  - {ends: [server.mce0, client.em0], preset: %s}' % name),
            ('size: 8MiB', 'size: 1MiB'), ('bytes: 8MiB', 'bytes: 1MiB'),
            (UNTIL, 'until: 600s'))
        r, report = lib.run_out(sim, f, os.path.join(d, 'preset'))
        c.equal(r.returncode, 0, name + r.stderr)
        end = report['connections'][0]['end_ps']
        least = 5 * delay + 8 * 1024 ** 2 * 10 ** 12 // forth
        c.check(least <= end <= 40 * least + 10 ** 9,
                '%s: done at %d ps, at least %d' % (name, end, least))
    # The modem's queue is the one that fills, not the card's.
    report, _ = run(c, sim, d, 'modem', (
        LINK, '  - {ends: [server.mce0, client.em0], preset: broadband}'))
    c.check('link: queue full' in [f['texts'][1] for f in report['facts']
                                   if f['point'] == 'wire_drop'], 'queue of a modem')
    # What the link says itself stays.
    f = lib.edited('quickstart', d, CLAIMS, (
        LINK, '  - {ends: [server.mce0, client.em0], preset: satellite, delay: 1ms, '
        'loss: 0%, rate: 1Gbit/s, jitter: 0s}'))
    r, report = lib.run_out(sim, f, os.path.join(d, 'preset'))
    c.equal(r.returncode, 0, 'explicit keys: ' + r.stderr)
    c.check(0 < report['connections'][0]['end_ps'] < 10 ** 12, 'explicit keys win')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        for part in (exact, exact_others, each_kind, jitter_keeps_order,
                     right_checksum, same_fate, same_beside_others, black_hole, behind_a_switch,
                     two_ways, waiting, changes, presets,
                     preset_numbers):
            part(c, sim, d)
    c.done()


main()
