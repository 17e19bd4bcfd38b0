#!/usr/bin/env python3
"""What the command line answers beside the runs themselves: help, hints for
misspelt words, which trace points are written and how, --verbose, colours."""
import json
import os
import pty
import re
import subprocess
import sys

import lib

ESC = '\x1b['


def helped(c, sim):
    """`help X` is `X --help` is `X -h`, on stdout, for every command."""
    names = re.findall(r'^  (\w+) ', lib.run(sim, ['help']).stdout, re.M)
    c.check({'run', 'dump', 'check', 'explain', 'list'} <= set(names),
            'help names the commands: %s' % names)
    for name in names:
        if name in ('help', 'version'):
            continue
        texts = [lib.run(sim, a) for a in
                 (['help', name], [name, '--help'], [name, '-h'])]
        c.check(texts[0].stdout.startswith('usage: ktls-sim ' + name),
                'help ' + name)
        c.check(all(t.stdout == texts[0].stdout and t.returncode == 0 and
                    not t.stderr for t in texts), 'the helps of ' + name)
    v = lib.run(sim, ['version'])
    c.check(v.returncode == 0 and not v.stderr and re.match(
        r'ktls-sim \d+\.\d+\.\d+\n', v.stdout) and 'OpenSSL' in v.stdout and
        'libpcap' in v.stdout, 'version: ' + v.stdout + v.stderr)


def hints(c, sim):
    for args, text in [
            (['dmup'], 'no command `dmup`; did you mean `dump`?'),
            (['help', 'lst'], 'no command `lst`; did you mean `list`?'),
            (['xyzzyxyzzy'], '`ktls-sim help` shows them all'),
            (['run', '--sead', '3', 'f'],
             'unknown option `--sead`; did you mean `--seed`?'),
            (['run', '--seed'], '--seed wants a value'),
            (['run', '--json=3', 'f'], '--json takes no value'),
            (['run', '-z', 'f'], 'unknown option `-z`'),
            (['run', '-q', '-v', 'f'], 'contradict each other'),
            (['run', '--trace=tls_mod', 'f'],
             'no trace point `tls_mod`; did you mean `tls_mode`?'),
            (['run', '--trace=zz*', 'f'], 'no trace point matches `zz*`'),
            (['run', '--trace=', 'f'], 'no trace point is named'),
            (['run', '--trace', 'tcp_state', 'f'],
             'if `tcp_state` are trace points: --trace=tcp_state'),
            (['run', '--trace-format', 'xml', 'f'], 'wants text or ndjson'),
            (['run', '--trace-format', 'text', 'f'], 'give that too'),
            (['run', '--defect', 'nic.skip-encript', 'f'],
             'did you mean `nic.skip-encrypt`?'),
            (['dump', '--flwo', '1', 'f'], 'did you mean `--flow`?'),
            (['list', 'modles'], 'did you mean `models`?'),
            (['list', '--hlep'], 'did you mean `--help`?'),
            (['check', '--hlep'], 'did you mean `--help`?'),
            (['explain', '--hlep'], 'did you mean `--help`?'),
            (['list', '--mdoc', 'suites'], '--mdoc is for `list keys`'),
            (['list', '--markdown', 'keys'], '--markdown is for'),
            (['list'], 'say what to list: models, suites'),
            (['--color=blue', 'help'], '--color=auto, --color=always'),
            (['help', '--color'], '--color=auto, --color=always')]:
        r = lib.run(sim, args)
        c.equal(r.returncode, 2, ' '.join(args) + ': ' + r.stderr)
        c.check(text in r.stderr and not r.stdout,
                '%s: %s' % (args, r.stderr))


def trace(c, sim, d, *options):
    """The trace's lines, and report.txt beside it."""
    out = os.path.join(d, 'trace')
    r, _ = lib.run_out(sim, lib.scenario('failover'), out, *options)
    c.equal(r.returncode, 0, '%s: %s' % (options, r.stderr))
    found = {}
    for name in ('trace.ndjson', 'trace.txt'):
        path = os.path.join(out, name)
        if os.path.exists(path):
            with open(path) as f:
                found[name] = f.read().splitlines()
    with open(os.path.join(out, 'report.txt')) as f:
        return found, f.read()


