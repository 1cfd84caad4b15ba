"""acl - the server's ACL file from deploy/acl: who may write what, nobody more than that."""
# SPDX-License-Identifier: MIT
import hashlib
import pathlib

TABLE = pathlib.Path(__file__).resolve().parent.parent / "acl"

READ_BY_ALL = ["journal:*", "position:*", "account_config:*", "instance_config:*", "broker_config:*", "signal_config:*"]

# What common/store.c and common/ledger.c send, and what loading a slice takes. No scripts, no SCAN or KEYS (they see all names).
READING = ["get", "hget", "hgetall", "hscan", "sscan", "smembers", "xrange", "xrevrange", "xlen", "xinfo|stream", "ping", "info",
           "client|setname", "client|id"]
WRITING = ["multi", "exec", "discard", "set", "hset", "hdel", "sadd", "srem", "unlink", "pexpireat", "incr", "xadd", "xtrim", "xdel",
           "client|kill", "config|get"]
# What the tools show: everything that only looks.
LOOKING = ["+@read", "-@dangerous", "+ping", "+info", "+config|get", "+acl|whoami", "+acl|list", "+client|setname", "+xinfo", "+time",
           "+latency|latest", "+memory|usage"]


def slices(shards=1):
    """{user: [patterns it may write]}; the rows of executor.N once for every shard."""
    out = {}
    for line in TABLE.read_text().splitlines():
        user, *patterns = line.split("#")[0].split() or [None]
        if user is None:
            continue
        for n in range(shards) if user.endswith(".N") else [None]:
            name = user if n is None else user[:-1] + str(n)
            out.setdefault(name, []).extend(p[:-1] + str(n) if p.endswith(".N") else p for p in patterns)
    for name, patterns in out.items():
        patterns += [f"{name}:*", f"position:{name}", f"deadletter:{name}", f"journal:incidents.{name}"]
    return out


def _line(user, password, rules):
    return " ".join(["user", user, "on", "#" + hashlib.sha256(password.encode()).hexdigest(), "resetkeys", "resetchannels", *rules])


def users(shards=1):
    return [*slices(shards), "viewer", "admin"]


def acl_file(passwords, shards=1):
    """The text of the ACL file; passwords: {user: password}. The default user is off."""
    commands = ["+" + c for c in READING + WRITING]
    lines = ["user default off nopass resetkeys resetchannels -@all"]
    for user, patterns in slices(shards).items():
        keys = ["~" + p for p in patterns] + ["%R~" + p for p in READ_BY_ALL]
        lines.append(_line(user, passwords[user], keys + ["-@all", *commands]))
    lines.append(_line("viewer", passwords["viewer"], ["%R~*", "-@all", *LOOKING]))
    lines.append(_line("admin", passwords["admin"], ["~*", "&*", "+@all"]))
    return "\n".join(lines) + "\n"
