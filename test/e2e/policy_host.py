"""A web server for policies of MTA-STS: port 443 of an address on loopback, for any number of names."""

import collections
import http.server
import ssl
import threading


def policy(mode, *hosts, max_age=86400):
    """The text of a policy file (RFC 8461 §3.2)."""
    return "".join(f"{line}\r\n" for line in (
        "version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), f"max_age: {max_age}"))


class PolicyHost:
    """`files` has what is served, by host name: a text, or (status, headers, text); other names get 404.
    `fetches` counts by host name. Opening the port takes a privilege: PermissionError without it."""

    def __init__(self, address, pem):
        self.files = {}
        self.fetches = collections.Counter()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.server = http.server.ThreadingHTTPServer((address, 443), self._handler())
        # The handshake belongs to the connection's own thread, so that one that fails holds nobody up.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def _handler(host):
        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 20

            def do_GET(self):
                name = self.headers["Host"].split(":")[0]
                host.fetches[name] += 1
                found = host.files.get(name) if self.path == "/.well-known/mta-sts.txt" else None
                status, headers, text = (200, {}, found) if isinstance(found, str) else found or (404, {}, "")
                self.send_response(status)
                for header, value in {"Content-Type": "text/plain", **headers}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        return Handler
