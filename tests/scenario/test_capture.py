#!/usr/bin/env python3
"""The capture of a scenario, judged by stock tshark with an empty profile: the
gate's checks, and the HTTP objects that Wireshark exports are byte for byte
the files that the servers have."""
import json
import os
import re
import subprocess
import sys

import lib

# Of two ACKs of one FIN that came twice, the second finds nobody there any
# more and is answered with RST.
LATE_ACK = ['--warnings-ok', 'tcp.flags.reset == 1 && tcp.flags.ack == 0']
# Connections that are aborted, as the scenario expects.
RESETS = ['--warnings-ok', 'tcp.flags.reset == 1']
# With --overlaps some segment had old bytes in front of new ones: a T6 does
# that, and TCP when it repeats itself in vain. With --receiver segments overtook
# others (a queue stands still). The run must say so, and must not where Wireshark
# needs no option.
OPTION = {'--overlaps', '--receiver'}
MORE = {'many-lossy': LATE_ACK, 'cx6dx-rexmit': LATE_ACK,
        'failover-default-limit': LATE_ACK, 'failover-mode-switch': LATE_ACK,
        # The lagg moves to another card's address.
        'port-removed': ['--overlaps', '--warnings-ok', 'arp.duplicate-address-detected'],
        'card-failures': ['--receiver'],
        'flapping': ['--overlaps'], 'mixed-cards': ['--overlaps', *RESETS],
        'lagg-failover-t6': ['--overlaps', *LATE_ACK],
        't6': ['--overlaps', *LATE_ACK], 't6-rexmit': ['--overlaps', *LATE_ACK]}
GATE = os.path.join(lib.ROOT, 'tests', 'gate', 'gate.sh')


def main():
    sim, name = lib.optimised(sys.argv[1]), sys.argv[2]
    units = {'KiB': 1024, 'MiB': 1024 ** 2}
    with open(lib.scenario(name)) as f:
        text = f.read()
    m = re.search(r'(/data\.bin): \{size: (\d+)(KiB|MiB)', text)
    with lib.tmpdir() as d:
        out = os.path.join(d, 'out')
        r = lib.run(sim, ['run', '--out', out, '--set', 'capture.wire=true', lib.scenario(name)])
        if r.returncode != 0:
            sys.exit('the run itself fails: ' + r.stderr)
        if ('tshark -o tcp.reassemble_out_of_order:TRUE' in r.stdout) != bool(OPTION & set(MORE.get(name, []))):
            sys.exit('does it say what Wireshark needs? ' + r.stdout[-1500:])
        with open(os.path.join(out, 'report.json')) as f:
            report = json.load(f)
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
        whole = [c for c in report['connections'] if c['failed'] is None]
        wanted = len(whole) * int(asked[1] if asked else 1)
        print('%d of %d downloads equal the file' % (same, wanted))
        sys.exit(g.returncode or (0 if same == wanted else 1))


main()
