"""Tags of tokens, of every window of a text, and how surprising a chain of them is."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from feilun.core.corpus import Corpus
from feilun.core.decisions.linear_chain import possible_steps
from feilun.core.labels import LabelSet
from feilun.core.spans import Span, differences
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.heads.linear_chain import IMPOSSIBLE, surprise_of_paths
from feilun.models.heads.tag import IGNORED, TagHead, TagSettings, tags_of
from feilun.models.text_model import TextModel
from feilun.text.windows import windows
from feilun.training.inputs import make_inputs
from tiny import tiny_base, tiny_task

LABEL = LabelSet(("service", "thing"))
LONG = "fee help bank card " * 9 + "loan"
SPANS = (*(Span(19 * i + 9, 19 * i + 18, "service") for i in range(9)), Span(171, 175, "thing"))


def model_of(settings: TagSettings, max_tokens: int = 16) -> TextModel:
    torch.manual_seed(0)
    return TextModel(tiny_base(), TagHead(32, LABEL, settings), Full(), LABEL, max_tokens)


def test_the_surprise_of_a_chain_is_that_of_all_chains_written_out() -> None:
    generator = torch.Generator().manual_seed(1)
    scores, learnt = torch.randn(3, 4, 5, generator=generator), torch.randn(5, 5, generator=generator)
    steps = learnt.masked_fill(~torch.from_numpy(possible_steps(5)), IMPOSSIBLE)
    tags, counts = torch.tensor([[0, 1, 2, 2], [3, 4, 0, 0], [0, 0, 0, 0]]), torch.tensor([4, 2, 0])
    found = surprise_of_paths(scores, tags, counts, steps)
    for row, length in enumerate(counts.tolist()[:2]):
        every = {
            path: sum(scores[row, i, tag] for i, tag in enumerate(path))
            + sum(steps[one, other] for one, other in pairwise(path))
            for path in product(range(5), repeat=length)
        }
        whole = torch.stack([torch.as_tensor(score) for score in every.values()]).logsumexp(0)
        torch.testing.assert_close(found[row], whole - every[tuple(tags[row, :length].tolist())])
    assert found[2] == 0


def test_without_learned_steps_the_loss_is_the_mean_over_the_tokens_that_count() -> None:
    head = TagHead(32, LABEL, TagSettings(transitions=False))
    logits, targets = torch.randn(1, 4, 5), torch.tensor([[IGNORED, 3, IGNORED, 0]])
    expected = -(logits[0, 1].log_softmax(0)[3] + logits[0, 3].log_softmax(0)[0]) / 2
    torch.testing.assert_close(head.loss(logits, targets)[0], expected)


@pytest.mark.parametrize("transitions", [True, False])
def test_tokens_that_do_not_count_change_no_loss(transitions: bool) -> None:
    head = TagHead(32, LABEL, TagSettings(transitions=transitions))
    logits, targets = torch.randn(2, 6, 5), torch.tensor([[IGNORED, 3, 4, IGNORED, 0, IGNORED], [1, *[IGNORED] * 5]])
    other = logits.where((targets != IGNORED)[:, :, None], torch.randn(2, 6, 5))
    torch.testing.assert_close(head.loss(logits, targets), head.loss(other, targets))
    wider = torch.nn.functional.pad(targets, (0, 3), value=IGNORED)
    torch.testing.assert_close(head.loss(logits, targets), head.loss(logits, wider))


def test_every_token_of_a_long_text_is_learned_from_once_with_the_tag_of_its_span() -> None:
    model = model_of(TagSettings())
    rows = Corpus(id=["long", "short"], text=[LONG, "loan fee"], target=[SPANS, (Span(0, 4, "thing"),)])
    targets, found = model.head.targets(rows), windows(model.encoder, rows.text)
    own = [i for i, text in enumerate(found.text_of) if text == 0]
    assert len(own) > 2
    together = torch.cat([targets[i][targets[i] != IGNORED] for i in own])
    whole = model_of(TagSettings(), 64)
    assert together.tolist() == [t for t in whole.head.targets(rows.select([0]))[0].tolist() if t != IGNORED]
    assert (together == 1).sum() == 9
    assert model.head.ids(rows) == ["long"] * len(own) + ["short"]
    inputs = make_inputs(model, rows, learning=True)
    assert len(inputs.lengths) == len(targets)
    states = inputs.pooled(range(len(targets)))
    assert model.head.loss(model.head(states), targets).shape == (len(targets),)


@pytest.mark.parametrize("adaptation", [Full(), Frozen(layers=1), Frozen()])
def test_states_at_hand_give_the_logits_of_the_whole_model(adaptation: Adaptation) -> None:
    torch.manual_seed(0)
    model = TextModel(tiny_base(), TagHead(32, LABEL, TagSettings()), adaptation, LABEL, 16)
    rows = Corpus(id=["0", "1", "2"], text=[LONG, "", "loan fee"], target=[SPANS, (), ()])
    at_hand = model.logits_from(make_inputs(model, rows), rows)
    assert differences(at_hand, model.logits(rows)).max() < 1e-5


def test_a_tag_head_begins_with_the_shares_of_the_tags() -> None:
    model = model_of(TagSettings())
    rows, _ = tiny_task("tag", 80)
    targets = model.head.targets(rows)
    share = torch.bincount(targets[targets != IGNORED], minlength=5) / (targets != IGNORED).sum()
    biases = model.head.first_biases(rows)
    assert biases is not None
    torch.testing.assert_close(biases.softmax(0), share, atol=0.02, rtol=0)


def test_the_decision_of_a_model_has_the_steps_that_it_learned() -> None:
    model = model_of(TagSettings())
    assert isinstance(model.head, TagHead)
    assert model.head.transitions is not None
    with torch.no_grad():
        model.head.transitions[0, 1] = 2.5
    assert model.decision.transitions[0][1] == 2.5
    assert model_of(TagSettings(transitions=False)).decision.transitions == ()


def test_steps_are_learned_where_the_tokens_alone_do_not_tell() -> None:
    torch.manual_seed(0)
    head = TagHead(2, LABEL, TagSettings(dropout=0))
    states, targets = torch.zeros(8, 6, 2), torch.tensor([[1, 2, 2, 0, 1, 2]]).expand(8, 6)  # all tokens look alike
    optimizer = torch.optim.Adam(head.parameters(), 0.1)
    for _ in range(60):
        optimizer.zero_grad()
        head.loss(head(states), targets).mean().backward()
        optimizer.step()
    steps = head.learnt().steps(5)
    assert steps[1, 2] > steps[1, 0]
    assert np.isneginf(steps[0, 2])


def test_spans_without_a_token_of_their_own_are_counted() -> None:
    head = model_of(TagSettings()).head
    rows = Corpus(id=["long", "short"], text=[LONG, "loan  fee"], target=[SPANS, (Span(0, 4, "thing"),)])
    assert head.remarks(rows) == []
    rows = Corpus(id=["gap"], text=["loan  fee"], target=[(Span(0, 4, "thing"), Span(4, 6, "service"))])
    assert "Of 2 spans in the training rows 1 hold no token" in head.remarks(rows)[0]


def test_spans_that_share_a_token_give_tags_that_can_stand_behind_each_other() -> None:
    offsets = np.array([[0, 2], [2, 4], [4, 6]])  # the middle token is half of each span
    spans = (Span(0, 3, "service"), Span(3, 6, "thing"))
    tags = tags_of(offsets, spans, LABEL)
    assert tags.tolist() == [1, 3, 4]
    assert possible_steps(5)[tags[:-1], tags[1:]].all()
