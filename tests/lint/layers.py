#!/usr/bin/env python3
"""Every #include against layers.txt. Prints file:line: X may not include Y."""
import os
import re
import sys

INCLUDE = re.compile(r'\s*#\s*include\s+([<"])([^>"]+)[>"]')


def read_law(path):
    law = {}
    for line in open(path):
        line = line.split('#', 1)[0].strip()
        if line:
            who, what = line.split(':', 1)
            law[who.strip()] = what.split()
    return law


def allowed(rules, libc, name):
    """rules of one folder; name as it stands in the #include."""
    own = name[len('ktsim/'):] if name.startswith('ktsim/') else None
    verdict = False
    for rule in rules:
        deny = rule.startswith('!')
        rule = rule.lstrip('!')
        if rule == 'libc':
            hit = own is None and name in libc
        elif rule.endswith('/'):
            hit = own is None and name.startswith(rule)
        elif own is not None:
            hit = own == rule or own.startswith(rule + '/')
        else:
            hit = name == rule
        if hit and deny:
            return False
        verdict = verdict or hit
    return verdict


def rules_for(law, path):
    best = None
    for who in law:
        if path == who or path.startswith(who + '/'):
            if best is None or len(who) > len(best):
                best = who
    return best


def check(root, law):
    libc = set(law.pop('libc'))
    bad = []
    for top in ('src', 'nicmodel', 'sim', 'include'):
        for folder, _, files in sorted(os.walk(os.path.join(root, top))):
            for f in sorted(files):
                if not f.endswith(('.c', '.h')):
                    continue
                path = os.path.relpath(os.path.join(folder, f), root)
                who = rules_for(law, path)
                for n, line in enumerate(open(os.path.join(root, path)), 1):
                    m = INCLUDE.match(line)
                    if not m:
                        continue
                    quote, name = m.groups()
                    if quote == '"':
                        # private headers: of the own folder alone
                        target = os.path.normpath(os.path.join(
                            os.path.dirname(path), name))
                        ok = os.path.exists(os.path.join(root, target)) and \
                            os.path.dirname(target) == os.path.dirname(path)
                    else:
                        ok = who is not None and allowed(law[who], libc, name)
                    if not ok:
                        bad.append('%s:%d: %s may not include %s' %
                                   (path, n, who or path, name))
    return bad


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else '.'
    here = os.path.dirname(os.path.abspath(__file__))
    bad = check(root, read_law(os.path.join(here, 'layers.txt')))
    print('\n'.join(bad) if bad else 'layers: ok')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
