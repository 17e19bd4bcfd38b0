#!/usr/bin/env python3
"""--set and --until stand over what the file says, are checked like it, and
are repeated in the line that reproduces a failure."""
import os
import sys

import lib


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    quick = lib.scenario('quickstart')
    with lib.tmpdir() as d:
        r, report = lib.run_out(
            sim, quick, os.path.join(d, 'a'), '--set', 'apps.get.connections=3',
            '--set', 'hosts.server.files./data.bin.size=1MiB',
            '--set', 'links[0].delay=30us',
            '--set', 'hosts.server.sysctl.kern.ipc.tls.enable=1',
            '--set', 'hosts.client.sysctl.net.inet.tcp.delayed_ack=0',
            '--set', 'expect[0].delivered.bytes=3MiB')
        c.equal(r.returncode, 0, r.stderr)
        c.equal([x['body_bytes'] for x in report['connections']],
                [1 << 20] * 3, 'bodies')
        with open(os.path.join(d, 'a', 'scenario.yaml')) as f:
            c.check("# run with --set 'links[0].delay=30us'" in f.read(),
                    'scenario.yaml tells')
        # A receive buffer below one record: the kernel makes room for it.
        r, report = lib.run_out(
            sim, lib.scenario('kernel-receive'), os.path.join(d, 'small'),
            '--set', 'apps.get.rcvbuf=2048B',
            '--set', 'hosts.server.files./data.bin.size=200KiB',
            '--set', 'expect[0].delivered.bytes=200KiB',
            '--set', 'expect[4].counter.min=13')
        c.equal(r.returncode, 0, 'small rcvbuf: ' + r.stderr)
        # A key that the file does not have is added.
        r, report = lib.run_out(sim, quick, os.path.join(d, 'b'),
                                '--set', 'capture.wire=false')
        c.equal(r.returncode, 0, r.stderr)
        c.check(not os.path.exists(os.path.join(d, 'b', 'wire.pcapng')),
                'no capture')
        r, report = lib.run_out(sim, quick, os.path.join(d, 'c'),
                                '--until', '1ms')
        c.equal(r.returncode, 1, 'cut short: ' + r.stderr)
        c.equal(report['end_ps'], 10 ** 9, 'end')
        c.check("--set 'until=1ms'" in r.stderr.splitlines()[-1], r.stderr)
        for text, want in [
                ('links[0].loss=2', '--set links[0].loss=2: error: `2` is not '
                 'a percentage, such as 0.5%'),
                ('apps.get.conections=2', '--set apps.get.conections=2: error: '
                 'there is no application key `conections`; did you mean '
                 '`connections`?'),
                ('links[7].loss=2%', '--set links[7].loss=2%: error: there is '
                 'no such place in the file; a path is like '
                 'apps.get.connections or links[0].loss'),
                ('hosts.server.sysctl.kern.foo=1',
                 '--set hosts.server.sysctl.kern.foo=1: error: there is no '
                 'sysctl `kern.foo`; `ktls-sim list sysctls` shows what there '
                 'is'),
                # A misspelt name is not a new host, a new file.
                ('hosts.sever.cpus=2', '--set hosts.sever.cpus=2: error: the '
                 'file has no host `sever`; did you mean `server`?'),
                ('hosts.server.files./dat.bin.size=1MiB',
                 '--set hosts.server.files./dat.bin.size=1MiB: error: the '
                 'file has no file `/dat.bin`; did you mean `/data.bin`?'),
                ('hosts.third.cpus=2', '--set hosts.third.cpus=2: error: the '
                 'file has no host `third` to change'),
                ('hosts.server.nics.mce0.model=bsic',
                 '--set hosts.server.nics.mce0.model=bsic: error: there is no '
                 'card model `bsic`; `ktls-sim list models` shows what there '
                 'is; did you mean `basic`?'),
                ('include=x.yaml', '--set include=x.yaml: error: what is '
                 'included is read before --set: write `include` into the '
                 'file'),
                ('seed', '--set seed: error: write key=value'),
                ('=3', '--set =3: error: there is no such place in the file; '
                 'a path is like apps.get.connections or links[0].loss')]:
            r = lib.run(sim, ['run', '--set', text, quick])
            c.equal((r.returncode, r.stderr), (2, want + '\n'), text)
    c.done()


main()
