"""Images that nobody should believe, and registries, given to a Drydock by every way that an archive comes in: load, import, pull from a registry, ADD of
a build, and cp into a container. tests/root/bad-images says where; see there.

After each, a directory beside is what it was (names, modes, owners, times, attributes, content), a refusal is one line that names what is
wrong and leaves nothing, and what is taken runs without touching the directory either.
"""

import bz2
import gzip
import hashlib
import http.server
import io
import json
import lzma
import os
import socket
import subprocess
import sys
import zlib
import tarfile
import threading
import time

PROGRAM, STATE, BUSYBOX = os.environ["PROGRAM"], os.environ["STATE"], os.environ["BUSYBOX"]
CANARY = f"{STATE}/canary"
UP = "../" * 12
FAILED = []


def check(holds, words):
    if not holds:
        FAILED.append(words)
        print(f"  WRONG: {words}", flush=True)


def run(*words, stdin=b""):
    """Runs Drydock and says its code, what it printed and its errors."""
    done = subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def picture():
    lines = []
    for path in [CANARY, *sorted(os.path.join(CANARY, name) for name in os.listdir(CANARY))]:
        s = os.lstat(path)
        content = open(path).read() if os.path.isfile(path) and not os.path.islink(path) else ""
        lines.append((path, s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, s.st_nlink, os.listxattr(path), content))
    return lines


# ---- archives


def entry(name, kind="file", link="", content=b"evil", mode=0o644, pax=None, device=(1, 3), **fields):
    return {"name": name, "kind": kind, "link": link, "content": content, "mode": mode, "pax": pax or {}, "device": device, **fields}


def link(name, to):
    return entry(name, "link", to)


KINDS = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "dir": tarfile.DIRTYPE, "char": tarfile.CHRTYPE, "fifo": tarfile.FIFOTYPE}


