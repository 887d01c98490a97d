"""Judges what a suite said: judge.py RESULTS KNOWN FLOOR

RESULTS has a line `PASS|FAIL|SKIP <tab> name` a test; KNOWN a line `name <tab> reason` for each that may fail. Fewer passes than FLOOR,
or a failure without a reason, is a failure. A known one that passes is named, and no more: some of them fail on a loaded machine only.
"""

import sys

results, known, floor = sys.argv[1:]
verdicts = dict(reversed(line.rstrip("\n").split("\t", 1)) for line in open(results))
reasons = {}
for number, line in enumerate(open(known), 1):
    if line.startswith("#") or not line.strip():
        continue
    name, _, reason = line.rstrip("\n").partition("\t")
    if len(reason.split()) < 3:
        sys.exit(f"{known}:{number}: {name} has no reason")
    reasons[name] = reason

count = {verdict: sorted(n for n, v in verdicts.items() if v == verdict) for verdict in ("PASS", "FAIL", "SKIP")}
print(f"  {len(count['PASS'])} passed, {len(count['FAIL'])} failed, {len(count['SKIP'])} skipped of {len(verdicts)}; the floor is {floor}")
for name in sorted(set(reasons) & set(count["PASS"])):
    print(f"  passes, and is on the list: {name}")
for name in sorted(set(reasons) - set(verdicts)):
    print(f"  on the list, and no test of the suite: {name}")
unknown = [name for name in count["FAIL"] if name not in reasons]
for name in unknown:
    print(f"  FAILS, and is not on the list: {name}")
if len(count["PASS"]) < int(floor):
    sys.exit(f"FAIL: fewer than {floor} pass")
if unknown:
    sys.exit(f"FAIL: {len(unknown)} failures without a reason")
