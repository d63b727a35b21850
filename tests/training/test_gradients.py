"""The gradients of a step are the same however few rows are read at once, and where memory ran out meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from processes import difference, gradients, run_of, still_model

from feilun.core.errors import TrainingError
from feilun.models.heads.table import HEADS
from feilun.training.forward import laid_out
from feilun.training.memory import is_out_of_memory

PROGRAM = """
import resource, sys
from pathlib import Path
import torch
from feilun.core.corpus import corpus_of
from feilun.core.splits import Splits
from feilun.models.adaptations.full import Full
from feilun.models.heads.classify import ClassifyHead, ClassifySettings
from feilun.models.text_model import TextModel
from feilun.training.gradients import Gradients
from feilun.training.inputs import make_inputs
from feilun.training.forward import OneProcess
from processes import difference, gradients
from tiny import LABELS, WORDS, tiny_base

rows = int(sys.argv[1])
base = tiny_base()
torch.manual_seed(0)
model = TextModel(base, ClassifyHead(32, LABELS, ClassifySettings()), Full(), LABELS, 60).train()
texts = [" ".join(WORDS[(i + j) % 16] for j in range(58)) for i in range(rows)]
train = corpus_of(texts, list(LABELS.names) * (rows // 3))
inputs = make_inputs(model, train)
small = Gradients(model, OneProcess(model, inputs), model.head.targets(train), inputs.lengths)
small.add([range(3)], 0, 1)
gradients(model)

size = int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmSize" in line).split()[1])
torch.manual_seed(1)
resource.setrlimit(resource.RLIMIT_AS, (1024 * size + int(sys.argv[2]) * 2**20, -1))
steps = [range(0, rows, 2), range(1, rows, 2)]
loss = small.add(steps, 0, 1)
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
limited = gradients(model)

torch.manual_seed(1)
ample = Gradients(model, OneProcess(model, inputs), model.head.targets(train), inputs.lengths)
ample.at_once = small.at_once
assert ample.add(steps, 0, 1) == loss, "dropout fell otherwise"
print(small.at_once, difference(limited, gradients(model)))
"""


def within_memory(rows: int, megabytes: int) -> subprocess.CompletedProcess[str]:
    """A step of the program above with so much memory left."""
    places = [str(Path(__file__).parent), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-c", PROGRAM, str(rows), str(megabytes)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("task", HEADS)
def test_rows_read_in_parts_give_the_gradients_of_the_whole_batch(task: str, tmp_path: Path) -> None:
    found = []
    for at_once in (None, 40):
        model = still_model(task)
        run = run_of(task, tmp_path / str(at_once), model)
        run.gradients.at_once = at_once
        loss = run.gradients.add(next(run.steps(0)), 0, run.total)
        found.append((loss, gradients(model)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    assert difference(found[0][1], found[1][1]) < 1e-6


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by setrlimit, and counted in /proc")
def test_a_step_that_memory_does_not_hold_is_done_in_parts_and_says_so_once() -> None:
    done = within_memory(rows=450, megabytes=80)
    assert done.returncode == 0, done.stderr
    at_once, apart = done.stdout.split()
    assert int(at_once) < 225 * 60
    assert float(apart) < 1e-6
    assert done.stderr.count("Memory ran out") == 1


def test_what_was_found_about_memory_is_in_the_checkpoint(tmp_path: Path) -> None:
    run = run_of("classify", tmp_path, still_model("classify"))
    run.gradients.at_once = 50
    run.step(next(run.steps(0)))
    run.save()
    again = run_of("classify", tmp_path, still_model("classify"))
    again.restore()
    assert again.gradients.at_once == 50


def test_a_single_row_that_memory_does_not_hold_ends_the_run(tmp_path: Path) -> None:
    run = run_of("classify", tmp_path, still_model("classify"))
    longest = max(run.inputs.lengths)
    run.gradients.at_once = 2 * longest - 1  # each row stands alone
    with pytest.raises(TrainingError, match=f"one row of {longest} tokens.*max_tokens"):
        run.gradients.read_less_at_once([range(60)])


def test_an_allocation_that_fails_is_told_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as torch_error:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(torch_error.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(RuntimeError) as other:
        torch.ones(2) @ torch.ones(3)
    assert not is_out_of_memory(other.value)


def test_logits_of_parts_lie_where_their_rows_stand() -> None:
    whole = laid_out([torch.ones(1, 3, 2), 2 * torch.ones(2, 1, 2)], [[1], [2, 0]])
    assert whole[1].tolist() == [[1.0, 1.0]] * 3
    assert whole[0].tolist() == whole[2].tolist() == [[2.0, 2.0], [0.0, 0.0], [0.0, 0.0]]
