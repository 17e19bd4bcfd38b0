#!/usr/bin/env python3
"""AES-CBC in whole runs: every version and suite, both handshakes, the kernel
at both ends. And a planted defect: explicit IVs that come twice are seen."""
import os
import shutil
import subprocess
import sys

import lib

PAIRS = [('1.0', 'aes128-cbc-sha1'), ('1.0', 'aes256-cbc-sha1'),
         ('1.1', 'aes128-cbc-sha1'), ('1.1', 'aes256-cbc-sha1'),
         ('1.2', 'aes128-cbc-sha1'), ('1.2', 'aes256-cbc-sha1'),
         ('1.2', 'aes128-cbc-sha256'), ('1.2', 'aes256-cbc-sha384')]


def options(version, suite, *more):
    sets = list(more)
    for app in ('web', 'get'):
        sets += ['apps.%s.tls.version=%s' % (app, version),
                 'apps.%s.tls.suite=%s' % (app, suite),
                 'apps.%s.tls.tx=kernel' % app,
                 'apps.%s.tls.rx=kernel' % app]
    return [x for s in sets for x in ('--set', s)]


def decrypted(out):
    """HTTP responses whose whole body stock tshark reads in the capture."""
    with lib.tmpdir() as d:
        r = subprocess.run(
            ['tshark', '-n', '-r', os.path.join(out, 'wire.pcapng'), '-Y',
             'http.response && http.content_length == 307200'],
            capture_output=True, text=True,
            env={'HOME': d, 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'})
    return len(r.stdout.splitlines())


def one(c, sim, file, out, version, suite, handshake):
    what = 'TLS %s %s %s' % (version, suite, handshake)
    more = ['apps.%s.tls.handshake=%s' % (a, handshake) for a in ('web', 'get')]
    r, report = lib.run_out(sim, file, out, *options(version, suite, *more))
    c.equal(r.returncode, 0, what + ': ' + r.stderr)
    if r.returncode != 0:
        return
    text = open(os.path.join(out, 'report.txt')).read()
    c.check('TLS %s' % version in text, what + ': version in the report')
    for e in report['expectations']:
        c.check(e['met'], what)
    if shutil.which('tshark'):
        c.equal(decrypted(out), 1, what + ': in Wireshark')
    refused = text.count('EPROTONOSUPPORT')
    c.equal(refused > 0, version == '1.0', what + ': receiving 1.0 is refused')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        out = os.path.join(d, 'out')
        small = [('size: 8MiB', 'size: 300KiB'),
                 ('bytes: 8MiB', 'bytes: 300KiB'),
                 ('client:\n    nics',
                  'client:\n    sysctl: {kern.ipc.tls.enable: 1}\n    nics')]
        file = lib.edited('quickstart', d, *small)
        for version, suite in PAIRS:
            for handshake in ('openssl', 'synthetic'):
                one(c, sim, file, out, version, suite, handshake)
        # The explicit IVs of 1.1; the MAC covers the number, in 1.0 too.
        for version in ('1.0', '1.1'):
            r = lib.run(sim, ['run', '--out', out, '--defect',
                              'kern.nonce-reuse', '--quiet', file] +
                        options(version, 'aes128-cbc-sha1'))
            c.equal(r.returncode, 4, 'nonce-reuse in TLS %s' % version)
        # The switch of its own: libssl goes on in userland.
        file = lib.edited('quickstart', d, *small, (
            'kern.ipc.mb_use_ext_pgs: 1', 'kern.ipc.tls.cbc_enable: 0'))
        r, report = lib.run_out(sim, file, out,
                                *options('1.1', 'aes256-cbc-sha1'))
        c.equal(r.returncode, 1, 'the claim of software mode fails')
        text = open(os.path.join(out, 'report.txt')).read()
        c.check('kern.ipc.tls.cbc_enable is 0' in text, 'the reason is told')
    c.done()


main()
