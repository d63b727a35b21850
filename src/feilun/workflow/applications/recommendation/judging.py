"""A recommender judged on what came after, beside what it must beat and what it would be without its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from feilun.apps.recommendation.judging.against_baselines import BASELINES, Judged, judge, scorer_of, scorer_of_model
from feilun.apps.recommendation.judging.cold_start import hidden_items, judge_cold
from feilun.apps.recommendation.judging.reliability import Reliability, reliability
from feilun.apps.recommendation.ranking.context_lift import lift_name
from feilun.apps.recommendation.ranking.exposures import candidates, impressions
from feilun.apps.recommendation.ranking.features import COLLABORATIVE, CONTEXTUAL, TEXTUAL
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.ranking.requests import requests_of
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.records.interactions import Interactions
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.evaluation.protocols import split
from feilun.workflow.applications.recommendation.prepared import Prepared, taught, untaught

if TYPE_CHECKING:
    from feilun.workflow.screen import Screen

ABLATIONS: Mapping[str, tuple[str, ...]] = {
    "without text": TEXTUAL,
    "without collaborative": COLLABORATIVE,
    "without context": CONTEXTUAL,
}


@dataclass(frozen=True)
class Evaluation:
    """A recommender beside what it must beat.

    Args:
        rows: By name, the figures on the last tenth of the interactions in time.
        cold: The text model and the category mean on items hidden from training.
        users: Users judged.
        items: Items ranked for each.
        clicks: How the probabilities agree with what happened after training; None where none are told.
    """

    rows: Mapping[str, Judged]
    cold: Mapping[str, Judged]
    users: int
    items: int
    clicks: Reliability | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        clicks = asdict(self.clicks) if self.clicks else None
        rows = {"rows": _json(self.rows), "cold": _json(self.cold)}
        return {"users": self.users, "items": self.items, **rows, "clicks": clicks}


def _json(rows: Mapping[str, Judged]) -> dict[str, Any]:
    return {
        name: {
            **{m: asdict(f) for m, f in one.figures.items()}, **one.catalogue,
            "segments": {segment: asdict(some) for segment, some in one.segments.items()},
        }
        for name, one in rows.items()
    }  # fmt: skip


def evaluate(
    settings: RecommendationSettings,
    prepared: Prepared,
    say: Callable[[str], Any] = print,
    screen: Screen | None = None,
) -> Evaluation:
    """Judge an application on the last tenth of its interactions in time, over the whole catalogue.

    An interest model, where one is wanted, is fine-tuned for it on what came before, and on none of the items that are
    hidden to be judged as cold ones; beside it stands what the application is without.

    Args:
        settings: Of the application.
        prepared: Its data.
        say: Is told what is done.
        screen: What the user sees of the interest model's training.

    Raises:
        UsageError: If there is too little to judge on.
    """
    everything = prepared.read.positive
    parts = split("temporal", everything.user, everything.time)
    known = everything.select(np.sort(np.concatenate([parts.train, parts.validation])))
    held_out = everything.select(parts.test)
    if not len(known) or not len(held_out):
        raise UsageError(
            Remark(
                f"{len(everything):,} interactions are too few to judge on.",
                f"{len(everything):,} 次行为太少，无法评估。",
            ),
            Remark("Import more events, over a longer time.", "请导入更多、时间跨度更长的事件。"),
        )
    now = float(held_out.time.min())
    rows = {}
    if settings.interest.tune:
        off, plain = settings.without_interest(), untaught(settings, prepared)
        say(Remark("judging ours without the interest model", "正在评估没有兴趣模型的本应用"))
        rows["ours, no interest model"] = _ranked(_trained(off, known, plain, now), off, known, held_out, plain)
        prepared = taught(settings, prepared, known, screen, hidden_items(len(prepared.catalogue), settings.seed))
    catalogue = prepared.catalogue
    for name, make in BASELINES.items():
        say(Remark(f"judging {name}", f"正在评估 {name}"))
        rows[name] = judge(scorer_of(make().fit(known, catalogue, now), len(catalogue)), known, held_out, catalogue)
    for name, without in ABLATIONS.items():
        say(Remark(f"judging ours {name}", f"正在评估本应用（{name}）"))
        ablated = _ablated(settings, without)
        rows[f"ours, {name}"] = _ranked(_trained(ablated, known, prepared, now), ablated, known, held_out, prepared)
    say(Remark("judging ours", "正在评估本应用"))
    model = _trained(settings, known, prepared, now)
    rows["ours"] = _ranked(model, settings, known, held_out, prepared)
    cold = judge_cold(everything, catalogue, settings.seed, prepared.now)
    clicks = _reliability(model, settings, known, held_out, prepared)
    return Evaluation(rows, cold, len(np.unique(held_out.user)), len(catalogue), clicks)


def _trained(settings: RecommendationSettings, known: Interactions, prepared: Prepared, now: float) -> Model:
    before = [ranking for ranking in prepared.held.rankings if ranking.time < now]
    return fit(known, prepared.catalogue, settings, now, before)


def _reliability(
    model: Model, settings: RecommendationSettings, known: Interactions, held_out: Interactions, prepared: Prepared
) -> Reliability | None:
    """Judge probabilities on what was shown after training, or where nothing was, on what was taken next."""
    if model.clicks is None:
        return None
    if model.clicks.basis == "next":
        requests = requests_of(known, held_out, np.unique(held_out.user))
        return reliability(model.clicks, candidates(model, settings.candidates, requests, held_out))
    later = [ranking for ranking in prepared.held.rankings if ranking.time >= held_out.time.min()]
    everything = prepared.read.positive
    anybody = np.ones(len(everything.users), bool)
    shown = impressions(model, settings.candidates, everything, later, anybody, settings.seed)
    return reliability(model.clicks, shown)


def _ranked(
    model: Model, settings: RecommendationSettings, known: Interactions, held_out: Interactions, prepared: Prepared
) -> Judged:
    users, contexts = prepared.read.positive.users, prepared.contexts
    scorer = scorer_of_model(
        model, settings.candidates.quotas, prepared.catalogue.shown, lambda user, at: contexts.at(users[user], at)
    )
    return judge(scorer, known, held_out, prepared.catalogue)


def _ablated(settings: RecommendationSettings, without: tuple[str, ...]) -> RecommendationSettings:
    quotas = {name: quota for name, quota in settings.candidates.quotas.items() if name not in without}
    more = map(lift_name, settings.context.columns) if without == CONTEXTUAL else ()
    ranking = replace(settings.ranking, without=(*settings.ranking.without, *without, *more))
    return replace(
        settings, candidates=replace(settings.candidates, quotas=quotas or {"popular": 100}), ranking=ranking
    )
