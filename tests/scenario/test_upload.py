#!/usr/bin/env python3
"""Uploads: the answers that stock tshark finds in the capture name the bytes
and the SHA-256 of the files that the clients sent; the gate accepts the
capture; and a server that reads its kernel's records wrongly is caught."""
import hashlib
import os
import re
import shutil
import subprocess
import sys

import lib

GATE = os.path.join(lib.ROOT, 'tests', 'gate', 'gate.sh')


def answers(pcap, d):
    """What servers said of uploads, as [(bytes, sha256)]."""
    folder = os.path.join(d, 'http')
    env = {'HOME': d, 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'}
    subprocess.run(['tshark', '-n', '-q', '-r', pcap, '--export-objects',
                    'http,' + folder], capture_output=True, env=env)
    found = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), 'rb') as f:
            m = re.fullmatch(rb'bytes (\d+)\nsha256 ([0-9a-f]{64})\n', f.read())
        if m:
            found.append((int(m[1]), m[2].decode()))
    return sorted(found)


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    if not shutil.which('tshark'):
        lib.skip('there is no tshark here')
    with lib.tmpdir() as d:
        out = os.path.join(d, 'out')
        r, report = lib.run_out(sim, lib.scenario('upload'), out)
        c.equal(r.returncode, 0, 'run: ' + r.stderr)
        wanted = []
        for name, size, times in (('/data.bin', 4 << 20, 2),
                                  ('/cold.bin', 1000001, 2)):
            text = hashlib.sha256(lib.file_bytes(name, 1, size)).hexdigest()
            wanted += [(size, text)] * times
        pcap = os.path.join(out, 'wire.pcapng')
        c.equal(answers(pcap, d), sorted(wanted), 'answers')
        g = subprocess.run([GATE, pcap], capture_output=True, text=True)
        c.equal(g.returncode, 0, 'gate: ' + g.stdout + g.stderr)
        # The ledger holds the other end: a page sent in another's place.
        r = lib.run(sim, ['run', '--quiet', '--out', out, '--defect',
                          'kern.sendfile-page-order', lib.scenario('upload')])
        c.equal(r.returncode, 4, 'pages exchanged: ' + r.stderr)
    c.done()


main()
