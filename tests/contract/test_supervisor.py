"""The local runner's supervisor: what dies is started again, what another process has taken over is not."""
# SPDX-License-Identifier: MIT
from deploy.local.processes import REPLACED, Process, Supervisor
from tests.harness.wait import until


def process(tmp_path, status):
    p = Process(f"ends-with-{status}", ["sh", "-c", f"echo began; exit {status}"], tmp_path / "log")
    p.start()
    p.wait()
    return p


def starts(p):
    return p.log.read_text().count("began")


def test_what_failed_is_started_again(tmp_path):
    p, said = process(tmp_path, 1), []
    supervisor = Supervisor(said.append)
    until(lambda: supervisor.look([p]) or starts(p) > 1, "a second start", within_s=5)
    assert said and "starting it again" in said[0]


def test_what_was_taken_over_is_said_once_and_left_alone(tmp_path):
    p, other, said = process(tmp_path, REPLACED), process(tmp_path, 1), []
    supervisor = Supervisor(said.append)
    until(lambda: other in supervisor.look([p, other]), "the other one to be started again", within_s=5)
    assert len([line for line in said if "was taken over by another process" in line]) == 1
    assert p not in supervisor.look([p]) and p.status == REPLACED
