"""What the scenario tests share. Standard library only."""
import difflib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCENARIOS = os.path.join(ROOT, 'scenarios')


def scenario(name):
    return os.path.join(SCENARIOS, name + '.ktls.yaml')


def run(sim, args, cwd=None, timeout=300, **kw):
    """ktls-sim with args; returns CompletedProcess with text."""
    return subprocess.run([os.path.abspath(sim)] + args, capture_output=True, text=True,
                          cwd=cwd, timeout=timeout, **kw)


def run_out(sim, file, out, *options, **kw):
    """`ktls-sim run` into folder out; returns (process, report.json or None)."""
    r = run(sim, ['run', '--out', out, '--quiet', *options, file], **kw)
    path = os.path.join(out, 'report.json')
    report = None
    if os.path.exists(path):
        with open(path) as f:
            report = json.load(f)
    return r, report


def optimised(sim):
    """For hundreds of runs: the build without sanitizers, if ./dev made one. Those
    see every scenario once in the golden reports, and random worlds."""
    rel = os.environ.get('KTLS_BUILD_REL')
    return os.path.join(rel, 'sim', 'ktls-sim') if rel else sim


def programs(file):
    """The option that a scenario with applications of its own needs."""
    with open(file) as f:
        return ['--allow-programs'] if 'type: own-' in f.read() else []


def with_folders(file, to):
    """What lies beside a scenario, for its copy in another folder."""
    if programs(file):
        name = os.path.basename(file)[:-len('.ktls.yaml')]
        shutil.copytree(os.path.join(os.path.dirname(file), name), os.path.join(to, name), dirs_exist_ok=True)


def is_live(file):
    """A link of it ends at a device of this machine."""
    with open(file) as f:
        return '"tap:' in f.read()


def skip(why):
    """What meson counts as skipped."""
    print('SKIP: ' + why)
    sys.exit(77)


def other_build(name, file):
    """A file of one of the builds that ./dev test makes besides this one."""
    folder = os.environ.get('KTLS_BUILD_' + name)
    if not folder:
        skip('no %s build: ./dev test makes it where the compiler is there '
             '(KTLS_BUILD_%s)' % (name, name))
    path = os.path.join(folder, file)
    if not os.path.exists(path):
        raise SystemExit('KTLS_BUILD_%s is set, but there is no %s' %
                         (name, path))
    return path


def digest(folder):
    """Of every file in a folder."""
    out = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), 'rb') as f:
            out[name] = hashlib.sha256(f.read()).hexdigest()
    return out


class Checks:
    """Counts what was asserted; exits 1 when something was wrong."""

    def __init__(self):
        self.bad = 0
        self.good = 0

    def check(self, ok, text):
        if ok:
            self.good += 1
        else:
            self.bad += 1
            print('FAIL: ' + text)

    def equal(self, found, wanted, text):
        if isinstance(found, str) and isinstance(wanted, str) and \
                '\n' in wanted:
            diff = difflib.unified_diff(wanted.splitlines(), found.splitlines(),
                                        'wanted', 'found', lineterm='', n=1)
            self.check(found == wanted, text + '\n' + '\n'.join(diff))
            return
        self.check(found == wanted, '%s: found %r, wanted %r' %
                   (text, found, wanted))

    def done(self):
        print('%d checks ok, %d failed' % (self.good, self.bad))
        sys.exit(1 if self.bad or not self.good else 0)


def tmpdir():
    return tempfile.TemporaryDirectory(prefix='ktls-sim-test-')


def edited(name, out, *changes):
    """A scenario with (old, new) texts replaced, each found exactly once."""
    with open(scenario(name)) as f:
        text = f.read()
    for old, new in changes:
        if text.count(old) != 1:
            raise SystemExit('%s: %r stands there %d times' %
                             (name, old, text.count(old)))
        text = text.replace(old, new)
    path = os.path.join(out, 'edited.ktls.yaml')
    with open(path, 'w') as f:
        f.write(text)
    return path


def tshark(path, *args):
    """What stock tshark, with an empty profile, prints of a capture; None
    where it is not installed."""
    if shutil.which('tshark') is None:
        return None
    with tmpdir() as d:
        env = {'HOME': d, 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'}
        r = subprocess.run(['tshark', '-n', '-r', path, *args],
                           capture_output=True, text=True, env=env)
    if r.returncode != 0:
        raise SystemExit('tshark: ' + r.stderr)
    return r.stdout


def http_requests(pcap, keylog):
    """HTTP requests that stock tshark decrypts with a key log."""
    with tmpdir() as d:
        env = {'HOME': d, 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'}
        r = subprocess.run(['tshark', '-n', '-r', pcap, '-o',
                            'tls.keylog_file:' + keylog, '-Y', 'http.request'],
                           capture_output=True, text=True, env=env)
    return len(r.stdout.splitlines())


# The files of simulated hosts, a second time, from the description of their
# generator in docs/differences.md.
M64 = (1 << 64) - 1


def fnv1a64(data, h):
    for b in data:
        h = ((h ^ b) * 0x100000001b3) & M64
    return h


def file_bytes(name, seed, size):
    key = fnv1a64(name.encode(), 0xcbf29ce484222325 ^ seed)
    out = []
    for n in range((size + 63) // 64):
        base = key ^ ((n * 0x9e3779b97f4a7c15) & M64)
        text = ['%08x ' % (n * 64)]
        for w in range(1, 8):
            x = (base + w * 0xbf58476d1ce4e5b9) & M64
            x = ((x ^ (x >> 30)) * 0x94d049bb133111eb) & M64
            x ^= x >> 31
            x = (x & 0x3f3f3f3f3f3f3f3f) + 0x3030303030303030
            text.append(x.to_bytes(8, 'little').decode())
        out.append(''.join(text)[:63] + '\n')
    return ''.join(out).encode()[:size]
