"""Creating and upgrading the store by its Alembic migrations, which travel inside the package."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from bot.adapters.sql.dialects import file_of, open_engines, parse_url
from bot.adapters.sql.faults import in_our_words
from bot.errors import SetupError

_LOCATION = "bot.adapters.sql:migrations"


async def migrate(url: str) -> None:
    """Bring the store to this version, all or nothing; may be repeated.

    Raises `SetupError` for a store that a newer version wrote, and leaves it as it is.
    """
    parsed = parse_url(url)
    _make_folder(parsed)
    await _move(parsed, command.upgrade, "head")


async def downgrade(url: str, revision: str) -> None:
    """Take the store back to an older version (`base`: nothing), with all that this forgets."""
    await _move(parse_url(url), command.downgrade, revision)


async def check_version(url: str) -> None:
    """Return if the store is this version's. Raises `SetupError` that says what to do if not."""
    parsed = parse_url(url)
    if not file_of(parsed).exists():
        raise SetupError(
            f"There is no store at {place_of(parsed)} yet: run `python -m bot migrate`."
        )
    engines = open_engines(parsed)
    try:
        with in_our_words(place_of(parsed)):
            async with engines.reading.begin() as connection:
                await connection.run_sync(_check, place_of(parsed))
    finally:
        await engines.close()


def place_of(url: URL) -> str:
    """Return where the store is, without a password."""
    return url.render_as_string(hide_password=True).replace("sqlite+aiosqlite:", "sqlite:")


async def _move(url: URL, way: Callable[[Config, str], None], revision: str) -> None:
    def move(connection: Connection) -> None:
        _refuse_newer(_revision(connection), place_of(url))
        way(_config(connection), revision)

    engines = open_engines(url)
    try:
        with in_our_words(place_of(url)):
            async with engines.writing.begin() as connection:
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


def _make_folder(url: URL) -> None:
    folder = file_of(url).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"The store's folder {folder} cannot be made ({error.strerror}). "
            "Choose another KRSP_HOME."
        ) from error
