"""A mail server that misbehaves under TLS in one chosen way, and certificates to do so with."""

import contextlib
import pathlib
import socket
import ssl
import subprocess
import threading
import warnings


class Authority:
    """A certificate authority of our own, by openssl."""

    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.certificate = self.directory / "ca.crt"
        self.key = self.directory / "ca.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)
        (self.directory / "index").touch()
        (self.directory / "serial").write_text("01\n")
        (self.directory / "ca.conf").write_text(
            f"[ca]\ndefault_ca = ours\n[ours]\ndatabase = {self.directory}/index\nserial = {self.directory}/serial\n"
            f"new_certs_dir = {self.directory}\ndefault_md = sha256\npolicy = any\nunique_subject = no\n"
            f"certificate = {self.certificate}\nprivate_key = {self.key}\ncopy_extensions = copy\n"
            "[any]\ncommonName = supplied\n")

    def issue(self, stem, names, expired=False):
        """stem.pem with key, certificate and the authority's."""
        dates = ("20250101000000Z", "20250201000000Z") if expired else ("20250101000000Z", "20440101000000Z")
        request(stem, names, "-new", "-out", f"{stem}.csr")
        run("openssl", "ca", "-batch", "-notext", "-config", self.directory / "ca.conf", "-in", f"{stem}.csr",
            "-out", f"{stem}.crt", "-startdate", dates[0], "-enddate", dates[1])
        bundle(stem, self.certificate)


def self_sign(stem, names):
    request(stem, names, "-x509", "-days", "30", "-out", f"{stem}.crt")
    bundle(stem)


def request(stem, names, *what):
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
        "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names), "-keyout", f"{stem}.key", *what)


def bundle(stem, *more):
    parts = [f"{stem}.key", f"{stem}.crt", *more]
    pathlib.Path(f"{stem}.pem").write_text("".join(pathlib.Path(part).read_text() for part in parts))


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True).stdout


def digest(certificate, selector):
    """SHA-256 of a certificate (0) or its key (1), in hex, for a TLSA record."""
    if selector == 0:
        der = run("openssl", "x509", "-in", certificate, "-outform", "DER")
    else:
        key = run("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                             capture_output=True).stdout
    return subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=der, check=True,
                          capture_output=True).stdout.split()[0].decode()


class Peer:
    """Takes mail at one address, by a script of few words. What came is kept by recipient:
    a dict with `tls` (the version, or None) and `resumed`; `mails` counts what was begun in clear."""

    def __init__(self, address, port, behaviour="good", pem=None):
        self.behaviour = behaviour
        self.context = None
        if pem:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(pem)
            if behaviour == "tls10":
                self.context.set_ciphers("ALL:@SECLEVEL=0")
                with warnings.catch_warnings():  # yes, it is deprecated
                    warnings.simplefilter("ignore")
                    self.context.minimum_version = self.context.maximum_version = ssl.TLSVersion.TLSv1
        self.taken = {}
        self.clear_mails = []
        self.handshakes = 0
        self.door = socket.create_server((address, port))
        self.lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()

    def _listen(self):
        while True:
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(60)
        with contextlib.suppress(OSError, ValueError):
            Session(self, client).run()
        with contextlib.suppress(OSError):
            client.close()


class Session:
    def __init__(self, peer, client):
        self.peer, self.client = peer, client
        self.reader = client.makefile("rb")
        self.tls = None
        self.resumed = False
        self.recipients = []

    def say(self, *lines):
        self.client.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def run(self):
        self.say("220 peer ready")
        while line := self.reader.readline().decode():
            word = line.split(":")[0].upper().strip()
            if not self.obey(word.split()[0], line.strip()):
                return

    def obey(self, word, line):
        if word == "EHLO":
            offers = ["PIPELINING", "8BITMIME", "SMTPUTF8"]
            if self.peer.behaviour != "no-starttls" and not self.tls:
                offers.append("STARTTLS")
            if self.tls and self.peer.behaviour == "requiretls":
                offers.append("REQUIRETLS")
            self.say(*[f"250-{offer}" for offer in ["peer", *offers]], "250 HELP")
        elif word == "STARTTLS":
            return self.start_tls()
        elif word == "MAIL":
            self.recipients = []
            self.mail = line
            if not self.tls:
                self.peer.clear_mails.append(line)
            self.say("250 ok")
        elif word == "RCPT":
            self.recipients.append(line.split("<")[1].split(">")[0])
            self.say("250 ok")
        elif word == "DATA":
            self.take()
        elif word == "QUIT":
            self.say("221 bye")
            return False
        else:
            self.say("250 ok")
        return True

    def start_tls(self):
        behaviour = self.peer.behaviour
        if behaviour == "454":
            self.say("454 4.7.0 TLS not available now")
            return True
        if behaviour == "injects":
            self.client.sendall(b"220 go ahead\r\n250 you are welcome\r\n")
            self.reader.read(1)
            return False
        self.say("220 go ahead")
        if behaviour == "breaks":
            self.client.recv(5)
            return False
        self.peer.handshakes += 1
        self.client = self.peer.context.wrap_socket(self.client, server_side=True)
        self.reader = self.client.makefile("rb")
        self.tls, self.resumed = self.client.version(), self.client.session_reused
        return True

    def take(self):
        self.say("354 go ahead")
        content = b""
        while (line := self.reader.readline()) != b".\r\n":
            if not line:
                return
            content += line
        with self.peer.lock:
            for recipient in self.recipients:
                self.peer.taken[recipient] = {"tls": self.tls, "resumed": self.resumed, "mail": self.mail,
                                              "content": content}
        self.say("250 taken")
