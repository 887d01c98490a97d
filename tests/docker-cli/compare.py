#!/usr/bin/env python3
"""Compares a transcript with the expected one: every difference must be in the list of divergences, with its reason, and every
divergence must still be one.

    compare.py EXPECTED DIVERGENCES TRANSCRIPT
"""
import sys


def read(path):
    """Commands in order, each with its output and, in a list of divergences, its reason (lines that begin with '# ')."""
    all_, reason = [], []
    for line in open(path, errors="replace").read().splitlines():
        if line.startswith("$ "):
            all_.append((line[2:], [], reason))
            reason = []
        elif line.startswith("# ") and (not all_ or all_[-1][1][-1:] and all_[-1][1][-1].startswith("=> ")):
            reason.append(line[2:])
        elif line or all_ and not (all_[-1][1][-1:] and all_[-1][1][-1].startswith("=> ")):
            all_[-1][1].append(line)
    return all_


expected, listed, got = (read(path) for path in sys.argv[1:4])
divergences = {command: (output, reason) for command, output, reason in listed}
wrong = 0
if [c for c, _, _ in expected] != [c for c, _, _ in got]:
    sys.exit("the transcripts are not of the same commands: write the expected one anew with the reference")
for (command, want, _), (_, have, _) in zip(expected, got):
    allowed = divergences.pop(command, None)
    if allowed and not allowed[1]:
        print(f"no reason is given for: {command}")
        wrong += 1
    if allowed and want == allowed[0]:
        print(f"no divergence any more: {command}")
        wrong += 1
    if have != (allowed[0] if allowed else want):
        print(f"$ {command}\n  expected: {' | '.join(allowed[0] if allowed else want)}\n  got:      {' | '.join(have)}")
        wrong += 1
for command in divergences:
    print(f"listed, and no command: {command}")
    wrong += 1
print(f"  {len(got)} commands, {len(listed)} listed divergences, {wrong} wrong")
sys.exit(wrong > 0)