def archive(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape") as tar:
        for e in entries:
            info = tarfile.TarInfo(e["name"])
            info.type, info.linkname, info.mode, info.pax_headers = KINDS[e["kind"]], e["link"], e["mode"], dict(e["pax"])
            info.uid, info.mtime = e.get("uid", 0), e.get("mtime", 0)
            if e["kind"] == "char":
                info.devmajor, info.devminor = e["device"]
            if e["kind"] == "file":
                info.size = len(e["content"])
            tar.addfile(info, io.BytesIO(e["content"]) if e["kind"] == "file" else None)
    return out.getvalue()


def raw(name, kind=b"0", size=0, content=b"", **at):
    """A header written byte by byte: tarfile would not write what is wrong in it."""
    block = bytearray(512)
    for place, value in {0: name, 100: b"0000644\0", 108: b"0000000\0", 116: b"0000000\0", 124: b"%011o\0" % size, 136: b"00000000000\0", 156: kind, 257: b"ustar\x0000"}.items():
        block[place : place + len(value)] = value
    for place, value in at.items():
        place = int(place[1:])
        block[place : place + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + bytes(-len(content) % 512)


END = bytes(1024)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def configuration(layers, **config):
    return json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"], "Env": ["PATH=/bin"], **config}, "rootfs": {"type": "layers", "diff_ids": [digest(l) for l in layers]}}
    ).encode()


def docker_archive(layers, config=None, reference="bad:1"):
    config = configuration(layers) if config is None else config
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        add("config.json", config)
        names = [f"{n}/layer.tar" for n in range(len(layers))]
        for name, layer in zip(names, layers):
            add(name, layer)
        add("manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [reference], "Layers": names}]).encode())
    return out.getvalue()


OCI = "application/vnd.oci.image."


def descriptor(kind, data):
    return {"mediaType": OCI + kind, "digest": digest(data), "size": len(data)}


def layout(blobs, top):
    """An OCI image layout in a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": top}
        files |= {"blobs/" + digest(blob).replace(":", "/"): blob for blob in blobs}
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def index_of(*descriptors, **more):
    return json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": list(descriptors), **more}).encode()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Whoever is refused hangs up."""


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry with what is in `answers`: a path, and the kind and bytes of what is there."""

    answers = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        kind, data = self.answers.get(self.path, ("application/json", b"{}")) if self.path != "/v2/" else ("application/json", b"{}")
        self.send_response(200 if self.path == "/v2/" or self.path in self.answers else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            try:
                self.wfile.write(data)
            except OSError:
                pass

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


SERVER = Server(("127.0.0.1", 0), Registry)
threading.Thread(target=SERVER.serve_forever, daemon=True).start()
HOST = f"localhost:{SERVER.server_port}"


def offer(layers, config=None, compress=gzip.compress, kind="layer.v1.tar+gzip", manifest=None, size=None):
    """Puts an image into the registry and says its reference."""
    config = configuration(layers) if config is None else config
    blobs = [compress(l) for l in layers]
    manifest = manifest if manifest is not None else json.dumps(
        {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": descriptor("config.v1+json", config), "layers": [descriptor(kind, b) for b in blobs]}
    ).encode()
    Registry.answers = {f"/v2/bad/blobs/{digest(b)}": ("application/octet-stream", b) for b in [config, *blobs]}
    Registry.answers["/v2/bad/manifests/1"] = (OCI + "manifest.v1+json", manifest)
    return f"{HOST}/bad:1"


# ---- ways in


def by_load(layers):
    return run("load", stdin=docker_archive([open(BUSYBOX, "rb").read(), *map(archive, layers)])), "bad:1"


def by_import(layers):
    return run("import", "-", "bad:1", stdin=archive([e for l in layers for e in l])), None


def by_pull(layers):
    reference = offer([open(BUSYBOX, "rb").read(), *map(archive, layers)])
    return run("pull", reference), reference


def by_build(layers):
    files = {"Dockerfile": b"FROM busybox\n" + b"".join(b"ADD %d.tar /\n" % n for n in range(len(layers)))}
    files |= {f"{n}.tar": archive(l) for n, l in enumerate(layers)}
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return run("build", "-q", "-t", "bad:1", "-", stdin=context.getvalue()), "bad:1"


def by_copy(layers):
    got = (0, "", "")
    for layer in layers:
        got = run("cp", "-", "box:/", stdin=archive(layer))
        if got[0]:
            break
    return got, None


WAYS = {"load": by_load, "import": by_import, "pull": by_pull, "build": by_build, "copy": by_copy}


def calm(said, got, name=None):
    """It neither hung nor panicked, and a refusal is one line."""
    code, _, err = got
    check(code in (0, 1), f"{said}: it ends with {code}: {err[-300:]}")
    check("panicked" not in err, f"{said}: {err[-300:]}")
    if code:
        lines = [l for l in err.splitlines() if l.strip()]
        check(lines, f"{said}: refused without a word")
        if name:
            check(name in err, f"{said}: the entry {name!r} is not named: {err.strip()[-300:]}")


def images():
    return run("images", "-aq", "--no-trunc")[1]


# ---- S20, S21, S24, and B03: what archives say

S = link("s", CANARY)
# What each is about: its layers, and the part of a name that a refusal has to have.
HOSTILE = {
    "absolute": ([[entry(f"{CANARY}/new")]], "new"),
    "absolute, twice the slash": ([[entry(f"/{CANARY}/new")]], "new"),
    "dots": ([[entry(f"{UP}{CANARY}/victim")]], "victim"),
    "dots behind a name": ([[entry(f"a/../{UP}{CANARY}/new")]], "new"),
    "dots that stay inside": ([[entry("a/../b")]], "b"),
    "a dot and dots": ([[entry("./../x")]], "x"),
    "dots at the end": ([[entry("a/..", "dir")]], "a/.."),
    "a link and a file behind it": ([[S, entry("s/new")]], "s/new"),
    "a link and a file over what it leads to": ([[S, entry("s/victim")]], "s/victim"),
    "a link as a leaf, then a file": ([[link("s", f"{CANARY}/victim"), entry("s")]], "s"),
    "a link with dots": ([[link("s", UP + CANARY), entry("s/new")]], "s/new"),
    "links one behind the other": ([[link("a", "b"), link("b", CANARY), entry("a/new")]], "a/new"),
    "a link as a parent's parent": ([[entry("d", "dir"), link("d/e", CANARY), entry("d/e/f/new")]], "new"),
    "a link to the root, and dots": ([[link("s", "/"), entry(f"s/{UP}{CANARY}/new")]], "new"),
    "a link to itself": ([[link("s", "s"), entry("s/new")]], "s/new"),
    "a link to here, and dots": ([[link("s", "."), entry(f"s/../{UP}{CANARY}/victim")]], "victim"),
    "a magic link to the root": ([[link("s", "/proc/self/root"), entry(f"s{CANARY}/new")]], "new"),
    "a magic link to a descriptor": ([[link("s", "/proc/self/fd/3"), entry("s/new")]], "new"),
    "a magic link to the directory": ([[link("s", "/proc/self/cwd"), entry("s/new")]], "new"),
    "a hard link, absolute": ([[entry("h", "hard", f"{CANARY}/victim"), entry("h")]], "h"),
    "a hard link with dots": ([[entry("h", "hard", f"{UP}{CANARY}/victim"), entry("h")]], "h"),
    "a hard link behind a link": ([[S, entry("h", "hard", "s/victim"), entry("h")]], "h"),
    "a hard link to a link": ([[link("s", f"{CANARY}/victim"), entry("h", "hard", "s"), entry("h")]], "h"),
    "a hard link to a directory": ([[entry("d", "dir"), entry("h", "hard", "d")]], "h"),
    "a directory over a link": ([[S, entry("s", "dir", mode=0o777)]], "s"),
    "a directory over a link to a file": ([[link("s", f"{CANARY}/victim"), entry("s", "dir", mode=0o777)]], "s"),
    "a directory behind a link": ([[S, entry("s/new", "dir")]], "s/new"),
    "a link behind a link": ([[S, link("s/new", "x")]], "s/new"),
    "a device behind a link": ([[S, entry("s/new", "char")]], "s/new"),
    "a pipe behind a link": ([[S, entry("s/new", "fifo")]], "s/new"),
    "an attribute through a link": ([[link("s", f"{CANARY}/victim"), entry("s", pax={"SCHILY.xattr.user.evil": "1"})]], "s"),
    "a whiteout behind a link": ([[S, entry("s/.wh.victim", content=b"")]], ".wh.victim"),
    "an opaque whiteout behind a link": ([[S, entry("s/.wh..wh..opq", content=b"")]], ".wh..wh..opq"),
    "in the next layer: a file": ([[S], [entry("s/new")]], "s/new"),
    "in the next layer: a directory": ([[S], [entry("s", "dir", mode=0o777)]], "s"),
    "in the next layer: a hard link": ([[S], [entry("h", "hard", "s/victim"), entry("h")]], "h"),
    "in the next layer: a whiteout": ([[S], [entry("s/.wh.victim", content=b"")]], ".wh.victim"),
    "a name of 4096 bytes": ([[entry("n/" * 2048)]], "n/n"),
    "a part of 256 bytes": ([[entry("n" * 256)]], "n" * 200),
    "300 deep": ([[entry("d/" * 300 + "f")]], "d/d"),
    "not UTF-8": ([[entry("caf\udce9")]], "caf"),
    "a NUL in a name": ([[entry("a", pax={"path": "a\0b"})]], "a"),
}
MUST_REFUSE = {
    "dots", "dots behind a name", "a dot and dots", "a hard link with dots", "a hard link to a directory", "a link to itself", "a link to here, and dots",
    "a name of 4096 bytes", "a part of 256 bytes", "a NUL in a name",
}
MUST_TAKE = {"300 deep", "not UTF-8", "a link as a leaf, then a file", "a directory over a link"}


def ways_out():
    before, taken, refused = picture(), 0, 0
    for said, (layers, name) in HOSTILE.items():
        for way, go in WAYS.items():
            had = images()
            got, reference = go(layers)
            calm(f"{said}, by {way}", got, name)
            check(picture() == before, f"{said}, by {way}: the directory beside is another: {set(map(str, picture())) ^ set(map(str, before))}")
            if got[0]:
                refused += 1
                check(said not in MUST_TAKE or way == "copy", f"{said}, by {way}: refused: {got[2].strip()}")
                check(images() == had, f"{said}, by {way}: an image is left of what was refused")
            else:
                taken += 1
                check(said not in MUST_REFUSE or way == "copy", f"{said}, by {way}: taken")
                if reference:
                    ran = run("run", "--rm", "--network", "none", reference, "sh", "-c", "ls -lR /s /h /a >/dev/null 2>&1; echo x >/s/new; echo x >/h; chmod 777 /s; true")
                    check(picture() == before, f"{said}, by {way}: run, it changed the directory beside: {ran}")
            if not got[0] and way != "copy":
                run("rmi", "-f", reference or "bad:1")
            if way == "copy":
                run("rm", "-f", "box")
                run("create", "--name", "box", "--network", "none", "busybox", "true")
    print(f"  {len(HOSTILE)} hostile archives by {len(WAYS)} ways: {refused} refused, {taken} taken, and the directory beside is what it was")


def refused(said, got, *names):
    calm(said, got)
    check(got[0] == 1, f"{said}: taken")
    for name in names:
        check(name in got[2], f"{said}: {name!r} is not in the message: {got[2].strip()[-300:]}")


def taken(said, got):
    calm(said, got)
    check(got[0] == 0, f"{said}: refused: {got[2].strip()[-300:]}")


def inside(reference, script):
    """What a script prints in the image just loaded, which is removed."""
    got = run("run", "--rm", "--network", "none", reference, "sh", "-c", script)
    run("rmi", "-f", reference)
    return got[1].strip()


def whiteouts():
    busybox = open(BUSYBOX, "rb").read()
    for name in (".wh...", ".wh..", ".wh.", "d/.wh..", ".wh.d/x"):
        layer = archive([entry(name, content=b"")])
        refused(f"the whiteout {name}", run("load", stdin=docker_archive([busybox, layer])), name, digest(layer)[7:19])
    layer = archive([entry("gone", "char", device=(0, 0))])
    refused("a whiteout of overlayfs's own", run("load", stdin=docker_archive([busybox, layer])), "gone", digest(layer)[7:19])
    # In the layer that has the file itself: what is above comes from this layer, and stays.
    layer = archive([entry("own"), entry(".wh.own", content=b"")])
    taken("a whiteout of the same layer", run("load", stdin=docker_archive([busybox, layer])))
    check(inside("bad:1", "cat /own") in ("evil", ""), "a whiteout of the same layer: neither there nor gone")
    print("  whiteouts of what must not be taken away, and devices that are one: refused with their layer and name")


def attributes():
    names = {
        "trusted.overlay.redirect": "/etc", "trusted.overlay.opaque": "y", "trusted.overlay.metacopy": "", "trusted.other": "x", "user.overlay.opaque": "y",
        "security.selinux": "x", "security.ima": "x", "security.evm": "x", "user.kept": "yes",
    }
    layer = archive([entry("x", "dir", mode=0o755, pax={f"SCHILY.xattr.{n}": v for n, v in names.items()}), entry("y", pax={"SCHILY.xattr.user.kept": "yes"})])
    taken("attributes", run("load", stdin=docker_archive([open(BUSYBOX, "rb").read(), layer])))
    chain = json.loads(run("inspect", "bad:1")[1])[0]["RootFS"]["Layers"]
    places = [os.path.join(at, "x") for at, directories, _ in os.walk(f"{os.environ['DRYDOCK_DATA_ROOT']}/layers") if "x" in directories]
    check(len(places) == 1, f"attributes: the directory is at {places}, of {chain}")
    for place in places:
        check(os.listxattr(place) == ["user.kept"], f"attributes: {os.listxattr(place)} are set")
    check(inside("bad:1", "ls -A /x") == "", "attributes: another directory is seen in its place")
    print("  attributes that steer the kernel are dropped, the user's kept")


# ---- S26: bombs


SPAWNER = """
import json, os, resource, subprocess, sys
for line in sys.stdin:
    words, stdin = json.loads(line)
    with open(stdin, "rb") as data:
        child = subprocess.Popen(words, stdin=data, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        err = child.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([child.returncode, err, usage.ru_maxrss]), flush=True)
"""
# A process's peak counts what its parent held when it was forked: a small parent, then.
MEASURED = subprocess.Popen([sys.executable, "-c", SPAWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def measured(*words, stdin=b""):
    """Runs Drydock as `run` does; and how much memory it had at its peak, in KiB."""
    with open(f"{STATE}/stdin", "wb") as f:
        f.write(stdin)
    MEASURED.stdin.write(json.dumps([[PROGRAM, *words], f"{STATE}/stdin"]) + "\n")
    MEASURED.stdin.flush()
    code, err, peak = json.loads(MEASURED.stdout.readline())
    return (code, "", err), peak


def used():
    return sum(os.lstat(os.path.join(at, f)).st_blocks for at, _, files in os.walk(os.environ["DRYDOCK_DATA_ROOT"]) for f in files) * 512


def zeros(size):
    """An archive of one file of zeros, compressed in pieces."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as z:
        z.write(raw(b"zeros", size=size))
        for _ in range(size >> 20):
            z.write(bytes(1 << 20))
        z.write(END)
    return out.getvalue()


LAYERS = int(os.environ.get("LAYERS", "200000"))
LABEL = int(os.environ.get("LABEL", "64"))


def packed(compressor):
    """An archive of one file of 300 MiB of zeros, compressed in pieces."""
    pieces = [raw(b"zeros", size=300 << 20), *[bytes(1 << 20)] * 300, END]
    return b"".join([compressor.compress(piece) for piece in pieces] + [compressor.flush()])


def greedy_xz():
    """A stream of xz whose one block asks for the largest dictionary there is."""
    packed = bytearray(lzma.compress(b"x" * 2000, format=lzma.FORMAT_XZ, preset=0))
    # After the stream's header of 12 bytes: the size of the block's header, flags, the filter's id 0x21, the size of its properties, these.
    assert packed[14:16] == b"\x21\x01"
    packed[16] = 40
    end = 12 + (packed[12] + 1) * 4
    packed[end - 4:end] = zlib.crc32(bytes(packed[12:end - 4])).to_bytes(4, "little")
    return bytes(packed)


def bombs():
    small = archive([entry("f")])
    got, ordinary = measured("import", "-", "bad:1", stdin=gzip.compress(small))
    taken("an ordinary image", got)
    run("rmi", "bad:1")
    room, had = used(), images()
    bomb = zeros(1 << 30)
    tries = {
        "1 GiB of zeros": lambda: measured("import", "-", "bad:1", stdin=bomb),
        "1 GiB of zeros in a registry": lambda: measured("pull", offer([small], compress=lambda _: bomb)),
        "gzip in gzip": lambda: measured("import", "-", "bad:1", stdin=gzip.compress(gzip.compress(small))),
        # A frame that wants a window of 2 GiB (RFC 8878 section 3.1.1.1.2): the exponent is 21 over 2^10.
        "zstd with a window of 2 GiB": lambda: measured("import", "-", "bad:1", stdin=b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\x00\x00" + small),
        "a size of 2^62 and nothing": lambda: measured("import", "-", "bad:1", stdin=raw(b"f", n124=b"\x80\0\0\0\x40" + bytes(7)) + END),
        "10 000 layers": lambda: measured("load", stdin=docker_archive([small], configuration([small] * 10_000))),
        f"{LAYERS} layers": lambda: measured("pull", offer([small], configuration([]), manifest=json.dumps({"schemaVersion": 2, "config": descriptor("config.v1+json", b"{}"), "layers": [descriptor("layer.v1.tar", small)] * LAYERS}).encode())),
        f"{LAYERS} layers in an archive": lambda: measured("load", stdin=docker_archive([small], json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(small)] * LAYERS}}).encode())),
        f"a label of {LABEL} MiB": lambda: measured("load", stdin=docker_archive([small], configuration([small], Labels={"x": "y" * (LABEL << 20)}))),
        "xz that becomes 300 MiB": lambda: measured("import", "-", "bad:1", stdin=packed(lzma.LZMACompressor(preset=0))),
        "bzip2 that becomes 300 MiB": lambda: measured("import", "-", "bad:1", stdin=packed(bz2.BZ2Compressor())),
        # A dictionary of 4 GiB less one byte: the properties of LZMA2 are 40 (the .xz file format, section 5.3.1).
        "xz with a dictionary of 4 GiB": lambda: measured("import", "-", "bad:1", stdin=greedy_xz()),
        "a manifest of 64 MiB": lambda: measured("pull", offer([small], manifest=b" " * (64 << 20) + b"{}")),
        "a label of 64 MiB in a registry": lambda: measured("pull", offer([small], configuration([small], Labels={"x": "y" * (64 << 20)}))),
        "200 000 rows of history": lambda: measured("load", stdin=docker_archive([small], json.dumps(json.loads(configuration([small])) | {"history": [{"created_by": "x" * 30, "empty_layer": True}] * 200_000}).encode())),
    }
    worst = 0
    for said, go in tries.items():
        if os.environ.get("TIMES"):
            print(f"    {said}", flush=True)
        got, peak = go()
        refused(said, got)
        check(peak - ordinary < 64 << 10, f"{said}: {(peak - ordinary) >> 10} MiB more memory than an ordinary image")
        worst = max(worst, (peak - ordinary) >> 10)
        check(images() == had, f"{said}: an image is left")
        check(used() - room < 4 << 20, f"{said}: {(used() - room) >> 20} MiB are left on the disk")
    print(f"  {len(tries)} bombs: refused with at most {worst} MiB of memory more than an ordinary image, and nothing of them left on the disk")


