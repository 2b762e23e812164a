"""Incidents to tell of, and receivers on this machine that take what is told: a webhook and a mail server."""

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlalchemy import Row, insert, select, update

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.incidents import AlertDelivery, Incident
from biosense_pipeline.store.tables.pipeline import Employee
from biosense_pipeline_tests.store.rows import AGENT

#: What the URLs of these receivers hold and nobody may read elsewhere.
USER, PASSWORD, TOKEN, QUERY = "hook-user-7f3a", "p4ssw0rd-c1e9", "T0KEN-b82d55", "Qu3ry-90ab"
SECRETS = (USER, PASSWORD, TOKEN, QUERY)


def enter_agent(database: Database, lan_id: str = AGENT, **values: Any) -> int:
    """Enter an agent; returns the id."""
    return _enter(database, insert(Employee).values(lan_id=lan_id, **values))


def enter_incident(
    database: Database, employee_id: int, opened: datetime, closed: datetime | None = None, **values: Any
) -> int:
    """Enter an incident; returns the id. No two of one agent may open in the same second."""
    first = int(opened.timestamp()) % 10**8
    given = {
        "species": "PRINT",
        "first_still_id": first,
        "last_still_id": first + 1,
        "peak": 9.0,
        "stills": 12,
        "steps": [],
        "created": opened,
        "updated": opened,
    }
    row = insert(Incident).values(employee_id=employee_id, opened=opened, closed=closed, **{**given, **values})
    return _enter(database, row)


def change_incident(database: Database, incident_id: int, **values: Any) -> None:
    """Write these values into an incident."""
    statement = update(Incident).where(Incident.id == incident_id).values(**values)
    database.write(lambda connection: connection.execute(statement))


def delivery_rows(database: Database) -> list[Row[Any]]:
    """The rows of ``alert_delivery``, in the order in which they were entered."""
    with database.read() as connection:
        return list(connection.execute(select(AlertDelivery.__table__).order_by(AlertDelivery.id)))


def _enter(database: Database, statement: Any) -> int:
    key: Any = database.write(lambda connection: connection.execute(statement).inserted_primary_key)
    return int(key[0])


@dataclass
class Webhook:
    """A web server that keeps what is posted to it.

    Attributes:
        answers: status codes of the coming requests; 200 afterwards.
        delay: seconds before each answer.
    """

    port: int = 0
    answers: list[int] = field(default_factory=list)
    delay: threading.Event | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """An Apprise URL with a secret in every part that may hold one."""
        return f"json://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{TOKEN}?-key={QUERY}"


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A web server that ends with the block."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if hook.delay is not None:
                hook.delay.wait(30)
            hook.bodies.append(json.loads(body))
            hook.paths.append(self.path)
            _, _, code = self.headers.get("Authorization", " ").partition(" ")
            hook.credentials.append(base64.b64decode(code).decode())
            answer = hook.answers.pop(0) if hook.answers else 200
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        hook.port = port
        yield hook


@dataclass
class MailServer:
    """A mail server that keeps what it takes.

    Attributes:
        refuses_recipients, refuses_login: answers 550 to each, 535.
    """

    port: int = 0
    refuses_recipients: bool = False
    refuses_login: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """An Apprise URL with secrets."""
        return (
            f"mailto://{USER}:{PASSWORD}@127.0.0.1:{self.port}"
            f"?mode=insecure&from=biosense@desk.example.com&to={TOKEN}@example.com&format=text"
        )


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A mail server that ends with the block."""
    server = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 sink")
            while line := self.rfile.readline():
                command = line.split()[0].upper() if line.split() else b""
                if command == b"QUIT":
                    self._say("221 bye")
                    return
                self._answer(command, line)

        def _answer(self, command: bytes, line: bytes) -> None:
            if command == b"EHLO":
                self._say("250-sink")
                self._say("250 AUTH PLAIN")
            elif command == b"AUTH":
                server.logins.append(base64.b64decode(line.split()[2]).decode())
                self._say("535 5.7.8 no" if server.refuses_login else "235 ok")
            elif command == b"RCPT" and server.refuses_recipients:
                self._say(f"550 5.1.1 {line.decode().strip()} unknown here")
            elif command == b"DATA":
                self._say("354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                server.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
                self._say("250 taken")
            else:
                self._say("250 ok")

        def _say(self, answer: str) -> None:
            self.wfile.write(f"{answer}\r\n".encode())

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        server.port = port
        yield server


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
