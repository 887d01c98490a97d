"""What of moby's tests is run, and what came of it.

moby.py choose ALL                    of the tests that the file ALL names, those that do not start a daemon of their own: they would
                                      test that one. Reads the sources in the current directory.
moby.py results PACKAGE CHOSEN LOG    a line `PASS|FAIL|SKIP <tab> PACKAGE/name` for each test and part of a test; a chosen one of which
                                      the log says nothing has failed.
"""

import glob
import re
import sys


def choose(names):
    functions = {}
    for path in glob.glob("*.go"):
        for text in re.split(r"(?m)^(?=func )", open(path).read()):
            found = re.match(r"func (\w+)\(", text)
            if found:
                functions[found[1]] = text
    daemons = {name for name, text in functions.items() if re.search(r"daemon\.New\(|swarm\.NewSwarm|registry\.NewV2", text)}
    # And those that call such a one.
    while True:
        calls = re.compile(r"\b(?:%s)\(" % "|".join(sorted(daemons) or ["$^"]))
        more = {name for name, text in functions.items() if name not in daemons and calls.search(text.partition("\n")[2])}
        if not more:
            return [name for name in names if name not in daemons]
        daemons |= more


def results(package, chosen, log):
    verdicts, begun = {}, []
    for line in open(log, errors="replace"):
        if found := re.match(r"=== RUN\s+(\S+)", line):
            begun.append(found[1])
        elif found := re.match(r"\s*--- (PASS|FAIL|SKIP): (\S+)", line):
            verdicts[found[2]] = found[1]
    # Begun and never ended: it hung, or took the program with it.
    for name in begun + chosen:
        verdicts.setdefault(name, "FAIL")
    for name, verdict in verdicts.items():
        # A test with parts is its parts.
        if not any(other.startswith(name + "/") for other in verdicts):
            print(verdict, f"{package}/{name}", sep="\t")


if sys.argv[1] == "choose":
    print("\n".join(choose(open(sys.argv[2]).read().split())))
else:
    results(sys.argv[2], open(sys.argv[3]).read().split(), sys.argv[4])
