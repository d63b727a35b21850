"""AdaLoRA: low-rank updates whose ranks move to the weights that need them (Zhang et al. 2023).

An update is P Λ Q, like a singular value decomposition. All begin with `initial_rank`; while the run goes on, the
singular values that matter least, over all weights, are set to zero, until `rank` is left on average. peft holds the
matrices and scores them; the smoothed scores and what is kept lie in buffers beside the matrices, so that a checkpoint
holds them and a resumed run decides as the uninterrupted one would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from feilun.core.errors import UsageError, counted
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.low_rank import NAME, check_rank, find_targets, fold_low_rank, low_rank_modules

if TYPE_CHECKING:
    from feilun.models.bases.base import Base

FEWEST_STEPS = 4
"""A run needs one step before ranks fall, one in which they do, and one after."""

MATRICES = ("lora_A", "lora_B", "lora_E")
"""What peft calls Q, P and the singular values Λ."""


@dataclass(frozen=True)
class AdaLoRA(Adaptation):
    """The base stands still; low-rank updates learn, and a falling budget of ranks goes where it is of most use."""

    pace: ClassVar[float] = 20.0
    searched: ClassVar[Mapping[str, tuple[int, ...]]] = {"alpha": (16, 32, 64)}

    rank: int = setting(
        8,
        Remark("rank of the updates at the end, on average over the weights", "结束时更新的秩，各权重的平均值"),
        minimum=1,
    )
    initial_rank: int = setting(12, Remark("rank of every update at the beginning", "开始时每个更新的秩"), minimum=2)
    alpha: int = setting(
        32, Remark("an update is scaled by alpha / initial_rank", "更新按 alpha / initial_rank 缩放"), minimum=1
    )
    targets: tuple[str, ...] = setting(
        ("all",),
        Remark(
            "linear layers that get one; none: query and value; all: every one",
            "加在哪些线性层上；none：query 和 value；all：全部",
        ),
    )
    warmup_share: float = setting(
        0.1, Remark("share of the run before ranks begin to fall", "秩开始下降之前占全程的比例"), minimum=0, below=1
    )
    final_share: float = setting(
        0.3, Remark("share of the run after the ranks are settled", "秩确定之后占全程的比例"), minimum=0, below=1
    )
    interval: int = setting(10, Remark("steps between two decisions about ranks", "每隔多少步决定一次秩"), minimum=1)
    orthogonality: float = setting(
        0.5, Remark("weight of the loss that keeps P and Q orthogonal", "使 P 和 Q 保持正交的损失的权重"), minimum=0
    )

    def contradictions(self) -> list[str]:
        """Say which settings exclude each other."""
        found: list[str] = []
        if self.initial_rank <= self.rank:
            found.append(
                Remark(
                    f"model.adaptation.initial_rank must be above model.adaptation.rank, so that ranks can fall: "
                    f'{self.initial_rank} is not above {self.rank}. For a fixed rank use kind = "lora".',
                    f"model.adaptation.initial_rank 须大于 model.adaptation.rank，秩才能下降："
                    f'{self.initial_rank} 不大于 {self.rank}。固定的秩请用 kind = "lora"。',
                )
            )
        if self.warmup_share + self.final_share >= 1:
            found.append(
                Remark(
                    "model.adaptation.warmup_share and model.adaptation.final_share must sum to less than 1.",
                    "model.adaptation.warmup_share 与 model.adaptation.final_share 之和须小于 1。",
                )
            )
        return found

    def apply(self, base: Base) -> None:
        """Put the updates in; they are zero at first.

        Raises:
            UsageError: If a target is no linear layer of the base, or the rank is above that of one.
        """
        from peft import inject_adapter_in_model

        targets = find_targets(base, self.targets)
        check_rank(base, targets, "initial_rank", self.initial_rank)
        base.model.requires_grad_(False)
        inject_adapter_in_model(self._config(_Phases(1, 1, 3), targets), base.model, adapter_name=NAME)
        layers = list(low_rank_modules(base.model))
        for _, layer in layers:
            for matrix in MATRICES:
                weight = getattr(layer, matrix)[NAME]
                layer.register_buffer(_sensitivity(matrix), torch.zeros_like(weight))
                layer.register_buffer(_uncertainty(matrix), torch.zeros_like(weight))
            layer.register_buffer("kept", torch.ones(self.initial_rank, 1, dtype=torch.bool))
            if self.orthogonality:
                share = self.orthogonality / (2 * len(layers))
                _keep_orthogonal(layer.lora_A[NAME], share, rows=True)
                _keep_orthogonal(layer.lora_B[NAME], share, rows=False)

    def before_step(self, base: Base, step: int, total: int) -> None:
        """Refuse a run in which the ranks cannot fall.

        Raises:
            UsageError: If it has too few steps.
        """
        self._phases(total)

    def after_step(self, base: Base, step: int, total: int) -> Mapping[str, float]:
        """Score the singular values by the gradients, and set those to zero for which there is no budget.

        Returns:
            Where the ranks were decided anew: the rank of each weight, their sum, and the budget at this step.
        """
        phases = self._phases(total)
        layers = dict(low_rank_modules(base.model))
        if step > total - phases.final:
            self.constrain(base)
            return {}
        allocator = self._allocator(base, phases, layers)
        budget, kept = allocator.update_and_allocate(base.model, step, force_mask=step == total - phases.final)
        _store_scores(allocator, layers)
        if kept is None:
            return {}
        for name, layer in layers.items():
            layer.kept.copy_(torch.tensor(kept[_key(name, "lora_E")])[:, None])
        ranks = {f"rank.{name}": float(layer.kept.sum()) for name, layer in layers.items()}
        return {**ranks, "rank_sum": sum(ranks.values()), "rank_budget": float(budget)}

    @torch.no_grad()
    def constrain(self, base: Base) -> None:
        """Set the singular values to zero for which there is no budget."""
        for _, layer in low_rank_modules(base.model):
            layer.lora_E[NAME].masked_fill_(~layer.kept, 0.0)

    def fold(self, base: Base) -> None:
        """Add the updates to the weights that they belong to."""
        fold_low_rank(base.model)

    def _phases(self, total: int) -> _Phases:
        if total < FEWEST_STEPS:
            raise UsageError(
                Remark(
                    f"The run has {counted(total, 'step')}; AdaLoRA needs {FEWEST_STEPS} for its ranks to fall.",
                    f"这次训练只有 {total:,} 步；AdaLoRA 至少要 {FEWEST_STEPS} 步，秩才能下降。",
                ),
                Remark(
                    "Raise training.epochs, lower training.batch_tokens, or set model.adaptation.kind to lora.",
                    "请调高 training.epochs、调低 training.batch_tokens，或把 model.adaptation.kind 设为 lora。",
                ),
            )
        final = max(1, min(int(self.final_share * total), total - 3))
        return _Phases(max(1, min(int(self.warmup_share * total), total - final - 2)), final, total)

    def _allocator(self, base: Base, phases: _Phases, layers: Mapping[str, Any]) -> Any:
        """Return peft's allocator with the scores that earlier steps left."""
        from peft.tuners.adalora import RankAllocator

        allocator = RankAllocator(base.model, self._config(phases, list(layers)), NAME)
        for name, layer in layers.items():
            for matrix in MATRICES:
                key = _key(name, matrix)
                allocator.ipt[key] = allocator.exp_avg_ipt[key] = getattr(layer, _sensitivity(matrix))
                allocator.exp_avg_unc[key] = getattr(layer, _uncertainty(matrix))
        return allocator

    def _config(self, phases: _Phases, targets: list[str]) -> Any:
        from peft import AdaLoraConfig

        return AdaLoraConfig(
            init_r=self.initial_rank, target_r=self.rank, lora_alpha=self.alpha, target_modules=targets,
            tinit=phases.warmup, tfinal=phases.final, total_step=phases.total, deltaT=self.interval,
            orth_reg_weight=self.orthogonality,
        )  # fmt: skip


