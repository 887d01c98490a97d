#!/usr/bin/env python3
"""A layer like Debian's, of any size: layer.py MEGABYTES FILE.

The sizes of files, and how many directories and links there are to a file, are those of a system that debootstrap made with nginx in it
(3,391 files of 87 MB). Content compresses to some half. The same numbers give the same bytes.
"""

import io
import random
import sys
import tarfile

# Sizes of files at every twentieth of their number, as measured, and at every tenth of the largest hundredth.
TWENTIETHS = [0, 68, 155, 250, 379, 543, 627, 711, 839, 1110, 1444, 1780, 2234, 2859, 4704, 11861, 18680, 20724, 43984, 88312, 404096]
LARGEST = [404096, 480000, 560000, 650000, 740000, 844736, 1100000, 1400000, 1750000, 2190440, 4734232]
DIRECTORIES, SYMLINKS, HARD_LINKS = 404 / 3391, 534 / 3391, 2 / 3391


def size(chance):
    place = chance.random()
    steps, at = (LARGEST, (place - 0.99) * 100) if place >= 0.99 else (TWENTIETHS, place / 0.99)
    low = min(int(at * (len(steps) - 1)), len(steps) - 2)
    # Between two of them on a logarithmic scale, as sizes of files are spread.
    return int((steps[low] + 1) * ((steps[low + 1] + 1) / (steps[low] + 1)) ** (at * (len(steps) - 1) - low)) - 1


def main():
    megabytes, out = int(sys.argv[1]), sys.argv[2]
    chance = random.Random(1)
    # Words that come again and again between bytes that do not.
    words = [bytes(chance.choices(range(97, 123), k=chance.randint(2, 9))) + b" " for _ in range(4000)]
    pool = b"".join(chance.choice(words) if chance.random() < 0.9 else chance.randbytes(8) for _ in range(1_500_000))
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as layer:

        def add(name, kind, mode, data=b"", link=""):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.size, info.linkname, info.mtime = kind, mode, len(data), link, 1_700_000_000
            layer.addfile(info, io.BytesIO(data))

        directories, files, total = ["usr"], ["usr/first"], 0
        add("usr", tarfile.DIRTYPE, 0o755)
        add("usr/first", tarfile.REGTYPE, 0o644, b"first")
        while total < megabytes * 1_000_000:
            where = chance.choice(directories)
            if chance.random() < DIRECTORIES and where.count("/") < 8:
                where = f"{where}/d{len(directories)}"
                directories.append(where)
                add(where, tarfile.DIRTYPE, 0o755)
            length = size(chance)
            start = chance.randrange(len(pool) - length)
            data = pool[start : start + length]
            name = f"{where}/file-{len(files)}"
            add(name, tarfile.REGTYPE, 0o755 if chance.random() < 0.1 else 0o644, data)
            files.append(name)
            total += length
            if chance.random() < SYMLINKS:
                add(f"{where}/link-{len(files)}", tarfile.SYMTYPE, 0o777, link=f"file-{len(files) - 1}")
            if chance.random() < HARD_LINKS:
                add(f"{where}/hard-{len(files)}", tarfile.LNKTYPE, 0o644, link=name)
    print(f"  a layer of {total // 1_000_000} MB: {len(files)} files in {len(directories)} directories")


main()
