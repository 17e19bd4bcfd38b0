#!/usr/bin/env python3
"""TOE: stock tshark decrypts what the card's own TCP sent, in the first place
and again; a frame's comment says that it is the card's, and which record it
is of; the host's stack sent nothing."""
import os
import re
import shutil
import subprocess
import sys

import lib

GATE = os.path.join(lib.ROOT, 'tests', 'gate', 'gate.sh')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    if not shutil.which('tshark'):
        lib.skip('there is no tshark here')
    with lib.tmpdir() as d:
        out = os.path.join(d, 'out')
        r, report = lib.run_out(sim, lib.scenario('toe'), out)
        c.equal(r.returncode, 0, 'run: ' + r.stderr)
        for conn in report['connections']:
            side = conn['server_side']
            c.equal((side['tx_mode'], side['rx_mode']), ('toe', 'toe'), 'modes')
            c.equal(side['retransmitted_packets'], 0, 'sent again by the host')
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
