"""A release: a version and its knowledge answer from now on, or what stood before goes on to.

Where the application names a suite, the new ones are held to it first. Conversations that go otherwise are held by what
stands as well: what passed there and fails here is a fall, and refuses the release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.core.errors import BundleError, GateNotMet
from feilun.core.remark import Remark, joined, said_in
from feilun.data.paths import shown
from feilun.storage import audit
from feilun.storage.customer_service_knowledge import IMPORTED, Known, replace_knowledge
from feilun.storage.customer_service_releases import keep_release, keep_unkept
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.customer_service.knowledge import Imported, known_after, known_to
from feilun.workflow.applications.customer_service.suite import Outcome, Suite, read_suite, run_suite
from feilun.workflow.applications.customer_service.version import Version, desk_of, let_stand, standing

Say = Callable[[str], Any]

BEFORE = Remark("No fall, it did not pass before", "不算退步，以前也没有通过")


def silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Proposal:
    """What is to answer from now on.

    Args:
        version: What was trained; None where nothing was yet.
        known: What is to be known.
        origins: Of which origins that takes the place of all that stands; the rest stays.
        restored: The release that is put back by it; None where it is a new one.
    """

    version: Version | None
    known: Sequence[Known]
    origins: tuple[str, ...] = IMPORTED
    restored: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What a suite says of a release.

    Args:
        suite: The suite.
        failed: Lines of the conversations that go otherwise.
        fell: Those among them that what stands passes, by line, with a sentence for each turn.
    """

    suite: Suite
    failed: tuple[int, ...]
    fell: Mapping[int, tuple[str, ...]]


def release(
    settings: CustomerServiceSettings, database: Database, proposal: Proposal,
    *, force: str | None = None, say: Say = silent,
) -> None:  # fmt: skip
    """Let a version answer from knowledge, unless the application's suite falls by it; what stood before is kept.

    Args:
        settings: The application.
        database: Where its knowledge is kept.
        proposal: The version and what it knows.
        force: Why it is released although the suite falls; goes to the audit log.
        say: Receives what is to be known meanwhile, a line each.

    Raises:
        GateNotMet: If conversations fail that passed before, and nobody forces it; what stood before goes on to.
        DataError: If the suite is none.
    """
    verdict = None
    if proposal.version is not None and settings.release.suite:
        verdict = _judged(settings, database, proposal, proposal.version, say)
    if verdict is not None and verdict.fell and force is None:
        raise GateNotMet(
            _refusal(settings.name, verdict),
            Remark(
                "What stood before goes on to. Mend the knowledge or the suite; or release it as it is, with a reason "
                "that goes to the audit log: --force REASON",
                "现行版本继续服务。请改正知识或测试集；或写明理由照样发布（理由记入审计日志）：--force 理由",
            ),
        )
    with database.write() as connection:
        keep_unkept(connection, settings.name, _json(standing(settings.name)))
        replace_knowledge(connection, settings.name, proposal.known, proposal.origins)
        keep_release(connection, settings.name, _json(proposal.version), proposal.restored)
        audit.record(connection, "release application", **_noted(settings.name, proposal, verdict, force))
        if proposal.version is not None:
            let_stand(settings.name, proposal.version)


def suite_outcome(
    settings: CustomerServiceSettings, version: Version, known: Imported, suite: Suite,
    only: tuple[int, ...] | None = None,
) -> Outcome:  # fmt: skip
    """Hold a version with its knowledge to a suite; nothing of these conversations is kept."""
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        closing(open_database(f"sqlite:///{folder}/suite.db")) as database,
    ):
        return run_suite(desk_of(settings, version, known, database), suite, only)


def _refusal(application: str, verdict: Verdict) -> Remark:
    suite = shown(verdict.suite.path)
    head = Remark(
        f"The release of {application} is refused. In {suite} passed before and fail now:",
        f"{application} 的发布被拒绝。{suite} 里以前通过、现在失败的有：",
    )
    fell = [said for own in verdict.fell.values() for said in own]
    return joined([head, *(Remark(f"  {said}", f"  {said_in('zh', said)}") for said in fell), " "], "\n", "\n")


def _judged(
    settings: CustomerServiceSettings, database: Database, proposal: Proposal, version: Version, say: Say
) -> Verdict:
    suite = read_suite(Path(settings.release.suite))
    known = known_after(settings.name, proposal.known, database, proposal.origins)
    outcome = suite_outcome(settings, version, known, suite)
    failed, total = tuple(outcome.failures), len(suite.conversations)
    right = total - len(failed)
    say(
        Remark(
            f"Suite: {right} of {total} conversations as expected.", f"测试集：{total} 个对话中 {right} 个符合预期。"
        )
    )
    passed = _passed_before(settings, database, suite, failed, say) if failed else set()
    for line in failed:
        if line not in passed:
            say(joined([BEFORE, joined(outcome.failures[line])], ": ", "："))
    return Verdict(suite, failed, {line: outcome.failures[line] for line in failed if line in passed})


def _passed_before(
    settings: CustomerServiceSettings, database: Database, suite: Suite, lines: tuple[int, ...], say: Say
) -> set[int]:
    """Return which of some conversations go as expected with what stands."""
    before = standing(settings.name)
    if before is None:
        return set()
    try:
        outcome = suite_outcome(settings, before, known_to(settings.name, database), suite, lines)
    except BundleError as error:
        say(
            Remark(
                f"What stands cannot be opened, so that nothing can fall: {error}",
                f"当前的发布打不开，因此没有可比较的对话：{said_in('zh', error.message)}",
            )
        )
        return set()
    return set(lines) - set(outcome.failures)


def _json(version: Version | None) -> dict[str, Any] | None:
    return None if version is None else version.to_json()


def _noted(name: str, proposal: Proposal, verdict: Verdict | None, force: str | None) -> dict[str, Any]:
    """Return what the audit log says of a release; no sentence of the suite is in it."""
    noted: dict[str, Any] = {"application": name, "bundle": proposal.version and proposal.version.bundle}
    if proposal.restored is not None:
        noted |= {"restored": proposal.restored, "approved": proposal.origins != IMPORTED}
    if verdict is not None:
        noted |= {"conversations": len(verdict.suite.conversations), "failed": len(verdict.failed)}
        if verdict.fell:
            noted |= {"fell": len(verdict.fell), "forced": force}
    return noted
