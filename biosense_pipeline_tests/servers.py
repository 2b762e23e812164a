"""The MariaDB that tests use: the one that answers, a private one, or none."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

#: Environment variable that names the server to use.
SERVER_VARIABLE = "BIOSENSE_TEST_MYSQL_URL"
DEFAULT_URL = "mysql+pymysql://root@127.0.0.1:3306/"
_START_SECONDS = 60


class NoServer(Exception):
    """No MariaDB answers and none can be started; the text says why."""


@contextmanager
def mariadb(folder: Path) -> Iterator[URL]:
    """URL of a server without a database name; a private server lives in ``folder`` and ends with the block."""
    named = os.environ.get(SERVER_VARIABLE)
    url = make_url(named or DEFAULT_URL)
    if _answers(url):
        yield url
        return
    if named:
        raise NoServer(f"{SERVER_VARIABLE} names a server that does not answer")
    with _private_server(folder) as private:
        yield private


def _answers(url: URL) -> bool:
    engine = create_engine(url, connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return True
    except OperationalError:
        return False
    finally:
        engine.dispose()


@contextmanager
def _private_server(folder: Path) -> Iterator[URL]:
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    installer = shutil.which("mariadb-install-db")
    if not server or not installer:
        raise NoServer("no MariaDB answers at 127.0.0.1:3306 and mariadbd is not installed")
    user = getpass.getuser()
    data, sock = folder / "data", folder / "sock"
    subprocess.run(
        [installer, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", f"--user={user}"],
        check=True,
        capture_output=True,
    )
    port = _free_port()
    process = subprocess.Popen(
        [
            server,
            "--no-defaults",
            f"--datadir={data}",
            f"--socket={sock}",
            f"--user={user}",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            f"--log-error={folder / 'log'}",
        ]
    )
    url = make_url(f"mysql+pymysql://root@127.0.0.1:{port}/")
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoServer(f"a private mariadbd did not start: {(folder / 'log').read_text()[-500:]}")
            time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
