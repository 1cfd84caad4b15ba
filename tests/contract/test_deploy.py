"""The files of deploy/ name what is there: services, options, packages."""
# SPDX-License-Identifier: MIT
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = ROOT / "build/chaos/bin"
UNITS = ROOT / "deploy/systemd"


def packages(section):
    lines = (ROOT / "deploy/packages.txt").read_text().splitlines()
    return {line.split()[1] for line in lines if line.split()[:1] == [section]}


def test_the_image_has_every_library_that_the_programs_need():
    needed = set()
    for program in BIN.iterdir():
        dynamic = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
        needed |= set(re.findall(r"\(NEEDED\)\s+Shared library: \[(\S+)\]", dynamic))
    paths = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    owners = set()
    for library in needed:
        path = re.search(rf"^\s*{re.escape(library)} .* => (\S+)$", paths, re.M).group(1)
        real = pathlib.Path(path).resolve().name  # the directory may be a link: /lib
        owner = subprocess.run(["dpkg", "-S", f"*/{real}"], capture_output=True, text=True)
        owners.add((owner.stdout or library).split(":")[0])
    assert owners - {"libc6"} <= packages("image"), f"missing in section image: {sorted(owners - {'libc6'} - packages('image'))}"


@pytest.mark.parametrize("program", sorted(p.name for p in (ROOT / "services").iterdir() if (p / "main.c").exists()))
def test_every_service_has_a_unit_and_a_container(program):
    unit = next(UNITS.glob(f"tradecast-{program}*.service"))
    assert f"ExecStart=/usr/lib/tradecast/tradecast-{program}" in unit.read_text()
    assert f"tradecast-{program}" in (UNITS / "tradecast.target").read_text()
    if program != "relay":  # of several cells, which one composition on one host is not
        assert f"command: [tradecast-{program}" in (ROOT / "deploy/compose.yaml").read_text()


def test_units_leave_a_service_that_was_taken_over_at_that():
    status = re.search(r"STATUS_REPLACED = (\d+)", (ROOT / "common/service/service.h").read_text()).group(1)
    assert f"\nRestartPreventExitStatus={status}\n" in (UNITS / "tradecast-.service.d/10-service.conf").read_text()


def settings(unit, name):
    """Every value of a setting in a unit, of all its lines."""
    return [word for line in re.findall(rf"^{name}=(.*)$", unit.read_text(), re.M) for word in line.split()]


def test_a_unit_sees_no_secret_but_its_own():
    for unit in UNITS.glob("tradecast-*.service"):
        hidden = {word.removeprefix("-") for word in settings(unit, "InaccessiblePaths")}
        state = set(settings(unit, "StateDirectory"))
        if unit.name == "tradecast-redis.service":  # which makes the passwords
            continue
        assert {"/var/lib/tradecast/secrets", "/var/lib/tradecast/redis"} <= hidden, unit.name
        assert state == {"tradecast/data"} if "/var/lib/tradecast/data" not in hidden else not state, unit.name
        if unit.name == "tradecast-backup.service":  # no process of the system: it has no key and no password
            assert settings(unit, "BindReadOnlyPaths") == settings(unit, "LoadCredential") == []
            continue
        process = re.search(r"ExecStart=/usr/lib/tradecast/tradecast-(\S+)", unit.read_text()).group(1)
        own = re.sub(r"^gateway-\w+$", "gateway", process.removesuffix("@")) + (".%i" if "@" in unit.name else "")
        assert settings(unit, "BindReadOnlyPaths") == [f"-/etc/tradecast/keys/{own}.key"], unit.name
        assert settings(unit, "LoadCredential") in ([], [f"redis:/var/lib/tradecast/secrets/{own}"]), unit.name
    common = UNITS / "tradecast-.service.d/10-service.conf"
    assert settings(common, "TemporaryFileSystem") == ["/etc/tradecast/keys:ro"] and settings(common, "StateDirectory") == []


def test_the_backup_has_a_timer_and_is_shut_in_like_the_others():
    timer, unit = (UNITS / "tradecast-backup.timer").read_text(), (UNITS / "tradecast-backup.service").read_text()
    assert "OnCalendar=" in timer and "Persistent=yes" in timer and "WantedBy=timers.target" in timer
    assert "Type=oneshot" in unit and "tradecast backup " in unit and "--keep " in unit
    said = subprocess.run(["systemd-analyze", "calendar", re.search(r"^OnCalendar=(.*)", timer, re.M)[1]], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr


def test_environment_files_of_units_are_shipped():
    shipped = {p.name for p in (ROOT / "deploy/env").iterdir()} | {"tradecast.env"}
    for unit in [*UNITS.glob("*.service"), *UNITS.glob("*/*.conf")]:
        for name in re.findall(r"^EnvironmentFile=-?/etc/tradecast/(\S+)$", unit.read_text(), re.M):
            assert name in shipped or "%i" in name, f"{unit.name}: {name}"
