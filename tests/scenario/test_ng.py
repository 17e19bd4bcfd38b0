#!/usr/bin/env python3
"""`stack: node`, a comparison: every cell of the scenario; the node under HTTPS,
iperf and a program, each card, versions and suites, loss, a slow reader, small
buffers; what tshark makes of its records; the report's numbers add up; what is
wrong is refused in tests/scenario/broken."""
import os
import shutil
import sys

import lib

TEXT = '''ktls_sim: 1
name: ng
defaults: {host: {coarse_timestamps: true, sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1}}}
hosts:
  server:
    nics: {mce0: %(card)s}
    addresses: {mce0: 10.0.0.1/24}
    files: {/data: {size: 1000000B}}
  client:
    nics: {em0: %(card)s}
    addresses: {em0: 10.0.0.2/24}
    files: {/up: {size: 1000000B}}
links: [{ends: [server.mce0, client.em0], rate: 1Gbit/s, delay: 50us, loss: %(loss)s}]
apps:
  s: {host: server, %(server)s, tls: {%(tls)s%(server_stack)s}}
  c: {host: client, server: s, %(client)s, tls: {%(tls)s%(client_stack)s}}
%(more)s'''
NODE = ', tx: openssl, rx: openssl, stack: node'
KERNEL = ', tx: kernel, rx: kernel'
OPENSSL = ', tx: openssl, rx: openssl'
HTTPS = dict(server='type: https-server', client='type: https-client, path: /data')
UPLOAD = dict(server='type: https-server', client='type: https-client, upload: /up')
IPERF = dict(server='type: iperf-server', client='type: iperf-client, direction: both, bytes: 1000000B')
OWN = dict(server='type: own-server, program: own-app/store.py',
           client='type: own-client, program: [own-app/ask.py, "3", "1000", /data, "1000000"]')
CARDS = {'basic': '{}', 'cx6dx': '{model: cx6dx}', 't6': '{model: t6}'}


class Runs:
    def __init__(self, c, sim, d):
        self.c, self.sim, self.d = c, sim, d
        self.out = os.path.join(d, 'out')
        lib.with_folders(lib.scenario('own-app'), d)

    def run(self, what, app, server_stack=NODE, client_stack=NODE, tls='version: "1.3"', card='{}', loss='0%', more='',
            options=()):
        file = os.path.join(self.d, 'ng.ktls.yaml')
        with open(file, 'w') as f:
            f.write(TEXT % dict(app, server_stack=server_stack, client_stack=client_stack, tls=tls, card=card, loss=loss,
                                more=more))
        shutil.rmtree(self.out, ignore_errors=True)
        r, report = lib.run_out(self.sim, file, self.out, *lib.programs(file), *options)
        self.c.equal(r.returncode, 0, '%s: %s' % (what, r.stderr[-600:]))
        if report is None:
            return {}
        self.c.equal([(x['done'], x['failed']) for x in report['connections']], [(True, None)], what)
        self.c.equal([i['broken'] for i in report['invariants']], [0] * 7, what + ': invariants')
        self.c.check(report['invariants'][1]['looked'] > 60, '%s: %s records judged' % (what, report['invariants'][1]))
        self.report = report
        return report.get('compare', {})


def scenario(c, sim, d):
    r = lib.run(sim, ['test', '--out', os.path.join(d, 'cells'), lib.scenario('ng-tls-compare')])
    c.check(r.returncode == 0 and '4 passed' in r.stdout, 'every cell: ' + r.stdout + r.stderr)
    out = os.path.join(d, 'cell')
    lib.run_out(sim, lib.scenario('ng-tls-compare'), out, '--case', 'card=cx6dx,sendfile=true')
    with open(os.path.join(out, 'report.txt')) as f:
        text = f.read()
    c.check('Comparison: TLS in the socket layer, and in a node outside it\n  by-socket on a: socket, ifnet\n' in text,
            'report.txt')
    with open(os.path.join(out, 'report.html')) as f:
        c.check('<h3 id="compare">Comparison' in f.read(), 'report.html')
    r, report = lib.run_out(sim, lib.scenario('quickstart'), out)
    c.check('compare' not in report, 'nothing is compared where there is no node')


