#!/usr/bin/env python3
"""usage: archives.py make DIR | list

Hostile archives for archives.sh: each is an OCI image layout with a release's config whose app
layer, or whose outer tar, is wrong in one way. BUILD.tar is a good build made by isorun."""
import gzip, hashlib, io, json, os, sys, tarfile

LINK, HARD, DIR, FILE = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.REGTYPE
OUTSIDE = os.environ.get("CANARY", "/tmp/isorun-canary")


def entry(name, kind=FILE, data=b"", link="", mode=0o644, **more):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def tar(entries, format=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def raw(name, kind=b"0", size=b"00000000000", data=b"", link=b""):
    """One header by hand, with a right checksum, for what no library writes."""
    head = bytearray(512)
    head[0:len(name)] = name
    head[100:108] = b"0000644\0"
    head[108:116] = head[116:124] = b"0000000\0"
    head[124:124 + len(size)] = size
    head[136:148] = b"00000000000\0"
    head[156:157] = kind
    head[157:157 + len(link)] = link
    head[257:265] = b"ustar\x0000"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + data + b"\0" * (-len(data) % 512)


END = b"\0" * 1024
EVIL = b"evil\n"

# name: (layer, what the one line must hold). Everything outside stays as it is.
LAYERS = {
    "dotdot": (tar([entry("../evil", data=EVIL)]), '".." is not allowed'),
    "dotdot-inside": (tar([entry("a/../../evil", data=EVIL)]), '".." is not allowed'),
    "raw-absolute": (raw(b"/evil") + END, "absolute path"),
    "through-symlink": (tar([entry("app/l", LINK, link=OUTSIDE), entry("app/l/evil", data=EVIL)]),
                        "not a directory"),
    "through-relative": (tar([entry("app/l", LINK, link="../../../../.." + OUTSIDE),
                              entry("app/l/evil", data=EVIL)]), "not a directory"),
    "through-chain": (tar([entry("app/a", LINK, link="b"), entry("app/b", LINK, link=OUTSIDE),
                           entry("app/a/evil", data=EVIL)]), "not a directory"),
    "through-fd": (tar([entry("app/l", LINK, link="/proc/self/fd"), entry("app/l/4", data=EVIL)]),
                   "not a directory"),
    "hardlink-outside": (tar([entry("app/h", HARD, link=OUTSIDE + "/dir/file")]), "absolute path"),
    "hardlink-up": (tar([entry("app/h", HARD, link="../.." + OUTSIDE + "/dir/file")]),
                    '".." is not allowed'),
    "hardlink-symlink": (tar([entry("app/s", LINK, link=OUTSIDE + "/dir/file"),
                              entry("app/h", HARD, link="app/s")]), "not a file in the archive"),
    "hardlink-then-write": (tar([entry("app/s", LINK, link=OUTSIDE), entry("app/h", HARD,
                                 link="app/s/dir/file")]), "not a file in the archive"),
    "device": (tar([entry("app/d", tarfile.CHRTYPE, devmajor=1, devminor=3)]), "device"),
    "disk": (tar([entry("app/d", tarfile.BLKTYPE, devmajor=8, devminor=0)]), "device"),
    "fifo": (tar([entry("app/f", tarfile.FIFOTYPE)]), "FIFO"),
    "dir-becomes-symlink": (tar([entry("app/d", DIR, mode=0o755),
                                 entry("app/d", LINK, link=OUTSIDE),
                                 entry("app/d/evil", data=EVIL)]), "directory stands in its place"),
    "file-becomes-dir": (tar([entry("app/f", data=EVIL), entry("app/f", DIR)]),
                         "something that is not a directory"),
    "symlink-becomes-dir": (tar([entry("app/f", LINK, link=OUTSIDE), entry("app/f", DIR),
                                 entry("app/f/evil", data=EVIL)]),
                            "something that is not a directory"),
    "top-is-file": (tar([entry(".", data=EVIL)]), "the top must be a directory"),
    "top-is-symlink": (tar([entry("./", LINK, link=OUTSIDE)]), "the top must be a directory"),
    "empty-name": (raw(b"") + END, None),
    "long-component": (tar([entry("app/" + "x" * 300)]), "a component too long"),
    "deep": (tar([entry("d/" * 1500 + "x")]), "nested too deep"),
    "deeper": (tar([entry("d/" * 5000 + "x")]), "a name too long"),
    "newline": (tar([entry("app/a\nisorun: all is well", FILE), entry("../x")]),
                '".." is not allowed'),
    "escape": (tar([entry("../\x1b[2J\x1b]0;owned\x07\u009b31mx\nisorun: fine")]),
               "../?[2J?]0;owned???31mx?isorun: fine"),
    "pax-path": (tar([entry("app/fine", pax_headers={"path": "../evil"}, data=EVIL)]),
                 '".." is not allowed'),
    "pax-linkpath": (tar([entry("app/h", HARD, link="app/fine",
                                pax_headers={"linkpath": OUTSIDE + "/dir/file"})]),
                     "absolute path"),
    "pax-negative-uid": (tar([entry("app/x", pax_headers={"uid": "-1"})]), "id out of range"),
    "pax-huge-uid": (tar([entry("app/x", pax_headers={"uid": "4294967295"})]), "id out of range"),
    "gnu-long": (tar([entry("../" + "x" * 200)], tarfile.GNU_FORMAT), '".." is not allowed'),
    "huge": (raw(b"app/x", size=b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7) + END, None),
    "negative": (raw(b"app/x", size=b"\xff" * 12) + END, None),
    "octal-huge": (raw(b"app/x", size=b"77777777777\0") + END, None),
    "sparse": (tar([entry("app/x", pax_headers={
        "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "app/x",
        "GNU.sparse.size": str(1 << 62), "GNU.sparse.map": "0,0"})]),
        "sparse"),
    "trailing": (tar([entry("app/x")]) + b"garbage" * 999, None),
    "no-tar": (b"x" * 5000, None),
}


def sha(data):
    return hashlib.sha256(data).hexdigest()


def blob(data):
    return {"digest": "sha256:" + sha(data), "size": len(data)}


def layout(build):
    """The documents of a good build: index, manifest, config, blobs by hex."""
    with tarfile.open(build) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}
    index = json.loads(files["index.json"])
    blobs = {n.split("/")[-1]: d for n, d in files.items() if n.startswith("blobs/")}
    manifest = json.loads(blobs[index["manifests"][0]["digest"][7:]])
    return index, manifest, json.loads(blobs[manifest["config"]["digest"][7:]]), blobs


