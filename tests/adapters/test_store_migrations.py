"""The migrations make exactly the tables that the code uses, and refuse what they do not know."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from bot.adapters.sql import SqlStore, check_version, migrate
from bot.adapters.sql.dialects import open_engines, parse_url
from bot.adapters.sql.migration import downgrade
from bot.adapters.sql.schema import UtcDateTime, metadata
from bot.errors import SetupError


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def run_sql(url: str, statement: str) -> None:
    with sqlite3.connect(file_of(url)) as connection:
        connection.execute(statement)
    connection.close()


async def test_the_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, metadata)

    await migrate(url)
    engines = open_engines(parse_url(url))
    async with engines.reading.begin() as connection:
        assert await connection.run_sync(differences) == []
    await engines.close()


async def test_a_store_can_be_taken_down_to_nothing_and_up_again(url: str) -> None:
    def tables(connection: Connection) -> list[str]:
        return inspect(connection).get_table_names()

    await migrate(url)
    await downgrade(url, "base")
    engines = open_engines(parse_url(url))
    async with engines.reading.begin() as connection:
        assert await connection.run_sync(tables) == ["alembic_version"]
    await engines.close()
    await migrate(url)
    await check_version(url)


async def test_migrating_twice_keeps_what_is_there(url: str, make_run) -> None:
    await migrate(url)
    store = await SqlStore.open(url)
    await store.add_run(make_run(), (), ())
    await store.close()
    await migrate(url)
    store = await SqlStore.open(url)
    assert len(await store.unfinished()) == 1
    await store.close()


async def test_a_missing_store_is_refused_with_the_command_and_not_created(url: str) -> None:
    with pytest.raises(SetupError, match="python -m bot migrate"):
        await SqlStore.open(url)
    assert not file_of(url).exists()


async def test_an_empty_store_is_refused_with_the_command(url: str) -> None:
    file_of(url).touch()
    with pytest.raises(SetupError, match=r"is empty: run `python -m bot migrate`"):
        await SqlStore.open(url)


async def test_a_store_of_a_newer_version_is_refused_by_name(url: str) -> None:
    await migrate(url)
    run_sql(url, "UPDATE alembic_version SET version_num = '9999_from_tomorrow'")
    for use in (check_version, migrate, SqlStore.open):
        with pytest.raises(SetupError, match=r"newer version .* 9999_from_tomorrow"):
            await use(url)


async def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    run_sql(url, "CREATE TABLE threads (id TEXT)")
    with pytest.raises(SetupError, match="threads"):
        await migrate(url)
    with sqlite3.connect(file_of(url)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert rows == [("threads",)]


async def test_a_file_that_is_no_database_is_refused_and_kept(url: str) -> None:
    file_of(url).write_text("these are not the pages you are looking for\n" * 50)
    before = file_of(url).read_bytes()
    for use in (check_version, migrate):
        with pytest.raises(SetupError, match="damaged or no database"):
            await use(url)
    assert file_of(url).read_bytes() == before


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("krsp.db", "no database URL"),
        ("postgresql://bot:hunter2@db/krsp", "names postgresql"),
        ("sqlite://", "forget every run"),
        ("sqlite:///:memory:", "forget every run"),
    ],
)
async def test_a_url_that_cannot_be_used_is_refused_without_its_password(
    url: str, reason: str
) -> None:
    with pytest.raises(SetupError, match=reason) as refusal:
        await migrate(url)
    assert "hunter2" not in str(refusal.value)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="file/deeper"):
        await migrate(f"sqlite:///{tmp_path}/file/deeper/krsp.db")


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_each_table_can_be_written_in_the_words_of_postgresql(table: Table) -> None:
    words = str(CreateTable(table).compile(dialect=postgresql.dialect()))
    assert "DATETIME" not in words
    assert ("TIMESTAMP WITH TIME ZONE" in words) == any(
        isinstance(column.type, UtcDateTime) for column in table.columns
    )
