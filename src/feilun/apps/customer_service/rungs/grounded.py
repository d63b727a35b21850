"""The third rung: sentences of documents, each with its citation; nothing is said that no passage says."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from feilun.apps.customer_service.calibration import Calibration
from feilun.apps.customer_service.entries import Passage
from feilun.apps.customer_service.injection import quotable
from feilun.apps.customer_service.library import Library
from feilun.apps.customer_service.reply import Citation, Reply
from feilun.apps.customer_service.rungs.rung import Question, Step, weighing
from feilun.text.segment import HAN, sentences

SHARED = 0.12
"""Share of a question's weight that a sentence must hold to be part of its answer."""


@dataclass(frozen=True)
class Grounded:
    """Answers by quoting the passage that answers best.

    Args:
        calibration: How sure it has to be.
        sentences: Most sentences of an answer.
        hosts: Names that links of quoted sentences may lead to.
    """

    calibration: Calibration
    sentences: int = 3
    hosts: Collection[str] = ()

    def step(self, question: Question, library: Library) -> Step:
        """Quote the sentences that answer, in the order in which they stand."""
        found = library.passage(question.search, question.vector)
        if found is None:
            return Step({"rung": "grounded", "decision": "nothing found"})
        best = self.calibration.weighed(found)[0]
        passage = library.passages[best.id]
        trace = {"passage": passage.id, **weighing("grounded", best, self.calibration)}
        if best.probability < self.calibration.threshold:
            return Step({**trace, "decision": "not sure enough"})
        quoted = self._quoted(question, passage, library)
        if not quoted:
            return Step({**trace, "decision": "no sentence may be quoted"})
        citations = tuple(Citation(passage.id, passage.document, passage.where, sentence) for sentence in quoted)
        text = ("" if HAN.search(quoted[0]) else " ").join(quoted)
        return Step({**trace, "decision": "answer"}, Reply("answer", text, citations, best.probability))

    def _quoted(self, question: Question, passage: Passage, library: Library) -> list[str]:
        """Return the sentences that share most with the question, in their own order; at least the first one."""
        own = [sentence for sentence in sentences(passage.text) if quotable(sentence, self.hosts)]
        shares = [library.texts.coverage(question.search, sentence) for sentence in own]
        best = sorted(range(len(own)), key=lambda i: -shares[i])
        kept = [i for i in best if shares[i] >= SHARED][: self.sentences] or best[:1]
        return [own[i] for i in sorted(kept)]


def unsupported(reply: Reply, library: Library) -> Iterator[Citation]:
    """Yield the citations of an answer whose sentence does not stand in what they cite."""
    for citation in reply.citations:
        passage = library.passages.get(citation.id)
        if citation.source != "FAQ" and (passage is None or citation.sentence not in passage.text.split("\n")):
            yield citation