class _Phases(NamedTuple):
    """Steps before the ranks fall, steps after they are settled, and steps in all."""

    warmup: int
    final: int
    total: int


def _keep_orthogonal(weight: nn.Parameter, share: float, *, rows: bool) -> None:
    """Add the gradient of share · ‖P Pᵀ - I‖ to a weight's own, once a step, as part of the backward pass.

    Args:
        weight: Q of shape (rank, in), or P of shape (out, rank).
        share: Weight of this term in the loss.
        rows: Whether the vectors that are to be orthogonal are rows.
    """

    def add(gradient: Tensor) -> Tensor:
        if weight.grad is not None:
            return gradient  # a further batch of the same step
        vectors = weight.detach() if rows else weight.detach().t()  # (rank, n)
        excess = vectors @ vectors.t() - torch.eye(len(vectors), device=vectors.device)
        slope = 2 * share * (excess @ vectors) / excess.norm().clamp(min=1e-12)
        total: Tensor = gradient + (slope if rows else slope.t())
        return total

    weight.register_hook(add)  # type: ignore[no-untyped-call]


def _store_scores(allocator: Any, layers: Mapping[str, Any]) -> None:
    for name, layer in layers.items():
        for matrix in MATRICES:
            getattr(layer, _sensitivity(matrix)).copy_(allocator.exp_avg_ipt[_key(name, matrix)])
            getattr(layer, _uncertainty(matrix)).copy_(allocator.exp_avg_unc[_key(name, matrix)])


def _key(name: str, matrix: str) -> str:
    return f"{name}.{matrix}.{NAME}"


def _sensitivity(matrix: str) -> str:
    return f"sensitivity_{matrix}"


def _uncertainty(matrix: str) -> str:
    return f"uncertainty_{matrix}"