def traces(c, sim, d):
    none, report = trace(c, sim, d)
    c.equal(none, {}, 'no trace unasked')
    full, again = trace(c, sim, d, '--trace')
    c.equal(again, report, 'the report with --trace')
    rows = [json.loads(line) for line in full['trace.ndjson']]
    c.check({'phase', 'tls_mode', 'tcp_rexmit', 'timeline'} <=
            {r['point'] for r in rows}, 'every point')
    some, again = trace(c, sim, d, '--trace=tls_*,tcp_rexmit')
    c.equal(again, report, 'the report has its own points')
    want = [line for line, r in zip(full['trace.ndjson'], rows)
            if r['point'] == 'tcp_rexmit' or r['point'].startswith('tls_')]
    c.check(len(want) > 10, 'only %d lines' % len(want))
    c.equal(some, {'trace.ndjson': want}, '--trace=tls_*,tcp_rexmit')
    text, _ = trace(c, sim, d, '--trace=tls_*', '--trace=tcp_rexmit',
                    '--trace-format', 'text')
    c.equal(sorted(text), ['trace.txt'], 'only the text')
    c.equal(len(text['trace.txt']), len(want), 'as many lines of text')
    mode = [l for l in text['trace.txt'] if ' tls_mode ' in l]
    c.check(any('tls_enable conn=2 dir=tx suite=aes128-gcm-1.3 error=0 '
                'reason=""' in l for l in text['trace.txt']),
            'no reason where nothing was refused')
    c.equal([re.sub(r'^0\.\d{12} ', '', l) for l in mode],
            ['server tls_mode conn=2 dir=tx mode=ifnet error=0 '
             'reason="the card took the session"'], 'text')


def verbose(c, sim, d):
    out = os.path.join(d, 'verbose')
    r = lib.run(sim, ['run', '-v', '--out', out, lib.scenario('failover')])
    c.equal(r.returncode, 0, 'verbose: ' + r.stderr)
    at = -1
    for text in ('phase what="built: hosts" count=2', 'what=handshake',
                 'timeline action="link down" target=server.mce0',
                 'app=get conn=0 what="read body" value=8388608',
                 'phase what="main part over', 'phase what="faults off',
                 'phase what="checking', 'phase what="going home'):
        c.check(r.stderr.find(text) > at, 'verbose, in order: ' + text)
        at = r.stderr.find(text)
    c.check('tls_mode conn=2 dir=tx mode=ifnet' in r.stderr, 'verbose: mode')
    c.check('lagg_active' not in r.stdout, 'verbose goes to stderr')
    quiet = lib.run(sim, ['run', '--out', out, lib.scenario('failover')])
    c.equal((quiet.stdout, quiet.stderr), (r.stdout, ''), 'stdout is the same')
    f = lib.edited('quickstart', d, ('bytes: 8MiB', 'bytes: 9MiB'))
    r = lib.run(sim, ['run', '-v', '--out', out, f])
    c.check(r.returncode == 1 and r.stderr.splitlines()[-1].startswith(
        'to reproduce: '), 'verbose: last line')


def on_terminal(sim, args, **env):
    """What a person sees: stdout and stderr on a pseudo-terminal."""
    base = {k: v for k, v in os.environ.items() if k != 'NO_COLOR'}
    base.update(TERM='xterm')
    base.update(env)
    ours, theirs = pty.openpty()
    p = subprocess.Popen([os.path.abspath(sim)] + args, stdout=theirs,
                         stderr=theirs, stdin=subprocess.DEVNULL, env=base)
    os.close(theirs)
    seen = b''
    while True:
        try:
            some = os.read(ours, 65536)
        except OSError:             # the other end is closed
            break
        if not some:
            break
        seen += some
    os.close(ours)
    p.wait()
    return seen.decode()


def colours(c, sim, d):
    out = os.path.join(d, 'colour')
    broken = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'broken',
                          'enum-hint.yaml')
    run = ['run', '--out', out, lib.scenario('quickstart')]
    text = on_terminal(sim, run)
    c.check(ESC + '1mInvariants' in text, 'headings on a terminal')
    c.check(ESC + '32mheld' in text and ESC + '32mall expectations' in text,
            'passed is green')
    text = on_terminal(sim, ['check', broken])
    c.check(': ' + ESC + '1;31merror:' in text, 'error is red')
    c.check(re.search(re.escape(ESC) + r'32m *\^', text), 'the caret')
    f = lib.edited('quickstart', d, ('bytes: 8MiB', 'bytes: 9MiB'))
    text = on_terminal(sim, ['run', '-v', '--out', out, f])
    c.check(ESC + '1;31mFAILED' in text, 'failed is red')
    c.check(re.search(re.escape(ESC) + r'1m[0-9.]+ - phase', text), 'verbose')
    for args, env in [(['--color=never'], {}), ([], {'NO_COLOR': '1'}),
                      ([], {'TERM': 'dumb'})]:
        text = on_terminal(sim, args + run, **env)
        c.check('Invariants' in text and ESC not in text.replace('\r', ''),
                'no colour with %s %s' % (args, env))
    c.check(ESC in on_terminal(sim, run, NO_COLOR=''),
            'an empty NO_COLOR says nothing')
    c.check(ESC in on_terminal(sim, ['--color=always'] + run, NO_COLOR='1'),
            'an option goes before NO_COLOR')
    # Without a terminal only when asked for, and never in files.
    c.check(ESC not in lib.run(sim, run).stdout, 'no terminal')
    r = lib.run(sim, run + ['--color=always', '--trace-format=text',
                            '--trace'])
    c.check(ESC in r.stdout, '--color=always')
    for name in ('report.txt', 'report.json', 'trace.txt', 'scenario.yaml'):
        with open(os.path.join(out, name)) as f:
            c.check(ESC not in f.read(), 'no colour in ' + name)


