"""certificates - authorities of a test's own, a server's certificate, and clients': TradingView's as its page describes it, and wrong ones."""
# SPDX-License-Identifier: MIT
import subprocess

SUBJECT = "/C=US/ST=Ohio/L=Westerville/O=TradingView, Inc./CN={}"
SERVER = "signals.example.org"
# name: authority, subject, extension
CLIENTS = {
    "right": ("tradingview-ca", SUBJECT.format("TradingView Webhooks"), "subjectAltName=email:webhook-server@tradingview.com"),
    "by-its-address": ("tradingview-ca", SUBJECT.format("webhook-server@tradingview.com"), "extendedKeyUsage=clientAuth"),
    "another-authority": ("other-ca", SUBJECT.format("TradingView Webhooks"), "extendedKeyUsage=clientAuth"),
    "another-subject": ("tradingview-ca", "/O=Somebody Else/CN=TradingView Webhooks", "extendedKeyUsage=clientAuth"),
    "subject-in-a-name": ("tradingview-ca", "/C=US/O=Else/CN=TradingView Webhooks,O=TradingView\\\\, Inc.", "extendedKeyUsage=clientAuth"),
}
REFUSED = ["another-authority", "another-subject", "subject-in-a-name"]


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make(folder):
    """<name>.pem and <name>.key of all in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("tradingview-ca", "other-ca"):
        openssl(folder, "req", "-x509", *new_key, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    for name, (authority, subject, extension) in {**CLIENTS, "signals": ("other-ca", f"/CN={SERVER}", f"subjectAltName=DNS:{SERVER}")}.items():
        openssl(folder, "req", *new_key, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "extension").write_text(extension + "\n")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", "2",
                "-extfile", "extension", "-out", f"{name}.pem")
