"""Customer service, wired: files become knowledge, which stands behind the desk with the model that was trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.storage.customer_service_releases import newest_release
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.customer_service.file import Knowledge, read_application, read_knowledge
from feilun.workflow.applications.customer_service.following import Following, followed
from feilun.workflow.applications.customer_service.knowledge import Imported, known_to, rows_of
from feilun.workflow.applications.customer_service.release import Proposal, Say, release, silent, suite_outcome
from feilun.workflow.applications.customer_service.suite import Outcome, Suite, read_suite
from feilun.workflow.applications.customer_service.version import desk_of, standing, trained


def import_knowledge(
    settings: CustomerServiceSettings, database: Database, *, force: str | None = None, say: Say = silent
) -> tuple[Knowledge, Imported]:
    """Read an application's files and put what they hold in the place of what was imported before.

    Args:
        settings: The application.
        database: Where it is kept.
        force: Why it is done although the suite falls; goes to the audit log.
        say: Receives what is to be known meanwhile, a line each.

    Returns:
        What the files hold, and all that is known now.

    Raises:
        DataError: If a file is not as it must be; nothing was changed.
        GateNotMet: If the application's suite falls; nothing was changed.
    """
    knowledge = read_knowledge(settings)
    release(settings, database, Proposal(standing(settings.name), rows_of(knowledge)), force=force, say=say)
    return knowledge, known_to(settings.name, database)


@contextmanager
def opened(settings: CustomerServiceSettings, *, follow: bool = False) -> Iterator[Desk]:
    """Open an application that was trained, for the length of a block.

    Args:
        settings: The application.
        follow: Whether it answers by what is released meanwhile, as a service does.

    Raises:
        UsageError: If it was not trained yet.
        BundleError: If its bundle is gone or damaged.
    """
    version = trained(settings.name)
    with closing(open_database()) as database, ExitStack() as exits:
        with database.read() as connection:
            newest = newest_release(connection, settings.name)
        desk = desk_of(settings, version, known_to(settings.name, database), database)
        if follow:
            exits.enter_context(followed(Following(settings, desk, version, newest)))
        yield desk


def held_to_suite(file: Path, suite: Path | None = None) -> tuple[Suite, Outcome]:
    """Hold an application as it stands to a suite; nothing of these conversations is kept.

    Args:
        file: The application file, or a suite that names it.
        suite: The suite; None takes the one that `file` is, or names as `release.suite`.

    Raises:
        UsageError: If no suite is named, or the application was not trained yet.
        DataError: If the suite is none.
        BundleError: If the application's bundle is gone or damaged.
    """
    if suite is None and file.suffix in {".yaml", ".yml"}:
        held = read_suite(file)
        if held.application is None:
            raise UsageError(
                Remark(f"{file} names no application.", f"{file} 没有写应用。"),
                Remark("Begin it with `application: FILE.toml`.", "请以 `application: FILE.toml` 开头。"),
            )
        settings = read_application(held.application)
    else:
        settings = read_application(file)
        named = suite or settings.release.suite
        if not named:
            raise UsageError(
                Remark(f"{file} names no suite.", f"{file} 没有写测试集。"),
                Remark(
                    "Give one: feilun customer-service test FILE SUITE",
                    "请给出一个：feilun customer-service test FILE SUITE",
                ),
            )
        held = read_suite(Path(named))
    with closing(open_database()) as database:
        known = known_to(settings.name, database)
    return held, suite_outcome(settings, trained(settings.name), known, held)