def full_disk(c, sim, d):
    """What standard output cannot take is told, whoever printed it."""
    out = os.path.join(d, 'full')
    quick = lib.scenario('quickstart')
    for args in (['run', '--out', out, quick], ['run', '--json', '--out', out,
                 quick], ['list', 'traces'], ['schema'], ['explain', 'tls'],
                 ['fmt', quick], ['check', quick], ['museum', 'list', '--dir',
                 os.path.join(lib.SCENARIOS, 'museum')],
                 ['completion', 'bash'], ['help'], ['version'],
                 ['test', '--out', out + '2', '--quiet', '--json', '-', quick]):
        with open('/dev/full', 'w') as full:
            r = subprocess.run([os.path.abspath(sim), *args], stdout=full,
                               stderr=subprocess.PIPE, text=True)
        c.equal(r.returncode, 3, '%s > /dev/full' % args)
        c.equal(r.stderr.count('standard output: No space left on device\n'),
                1, '%s: %s' % (args, r.stderr))
    ours, theirs = os.pipe()
    os.close(ours)
    r = subprocess.run([os.path.abspath(sim), 'list', 'traces'], stdout=theirs,
                       stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    c.equal((r.returncode, r.stderr), (0, ''), 'a reader that has left')


def control_letters(c, sim, d):
    """What a scenario says of itself gives a terminal no orders."""
    f = lib.edited('quickstart', d, (
        'description: GET of an 8 MiB file over TLS 1.3, header by write, '
        'body by sendfile, software KTLS',
        'description: "a\\e]0;x\\a\\x7f\\u009b2J \\u00e9"'))
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'control'), f])
    c.equal((r.returncode, r.stdout), (2, ''), 'refused')
    c.check('has the control character 0x1b in it' in r.stderr and
            not set(r.stderr) & set('\x1b\x07\x7f\x9b'), 'told: ' + ascii(r.stderr))
    f = lib.edited('quickstart', d, ('sendfile, software KTLS', 'sendfile, software KTLS \u00e9'))
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'control'), f])
    c.check(r.stdout.splitlines()[0].endswith('software KTLS \u00e9'), 'letters')


def verdict_last(c, sim, d):
    """Both outputs in one file: what was printed first stands first."""
    f = lib.edited('quickstart', d, ('bytes: 8MiB', 'bytes: 9MiB'))
    r = subprocess.run([os.path.abspath(sim), 'run', '--out',
                        os.path.join(d, 'last'), f], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    c.check(r.stdout.splitlines()[-2].startswith('an expectation FAILED') and
            r.stdout.splitlines()[-1].startswith('to reproduce: '),
            'the verdict is last: ' + r.stdout[-400:])


def sources():
    """Text of each test, by file."""
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    out = {}
    for top, _, names in os.walk(tests):
        for name in names:
            if name.endswith(('.py', '.sh')) and name not in (
                    'test_completion.py', 'test_man.py'):
                with open(os.path.join(top, name)) as f:
                    out[name] = f.read()
    out['tutorial.md'] = open(os.path.join(lib.ROOT, 'docs',
                                           'tutorial.md')).read()
    return out


def used(texts, command, option):
    """A test runs the command, and says the option."""
    # lib.run_out runs `run`.
    runs = r"""['" ]%s['" ]%s""" % (command, '|run_out' if command == 'run'
                                  else '')
    says = r"""['" ]%s(?![\w-])""" % option
    return any(re.search(runs, t) and re.search(says, t)
               for t in texts.values())


def every_option(c, sim):
    """Each option of each command stands in a test of that command."""
    texts = sources()
    for command in re.findall(r'^(\S+)', lib.run(sim, ['list', 'commands'])
                              .stdout, re.M):
        text = lib.run(sim, [command, '--help']).stdout
        for option in set(re.findall(r'^  (?:-\w, )?(--[a-z-]+)', text, re.M) +
                          re.findall(r', (--[a-z-]+) ', text)):
            if option not in ('--color', '--help'):
                c.check(used(texts, command, option),
                        'no test uses %s %s' % (command, option))


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    helped(c, sim)
    hints(c, sim)
    every_option(c, sim)
    for part in (traces, verbose, colours, full_disk, verdict_last,
                 control_letters):
        with lib.tmpdir() as d:
            part(c, sim, d)
    c.done()


main()
