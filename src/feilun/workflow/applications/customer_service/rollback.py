"""An earlier release of customer service, put back: its model, its thresholds and what it knew."""

from __future__ import annotations

from collections.abc import Sequence

from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.bundles.bundle import open_bundle
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.storage.customer_service_knowledge import EVERY, IMPORTED
from feilun.storage.customer_service_releases import Released, knowledge_of, releases_of
from feilun.storage.database import Database
from feilun.workflow.applications.customer_service.intents import intents_of
from feilun.workflow.applications.customer_service.release import Proposal, Say, release, silent
from feilun.workflow.applications.customer_service.version import Version, reranker_of, standing, tagger_of


def roll_back(
    settings: CustomerServiceSettings, database: Database, number: int | None = None,
    *, approved: bool = False, force: str | None = None, say: Say = silent,
) -> Released:  # fmt: skip
    """Put a release back, as a new one; what stands until then is kept as well, so that nothing is lost.

    Args:
        settings: The application.
        database: Where its releases are kept.
        number: Which; None takes the one before the one that stands.
        approved: Whether what people approved goes back to what it was then; else it stays as it is.
        force: Why it is put back although the suite falls; goes to the audit log.
        say: Receives what is to be known meanwhile, a line each.

    Returns:
        The release that was put back.

    Raises:
        UsageError: If there is no such release, none before, or it is another Feilun's; nothing was changed.
        GateNotMet: If the application's suite falls; nothing was changed.
        BundleError: If its model is gone or damaged; nothing was changed.
    """
    if approved and number is None:
        raise UsageError(
            Remark(
                "--approved without --to says not how far back.", "只写 --approved 而没有 --to，不知道要退到哪一次。"
            ),
            Remark("Name the release: --to NUMBER", "请写明发布：--to 编号"),
        )
    with database.read() as connection:
        kept = releases_of(connection, settings.name)
        found = _before(settings.name, kept) if number is None else _of_number(settings.name, kept, number)
        known = knowledge_of(connection, settings.name, found.number)
    version = standing(settings.name) if found.version is None else _version(found)
    if version is not None:
        open_bundle(version.bundle)
        reranker_of(version.reranker)
        intents_of(version.intents)
        tagger_of(version.tagger)
    proposal = Proposal(version, known, EVERY if approved else IMPORTED, found.number)
    release(settings, database, proposal, force=force, say=say)
    return found


def _version(found: Released) -> Version:
    try:
        return Version.from_json(found.version or {})
    except ValueError as error:
        raise UsageError(
            Remark(
                f"Release {found.number} was made by another version of Feilun and cannot answer here: {error}.",
                f"第 {found.number} 次发布由另一版本的飞轮制作，在这里无法回答：{error}。",
            ),
            Remark(
                "Put another one back, or train again: feilun customer-service train FILE",
                "请退回另一次发布，或重新训练：feilun customer-service train FILE",
            ),
        ) from error


def _before(application: str, kept: Sequence[Released]) -> Released:
    """Return the release before the one that stands; one that was put back stands in its former place."""
    stands = None if not kept else kept[0].restored or kept[0].number
    found = next((one for one in kept if stands is not None and one.number < stands), None)
    if found is None:
        raise UsageError(
            Remark(
                f"{application} has no release before the one that stands.",
                f"{application} 在现行发布之前没有别的发布。",
            ),
            Remark(
                "Those that are kept: feilun customer-service releases FILE",
                "保留着的发布见：feilun customer-service releases FILE",
            ),
        )
    return found


def _of_number(application: str, kept: Sequence[Released], number: int) -> Released:
    found = next((one for one in kept if one.number == number), None)
    if found is None:
        held = f"{kept[-1].number} to {kept[0].number}" if kept else "none"
        raise UsageError(
            Remark(f"{application} has no release {number}.", f"{application} 没有第 {number} 次发布。"),
            Remark(f"Kept are: {held}.", f"保留着的有：{held}。"),
        )
    return found
