"""Creating and upgrading the store by its Alembic migrations, which travel inside the package."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from bot.adapters.sql.dialects import open_engines, parse_url, place_of, take_migration_turn
from bot.adapters.sql.engines import Password
from bot.adapters.sql.faults import in_our_words
from bot.adapters.sql.sqlite import SQLITE, file_of, make_folder
from bot.errors import SetupError

_LOCATION = "bot.adapters.sql:migrations"
# For a large table, and for waiting until another replica has migrated.
STATEMENT_S = 600.0


async def migrate(url: str, password: Password | None = None) -> None:
    """Bring the store to this version, all or nothing; may be repeated, also at the same time.

    Raises `SetupError` for a store that a newer version wrote, and leaves it as it is.
    """
    parsed = parse_url(url)
    if _is_file(parsed):
        make_folder(parsed)
    await _move(parsed, password, command.upgrade, "head")


async def downgrade(url: str, revision: str, password: Password | None = None) -> None:
    """Take the store back to an older version (`base`: nothing), with all that this forgets."""
    await _move(parse_url(url), password, command.downgrade, revision)


async def check_version(url: str, password: Password | None = None) -> None:
    """Return if the store is this version's. Raises `SetupError` that says what to do if not."""
    parsed = parse_url(url)
    if _is_file(parsed) and not file_of(parsed).exists():
        raise SetupError(
            f"There is no store at {place_of(parsed)} yet: run `python -m bot migrate`."
        )
    engines = open_engines(parsed, password)
    try:
        with in_our_words(place_of(parsed)):
            async with engines.reading.begin() as connection:
                await connection.run_sync(_check, place_of(parsed))
    finally:
        await engines.close()


def _is_file(url: URL) -> bool:
    return url.get_backend_name() == SQLITE


async def _move(
    url: URL, password: Password | None, way: Callable[[Config, str], None], revision: str
) -> None:
    def move(connection: Connection) -> None:
        _refuse_newer(_revision(connection), place_of(url))
        way(_config(connection), revision)

    engines = open_engines(url, password, STATEMENT_S)
    try:
        with in_our_words(place_of(url)):
            async with engines.writing.begin() as connection:
                await take_migration_turn(connection)
                await connection.run_sync(move)
    finally:
        await engines.close()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", _LOCATION)
    config.set_main_option("path_separator", "os")
    return config


def _check(connection: Connection, place: str) -> None:
    found = _revision(connection)
    head = _scripts().get_current_head()
    if found is None:
        raise SetupError(f"The store {place} is empty: run `python -m bot migrate`.")
    _refuse_newer(found, place)
    if found != head:
        raise SetupError(
            f"The store {place} is of version {found} and this program needs {head}: "
            "run `python -m bot migrate`."
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(found: str | None, place: str) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if found is not None and found not in known:
        raise SetupError(
            f"The store {place} was written by a newer version of this program (its version is "
            f"{found}, the newest known here {_scripts().get_current_head()}). Install that newer "
            "version, or restore the backup that was made before it."
        )
