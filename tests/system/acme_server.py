# SPDX-License-Identifier: Apache-2.0
"""An authority for certificates, as small as RFC 8555 lets one be.

It looks for the challenge's TXT record where a test says, and believes whoever
asks: no signature is verified, no nonce is remembered.
"""
import base64
import hashlib
import http.server
import json
import subprocess
import threading


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def thumbprint(jwk):
    """RFC 7638: of the members that the key's kind must have."""
    members = {name: jwk[name] for name in
               {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"),
                "OKP": ("crv", "kty", "x")}[jwk["kty"]]}
    return encoded(hashlib.sha256(json.dumps(
        members, sort_keys=True, separators=(",", ":")).encode()).digest())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=None, **headers):
        data = body if isinstance(body, bytes) else \
            b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Replay-Nonce", encoded(hashlib.sha256(
            self.path.encode()).digest()))
        self.send_header("Cache-Control", "no-store")
        for name, value in {"Content-Type": "application/json",
                            **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_HEAD(self):
        self.reply(200)

    def do_GET(self):
        url = self.server.url
        self.reply(200, {
            "newNonce": f"{url}/nonce", "newAccount": f"{url}/account",
            "newOrder": f"{url}/order", "revokeCert": f"{url}/revoke",
            "keyChange": f"{url}/key"} if self.path == "/directory" else None)

    def do_POST(self):
        body = json.loads(self.rfile.read(
            int(self.headers["Content-Length"])))
        protected = json.loads(decoded(body["protected"]))
        payload = json.loads(decoded(body["payload"]) or b"null")
        _, what, *rest = self.path.split("/")
        getattr(self, f"on_{what}")(protected, payload, *rest)

    def on_account(self, protected, payload, *_):
        self.server.thumbprint = thumbprint(protected["jwk"])
        self.reply(201, {"status": "valid"},
                   Location=f"{self.server.url}/account/1")

    def on_order(self, protected, payload, number=None):
        orders = self.server.orders
        if number is None:
            number = len(orders)
            orders.append({
                "status": "pending", "identifiers": payload["identifiers"],
                "authorizations": [
                    f"{self.server.url}/authz/{number}/{i}"
                    for i in range(len(payload["identifiers"]))],
                "finalize": f"{self.server.url}/finalize/{number}"})
            self.server.states[number] = ["pending"] * len(
                payload["identifiers"])
        self.reply(201 if payload else 200, orders[int(number)],
                   Location=f"{self.server.url}/order/{number}")

    def challenge(self, number, place):
        token = encoded(hashlib.sha256(f"{number}/{place}".encode()).digest())
        return {"type": "dns-01", "token": token,
                "url": f"{self.server.url}/challenge/{number}/{place}",
                "status": self.server.states[int(number)][int(place)]}

    def name_of(self, number, place):
        return self.server.orders[int(number)]["identifiers"][int(place)][
            "value"]

    def on_authz(self, protected, payload, number, place):
        name = self.name_of(number, place)
        self.reply(200, {
            "status": self.server.states[int(number)][int(place)],
            "identifier": {"type": "dns", "value": name.replace("*.", "", 1)},
            "wildcard": name.startswith("*."),
            "challenges": [self.challenge(number, place)]})

    def on_challenge(self, protected, payload, number, place):
        challenge = self.challenge(number, place)
        wanted = encoded(hashlib.sha256(
            f"{challenge['token']}.{self.server.thumbprint}".encode()).digest())
        name = self.name_of(number, place).replace("*.", "", 1)
        found = self.server.look(f"_acme-challenge.{name}")
        states = self.server.states[int(number)]
        states[int(place)] = "valid" if wanted in found else "invalid"
        if set(states) == {"valid"}:
            self.server.orders[int(number)]["status"] = "ready"
        self.reply(200, self.challenge(number, place), Link=(
            f'<{self.server.url}/authz/{number}/{place}>;rel="up"'))

    def on_finalize(self, protected, payload, number):
        order = self.server.orders[int(number)]
        assert order["status"] == "ready"
        self.server.issue(number, decoded(payload["csr"]))
        order.update(status="valid",
                     certificate=f"{self.server.url}/cert/{number}")
        self.reply(200, order, Location=f"{self.server.url}/order/{number}")

    def on_cert(self, protected, payload, number):
        self.reply(200, self.server.certificates[number],
                   Content_Type="application/pem-certificate-chain")


class Authority(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ip, directory, look):
        """@look: the strings of all TXT records of a name."""
        super().__init__((ip, 0), Handler)
        self.url = f"http://{ip}:{self.server_port}"
        self.directory, self.look = directory, look
        self.thumbprint = None
        self.orders, self.states, self.certificates = [], {}, {}
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes",
                     "-subj", "/CN=authority", "-keyout", "ca.key", "-out",
                     "ca.pem", "-days", "30")
        self.thread = threading.Thread(target=self.serve_forever)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.directory, check=True,
                       capture_output=True)

    def issue(self, number, csr):
        (self.directory / "csr").write_bytes(csr)
        self.openssl("req", "-inform", "DER", "-in", "csr", "-out", "csr.pem")
        self.openssl("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem",
                     "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                     "-copy_extensions", "copy", "-out", "leaf.pem")
        self.certificates[number] = (
            (self.directory / "leaf.pem").read_bytes() +
            (self.directory / "ca.pem").read_bytes())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.shutdown()
        self.thread.join()
        self.server_close()