def write(path, index, blobs, extra=()):
    entries = [entry("oci-layout", data=b'{"imageLayoutVersion": "1.0.0"}'),
               entry("index.json", data=json.dumps(index).encode())]
    entries += [entry("blobs/sha256/" + name, data=data) for name, data in blobs.items()]
    with open(path, "wb") as out:
        out.write(tar(entries + list(extra)))


def image(build, layer):
    """The good build with its last layer replaced."""
    index, manifest, config, blobs = layout(build)
    blobs.pop(manifest["layers"][-1]["digest"][7:])
    blobs.pop(manifest["config"]["digest"][7:])
    manifest["layers"][-1].update(blob(layer))
    config["rootfs"]["diff_ids"][-1] = "sha256:" + sha(layer)
    blobs.pop(index["manifests"][0]["digest"][7:])
    text = json.dumps(config).encode()
    manifest["config"].update(blob(text))
    index["manifests"][0].update(blob(json.dumps(manifest).encode()))
    for data in (text, json.dumps(manifest).encode(), layer):
        blobs[sha(data)] = data
    return index, blobs


def make(build, to):
    for name, (layer, _) in LAYERS.items():
        write(f"{to}/{name}.tar", *image(build, layer))
    good = tar([entry("app/x", data=b"fine")])
    index, blobs = image(build, good)
    first = next(iter(blobs))
    outer = {
        "blob-symlink": [entry("blobs/sha256/" + "0" * 64, LINK, link=OUTSIDE + "/dir/file")],
        "blobs-symlink": [entry("blobs/sha256/" + "1" * 64, HARD, link="index.json")],
        "blob-name": [entry("blobs/sha256/../../evil", data=EVIL)],
        "blob-not-hex": [entry("blobs/sha256/" + "g" * 64, data=EVIL)],
        "blob-wrong-digest": [entry("blobs/sha256/" + "2" * 64, data=EVIL)],
        "blob-twice": [entry("blobs/sha256/" + first, data=blobs[first])],
        "index-twice": [entry("index.json", data=b"{}")],
    }
    for name, extra in outer.items():
        write(f"{to}/outer-{name}.tar", index, blobs, extra)
    deep = dict(index, annotations=json.loads("[" * 900 + "]" * 900))
    write(f"{to}/outer-json-deep.tar", deep, blobs)
    size = dict(index, manifests=[dict(index["manifests"][0], size=-1)])
    write(f"{to}/outer-negative-size.tar", size, blobs)
    path = dict(index, manifests=[dict(index["manifests"][0], digest="sha256:../../../evil")])
    write(f"{to}/outer-digest-path.tar", path, blobs)
    upper = dict(index["manifests"][0])
    upper["digest"] = upper["digest"].upper()
    write(f"{to}/outer-digest-upper.tar", dict(index, manifests=[upper]), blobs)
    bomb = image(build, tar([entry("app/x", data=b"\0" * (64 << 20))]))
    write(f"{to}/outer-bomb.tar", *bomb)
    with open(f"{to}/outer-bomb.tar", "rb+") as file:
        packed = gzip.compress(file.read(), 6)
        file.seek(0)
        file.truncate()
        file.write(packed)
    # What is allowed, and what of it must be left behind.
    tamed = tar([
        entry("app", DIR, mode=0o7777), entry("app/setuid", data=EVIL, mode=0o6755),
        entry("app/Name", data=b"1"), entry("app/name", data=b"2"),
        entry("app/link", LINK, link=OUTSIDE + "/dir/file"),
        entry("app/again", data=b"1"), entry("app/again", data=b"22"),
        entry("app/attr", data=b"x", pax_headers={
            "SCHILY.xattr.security.capability": "\x01\0\0\x02\xff\xff", "SCHILY.xattr.user.a": "b",
            "SCHILY.xattr.trusted.overlay.redirect": "/etc",
            "SCHILY.xattr.user.overlay.opaque": "y"}),
        entry("app/last", data=b"here")])
    write(f"{to}/tamed.tar", *image(build, tamed))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3])
    else:
        for key, (_, text) in LAYERS.items():
            print(f"{key}\t{text or ''}")
