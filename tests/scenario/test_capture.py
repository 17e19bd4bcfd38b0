#!/usr/bin/env python3
"""The capture of a scenario, judged by stock tshark with an empty profile: the
gate's checks, and the HTTP objects that Wireshark exports are byte for byte
the files that the servers have."""
import os
import re
import subprocess
import sys

import lib

# Of two ACKs of one FIN that came twice, the second finds nobody there any
# more and is answered with RST.
LATE_ACK = ['--warnings-ok', 'tcp.flags.reset == 1 && tcp.flags.ack == 0']
# A T6 sends old bytes in front of new ones.
MORE = {'many-lossy': LATE_ACK, 'cx6dx-rexmit': LATE_ACK,
        'failover-default-limit': LATE_ACK, 'failover-mode-switch': LATE_ACK,
        # The lagg moves to another card's address.
        'port-removed': ['--overlaps', '--warnings-ok', 'arp.duplicate-address-detected'],
        't6': ['--overlaps', *LATE_ACK], 't6-rexmit': ['--overlaps', *LATE_ACK]}
GATE = os.path.join(lib.ROOT, 'tests', 'gate', 'gate.sh')


def main():
    sim, name = sys.argv[1:]
    units = {'KiB': 1024, 'MiB': 1024 ** 2}
    with open(lib.scenario(name)) as f:
        text = f.read()
    m = re.search(r'(/data\.bin): \{size: (\d+)(KiB|MiB)', text)
    with lib.tmpdir() as d:
        out = os.path.join(d, 'out')
        r, report = lib.run_out(sim, lib.scenario(name), out)
        if r.returncode != 0:
            sys.exit('the run itself fails: ' + r.stderr)
        want = os.path.join(d, 'wanted')
        with open(want, 'wb') as f:
            f.write(lib.file_bytes(m.group(1), 1, int(m.group(2)) *
                                   units[m.group(3)]))
        g = subprocess.run([GATE, *MORE.get(name, []),
                            '--http', os.path.join(d, 'http'), want,
                            os.path.join(out, 'wire.pcapng')],
                           capture_output=True, text=True)
        print(g.stdout + g.stderr)
        # Every connection's download, not just one of them.
        with open(want, 'rb') as f:
            data = f.read()
        same = 0
        for obj in os.listdir(os.path.join(d, 'http')):
            with open(os.path.join(d, 'http', obj), 'rb') as f:
                same += f.read() == data
        asked = re.search(r'requests: (\d+)', text)
        wanted = len(report['connections']) * int(asked[1] if asked else 1)
        print('%d of %d downloads equal the file' % (same, wanted))
        sys.exit(g.returncode or (0 if same == wanted else 1))


main()
