#!/usr/bin/env python3
"""iperf: both directions, by time and by bytes, with and without sendfile and
TLS; the report's intervals add up, the bytes are those of the capture, and what
is wrong is refused."""
import json
import os
import sys

import lib

TEXT = '''ktls_sim: 1
name: load
hosts:
  server: {sysctl: {kern.ipc.tls.enable: 1}, nics: {mce0: {}}, addresses: {mce0: 10.0.0.1/24}}
  client: {sysctl: {kern.ipc.tls.enable: 1}, nics: {em0: {}}, addresses: {em0: 10.0.0.2/24}}
links: [{ends: [server.mce0, client.em0], rate: 2Gbit/s, delay: 50us, loss: %s}]
apps:
  iperfd: {type: iperf-server, host: server, port: 5201%s}
  load: {type: iperf-client, host: client, server: iperfd, connections: 3, report_every: 2ms%s}
%s'''
TLS = ', tls: {version: "1.3", tx: kernel, rx: kernel}'


class Runs:
    def __init__(self, c, sim, d):
        self.c, self.sim, self.d = c, sim, d

    def run(self, client, tls=TLS, loss='0%', code=0, more=''):
        file = os.path.join(self.d, 'load.ktls.yaml')
        with open(file, 'w') as f:
            f.write(TEXT % (loss, tls, ', ' + client + tls, more))
        self.out = os.path.join(self.d, 'out')
        r, report = lib.run_out(self.sim, file, self.out)
        self.c.equal(r.returncode, code, client + ': ' + r.stderr)
        self.r = r
        return report['iperf']['load'] if report and code == 0 else None


def adds_up(c, way, what):
    """The intervals have no holes, and their sums are the end's."""
    at = 0.0
    streams = {}
    for i in way['intervals']:
        c.check(abs(i['sum']['start'] - at) < 1e-9, '%s: an interval begins at %s' % (what, i['sum']['start']))
        at = i['sum']['end']
        c.equal(sum(s['bytes'] for s in i['streams']), i['sum']['bytes'], what + ': streams of an interval')
        for s in i['streams']:
            streams[s['socket']] = streams.get(s['socket'], 0) + s['bytes']
    end = way['end']
    c.equal(sum(i['sum']['bytes'] for i in way['intervals']), end['sum_sent']['bytes'], what + ': intervals')
    c.equal(sum(streams.values()), end['sum_received']['bytes'], what + ': received')
    c.equal(sum(i['sum']['retransmits'] for i in way['intervals']), end['sum_sent']['retransmits'], what + ': again')
    rate = end['sum_received']['bytes'] * 8 / end['sum_received']['seconds']
    c.check(abs(rate / end['sum_received']['bits_per_second'] - 1) < 0.01,  # seconds are whole microseconds
            '%s: %s' % (what, rate))
    return streams, end


def directions(c, s):
    up, down = 'client_to_server', 'server_to_client'
    for direction, ways in (('send', [up]), ('receive', [down]), ('both', [up, down])):
        o = s.run('duration: 9ms, direction: ' + direction)
        c.equal(sorted(k for k in o if k != 'streams'), sorted(ways), direction)
        c.equal(o['streams'], 3, 'streams')
        for way in ways:
            streams, end = adds_up(c, o[way], direction + ' ' + way)
            c.equal(len(streams), 3, 'each stream sends')
            # What is in the socket buffers at the end still goes out; the wire takes 2 Gbit/s and has headers.
            c.check(0.009 <= end['sum_sent']['seconds'] < 0.02, end)
            c.check(1e9 < end['sum_received']['bits_per_second'] < 1.95e9, '%s: %s' % (way, end))


def amounts(c, s):
    for client in ('bytes: 300000B, block: 50000B', 'bytes: 300000B, zerocopy: true', 'bytes: 1B, direction: receive'):
        for tls in (TLS, ''):
            o = s.run(client, tls)
            way = o.get('client_to_server') or o['server_to_client']
            _, end = adds_up(c, way, client)
            want = 3 if '1B' in client else 900000
            c.equal((end['sum_sent']['bytes'], end['sum_received']['bytes']), (want, want), client + tls)
    o = s.run('bytes: 2000000B', loss='1%')
    _, end = adds_up(c, o['client_to_server'], 'loss')
    c.check(end['sum_sent']['retransmits'] > 5, 'loss: %s' % end)


