"""Shows every entry of a tree, one a line: name, mode, owner, time, device, where it links to, what it is a hard link of, the digest of
its content, its attributes. tree.py TOP [no-directory-times]"""
import hashlib
import os
import stat
import sys

top = os.fsencode(sys.argv[1])
directory_times = "no-directory-times" not in sys.argv[2:]
inodes = {}
for directory, names, files in os.walk(top):
    names.sort()
    for name in sorted(names + files):
        path = os.path.join(directory, name)
        s = os.lstat(path)
        shown = os.path.relpath(path, top)
        kind = stat.S_IFMT(s.st_mode)
        link = os.readlink(path) if kind == stat.S_IFLNK else b""
        content, attributes = "", []
        if kind == stat.S_IFREG:
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        if kind in (stat.S_IFREG, stat.S_IFDIR):
            attributes = [
                (a, os.getxattr(path, a))
                for a in sorted(os.listxattr(path, follow_symlinks=False))
                if a.startswith(("user.", "security.cap"))
            ]
        first = inodes.setdefault(s.st_ino, shown) if kind == stat.S_IFREG else shown
        timed = kind != stat.S_IFDIR or directory_times
        print(shown, oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns if timed else "", s.st_rdev, link, first, content, attributes)
