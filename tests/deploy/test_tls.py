"""The proxies of docs/deployment.md before a real door: TradingView's certificate passes, others do not; who sends is known and cannot be forged; no log has the token."""
# SPDX-License-Identifier: MIT
import json

import pytest

from tests.deploy import certificates
from tests.deploy.conftest import CONFIG, TOKEN, alert
from tests.harness import docs
from tests.harness.wait import until

TRADINGVIEW, SOMEBODY = "127.0.0.5", "127.0.0.6"  # any address of 127/8 is one of this machine's
FILES = {"nginx": "/etc/nginx/sites-enabled/tradecast", "caddy": "/etc/caddy/Caddyfile"}
URL = f"https://{certificates.SERVER}/webhook/desk/{TOKEN}"


@pytest.fixture(scope="module")
def installed(machine):
    config = {**CONFIG, "sources": [{**CONFIG["sources"][0], "allow": [TRADINGVIEW]}]}
    machine.write("/root/my.json", json.dumps(config))
    certificates.make(machine.root / "etc/ssl/tradecast")
    machine("chown", "-R", "caddy", "/etc/ssl/tradecast")
    machine.sh(f"echo 127.0.0.1 {certificates.SERVER} >> /etc/hosts")
    for name in ("install", "gateway"):
        machine.sh({"install": docs.block("deployment", "install"), "gateway": docs.block("deployment", "gateway")}[name])
    machine.sh(docs.block("deployment", "trust"))
    machine.ready()
    return machine


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxied(request, installed):
    """The machine with one of the proxies before its door."""
    texts = {"nginx": docs.block("deployment", "nginx"), "caddy": docs.block("deployment", "caddy")}
    checks = {"nginx": docs.block("deployment", "nginx-check"), "caddy": docs.block("deployment", "caddy-check")}
    installed.write(FILES[request.param], texts[request.param])
    installed("systemctl", "start", request.param)
    installed.sh(checks[request.param])
    installed.proxy = request.param
    yield installed
    installed("systemctl", "stop", request.param)


def ask(machine, body, certificate=None, address=TRADINGVIEW, header=None, url=URL):
    """(status, answer); status 0: no answer, the connection was refused."""
    words = ["curl", "-sS", "--max-time", "10", "--cacert", "/etc/ssl/tradecast/other-ca.pem", "--interface", address, "-w", "\n%{http_code}", "-d", body, url]
    if certificate:
        words += ["--cert", f"/etc/ssl/tradecast/{certificate}.pem", "--key", f"/etc/ssl/tradecast/{certificate}.key"]
    if header:
        words += ["-H", header]
    answer, _, status = machine(*words, check=False).stdout.rpartition("\n")
    return int(status), answer


@pytest.mark.parametrize("certificate", ["right", "by-its-address"])
def test_tradingviews_certificate_passes(proxied, certificate):
    signal_id = f"{proxied.proxy}-{certificate}"
    until(lambda: ask(proxied, alert(signal_id), certificate)[0] == 200, "the alert to be taken", within_s=30, pause_s=0.5)
    proxied.filled(signal_id)


@pytest.mark.parametrize("certificate", [None, *certificates.REFUSED])
def test_none_or_a_wrong_one_does_not(proxied, certificate):
    signal_id = f"{proxied.proxy}-{certificate}"
    status, answer = ask(proxied, alert(signal_id), certificate)
    assert status in (0, 400, 403) and "wrong_address" not in answer, (status, answer)
    assert proxied.story(signal_id) == ""


def test_who_sends_is_known_and_cannot_be_forged(proxied):
    """The source's allow-list holds TradingView's address only."""
    for header in (None, f"X-Forwarded-For: {TRADINGVIEW}", f"X-Forwarded-For: {TRADINGVIEW}, {TRADINGVIEW}"):
        status, answer = ask(proxied, alert("forged"), "right", SOMEBODY, header)
        assert status == 403 and "address" in answer, (status, answer)
        status, answer = ask(proxied, alert("forged"), address=SOMEBODY, header=header, url=f"http://127.0.0.1:8300/webhook/desk/{TOKEN}")
        assert status == 403, (status, answer)
    assert proxied.story("forged") == ""


def test_only_the_webhook_is_behind_it(proxied):
    for path in ("/healthz", "/prices/desk/x", "/"):
        assert ask(proxied, "{}", "right", url=f"https://{certificates.SERVER}{path}")[0] in (403, 404)


def test_a_door_that_is_down_is_503_and_no_log_has_the_token(proxied):
    proxied("systemctl", "stop", "tradecast-ingest")
    assert ask(proxied, alert("later"), "right")[0] == 503  # TradingView sends it again
    proxied("systemctl", "start", "tradecast-ingest")
    until(lambda: ask(proxied, alert("later"), "right")[0] == 200, "the alert to be taken", within_s=30, pause_s=0.5)
    logs = proxied("journalctl", "--no-pager", "-o", "cat").stdout + proxied("sh", "-c", "cat /var/log/nginx/*").stdout
    assert f"/webhook/desk/{TOKEN[:6]}" not in logs and TOKEN not in logs
    if proxied.proxy == "nginx":
        assert f' {TRADINGVIEW} 200 ' in logs and "SUCCESS" in logs and "CN=other-ca" in logs  # the issuer of a wrong one can be read there
