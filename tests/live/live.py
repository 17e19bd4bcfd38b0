"""What the live tests share: a session in a network namespace of its own, and
clients beside it. Outcomes are compared, never times: whatever is waited for
is waited for by asking whether it is there."""
import atexit
import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import lib

PATIENCE = 120          # seconds until something that must come has come
CURL_MAX = '90'
_numbers = itertools.count()
_spaces = set()
_files = {}


def need(*programs):
    """77 where Linux, or the rights, are not there."""
    if os.geteuid() != 0:
        lib.skip('only root can make namespaces and devices')
    if not os.path.exists('/dev/net/tun'):
        lib.skip('there is no /dev/net/tun here')
    for p in ('ip', 'curl') + programs:
        if not shutil.which(p):
            lib.skip('there is no %s here' % p)
    name = 'ktls-probe-%d' % os.getpid()
    r = subprocess.run(['ip', 'netns', 'add', name], capture_output=True,
                       text=True)
    if r.returncode != 0:
        lib.skip('no network namespaces: ' + r.stderr.strip())
    subprocess.run(['ip', 'netns', 'del', name], check=True)


def _sweep():
    for name in list(_spaces):
        subprocess.run(['ip', 'netns', 'del', name], capture_output=True)


atexit.register(_sweep)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def file_sha(name, size):
    """Of a simulated host's file, by the generator in lib.py."""
    if (name, size) not in _files:
        data = lib.file_bytes(name, 1, size)
        _files[name, size] = hashlib.sha256(data).hexdigest()
    return _files[name, size]


def sha(path):
    h = hashlib.sha256()
    with open(path, 'rb') as f:
        for piece in iter(lambda: f.read(1 << 20), b''):
            h.update(piece)
    return h.hexdigest()


def random_file(path, size):
    with open(path, 'wb') as f:
        f.write(os.urandom(size))
    return sha(path)


def scenario(d, *changes):
    """scenarios/live.ktls.yaml with a large file that costs no time to make."""
    return lib.edited('live', d, ('/large.bin: {size: 256MiB}',
                                  '/large.bin: {size: 32MiB}'), *changes)


class Session:
    """`ktls-sim live` in a namespace; with: it is ended, whatever happens."""

    def __init__(self, sim, file, d, *options, device='tap', prepare=None):
        self.sim, self.device = os.path.abspath(sim), device
        n = next(_numbers)
        self.ns = 'ktls-t%d-%d' % (os.getpid(), n)
        self.out = os.path.join(d, 'out%d' % n)
        self.d = d
        self.log = os.path.join(d, 'log%d' % n)
        self.control = os.path.join(self.out, 'control.sock')
        subprocess.run(['ip', 'netns', 'add', self.ns], check=True)
        _spaces.add(self.ns)
        self.ip('link', 'set', 'lo', 'up')
        if prepare:
            prepare(self)
        with open(self.log, 'w') as log:
            self.p = subprocess.Popen(
                ['ip', 'netns', 'exec', self.ns, self.sim, 'live', '--out',
                 self.out, *options, file], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)
        self.wait_for(lambda: self.ctl('status').returncode == 0)
        dev = 'ktls0' if device == 'tap' else device
        self.ip('addr', 'add', '10.77.0.2/24', 'dev', dev)
        self.ip('addr', 'add', 'fd77::2/64', 'dev', dev, 'nodad')

    def ip(self, *args):
        subprocess.run(['ip', '-n', self.ns, *args], check=True)

    def wait_for(self, there):
        end = time.monotonic() + PATIENCE
        while not there():
            if self.p.poll() is not None or time.monotonic() > end:
                raise SystemExit('the session is not there: ' + self.said())
            time.sleep(0.05)

    def said(self):
        with open(self.log) as f:
            return f.read()

    def start(self, args, **kw):
        return subprocess.Popen(['ip', 'netns', 'exec', self.ns, *args],
                                stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.PIPE, **kw)

    def run(self, args, **kw):
        return subprocess.run(['ip', 'netns', 'exec', self.ns, *args],
                              capture_output=True, timeout=PATIENCE, **kw)

    def curl(self, *args):
        return self.run(['curl', '-sSkg', '-m', CURL_MAX, *args], text=True)

    def get(self, url, file):
        """Fetch into a file; its SHA-256, or what curl said."""
        path = os.path.join(self.d, file)
        r = self.curl('-f', '-o', path, url)
        return sha(path) if r.returncode == 0 else r.stderr

    def put(self, url, path, *options):
        """Send a file; what the server said of it."""
        r = self.curl(*options, '-T', path, url)
        return r.stdout if r.returncode == 0 else r.stderr

    def ctl(self, *words):
        return lib.run(self.sim, ['ctl', self.control, *words],
                       timeout=PATIENCE)

    def status(self):
        return json.loads(self.ctl('status', '--json').stdout)

    def end(self, sig=signal.SIGINT):
        """Orderly; the exit code."""
        if self.p.poll() is None:
            self.p.send_signal(sig)
        return self.p.wait(timeout=PATIENCE)

    def report(self):
        with open(os.path.join(self.out, 'report.json')) as f:
            return json.load(f)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()
        subprocess.run(['ip', 'netns', 'del', self.ns], check=True)
        _spaces.discard(self.ns)


def answer(path):
    """What the server says of an upload that arrived whole."""
    return 'bytes %d\nsha256 %s\n' % (os.path.getsize(path), sha(path))


def ended_well(c, s, what, code=0):
    """Ends the session; the report, with every invariant held."""
    c.equal(s.end(), code, what + ': exit code, ' + s.said()[-3000:])
    c.check(not os.path.exists(s.control), what + ': the socket is removed')
    r = s.report()
    c.check(r.get('live') is True and r['lag_ps'] >= 0, what + ': is live')
    for inv in r['invariants']:
        c.equal(inv['broken'], 0, '%s: %s' % (what, inv))
    return r


def modes(report):
    """Transmit modes of the connections that were served."""
    return {n['server_side']['tx_mode'] for n in report['connections']
            if n['requests'] > 0}


def decrypted(s):
    """HTTP requests and answers that stock tshark sees in the capture."""
    env = {'HOME': s.d, 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'}
    r = subprocess.run(['tshark', '-n', '-r',
                        os.path.join(s.out, 'wire.pcapng'), '-Y', 'http',
                        '-T', 'fields', '-e', 'frame.interface_name', '-e',
                        'http.request.method', '-e', 'http.response.code'],
                       capture_output=True, text=True, env=env)
    return r.returncode, [' '.join(line.split()) for line in
                          r.stdout.splitlines()]


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE)
    s.connect(path)
    return s
