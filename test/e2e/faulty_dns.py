"""A name server that can be told to misbehave: over UDP and TCP, one zone of records in memory."""

import socketserver
import struct
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

import stage


class FaultyDns:
    """habit: "serves", "fails" (SERVFAIL), "refuses", "lame" (no authority), "silent", "empty" (no TXT but the DMARC policy),
    "truncates" (TC over UDP, as for large answers), "wildcard" (every name has the text in `wildcard`)."""

    def __init__(self, zone):
        self.zone, self.habit, self.wildcard = dns.name.from_text(zone), "serves", ""
        self.questions = 0
        self.records = {}
        self.port, = stage.free_ports(1)
        self.set([])

    def set(self, records):
        """Tuples of name (below the zone, "@" for itself), type, text."""
        head = [("@", "SOA", f"ns.{self.zone} hostmaster.{self.zone} 1 3600 600 86400 1"), ("@", "NS", f"ns.{self.zone}"),
                ("ns", "A", stage.LOOPBACK), ("_dmarc", "TXT", '"v=DMARC1; p=none"')]
        found = {}
        for name, kind, text in head + list(records):
            owner = dns.name.from_text(name, self.zone) if name != "@" else self.zone
            found.setdefault((owner, kind), []).append(text)
        self.records = {(owner, dns.rdatatype.from_text(kind)): dns.rrset.from_text_list(owner, 1, "IN", kind, texts)
                        for (owner, kind), texts in found.items()}

    def _fill(self, question, response):
        name, kind = question.name, question.rdtype
        exact = self.records.get((name, kind)) or self.records.get((name, dns.rdatatype.CNAME))
        if exact and not (self.habit == "empty" and kind == dns.rdatatype.TXT and name.labels[0] != b"_dmarc"):
            response.answer.append(exact)
            return
        if self.habit == "wildcard" and kind == dns.rdatatype.TXT:
            response.answer.append(dns.rrset.from_text(name, 1, "IN", "TXT", self.wildcard))
            return
        known = any(owner == name or owner.is_subdomain(name) for owner, _ in self.records)
        response.set_rcode(dns.rcode.NOERROR if known else dns.rcode.NXDOMAIN)
        response.authority.append(self.records[self.zone, dns.rdatatype.SOA])

    def answer(self, wire, tcp):
        """The bytes to send back; None: nothing."""
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        self.questions += 1
        if self.habit == "silent":
            return None
        if self.habit in ("fails", "refuses"):
            response.set_rcode(dns.rcode.SERVFAIL if self.habit == "fails" else dns.rcode.REFUSED)
            return response.to_wire()
        if self.habit == "truncates" and not tcp:
            response.flags |= dns.flags.TC | dns.flags.AA
            return response.to_wire()
        policy = query.question[0].name.labels[0] == b"_dmarc"  # else the domains above would be asked, far away
        if self.habit != "lame" or policy:
            response.flags |= dns.flags.AA
            self._fill(query.question[0], response)
        return response.to_wire(max_size=65535 if tcp else 1232)

    def __enter__(self):
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                if (reply := outer.answer(data, tcp=False)) is not None:
                    sock.sendto(reply, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while len(head := self.rfile.read(2)) == 2:
                    reply = outer.answer(self.rfile.read(struct.unpack("!H", head)[0]), tcp=True)
                    if reply is None:
                        return
                    self.wfile.write(struct.pack("!H", len(reply)) + reply)

        socketserver.TCPServer.allow_reuse_address = True
        self.servers = [socketserver.ThreadingUDPServer((stage.LOOPBACK, self.port), Udp),
                        socketserver.ThreadingTCPServer((stage.LOOPBACK, self.port), Tcp)]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()


def quoted(text):
    """A TXT value as zone files have it."""
    return " ".join(f'"{text[at:at + 255]}"' for at in range(0, len(text), 255))
