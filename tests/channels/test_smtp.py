"""A mail server gets each message once, over one connection, and its answers are understood."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.channels import Message, Unavailable, Undeliverable
from chalicelib.channels.configured import Smtp
from chalicelib.channels.pacing import Pace
from chalicelib.channels.smtp import MailServer
from chalicelib.survey import EchoformError
from tests.channels.servers import Sink, mail_server

MESSAGE = Message(
    key="c1-000001",
    to="c1@example.com",
    language="zh-CN",
    subject="请评价这次服务",
    text="您好\n.\n..两点\n",
    html="<p>您好</p>",
    opt_out="https://s.example.com/o?7K3Q",
)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@contextmanager
def sending_to(sink: Sink, **said: object) -> Iterator[MailServer]:
    with mail_server(sink) as port:
        configured = {"host": "127.0.0.1", "port": port, "secure": "none", **said}
        server = MailServer(
            Smtp(sender="样例 <care@example.com>", **configured),  # type: ignore[arg-type]
            "",
            Pace(1000),
        )
        try:
            yield server
        finally:
            server.close()


def test_many_messages_take_one_connection_and_arrive_as_written(sink: Sink) -> None:
    with sending_to(sink) as server:
        for number in range(20):
            server.send(Message(key=f"c1-{number}", to=f"c{number}@example.com", text=f"{number}"))
        assert server.send(MESSAGE) == server.send(MESSAGE)  # named by its key
    assert sink.connections == 1
    assert [to for _, [to], _ in sink.arrived[:20]] == [f"c{n}@example.com" for n in range(20)]
    sender, _, content = sink.arrived[20]
    mail = message_from_bytes(content, policy=default)
    assert sender == "care@example.com"
    assert str(mail["From"]) == "样例 <care@example.com>"
    assert mail["Subject"] == "请评价这次服务"
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == ["您好", ".", "..两点"]
    assert all(len(line) <= 78 for line in content.splitlines() if b"Unsubscribe" not in line)
    assert content.isascii()


def test_callers_side_by_side_have_a_connection_each_and_one_pace(sink: Sink) -> None:
    with sending_to(sink, connections=4) as server, ThreadPoolExecutor(server.at_once) as pool:
        letters = [Message(key=f"{n}", to=f"c{n}@example.com", text=f"{n}") for n in range(40)]
        assert len(set(pool.map(server.send, letters))) == 40
    assert 1 <= sink.connections <= 4
    assert sorted(to for _, [to], _ in sink.arrived) == sorted(each.to for each in letters)
    for _, [to], content in sink.arrived:
        assert content.rstrip().endswith(to[1:].partition("@")[0].encode())


def test_a_line_of_one_dot_does_not_end_a_message(sink: Sink) -> None:
    with sending_to(sink) as server:
        server.send(Message(key="k", to="c1@example.com", text="before\n.\nMAIL FROM:<x@y.z>\n"))
    [(_, _, content)] = sink.arrived
    assert b"before\r\n.\r\nMAIL FROM" in content


@pytest.mark.parametrize(
    ("command", "answer", "raised"),
    [
        ("RCPT", "550 5.1.1 <c1@example.com> unknown", Undeliverable),
        ("RCPT", "450 4.2.1 <c1@example.com> busy", Unavailable),
        ("RCPT", "530 5.7.0 authenticate first", Unavailable),
        ("RCPT", "550 5.7.1 relaying denied", Unavailable),
        ("RCPT", "550 no such mailbox", Undeliverable),
        ("RCPT", "552 5.2.2 mailbox full", Undeliverable),
        ("DATA", "550 5.4.5 daily limit reached", Unavailable),
        ("MAIL", "550 5.7.1 not you", Unavailable),
        ("DATA", "554 5.6.0 c1@example.com refused", Undeliverable),
        ("DATA", "452 4.3.1 full", Unavailable),
    ],
)
def test_permanent_refusals_are_undeliverable_and_others_come_again(
    sink: Sink, command: str, answer: str, raised: type[Exception]
) -> None:
    """And the error names no customer: it is logged."""
    with sending_to(sink) as server:
        sink.answers[command] = answer
        with pytest.raises(raised, match=answer[:3]) as caught:
            server.send(MESSAGE)
        assert "c1@" not in str(caught.value)
        sink.answers.clear()
        server.send(MESSAGE)  # over the same connection
    assert len(sink.arrived) == sink.connections == 1


def test_where_no_server_listens_nothing_was_sent() -> None:
    server = MailServer(
        Smtp(host="127.0.0.1", port=1, secure="none", sender="a@example.com"), "", Pace(10)
    )
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        server.send(MESSAGE)


def test_a_connection_that_ended_meanwhile_is_made_again(sink: Sink) -> None:
    with sending_to(sink) as server:
        server.send(MESSAGE)
        [line] = server._kept
        assert line.sock is not None
        line.sock.shutdown(socket.SHUT_RDWR)
        server.send(MESSAGE)
    assert len(sink.arrived) == sink.connections == 2


def test_only_after_the_last_byte_is_a_message_in_doubt() -> None:
    """A server that takes all and hangs up: neither Unavailable nor Undeliverable is true."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            talk, _ = listening.accept()
            with talk, talk.makefile("rb") as lines:
                talk.sendall(b"220 here\r\n")
                for line in lines:
                    if line.startswith(b"DATA"):
                        talk.sendall(b"354 go\r\n")
                    elif line == b".\r\n":
                        return
                    elif line[:4].upper() in (b"EHLO", b"MAIL", b"RCPT"):
                        talk.sendall(b"250 ok\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        said = Smtp(
            host="127.0.0.1",
            port=listening.getsockname()[1],
            secure="none",
            sender="a@example.com",
        )
        with pytest.raises(OSError, match="closed"):
            MailServer(said, "", Pace(10)).send(MESSAGE)
        thread.join()