def many():
    count = int(os.environ.get("ENTRIES", "20000"))
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as z:
        for n in range(count):
            z.write(raw(b"d%d/f%d" % (n // 1000, n)))
        z.write(END)
    got, peak = measured("import", "-", "many:1", stdin=out.getvalue())
    taken(f"{count} entries", got)
    check(peak < 128 << 10, f"{count} entries: {peak >> 10} MiB of memory")
    found = sum(len(files) for at, _, files in os.walk(f"{os.environ['DRYDOCK_DATA_ROOT']}/layers") if "/d" in at)
    check(found >= count, f"{count} entries: {found} files")
    run("rmi", "many:1")
    print(f"  {count} entries with {peak >> 10} MiB of memory")


# ---- B03: what the format can say


def formats():
    busybox = open(BUSYBOX, "rb").read()
    whole = archive([entry("one", content=b"1"), entry("two", content=b"x" * 700), entry("d", "dir"), link("l", "one")])
    before = images()
    # Cut at each block but those of the end.
    for at in range(512, len(whole.rstrip(b"\0")) // 512 * 512 + 1, 512):
        got = run("import", "-", "cut:1", stdin=whole[:at])
        calm(f"cut at {at}", got)
        if got[0] == 0:
            # Between two entries: what is there is whole.
            run("rmi", "cut:1")
        check(images() == before, f"cut at {at}: an image is left")
    for at in (700, 1100, 1700):
        refused(f"cut at {at}", run("import", "-", "cut:1", stdin=whole[:at]))
    packed = gzip.compress(whole)
    refused("gzip, cut", run("import", "-", "cut:1", stdin=packed[:-9]))
    refused("gzip with a wrong sum", run("import", "-", "cut:1", stdin=packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]))

    def same(said, data):
        taken(said, run("import", "-", "same:1", stdin=data))
        got = json.loads(run("inspect", "same:1")[1])[0]["RootFS"]["Layers"] if run("inspect", "same:1")[0] == 0 else None
        run("rmi", "same:1")
        return got

    plain = same("plain", whole)
    check(same("gzip", packed) == plain, "gzip: another layer")
    check(same("two members", gzip.compress(whole[:1000]) + gzip.compress(whole[1000:])) == plain, "gzip in two members: another layer")
    frames = subprocess.run(["zstd", "-q", "-c"], input=whole, capture_output=True, check=True).stdout
    check(same("zstd", frames) == plain, "zstd: another layer")
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"
    check(same("zstd with a frame to skip", skipped + frames + skipped) == plain, "zstd with frames to skip: another layer")
    halves = [subprocess.run(["zstd", "-q", "-c"], input=part, capture_output=True, check=True).stdout for part in (whole[:1000], whole[1000:])]
    check(same("zstd in two frames", b"".join(halves)) == plain, "zstd in two frames: another layer")
    # Zeros after the stream are padding to gzip; junk is not.
    got = run("import", "-", "same:1", stdin=packed + bytes(512))
    calm("gzip with zeros after it", got)
    if got[0] == 0:
        run("rmi", "same:1")
    refused("gzip with junk after it", run("import", "-", "same:1", stdin=packed + b"junk"))
    # What comes behind the end of an archive is nobody's entry.
    for said, data in {"two archives": whole + archive([entry("second")]), "junk after the end": whole + b"junk" * 300}.items():
        got = run("load", stdin=docker_archive([busybox, data]))
        calm(said, got)
        if got[0] == 0:
            check(inside("bad:1", "ls /second 2>/dev/null; cat /one") == "1", f"{said}: what is behind the end is there")
    # By kind and by magic.
    for kind, compress in {"layer.v1.tar+gzip": lambda l: frames, "layer.v1.tar+zstd": gzip.compress, "layer.v1.tar": gzip.compress, "layer.v1.tar+xz": lambda l: l}.items():
        got = run("pull", offer([whole], compress=compress, kind=kind))
        calm(f"a layer that is no {kind}", got)
        if got[0] == 0:
            # It is read as what it is, and has the digest that the configuration says.
            check(json.loads(run("inspect", f"{HOST}/bad:1")[1])[0]["RootFS"]["Layers"] == plain, f"a layer that is no {kind}: another layer")
            run("rmi", f"{HOST}/bad:1")
    refusals = {
        "a wrong sum": (bytearray(archive([entry("summed")])), "summed"),
        "an owner of 2^40": (raw(b"owned", n108=b"\x80" + (1 << 40).to_bytes(7, "big")) + END, "owned"),
        "an owner below zero": (raw(b"owned", n108=b"\xff" * 8) + END, "owned"),
        "a size below zero": (raw(b"sized", n124=b"\xff" * 12) + END, "sized"),
        "a size of 2^63": (raw(b"sized", n124=b"\x80\0\0\0\x80" + bytes(7)) + END, "sized"),
        "a socket": (raw(b"socket", kind=b"s") + END, "socket"),
        "a file with a directory's name": (raw(b"d/", size=4, content=b"evil") + END, "d"),
    }
    refusals["a wrong sum"][0][148] ^= 1
    for said, (data, name) in refusals.items():
        # What comes first tells that it is an archive at all.
        refused(said, run("import", "-", "refused:1", stdin=raw(b"first") + bytes(data)), name)
    for said, value in {"10^18": "1000000000000000000", "-10^18": "-1000000000000000000", "10^30": "1" + "0" * 30, "no number": "noon"}.items():
        got = run("import", "-", "timed:1", stdin=archive([entry("timed", pax={"mtime": value})]))
        calm(f"a time of {said}", got)
        if got[0] == 0:
            run("rmi", "timed:1")
        else:
            check("timed" in got[2] or "PaxHeader" in got[2], f"a time of {said}: the entry is not named: {got[2]}")
    # The same name twice: the later one, as tar unpacks it.
    got = run("load", stdin=docker_archive([busybox, archive([entry("twice", content=b"1"), entry("twice", content=b"2")])]))
    calm("twice", got)
    if got[0] == 0:
        check(inside("bad:1", "cat /twice") == "2", "twice: not the later one")
    check(images() == before, "an image is left")
    print("  what the formats can say is refused with its name, or means something defined")


# ---- S27, B04: documents


def documents():
    small = archive([entry("f")])
    config = configuration([small])
    had = images()
    manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": descriptor("config.v1+json", config), "layers": [descriptor("layer.v1.tar", small)]}

    def of(**changes):
        return json.dumps({k: v for k, v in (manifest | changes).items() if v != "-"}).encode()

    def loaded(document, kind="manifest.v1+json", more=()):
        return run("load", stdin=layout([config, small, document, *more], index_of(descriptor(kind, document))))

    bad = {
        "an index too": of(manifests=[]),
        "of the index's kind": of(mediaType=OCI + "index.v1+json"),
        "a configuration of another kind": of(config=descriptor("layer.v1.tar", config)),
        "layers of another kind": of(layers=[descriptor("config.v1+json", small)]),
        "no layers": of(layers="-"),
        "no configuration": of(config="-"),
        "null": of(config=None),
        "layers that are null": of(layers=None),
        "another schema": of(schemaVersion=1),
        "no schema": of(schemaVersion="-"),
        "a size below zero": of(layers=[descriptor("layer.v1.tar", small) | {"size": -1}]),
        "a size with a fraction": of(layers=[descriptor("layer.v1.tar", small) | {"size": 1536.5}]),
        "a size as text": of(layers=[descriptor("layer.v1.tar", small) | {"size": "2048"}]),
        "another size": of(layers=[descriptor("layer.v1.tar", small) | {"size": len(small) + 1}]),
        "10 000 layers": of(layers=[descriptor("layer.v1.tar", small)] * 10_000),
        "a key twice": of()[:-1] + b',"layers":[]}',
        "something after it": of() + b"{}",
        "10 000 deep": of()[:-1] + b',"annotations":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "text": b'"manifest"',
        "nothing": b"",
    }
    for said, document in bad.items():
        refused(f"a manifest with {said}, by load", loaded(document))
        refused(f"a manifest with {said}, by pull", run("pull", offer([small], config, compress=bytes, manifest=document)))
        check(images() == had, f"a manifest with {said}: an image is left")
    taken("a manifest without a kind", loaded(of(mediaType="-")))
    run("rmi", digest(config))
    # Indexes of indexes, and one that names itself (which no digest allows).
    top, blobs = of(), [of()]
    kind = "manifest.v1+json"
    for _ in range(100):
        top, kind = index_of(descriptor(kind, top)), "index.v1+json"
        blobs.append(top)
    refused("indexes 100 deep", run("load", stdin=layout([config, small, *blobs], index_of(descriptor(kind, top)))))
    itself = index_of({"mediaType": OCI + "index.v1+json", "digest": "sha256:" + "0" * 64, "size": 200})
    refused("an index that names what is not there", loaded(itself, "index.v1+json"))

    configs = {
        "no layers": {"rootfs": {"type": "layers", "diff_ids": []}},
        "null layers": {"rootfs": None},
        "a digest that is a path": {"rootfs": {"type": "layers", "diff_ids": ["sha256:../../../etc/passwd"]}},
        "text for its settings": {"config": "text"},
        "text for its environment": {"config": {"Env": "A=1"}},
        "a number for its command": {"config": {"Cmd": [1]}},
    }
    for said, change in configs.items():
        refused(f"a configuration with {said}", run("load", stdin=docker_archive([small], json.dumps(json.loads(config) | change).encode())))
        check(images() == had, f"a configuration with {said}: an image is left")
    # What is odd and harms nobody is taken, listed and taken away.
    for said, change in {"a date of 0000": {"created": "0000"}, "an unknown system": {"os": "plan9", "architecture": "pdp11"}, "unicode": {"author": "שלום \u202e ☃"}}.items():
        got = run("load", stdin=docker_archive([small], json.dumps(json.loads(config) | change).encode()))
        calm(f"a configuration with {said}", got)
        for words in (["images"], ["inspect", "bad:1"], ["history", "bad:1"]):
            calm(f"a configuration with {said}: {words}", run(*words))
        if got[0] == 0:
            run("rmi", "-f", "bad:1")
        check(images() == had, f"a configuration with {said}: an image is left")
    print(f"  {len(bad)} manifests by load and pull, indexes without end and {len(configs)} configurations: refused, and nothing is left")


# ---- B15: replies of a registry


class Raw(threading.Thread):
    """A server that answers a manifest's request with any bytes, and everything else as `Registry` has it."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer, self.asked = answer, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.reference = f"localhost:{self.server.getsockname()[1]}/bad:1"
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    more = connection.recv(4096)
                    # Whoever tries TLS first sends a record of a handshake (RFC 8446 section 5.1), and is to try without.
                    if not more or head + more[:1] == b"\x16":
                        return
                    head += more
                path = head.split()[1].decode()
                if "/manifests/" in path:
                    self.asked += 1
                    for part in self.answer:
                        connection.sendall(part)
                else:
                    data = Registry.answers.get(path, ("", b"{}"))[1]
                    found = path == "/v2/" or path in Registry.answers
                    status = b"200 OK" if found else b"404 Not Found"
                    connection.sendall(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(data)) + data)
            except OSError:
                pass


def replies():
    small = archive([entry("f")])
    offer([small], compress=bytes, kind="layer.v1.tar")
    document = Registry.answers["/v2/bad/manifests/1"][1]
    had = images()
    kind = b"Content-Type: " + OCI.encode() + b"manifest.v1+json\r\n"
    ok = b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + kind
    sized = b"Content-Length: %d\r\n" % len(document)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (document[:50], document[50:]))
    takes = {
        "as it should be": [ok, sized, b"\r\n", document],
        "without a length": [ok, b"\r\n", document],
        "in chunks": [ok, b"Transfer-Encoding: chunked\r\n\r\n", chunks, b"0\r\n\r\n"],
        "in chunks with trailers": [ok, b"Transfer-Encoding: chunked\r\nTrailer: X-After\r\n\r\n", chunks, b"0\r\nX-After: a\r\nContent-Length: 1\r\n\r\n"],
    }
    refuses = {
        "chunks without an end": [ok, b"Transfer-Encoding: chunked\r\n\r\n", chunks[:60]],
        "a chunk of no size": [ok, b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", document],
        "a chunk of 2^64": [ok, b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", document],
        "a length that is longer": [ok, b"Content-Length: %d\r\n\r\n" % (len(document) + 9), document],
        "a length that is shorter": [ok, b"Content-Length: %d\r\n\r\n" % (len(document) - 9), document],
        "a length of 2^70": [ok, b"Content-Length: %d\r\n\r\n" % (1 << 70), document],
        "a length below zero": [ok, b"Content-Length: -1\r\n\r\n", document],
        "gzip that nobody asked for": [ok, b"Content-Encoding: gzip\r\n\r\n", gzip.compress(document)],
        "a page of HTML": [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n<html><h1>Welcome</h1></html>"],
        "an error of 10 MB": [b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n", b'{"errors":[{"message":"', *[b"x" * (1 << 20)] * 10, b'"}]}'],
        "100 000 headers": [ok, *[b"X-%d: y\r\n" % n for n in range(100_000)], b"\r\n", document],
        "a header of 4 MB": [ok, b"X: ", *[b"y" * (1 << 20)] * 4, b"\r\n\r\n", document],
        "100 000 times 100": [*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 100_000],
        "no HTTP": [b"SSH-2.0-OpenSSH_9.2\r\n"],
        "nothing": [],
        "no content": [b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"],
        "not modified": [b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"],
        "a redirect to nowhere": [b"HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"],
        "a redirect to itself": [b"HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nLocation: /v2/bad/manifests/1\r\nContent-Length: 0\r\n\r\n"],
        "a challenge of 60 KB": [b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nWWW-Authenticate: Bearer ", b'realm="x",' * 6000, b"\r\nContent-Length: 0\r\n\r\n"],
    }
    ordinary = worst = 0
    for said, answer in (takes | refuses).items():
        server = Raw(answer)
        began = time.monotonic()
        got, peak = measured("pull", server.reference)
        took = time.monotonic() - began
        server.server.close()
        if said in takes:
            taken(f"a manifest {said}", got)
            ordinary = max(ordinary, peak)
            run("rmi", server.reference)
        else:
            refused(f"a manifest with {said}", got)
            worst = max(worst, (peak - ordinary) >> 10)
        check(peak - ordinary < 32 << 10, f"{said}: {(peak - ordinary) >> 10} MiB more memory than an ordinary answer")
        check(took < 60 and server.asked <= 30, f"{said}: {took:.0f} s and {server.asked} requests")
        if os.environ.get("TIMES"):
            print(f"    {took:6.1f} s, {server.asked} requests: {said}: {got[2].strip()[:150]}")
        check(images() == had, f"{said}: an image is left")
    print(f"  {len(takes) + len(refuses)} replies of a registry: bounded in time, in requests, and in memory ({worst} MiB)")


# ---- S30: a configuration taken as orders


def orders():
    busybox = open(BUSYBOX, "rb").read()
    had, before = images(), picture()
    # What cannot mean anything is refused when it comes, not when it is to run.
    senseless = {
        "Env": [["=x"], ["A\0=1"]],
        "ExposedPorts": [{"80/tcp": "x"}, ["80/tcp"], "80"],
        "StopSignal": ["SIGNOPE", "99999"],
        "Healthcheck": [{"Test": ["CMD", "true"], "Interval": -1}, {"Test": ["CMD", "true"], "Retries": -1}, {"Test": ["NOPE"]}],
        "WorkingDir": ["a\0b"],
        "User": ["a\nb", "a\0b"],
    }
    count = 0
    for field, values in senseless.items():
        for value in values:
            count += 1
            refused(f"{field} {value!r}", run("load", stdin=docker_archive([busybox], configuration([busybox], **{field: value}))))
            check(images() == had, f"{field} {value!r}: an image is left")
    # What is only odd: no effect on the host, and only what is written with a value is a variable.
    os.environ["SECRET_OF_THE_HOST"] = "hidden"
    prefixes = ["drydock.", "com.docker.", "io.podman.annotations.", "io.containers.", "io.containerd.", "org.opencontainers.", "io.kubernetes.cri-o.", "run.oci.", "io.buildah.", "desktop.docker.io/"]
    odd = {
        "Env": [["SECRET_OF_THE_HOST"], ["*"], ["SECRET*"], ["SECRET_OF_THE_HOST", "A=1"]],
        "Labels": [{prefix + name: f"touch {CANARY}/new" for prefix in prefixes for name in ("hook", "privileged", "command", "Devices", "mounts", "run")}],
        "Volumes": [{"/../../x": {}}, {"relative": {}}, {"/a/../../x": {}}, {"/proc": {}}, {"/proc/self": {}}, {"/sys": {}}, {"/dev": {}}, {"/": {}}],
        "ExposedPorts": [{"${PORT}/tcp": {}, "0/x": {}, "65536/tcp": {}, "words": {}, "": None, "1-65535/tcp": {}}],
        "User": ["ghost", "0:ghost", "-1", "4294967296"],
    }
    for field, values in odd.items():
        for value in values:
            count += 1
            got = run("load", stdin=docker_archive([busybox], configuration([busybox], **{field: value})))
            calm(f"{field} {value!r}", got)
            if got[0] == 0:
                code, out, err = run("run", "--rm", "--network", "none", "bad:1", "sh", "-c", "env; grep CapEff /proc/self/status")
                check("hidden" not in out, f"{field} {value!r}: a variable of the host is inside: {out}")
                check("panicked" not in err, f"{field} {value!r}: {err}")
                check(code != 0 or "00000000a80425fb" in out, f"{field} {value!r}: other capabilities: {out}")
                run("rmi", "-f", "bad:1")
            check(images() == had, f"{field} {value!r}: an image is left")
            check(picture() == before, f"{field} {value!r}: the directory beside is another")
            check(run("volume", "ls", "-q")[1] == "", f"{field} {value!r}: a volume is left")
    print(f"  {count} configurations: what makes no sense is refused when it comes, and nothing is an order")


os.mkdir(CANARY)
for name in ("victim", "kept"):
    with open(f"{CANARY}/{name}", "w") as f:
        f.write(f"the host's {name}")
    os.chmod(f"{CANARY}/{name}", 0o600)
run("create", "--name", "box", "--network", "none", "busybox", "true")
PARTS = {"ways": ways_out, "whiteouts": whiteouts, "attributes": attributes, "bombs": bombs, "many": many, "formats": formats, "documents": documents, "replies": replies, "orders": orders}
for part in sys.argv[1:] or PARTS:
    PARTS[part]()
run("rm", "-f", "box")
sys.exit(1 if FAILED else 0)
