"""Who may write what: the table of deploy/acl, what services say of themselves, and what Redis lets them do are the same."""
# SPDX-License-Identifier: MIT
import fnmatch
import re

import pytest
import redis

from deploy.local import acl
from deploy.local import redis as server
from deploy.local.layout import ROOT, Layout

SERVICES = ["ingest", "router", "executor", "reconciler", "archiver", "monitor", "relay", "advisor"]
CELLS = ["b"]  # there is a relay for each
SLICES = acl.slices(cells=CELLS)
USERS = list(SLICES)

# One command of each kind that no service may send.
FORBIDDEN = [("FLUSHALL",), ("FLUSHDB",), ("CONFIG", "SET", "maxmemory", "1"), ("EVAL", "return 1", "0"), ("FUNCTION", "LIST"),
             ("SCRIPT", "LOAD", "return 1"), ("KEYS", "*"), ("SCAN", "0"), ("RANDOMKEY",), ("DBSIZE",), ("SHUTDOWN",),
             ("ACL", "LIST"), ("ACL", "SETUSER", "x"), ("MONITOR",), ("REPLICAOF", "no", "one"), ("SAVE",), ("BGREWRITEAOF",), ("MIGRATE", "h", "1", "k", "0", "1"),
             ("MODULE", "LIST"), ("CLIENT", "LIST"), ("SWAPDB", "0", "1"), ("RENAME", "a", "b"), ("COPY", "a", "b"), ("RESTORE", "a", "0", "x"),
             ("SUBSCRIBE", "x"), ("PUBLISH", "x", "y"), ("SORT", "a"), ("OBJECT", "FREQ", "a"), ("LPUSH", "a", "b"), ("EXPIRE", "a", "1")]


def declared(service):
    """The prefixes and keys in a service's slice table."""
    text = (ROOT / "services" / service / "slice.c").read_text()
    macros = dict(re.findall(r'#define (\w+) +"([^"]*)"', text))
    body = re.search(r"const char \*const \w*slice\[\] = \{(.*?)\};", text, re.S).group(1)
    kinds = re.findall(r"^ +X\((\w+),", (ROOT / "proto/config_kinds.h").read_text(), re.M)
    body = body.replace("CONFIG_KINDS(CONFIG_PREFIX)", "".join(f'"{kind}:",' for kind in kinds))
    words = [w.strip() for w in re.sub(r"//[^\n]*", "", body).split(",")]
    return [macros.get(w, w.strip('"')) for w in words if w and w != "NULL"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    it = Layout(tmp_path_factory.mktemp("tc"))
    it.make()
    process = server.server(it, cells=CELLS)
    process.start()
    server.wait_ready(it, process).close()
    yield it
    process.stop()


def connect(layout, user):
    return redis.Redis(unix_socket_path=str(layout.redis_socket), username=user, password=layout.secret(user), decode_responses=True)


@pytest.mark.parametrize("service", SERVICES)
def test_the_acl_lets_a_service_write_what_it_says_it_owns(service):
    user = next(u for u in USERS if u.split(".")[0] == service)
    for prefix in declared(service):
        key = prefix + "x" if prefix.endswith(":") else prefix
        assert any(fnmatch.fnmatchcase(key, p) for p in SLICES[user]), f"{prefix} is missing in deploy/acl for {service}"


@pytest.mark.parametrize("service", SERVICES)
def test_the_acl_lets_no_service_write_more_than_it_says_it_owns(service):
    user = next(u for u in USERS if u.split(".")[0] == service)
    own = (f"{user}:", f"position:{user}", f"deadletter:{user}", "journal:")
    for pattern in SLICES[user]:
        if pattern.startswith(own):
            continue
        stem = pattern.rstrip("*")
        assert any(p == stem or (p.endswith(":") and stem.startswith(p)) for p in declared(service)), f"{pattern}: {service} does not own it"


def test_slices_are_disjoint():
    all_patterns = [(user, p) for user, patterns in SLICES.items() for p in patterns]
    for user, pattern in all_patterns:
        for other, theirs in all_patterns:
            if user != other:
                assert not fnmatch.fnmatchcase(pattern.replace("*", "x"), theirs), f"{pattern} of {user} and {theirs} of {other}"


@pytest.mark.parametrize("user", USERS)
def test_redis_lets_a_service_write_nothing_of_another(layout, user):
    client = connect(layout, user)
    for other, patterns in SLICES.items():
        for pattern in patterns:
            key = pattern.replace("*", "x")
            if other == user:
                assert client.set(key, "1") and client.unlink(key) == 1
                continue
            for command in (("SET", key, "1"), ("HSET", key, "a", "b"), ("UNLINK", key), ("SADD", key, "m"), ("XADD", key, "*", "e", "x"),
                            ("PEXPIREAT", key, "1"), ("XTRIM", key, "MAXLEN", "0")):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*command)


@pytest.mark.parametrize("command", FORBIDDEN, ids=lambda c: " ".join(c[:2]))
def test_no_service_may_send(layout, command):
    for user in USERS:
        with pytest.raises(redis.exceptions.NoPermissionError):
            connect(layout, user).execute_command(*command)


@pytest.mark.parametrize("user", USERS)
def test_a_service_may_read_journals_positions_and_configuration(layout, user):
    client = connect(layout, user)
    assert client.xrange("journal:signals") == []
    assert client.hgetall("position:archiver") == {}
    assert client.hgetall("account_config:x") == {}


def test_the_viewer_sees_everything_and_changes_nothing(layout):
    client = connect(layout, "viewer")
    assert client.hgetall("trade_state:x") == {}
    for command in (("SET", "a", "1"), ("UNLINK", "a"), ("XADD", "journal:signals", "*", "a", "b"), ("FLUSHALL",), ("CONFIG", "SET", "a", "b")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)


def test_nobody_comes_in_without_a_password(layout):
    client = redis.Redis(unix_socket_path=str(layout.redis_socket))
    with pytest.raises(redis.exceptions.AuthenticationError):
        client.get("a")


def test_redis_runs_with_the_settings_of_the_spec(layout):
    client = connect(layout, "admin")
    wanted = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory": str(2 * 1024**3), "maxmemory-policy": "volatile-lru",
              "protected-mode": "yes", "port": "0", "no-appendfsync-on-rewrite": "no"}
    for name, value in wanted.items():
        assert client.config_get(name) == {name: value}
    assert (layout.redis_socket.stat().st_mode & 0o777) == 0o700
    assert all((f.stat().st_mode & 0o077) == 0 for f in [layout.secrets, *layout.secrets.iterdir()])
