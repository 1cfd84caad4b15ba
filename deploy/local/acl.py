"""acl - the server's ACL file from deploy/acl: who may write what, nobody more than that."""
# SPDX-License-Identifier: MIT
import hashlib
import pathlib

TABLE = pathlib.Path(__file__).resolve().parent.parent / "acl"

READ_BY_ALL = ["journal:*", "position:*", "account_config:*", "instance_config:*", "broker_config:*", "signal_config:*", "risk_config:*", "shards:*"]
# The number of executors, which the first start of any service records.
WRITTEN_BY_ALL = ["shards:executors"]

# What common/redis/store.c and common/batch/ledger.c send, and what loading a slice takes. No scripts, no SCAN or KEYS (they see all names).
READING = ["get", "hget", "hgetall", "hscan", "sscan", "smembers", "xrange", "xrevrange", "xlen", "xinfo|stream", "ping", "info",
           "client|setname", "client|id"]
WRITING = ["multi", "exec", "discard", "set", "hset", "hdel", "sadd", "srem", "unlink", "pexpireat", "incr", "xadd", "xtrim", "xdel",
           "client|kill", "config|get"]
# What the monitor asks beside: figures, and no words.
WATCHING = ["+slowlog|len", "+latency|latest"]
# What the tools show: everything that only looks.
LOOKING = ["+@read", "-@dangerous", "+ping", "+info", "+config|get", "+acl|whoami", "+acl|list", "+client|setname", "+xinfo", "+time",
           "+latency|latest", "+memory|usage", "+slowlog|len"]


def _table(shards, cells=()):
    """Rows as (user, [patterns], whether they may be written); those of executor.N once for every shard, of relay.C for every cell."""
    for line in TABLE.read_text().splitlines():
        user, *patterns = line.split("#")[0].split() or [None]
        writes = patterns[:1] != ["reads:"]
        mark = user[-2:] if user else ""
        for part in {".N": range(shards), ".C": cells}.get(mark, [None] if user else []):
            words = [w if part is None else w.replace(mark, f".{part}") for w in [user, *patterns] if w != "reads:"]
            yield words[0], words[1:], writes


def slices(shards=1, cells=()):
    """{user: [patterns it may write]}"""
    out = {}
    for user, patterns, writes in _table(shards, cells):
        if writes:
            out.setdefault(user, []).extend(patterns)
    for name, patterns in out.items():
        patterns += [f"{name}:*", f"position:{name}", f"deadletter:{name}", f"journal:incidents.{name}"]
    return out


def readable(user, shards=1):
    """[patterns of others' keys it may read]"""
    return READ_BY_ALL + [p for name, patterns, writes in _table(shards) if name == user and not writes for p in patterns]


def _line(user, password, rules):
    return " ".join(["user", user, "on", "#" + hashlib.sha256(password.encode()).hexdigest(), "resetkeys", "resetchannels", *rules])


def users(shards=1, cells=()):
    return [*slices(shards, cells), "viewer", "admin"]


def acl_file(passwords, shards=1, cells=()):
    """The text of the ACL file; passwords: {user: password}. The default user is off."""
    commands = ["+" + c for c in READING + WRITING]
    # The default user is off: nobody can be it. It keeps its rights, since Redis 7.0 loads its own file as this user and would
    # otherwise leave out every transaction in it (EXEC asks the rights again).
    lines = ["user default off resetpass ~* &* +@all"]
    for user, patterns in slices(shards, cells).items():
        more = WATCHING if user == "monitor" else []
        keys = ["~" + p for p in patterns + WRITTEN_BY_ALL] + ["%R~" + p for p in readable(user, shards)]
        lines.append(_line(user, passwords[user], keys + ["-@all", *commands, *more]))
    lines.append(_line("viewer", passwords["viewer"], ["%R~*", "-@all", *LOOKING]))
    lines.append(_line("admin", passwords["admin"], ["~*", "&*", "+@all"]))
    return "\n".join(lines) + "\n"
