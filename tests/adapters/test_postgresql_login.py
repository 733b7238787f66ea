"""How the store reaches a server: its URL, its password or token, TLS off this machine."""

import asyncio
import ssl
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from bot.adapters.sql import SqlStore, migrate, wires_of
from bot.adapters.sql.dialects import parse_url, place_of
from bot.adapters.sql.postgresql import connect_args
from bot.errors import SetupError, UnavailableError
from tests.adapters.postgresql_server import PASSWORD, USER, PostgresqlServer

WRONG = "sword" + "fish"  # so that no line of this file that a traceback shows holds it
SSL_REQUEST = 80_877_103  # https://www.postgresql.org/docs/current/protocol-message-formats.html


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://bot:hunter2@db/krsp?sslmode=disable", "another machine"),
        ("postgresql://bot:hunter2@db/krsp?sslmode=prefer", "another machine"),
        ("postgresql://bot:hunter2@db/krsp?sslmode=off", "none of PostgreSQL's"),
        ("postgresql://bot:hunter2@db/krsp?options=x&target=y", "the option options, target"),
        ("postgresql://bot:hunter2@db:6432/krsp", "port 6432, which is PgBouncer"),
        ("postgresql://bot:hunter2@db", "names no database"),
        ("postgresql://:hunter2@db/krsp", "names no user"),
        ("postgresql://bot:hunter2@/krsp", "names no host"),
        ("postgresql+psycopg://bot:hunter2@db/krsp", "driver postgresql"),
        ("postgresql://bot:hunter2@db:one/krsp", "no database URL"),
        ("postgres://bot:hunter2@db/krsp", "names postgres, and"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_reason_and_no_password(
    url: str, reason: str
) -> None:
    with pytest.raises(SetupError, match=reason) as refusal:
        parse_url(url)
    told = "".join(traceback.format_exception(refusal.value))
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "is_tls"),
    [
        ("postgresql://bot@127.0.0.1/krsp", False),
        ("postgresql://bot@localhost:5433/krsp", False),
        ("postgresql://bot@/krsp?host=/run/postgresql", False),
        ("postgresql://bot@127.0.0.1/krsp?sslmode=verify-full", True),
        ("postgresql+asyncpg://bot@psql-krsp.postgres.database.azure.com/krsp", True),
        ("postgresql://bot@10.0.0.4/krsp?sslmode=require", True),
    ],
)
def test_another_machine_is_only_reached_by_tls(url: str, is_tls: bool) -> None:
    assert connect_args(parse_url(url), None)["ssl"] is is_tls


def test_a_place_is_shown_without_driver_and_password() -> None:
    url = parse_url("postgresql+asyncpg://bot:hunter2@db:5432/krsp")
    assert place_of(url) == "postgresql://bot@db:5432/krsp"


def test_a_password_in_the_url_comes_before_a_token() -> None:
    def token() -> str:
        return "token"

    for url, asked in (("bot:hunter2@db", False), ("bot@db", True)):
        told = connect_args(parse_url(f"postgresql://{url}/krsp"), token)
        assert ("password" in told) is asked


async def test_a_refused_login_names_the_user_and_no_password(
    postgresql: PostgresqlServer,
) -> None:
    with pytest.raises(SetupError, match=r"refused our login .*\"krsp\"") as refusal:
        await SqlStore.open(postgresql.url("postgres", password=f":{WRONG}"))
    assert WRONG not in "".join(traceback.format_exception(refusal.value))


async def test_a_fresh_token_is_asked_for_each_new_connection(
    postgresql: PostgresqlServer, postgresql_url: str
) -> None:
    asked: list[str] = []

    async def token() -> str:
        asked.append(f"token-{len(asked)}")
        await postgresql.execute(f"ALTER ROLE hourly PASSWORD '{asked[-1]}'")  # the last is spent
        return asked[-1]

    await postgresql.execute("CREATE ROLE hourly LOGIN SUPERUSER")
    url = postgresql_url.replace(f"{USER}:{PASSWORD}", "hourly")
    await migrate(url, token)
    store = await SqlStore.open(url, password=token)
    await store.check()
    count = len(asked)
    await store.check()
    assert len(asked) == count  # an open connection outlives its token
    await postgresql.break_off(url)
    await store.check()
    assert len(asked) > count
    wire = await wires_of(url, token)()
    await wire.ping()
    await wire.close()
    await store.close()
    await postgresql.execute("DROP ROLE hourly")


async def test_a_token_that_cannot_be_had_is_the_reason_that_is_given(
    postgresql: PostgresqlServer, postgresql_url: str
) -> None:
    def token() -> str:
        raise UnavailableError("The identity's endpoint does not answer.")

    url = postgresql_url.replace(f":{PASSWORD}", "")
    with pytest.raises(UnavailableError, match="identity's endpoint does not answer"):
        await SqlStore.open(url, password=token)


async def test_a_server_on_this_machine_is_reached_by_its_socket(
    postgresql: PostgresqlServer, postgresql_url: str
) -> None:
    socket = f"@:{postgresql.port}/"
    url = postgresql_url.replace(f"@127.0.0.1:{postgresql.port}/", socket)
    url += f"?host={postgresql.folder}"
    store = await SqlStore.open(url)
    await store.check()
    await store.close()
    wire = await wires_of(url)()
    await wire.ping()
    await wire.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process trust the authority of the server's certificate."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@asynccontextmanager
async def tls_door(server: PostgresqlServer, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Speak TLS before a server that was built without it; yield the port."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readexactly(8)
        assert int.from_bytes(asked[4:], "big") == SSL_REQUEST
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except OSError:  # the client does not trust us
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    door = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with door:
        yield door.sockets[0].getsockname()[1]


@pytest.fixture
def certificate(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    def issue(name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    return issue


async def test_a_server_with_a_trusted_certificate_is_used(
    postgresql: PostgresqlServer,
    postgresql_url: str,
    certificate: Callable[[str], ssl.SSLContext],
    trusted: None,
) -> None:
    async with tls_door(postgresql, certificate("127.0.0.1")) as port:
        url = postgresql_url.replace(str(postgresql.port), str(port)) + "?sslmode=verify-full"
        store = await SqlStore.open(url)
        await store.check()
        await store.close()


async def test_a_certificate_of_an_unknown_authority_is_refused(
    postgresql: PostgresqlServer,
    postgresql_url: str,
    certificate: Callable[[str], ssl.SSLContext],
) -> None:
    async with tls_door(postgresql, certificate("127.0.0.1")) as port:
        url = postgresql_url.replace(str(postgresql.port), str(port)) + "?sslmode=require"
        with pytest.raises(SetupError, match="certificate that cannot be trusted"):
            await SqlStore.open(url)


async def test_a_certificate_of_another_name_is_refused(
    postgresql: PostgresqlServer,
    postgresql_url: str,
    certificate: Callable[[str], ssl.SSLContext],
    trusted: None,
) -> None:
    async with tls_door(postgresql, certificate("psql-other.example")) as port:
        url = postgresql_url.replace(str(postgresql.port), str(port)) + "?sslmode=verify-ca"
        with pytest.raises(SetupError, match=r"certificate that cannot be trusted .*mismatch"):
            await SqlStore.open(url)


async def test_a_server_without_tls_is_refused_where_tls_is_asked_for(postgresql_url: str) -> None:
    with pytest.raises(UnavailableError, match="rejected SSL upgrade"):
        await SqlStore.open(postgresql_url + "?sslmode=verify-full")
