"""The third rung: what documents say, each sentence with its citation; nothing is said that no passage says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from feilun.apps.customer_service.finding.calibration import Calibration
from feilun.apps.customer_service.finding.evidence import Weighed
from feilun.apps.customer_service.finding.library import ANSWER, Library
from feilun.apps.customer_service.known.entries import Passage
from feilun.apps.customer_service.reply import Citation, Reply
from feilun.apps.customer_service.rungs.composing import Composer
from feilun.apps.customer_service.rungs.rung import GONE, Question, Step, weighing
from feilun.apps.customer_service.words.injection import quotable
from feilun.text.segment import HAN, sentences

SHARED = 0.12
"""Share of a question's weight that a sentence must hold to be part of its answer."""

NEAR = 0.2
"""Share of the best passage's probability from which on another one is read along by the composer."""


@dataclass(frozen=True)
class Grounded:
    """Answers from the passage of a document that answers best.

    Answers of the FAQ are weighed beside the documents, and given by its own rung alone: what that one is not sure
    enough of would be let in here a second time.

    Args:
        calibration: How sure it has to be.
        sentences: Most sentences of an answer.
        hosts: Names that links of quoted sentences may lead to.
        composer: Says it in its own words, where there is one; what it may not say is quoted instead.
    """

    calibration: Calibration
    sentences: int = 3
    hosts: Collection[str] = ()
    composer: Composer | None = None

    def step(self, question: Question, library: Library) -> Step:
        """Say what the composer may say, else quote the sentences that answer, in the order in which they stand."""
        found = library.passage(question.search, question.vector, question.spoken())
        if found is None:
            return Step({"rung": "grounded", "decision": "nothing found"})
        weighed = [one for one in self.calibration.weighed(found) if not one.id.endswith(ANSWER)]
        if not weighed:
            return Step({"rung": "grounded", "decision": "no document is close"})
        best = weighed[0]
        passage = library.passages.get(best.id)
        if passage is None:
            return Step({"rung": "grounded", "decision": GONE})
        trace = {"passage": passage.id, **weighing("grounded", best, self.calibration)}
        if best.probability < self.calibration.threshold:
            return Step({**trace, "decision": "not sure enough"})
        said = self._composed(question, weighed, library)
        decision = "answer in own words" if said else "answer"
        said = said or self._quoted(question, passage, library)
        if not said:
            return Step({**trace, "decision": "no sentence may be quoted"})
        text = ("" if HAN.search(said[0][0]) else " ").join(sentence for sentence, _ in said)
        citations = tuple(dict.fromkeys(citation for _, citation in said))
        return Step({**trace, "decision": decision}, Reply("answer", text, citations, best.probability))

    def _composed(self, question: Question, weighed: Sequence[Weighed], library: Library) -> list[tuple[str, Citation]]:
        """Return what the composer says of the passages that may well answer."""
        if self.composer is None:
            return []
        near = [one for one in weighed if one.probability >= NEAR * weighed[0].probability]
        known = library.passages
        passages = [known[one.id] for one in near if one.id in known]
        return self.composer.composed(question.search, passages, library)[: self.sentences]

    def _quoted(self, question: Question, passage: Passage, library: Library) -> list[tuple[str, Citation]]:
        """Return the sentences that share most with the question, in their own order; at least the first one."""
        own = [sentence for sentence in sentences(passage.text) if quotable(sentence, self.hosts)]
        shares = [library.texts.coverage(question.search, sentence) for sentence in own]
        best = sorted(range(len(own)), key=lambda i: -shares[i])
        kept = [i for i in best if shares[i] >= SHARED][: self.sentences] or best[:1]
        return [(own[i], Citation(passage.id, passage.document, passage.where, own[i])) for i in sorted(kept)]


def unsupported(reply: Reply, library: Library) -> Iterator[Citation]:
    """Yield the citations of an answer whose sentence does not stand in what they cite."""
    for citation in reply.citations:
        passage = library.passages.get(citation.id)
        if citation.source != "FAQ" and (passage is None or citation.sentence not in passage.text.split("\n")):
            yield citation
