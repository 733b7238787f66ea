"""The migrations make exactly the tables that the code uses, and refuse what they do not know."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


async def run_sql(url: str, statement: str) -> None:
    engines = open_engines(parse_url(url))
    async with engines.writing.begin() as connection:
        await connection.exec_driver_sql(statement)
    await engines.close()


async def look(url: str, find: Callable[[Connection], Any]) -> Any:
    engines = open_engines(parse_url(url))
    async with engines.reading.begin() as connection:
        found = await connection.run_sync(find)
    await engines.close()
    return found


async def test_the_migrations_make_exactly_the_tables_of_the_code(empty_url: str) -> None:
    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, metadata)

    await migrate(empty_url)
    assert await look(empty_url, differences) == []


async def test_a_store_can_be_taken_down_to_nothing_and_up_again(empty_url: str) -> None:
    def tables(connection: Connection) -> list[str]:
        return inspect(connection).get_table_names()

    await migrate(empty_url)
    await downgrade(empty_url, "base")
    assert await look(empty_url, tables) == ["alembic_version"]
    await migrate(empty_url)
    await check_version(empty_url)


async def test_migrating_twice_keeps_what_is_there(empty_url: str, make_run) -> None:
    await migrate(empty_url)
    store = await SqlStore.open(empty_url)
    await store.add_run(make_run(), (), ())
    await store.close()
    await migrate(empty_url)
    store = await SqlStore.open(empty_url)
    assert len(await store.unfinished()) == 1
    await store.close()


async def test_a_missing_store_is_refused_with_the_command_and_not_created(url: str) -> None:
    with pytest.raises(SetupError, match="python -m bot migrate"):
        await SqlStore.open(url)
    assert not file_of(url).exists()


async def test_an_empty_store_is_refused_with_the_command(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        file_of(empty_url).touch()
    with pytest.raises(SetupError, match=r"is empty: run `python -m bot migrate`"):
        await SqlStore.open(empty_url)


async def test_a_store_of_a_newer_version_is_refused_by_name(migrated_url: str) -> None:
    await run_sql(migrated_url, "UPDATE alembic_version SET version_num = '9999_from_tomorrow'")
    for use in (check_version, migrate, SqlStore.open):
        with pytest.raises(SetupError, match=r"newer version .* 9999_from_tomorrow") as refusal:
            await use(migrated_url)
        assert "hunter2" not in str(refusal.value)


async def test_a_store_of_an_older_version_is_refused_and_then_migrated_with_its_data(
    empty_url: str, make_run
) -> None:
    await migrate(empty_url)
    store = await SqlStore.open(empty_url)
    await store.add_run(make_run(), (), ())
    await store.close()
    await downgrade(empty_url, "0001")
    with pytest.raises(SetupError, match=r"of version 0001 .* run `python -m bot migrate`"):
        await SqlStore.open(empty_url)
    await migrate(empty_url)
    store = await SqlStore.open(empty_url)
    assert len(await store.unfinished()) == 1
    await store.close()


async def test_two_replicas_that_migrate_at_once_do_it_once(empty_url: str) -> None:
    await asyncio.gather(*(migrate(empty_url) for _ in range(3)))
    await check_version(empty_url)


async def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    def tables(connection: Connection) -> list[str]:
        return inspect(connection).get_table_names()

    await run_sql(empty_url, "CREATE TABLE threads (id TEXT)")
    with pytest.raises(SetupError, match="threads"):
        await migrate(empty_url)
    assert await look(empty_url, tables) == ["threads"]


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
        ("mysql://bot:hunter2@db/krsp", "names mysql"),
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
