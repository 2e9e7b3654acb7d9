"""A folder tree as a list that two machines can compare: the guest's kernel writes it, Salvage is held against it."""
import hashlib
import os
import stat

BLOCK = 4096


def content_digest(path, size):
    """SHA-256 over the number and bytes of each block that is not all zero: holes cost nothing, and are what they read as."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        at = 0
        while at < size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            except OSError:
                break  # nothing but holes from here on
            at = start // BLOCK * BLOCK
            file.seek(at)
            while at < end:
                piece = file.read(min(1 << 20, (end - at + BLOCK - 1) // BLOCK * BLOCK))
                if not piece:
                    break
                for i in range(0, len(piece), BLOCK):
                    block = piece[i:i + BLOCK]
                    if block.count(0) != len(block):
                        digest.update(((at + i) // BLOCK).to_bytes(8, "little") + block)
                at += len(piece)
    return digest.hexdigest()


def type_of(mode):
    names = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
             stat.S_IFCHR: "character device", stat.S_IFBLK: "block device"}
    return names[stat.S_IFMT(mode)]


def attributes_of(path):
    out = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if not name.startswith("system."):
            out[name] = os.getxattr(path, name, follow_symlinks=False).hex()
    return out


def list_tree(root):
    """Path, as hex of its bytes → what it is.  Directories have no size: filesystems do not agree what it means."""
    root = os.fsencode(root)
    out = {}
    first_names = {}

    def visit(folder, inner):
        for entry in sorted(os.scandir(folder), key=lambda e: e.name):
            path = os.path.join(inner, entry.name) if inner else entry.name
            status = entry.stat(follow_symlinks=False)
            kind = type_of(status.st_mode)
            row = {"type": kind, "mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid,
                   "mtime": status.st_mtime_ns, "xattrs": attributes_of(entry.path)}
            if kind == "file":
                row["size"] = status.st_size
                known = first_names.get(status.st_ino)
                row["content"] = known if known else content_digest(entry.path, status.st_size)
                first_names[status.st_ino] = row["content"]
                row["links"] = status.st_nlink
            if kind == "symlink":
                row["target"] = os.fsencode(os.readlink(entry.path)).hex()
            if kind.endswith("device"):
                row["device"] = [os.major(status.st_rdev), os.minor(status.st_rdev)]
            out[path.hex()] = row
            if kind == "directory":
                visit(entry.path, path)

    visit(root, b"")
    return out


def differences(wanted, found, ignore=()):
    """Sentences; `ignore(path, row)` names the keys that are not compared."""
    out = []
    for path in sorted(wanted.keys() | found.keys()):
        shown = bytes.fromhex(path).decode(errors="backslashreplace")
        if path not in found:
            out.append(f"missing: {shown}")
        elif path not in wanted:
            out.append(f"too much: {shown}")
        else:
            skipped = ignore(path, wanted[path]) if ignore else ()
            for key in sorted(wanted[path].keys() | found[path].keys()):
                if key not in skipped and wanted[path].get(key) != found[path].get(key):
                    out.append(f"{shown}: {key} is {found[path].get(key)!r:.80}, the kernel says {wanted[path].get(key)!r:.80}")
    return out