def test_starttls_and_a_password(sink: Sink, tmp_path: Path) -> None:
    """Without the certificate of one it trusts, nothing is said at all, least of all a password."""
    theirs, ours = _certified(tmp_path)
    heard = []

    def known(server: object, session: object, envelope: object, how: str, who: object) -> object:
        heard.append(who)
        good = getattr(who, "password", b"") == b"pw"
        return AuthResult(success=good, handled=False)

    options = {
        "tls_context": theirs,
        "require_starttls": True,
        "authenticator": known,
        "auth_required": True,
    }
    with mail_server(sink, **options) as port:
        said = Smtp(host="localhost", port=port, sender="a@example.com", user="echo")
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            MailServer(said, "pw", Pace(10)).send(MESSAGE)
        assert not heard
        with pytest.raises(Unavailable, match="SMTPAuthenticationError"):
            MailServer(said, "no", Pace(10), ours).send(MESSAGE)
        server = MailServer(said, "pw", Pace(10), ours)
        server.send(MESSAGE)
        server.close()
    assert len(sink.arrived) == 1


def test_a_server_without_tls_is_told_nothing(sink: Sink) -> None:
    with (
        sending_to(sink, secure="starttls") as server,
        pytest.raises(Unavailable, match="SMTPNotSupportedError"),
    ):
        server.send(MESSAGE)
    with pytest.raises(EchoformError, match="this machine alone"):
        MailServer(Smtp(host="mail.example.com", secure="none", sender="a@b.example"), "", Pace(1))


def test_messages_are_evenly_spaced() -> None:
    time = [100.0]
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        time[0] += seconds

    pace = Pace(4, lambda: time[0], wait)
    for _ in range(4):
        pace.keep()
    time[0] += 60
    pace.keep()  # a pause is no credit
    pace.keep()
    assert waited == [0.25] * 4


def _certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for ``localhost``, and one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "both.pem").write_bytes(private + pem)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(folder / "both.pem")
    return theirs, ssl.create_default_context(cadata=pem.decode())
