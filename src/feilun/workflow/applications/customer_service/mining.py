"""Past conversations of an application, from its files and its database, mined for what its FAQ lacks."""

from __future__ import annotations

from pathlib import Path

from feilun.apps.customer_service.improving.asking import asked_and_answered
from feilun.apps.customer_service.improving.mining import Mined
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.bundles.bundle import Bundle
from feilun.core.decisions.similarity import SimilarityDecision
from feilun.workflow.applications.customer_service.file import past_turns
from feilun.workflow.applications.customer_service.wiring import opened


def mine(settings: CustomerServiceSettings, days: float) -> list[Mined]:
    """Put what past conversations ask and the FAQ does not answer among the candidates; see `Learning.mine`.

    Args:
        settings: The application; it must be trained.
        days: How far back conversations that were held began.

    Raises:
        UsageError: If it was not trained yet.
        DataError: If a file of conversations is not as it must be.
    """
    said = [pair for name in settings.knowledge.conversations for pair in past_turns(Path(name))[0].answered]
    with opened(settings) as desk:
        said += [pair for held in desk.held(days) for pair in asked_and_answered(held.turns)]
        embedder = desk.ladder.library.embedder
        decision = embedder.predictor.decision if isinstance(embedder, Bundle) else SimilarityDecision()
        near = decision.threshold if isinstance(decision, SimilarityDecision) else SimilarityDecision().threshold
        return desk.learning.mine(said, near)