def everywhere(c, s):
    for card in CARDS:
        for loss in '0%', '1%':
            for app in HTTPS, UPLOAD, IPERF, OWN:
                what = '%s, %s, %s' % (card, loss, app['client'][:40])
                s.run(what, app, card=CARDS[card], loss=loss)
                side = s.report['connections'][0]
                c.equal((side['client_side']['tx_mode'], side['server_side']['tx_mode']), ('none', 'none'), what + ': modes')
    for tls in 'version: "1.2"', 'version: "1.2", suite: aes256-cbc-sha384', 'version: "1.3", suite: chacha20-poly1305', \
            'version: "1.3", handshake: synthetic':
        s.run(tls, IPERF, tls=tls)
    # Against other stacks, each way; small buffers; a slow reader; many.
    for other in KERNEL, OPENSSL:
        s.run('node and' + other, IPERF, client_stack=other)
        s.run('node and' + other, IPERF, server_stack=other)
    s.run('small buffers', HTTPS, options=('--set', 'apps.s.sndbuf=8KiB', '--set', 'apps.c.rcvbuf=8KiB'))
    s.run('a slow reader', HTTPS, options=('--set', 'apps.c.read_rate=100Mbit/s'))
    s.run('a closed window', UPLOAD, server_stack=OPENSSL, options=('--set', 'apps.s.rcvbuf=4KiB'))


def numbers(c, s):
    """What is compared is what was sent."""
    row = s.run('https', HTTPS)['s']
    sent = row['bytes_sent']
    header = sent - 1000000
    c.check(50 < header < 400, 'an answer has a header: %d' % header)
    c.equal((row['how'], row['host'], row['bytes_copied']), ('node', 'server', 2 * sent + 1000000),
            'in, into new buffers, and the file was read')
    c.check(sent // 16384 < row['records'] < sent // 16384 + 40, 'records: %d' % row['records'])
    c.check(row['thread_ps'] > 0 and row['thread_wakeups'] > 3 and row['app_wakeups'] > 3, 'numbers: %s' % row)
    c.equal(row['copies_per_byte'], row['bytes_copied'] * 1000 // sent / 1000, 'the quotient')
    # A socket in the same scenario, for the client's end is a node.
    row = s.run('sendfile, sw', HTTPS, server_stack=KERNEL, card='{}')['s']
    c.equal((row['how'], row['bytes_copied']), ('socket, sw', row['bytes_sent']), 'software: into other pages')
    workers = row['thread_wakeups']
    c.check(workers > 3, 'workers were woken: %s' % row)
    row = s.run('sendfile, card', HTTPS, server_stack=KERNEL, card='{model: cx6dx}')['s']
    c.equal((row['how'], row['bytes_copied'] < 400), ('socket, ifnet', True), 'a card: the header alone')
    c.check(row['thread_wakeups'] < workers, 'a card wakes no worker to encrypt: %s' % row)


def capture(c, s):
    s.run('https', HTTPS)
    found = lib.tshark(os.path.join(s.out, 'wire.pcapng'), '-Y', 'http.response', '-T', 'fields', '-e', 'http.content_length')
    if found is not None:
        c.equal(found.split(), ['1000000'], 'tshark reads the node\'s records')
    found = lib.tshark(os.path.join(s.out, 'wire.pcapng'), '-Y', 'tls.alert_message.desc == 0', '-T', 'fields', '-e',
                       'tcp.srcport')
    if found is not None:
        c.check('443' in found, 'and its close_notify: ' + found)
    why = lib.run(s.sim, ['trace-byte', os.path.join(s.d, 'ng.ktls.yaml'), 'c#0:500000'])
    c.check(why.returncode == 0 and 'node' in why.stdout, 'trace-byte: ' + why.stdout + why.stderr)


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        scenario(c, sim, d)
        s = Runs(c, sim, d)
        for part in everywhere, numbers, capture:
            part(c, s)
    c.done()


main()
