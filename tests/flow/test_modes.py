"""What is written is its owner's: databases, logs, backups, reports and exports can be read by nobody else."""
# SPDX-License-Identifier: MIT
import os
import stat

DONE = 0


def open_to_others(top):
    """Files under `top` that group or others may read or write."""
    return sorted(str(p.relative_to(top)) for p in top.rglob("*")
                  if p.is_file() and not p.is_symlink() and stat.S_IMODE(p.stat().st_mode) & 0o077 and p.suffix != ".pub")


def test_what_services_and_tools_write_is_its_owners(plant, tmp_path):
    os.umask(0o022)  # as most shells have it
    door = plant.door()
    assert door.alert({"symbol": "EURUSD", "direction": "buy", "price": "1.1"})[0] == 200
    door.close()
    data = plant.layout.top
    assert list(data.rglob("*.db")) and list(plant.layout.log.glob("*.log"))
    assert open_to_others(plant.layout.log) == []
    assert [p for p in open_to_others(data) if p.endswith((".db", ".db-wal", ".db-shm", ".log", ".rdb", ".aof", ".jsonl"))] == []
    (tmp_path / "out").mkdir()
    for words in (["backup", str(tmp_path / "out/backup")], ["report", str(tmp_path / "out/report.html")],
                  ["export", str(tmp_path / "out/export")]):
        status, out, err = plant.command(*words)
        assert status == DONE, (words, out, err)
    assert sum(p.is_file() for p in (tmp_path / "out").rglob("*")) >= 3
    assert open_to_others(tmp_path / "out") == []
