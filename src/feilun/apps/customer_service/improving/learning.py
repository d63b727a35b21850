"""What the FAQ learns: questions without an answer become candidates, and approved ones answer at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from feilun.apps.customer_service.improving.mining import Mined, mined
from feilun.apps.customer_service.known.entries import FaqEntry, content, identity_of, with_learned
from feilun.apps.customer_service.known.faq import merged
from feilun.apps.customer_service.known.redacted import Keep
from feilun.apps.customer_service.known.twins import says_the_same
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.words.slots import unknown_slots
from feilun.core.errors import NotFound, UsageError
from feilun.core.remark import Remark
from feilun.monitoring.redaction import kept
from feilun.storage import customer_service as storage
from feilun.storage.customer_service import Candidate, Turn
from feilun.storage.customer_service_knowledge import Known, put_knowledge, take_back
from feilun.storage.database import Database


class UnknownConversation(NotFound):
    """The application has no conversation, reply or candidate of that id."""


class Learning:
    """The candidates of one application's FAQ; safe to share between threads.

    Args:
        application: Its name: candidates of others are not found.
        ladder: Knows the FAQ; an approved candidate is put into it.
        database: Keeps candidates and knowledge.
        keep: Replaces personal data in what is approved.
    """

    def __init__(self, application: str, ladder: Ladder, database: Database, keep: Keep = kept) -> None:
        self.application = application
        self.ladder = ladder
        self.database = database
        self.keep = keep

    def judge(self, turn: str, *, helpful: bool | None, remark: str | None = None) -> None:
        """Take what a customer says of a reply; a reply that did not help makes its question a candidate.

        Raises:
            UnknownConversation: If this application gave no such reply.
        """
        with self.database.write() as connection:
            words = kept(remark) if remark else None
            found = storage.judge(connection, self.application, turn, helpful, words)
            if found is None:
                raise UnknownConversation(
                    Remark(f"There is no reply {turn!r}.", f"没有回复 {turn!r}。"),
                    Remark("Send the `turn` of a reply as it was given.", "请原样发送回复里的 `turn`。"),
                )
            if helpful is False:
                asked = _before(storage.turns_of(connection, self.application, found.conversation), turn)
                if asked is not None:
                    storage.propose(connection, self.application, asked.text, words or "")

    def candidates(self, state: str = "open") -> list[Candidate]:
        """Return the candidates for the FAQ, the most asked first."""
        with self.database.read() as connection:
            return storage.candidates_of(connection, self.application, state)

    def mine(self, said: Sequence[tuple[str, str]], near: float) -> list[Mined]:
        """Put what past conversations ask and the FAQ does not answer among the candidates.

        Args:
            said: What customers said, each with the answer of a person or nothing.
            near: Cosine from which on two questions mean the same.

        Returns:
            Groups of questions, the most asked first.
        """
        clean = [(kept(question), kept(answer)) for question, answer in said]
        found = mined(clean, self.ladder.library, self.ladder.thresholds.curated, near)
        with self.database.write() as connection:
            for one in found:
                storage.suggest(connection, self.application, one.question, one.answer, one.asked)
        return found

    def similar(self, candidate: str, most: int = 3) -> list[FaqEntry]:
        """Return the entries that most probably ask the same as an open candidate, the most probable first.

        Raises:
            UnknownConversation: If there is no open candidate of that id.
        """
        question = next((one.question for one in self.candidates() if one.id == candidate), None)
        if question is None:
            raise _no_candidate(candidate)
        library = self.ladder.library
        found = library.question(question, library.embed(question))
        weighed = self.ladder.thresholds.curated.weighed(found) if found is not None else []
        known = [library.entries.get(one.id) for one in weighed]
        return [entry for entry in known if entry is not None and entry.answer][:most]

    def approve(self, candidate: str, *, question: str | None = None, answer: str | None = None,
                category: str = "") -> FaqEntry:  # fmt: skip
        """Put a candidate into the FAQ; the next question finds it.

        Args:
            candidate: Its id.
            question: The question as it is to stand; None takes the customer's words.
            answer: The answer; None takes the draft.
            category: What it is about.

        Raises:
            UnknownConversation: If there is no open candidate of that id.
            UsageError: If there is no answer, it names an unknown slot, or what was imported answers otherwise; what
                people approved before is replaced.
        """
        with self.database.write() as connection:
            found = storage.settle(connection, self.application, candidate, "approved")
            if found is None:
                raise _no_candidate(candidate)
            asked, said = self.keep(question or found.question), self.keep(answer or found.answer)
            entry = _entry(found, asked, said, category)
            former = self._former(entry)
            if former is not None and not take_back(connection, self.application, former.id):
                raise _contradicts(former)
            entry = entry if former is None else merged(entry, former)
            put_knowledge(connection, self.application, Known(entry.id, "faq", "candidate", content(entry)))
        self.ladder.library.change([entry], removed=() if former is None else {former.id})
        return entry

    def approve_as(self, candidate: str, entry: str) -> FaqEntry:
        """Let a candidate be a further way to ask an entry; the next question finds it so.

        Args:
            candidate: Its id.
            entry: Id of the entry that answers it.

        Raises:
            UnknownConversation: If there is no open candidate, or no entry, of that id.
            UsageError: If the FAQ answers these very words already, and otherwise.
        """
        known = self.ladder.library.entries.get(entry)
        if known is None or not known.answer:  # that by which a form is found has none
            raise UnknownConversation(
                Remark(f"There is no entry {entry!r} in the FAQ.", f"FAQ 里没有条目 {entry!r}。"),
                Remark("Ask for those that are similar.", "请先查询相似的条目。"),
            )
        with self.database.write() as connection:
            found = storage.settle(connection, self.application, candidate, "approved")
            if found is None:
                raise _no_candidate(candidate)
            former = self._former(replace(known, question=found.question, variants=(), learned=()))
            if former is not None and former.id != entry:
                raise _contradicts(former)
            way = {"entry": entry, "question": known.question, "text": found.question}
            identity = identity_of("variant", known.question, found.question)
            put_knowledge(connection, self.application, Known(identity, "variant", "candidate", way))
        (changed,) = with_learned([known], [way])
        self.ladder.library.change([changed])
        return changed

    def _former(self, entry: FaqEntry) -> FaqEntry | None:
        """Return an entry that is asked in the same words and answers otherwise: neither of the two would answer."""
        found = [self.ladder.library.word_for_word(text) for text in entry.texts]
        return next((one for one in found if one and one.answer and not says_the_same(one.answer, entry.answer)), None)

    def reject(self, candidate: str) -> None:
        """Leave a candidate out of the FAQ for good.

        Raises:
            UnknownConversation: If there is no open candidate of that id.
        """
        with self.database.write() as connection:
            if storage.settle(connection, self.application, candidate, "rejected") is None:
                raise _no_candidate(candidate)


def _no_candidate(candidate: str) -> UnknownConversation:
    return UnknownConversation(
        Remark(f"There is no open candidate {candidate!r}.", f"没有待处理的候选 {candidate!r}。"),
        Remark("It may be settled already.", "它可能已经处理过了。"),
    )


def _contradicts(former: FaqEntry) -> UsageError:
    question, answer = former.question, former.answer[:100]
    return UsageError(
        Remark(
            f"The FAQ answers that already, and otherwise: {question!r} with {answer!r}.",
            f"FAQ 已有这个问题，但答案不同：{question!r}，答案 {answer!r}。",
        ),
        Remark(
            "Change that answer in the FAQ's file and import it, or put the question in other words.",
            "请在 FAQ 文件里改那个答案并导入，或换一种问法。",
        ),
    )


def _before(turns: list[Turn], reply: str) -> Turn | None:
    """Return the customer's turn that a reply answered."""
    place = next(i for i, turn in enumerate(turns) if turn.id == reply)
    return next((turn for turn in reversed(turns[:place]) if turn.speaker == "customer"), None)


def _entry(found: Candidate, asked: str, said: str, category: str) -> FaqEntry:
    if not said:
        raise UsageError(
            Remark("The candidate has no answer yet.", "候选还没有答案。"), Remark("Give one.", "请给出一个。")
        )
    wrong = unknown_slots(said)
    if wrong:
        raise UsageError(
            Remark(f"The answer names unknown slots: {', '.join(wrong)}.", f"答案里有未知的槽位：{'、'.join(wrong)}。"),
            Remark("Leave the braces out.", "请去掉花括号。"),
        )
    variants = () if asked == found.question else (found.question,)
    return FaqEntry(identity_of(asked, said), asked, said, variants, category)