def late_streams(c, s):
    """A listen queue that is full makes streams late by a SYN's second timeout: no
    sum is more than the link carries, whenever each began."""
    with open(os.path.join(s.d, 'late.ktls.yaml'), 'w') as f:
        f.write((TEXT % ('0%', TLS + ', backlog: 20', ', duration: 5ms, direction: receive' + TLS, ''))
                .replace('connections: 3', 'connections: 40'))
    r, report = lib.run_out(s.sim, f.name, os.path.join(s.d, 'late'))
    c.equal(r.returncode, 0, r.stderr)
    way = report['iperf']['load']['server_to_client']
    adds_up(c, way, 'late streams')
    c.check(way['end']['sum_sent']['seconds'] > 0.9, 'some are late: %s' % (way['end'],))
    c.check(way['end']['sum_received']['bits_per_second'] < 2e9, 'faster than the link: %s' % (way['end'],))
    first = {}
    for x in way['intervals']:
        for y in x['streams']:
            first.setdefault(y['socket'], y['start'])
    late = [at for at in first.values() if at > 0.9]
    c.check(0 < len(late) < 40 and len(first) == 40, 'each where it belongs: %s' % sorted(first.values()))


def capture(c, s):
    """Without TLS, tshark counts the same payload in the streams."""
    o = s.run('bytes: 200000B', '')
    sizes = lib.tshark(os.path.join(s.out, 'wire.pcapng'), '-Y', 'tcp.dstport == 5201 && tcp.len > 0', '-T', 'fields',
                       '-e', 'tcp.len')
    if sizes is not None:
        hello = 160
        c.equal(sum(int(x) for x in sizes.split()), 3 * (200000 + hello), 'payload')
    text = open(os.path.join(s.out, 'report.txt')).read()
    c.check('load sends: 3 streams, 585.937 KiB in ' in text, text[text.find('\niperf'):][:200])
    c.equal(o['client_to_server']['end']['sum_received']['bytes'], 600000, 'bytes')
    page = open(os.path.join(s.out, 'report.html')).read()
    table = page[page.index('<h3 id="iperf">'):]
    rate = '%.2f Gbit/s' % (int(o['client_to_server']['end']['sum_received']['bits_per_second'] / 1e7) / 100)
    for cell in ('client to server', '585.937 KiB', rate):
        c.check(cell in table[:table.index('</table>')], cell)


def claims(c, s):
    s.run('bytes: 100000B', more='''expect:
  - delivered: {app: load, bytes: 300000B}
  - report: {path: iperf.load.client_to_server.end.sum_received.bytes, is: 300000}
  - mode: {app: load, is: sw}
  - gap: {app: load, max: 1s}
''')
    s.run('bytes: 100000B, direction: receive', more='expect: [{delivered: {app: load, bytes: 300000B}}]\n')
    # Reals: docs/apps.md's claim, which this link is too slow for, and one that holds.
    path = 'iperf.load.client_to_server.end.sum_received.'
    s.run('duration: 9ms', code=1, more='expect:\n' + ''.join('  - report: {path: %s}\n' % x for x in (
        path + 'bits_per_second, min: 10000000000', path + 'bits_per_second, min: 1000000000',
        path + 'seconds, max: 0', path + 'seconds, min: 0, max: 1', path + 'seconds, is: 0')))
    with open(os.path.join(s.out, 'report.json')) as f:
        report = json.load(f)
    end = report['iperf']['load']['client_to_server']['end']['sum_received']
    c.equal([x['met'] for x in report['expectations']], [False, True, False, True, False], 'reals')
    c.equal([float(x['found']) for x in report['expectations']],
            [end['bits_per_second']] * 2 + [end['seconds']] * 3, 'found')


def refused(c, s):
    for client, text in (('duration: 1s, bytes: 3B', 'wants `duration` or `bytes`, one of the two'),
                         ('direction: send', 'wants `duration` or `bytes`, one of the two'),
                         ('duration: 100s', 'would report more than 10000 intervals'),
                         ('bytes: 1B, path: /f', '`path` is a key of `https-client` and `nfs-client`: this is `iperf-client`'),
                         ('bytes: 1B, block: 2MiB', '`block` goes from 1 B to 1 MiB')):
        s.run(client, code=2)
        c.check(text in s.r.stderr, client + ': ' + s.r.stderr)
    file = os.path.join(s.d, 'mixed.ktls.yaml')
    with open(file, 'w') as f:
        f.write((TEXT % ('0%', '', ', bytes: 1B', '')).replace('iperf-server', 'https-server'))
    r = lib.run(s.sim, ['check', file])
    c.check(r.returncode == 2 and '`iperfd` is not a server application of this kind' in r.stderr, r.stderr)


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        s = Runs(c, sys.argv[1], d)
        directions(c, s)
        amounts(c, s)
        late_streams(c, s)
        capture(c, s)
        claims(c, s)
        refused(c, s)
    c.done()


main()
