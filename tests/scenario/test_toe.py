#!/usr/bin/env python3
"""TOE: stock tshark decrypts what the card's own TCP sent, in the first place
and again; a frame's comment says that it is the card's, and which record it
is of; the host's stack sent nothing. And a connection may end at any time while
the card stops it for its key."""
import os
import re
import shutil
import subprocess
import sys

import lib

GATE = os.path.join(lib.ROOT, 'tests', 'gate', 'gate.sh')

SHORT = """ktls_sim: 1
name: short
seed: 3
until: 20s
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1}
    nics: {cc0: {model: t6, settings: {toe: 1, open_time: %dus}, rx_coalesce: 100us}}
    addresses: {cc0: 10.0.0.1/24}
    files: {/0: {size: 0B}}
  client:
    nics: {em0: {model: basic}}
    addresses: {em0: 10.0.0.2/24}
links: [{ends: [server.cc0, client.em0], rate: 10Gbit/s, delay: 100us}]
apps:
  web: {type: https-server, host: server,
        tls: {version: "1.2", suite: aes128-gcm, tx: kernel, rx: kernel}}
  get: {type: https-client, host: client, server: web, path: /0,
        tls: {version: "1.2", suite: aes128-gcm, tx: openssl, rx: openssl}}
expect:
  - delivered: {app: get, bytes: 0B}
"""


def ends_while_stopping(c, sim, d):
    """The answer to the driver's question comes when the connection is over,
    and just before, and just after."""
    for us in range(0, 1200, 20):
        f = os.path.join(d, 'short.ktls.yaml')
        with open(f, 'w') as g:
            g.write(SHORT % us)
        r, _ = lib.run_out(sim, f, os.path.join(d, 'short'))
        c.equal(r.returncode, 0, 'open_time %d us: %s' % (us, r.stderr))


def host_waits_for_interrupts(c, sim, d):
    """What is not the card's comes with the interrupts of rx_coalesce, and
    LRO has something to merge."""
    f = os.path.join(d, 'hosts.ktls.yaml')
    text = SHORT.replace('expect:', '').replace('  - delivered: {app: get, bytes: 0B}', '')
    text = text.replace('toe: 1', 'toe: 1, tids: 1').replace('100us}}', '500us}}')
    text = text.replace('    nics: {em0: {model: basic}}',
                        '    nics: {em0: {model: basic}}\n    files: {/up: {size: 1MiB}}')
    text = text.replace('path: /0,', 'upload: /up, connections: 3,')
    with open(f, 'w') as g:
        g.write(text % 15)
    r, report = lib.run_out(sim, f, os.path.join(d, 'hosts'))
    c.equal(r.returncode, 0, 'run: ' + r.stderr)
    n = report['counters']['server']
    c.check(n['dev.cc.0.toe.declined'] == 2, 'declined')
    c.check(n['dev.cc0.rx_interrupts'] * 4 < n['dev.cc0.lro_queued'],
            'interrupts %d, segments %d' % (n['dev.cc0.rx_interrupts'], n['dev.cc0.lro_queued']))
    c.check(n['dev.cc0.lro_flushed'] * 4 < n['dev.cc0.lro_queued'], 'LRO')
    # The port's counters have the card's own frames too.
    c.check(n['dev.cc0.rx_frames'] > n['dev.cc0.lro_queued'] + n['dev.cc.0.toe.tcp_in_segs'] // 2,
            'frames received')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    if not shutil.which('tshark'):
        lib.skip('there is no tshark here')
    with lib.tmpdir() as d:
        ends_while_stopping(c, sim, d)
        host_waits_for_interrupts(c, sim, d)
        out = os.path.join(d, 'out')
        r, report = lib.run_out(sim, lib.scenario('toe'), out)
        c.equal(r.returncode, 0, 'run: ' + r.stderr)
        for conn in report['connections']:
            side = conn['server_side']
            c.equal((side['tx_mode'], side['rx_mode']), ('toe', 'toe'), 'modes')
            c.equal(side['retransmitted_packets'], 0, 'sent again by the host')
            c.check(side['offloaded'], 'TCP is the card\'s')
        c.equal(sum(x['server_side']['card_retransmitted_packets']
                    for x in report['connections']),
                report['counters']['server']['dev.cc.0.toe.tcp_retrans_segs'],
                'sent again by the card')
        pcap = os.path.join(out, 'wire.pcapng')
        g = subprocess.run([GATE, pcap], capture_output=True, text=True)
        c.equal(g.returncode, 0, 'gate: ' + g.stdout + g.stderr)
        comments = lib.tshark(pcap, '-Y', 'tcp.srcport == 443 && tcp.len > 0',
                              '-T', 'fields', '-e', 'frame.comment')
        lines = comments.splitlines()
        again = [x for x in lines if 'rexmit of #' in x]
        c.equal(len(again), report['counters']['server'][
            'dev.cc.0.toe.tcp_retrans_segs'], 'segments sent again')
        c.check(all(re.search(r'record \d+.*, ktls toe,', x) for x in again),
                'what was sent again: %s' % again[:3])
        answers = lib.tshark(pcap, '-Y', 'http.response', '-T', 'fields',
                             '-e', 'http.response.code')
        c.equal(answers.split(), ['200', '200'], 'answers')
    c.done()


main()
