"""What a recipe says about training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from feilun.core.remark import Remark
from feilun.core.settings import setting, table
from feilun.text.tokens import batches_by_length
from feilun.training.distil import DistilSettings
from feilun.training.schedule import Schedule
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.table import TrackerName

FEWEST_STEPS = 400
"""Steps of a run that batches are not made larger for."""


@dataclass(frozen=True)
class TrainingSettings:
    """The table `[training]`."""

    method: Literal["fine-tune", "contrastive", "none"] = setting(
        "fine-tune",
        Remark(
            "contrastive: texts of one label are drawn together, then a logistic regression is the head "
            "(classify); none: the base as it is (match with two encoders)",
            "contrastive：同标签的文本互相拉近，再以逻辑回归为头（classify）；none：基座原样使用（两个编码器的 match）",
        ),
    )
    optimizer: Literal["adamw", "sgd"] = setting("adamw", Remark("optimiser", "优化器"))
    learning_rate: float | None = setting(
        None,
        Remark(
            "rate of the base's top layer; none: by the base's size, the task, the adaptation and the batches",
            "基座最上层的学习率；none：按基座大小、任务、适配方式和批次决定",
        ),
        above=0,
    )
    head_learning_rate: float | None = setting(
        None,
        Remark(
            "rate of the head; none: 10 times what full fine-tuning takes, for `tag` 60, for `multilabel` 100 times",
            "头的学习率；none：完整微调时学习率的 10 倍，`tag` 为 60 倍，`multilabel` 为 100 倍",
        ),
        above=0,
    )
    layer_decay: float = setting(
        0.9,
        Remark("each lower layer learns at this share of the rate above it", "每往下一层，学习率是上一层的这个比例"),
        above=0,
        maximum=1,
    )
    schedule: Schedule = setting("linear", Remark("how the rate falls to zero", "学习率怎样降到零"))
    warmup: float = setting(
        0.1, Remark("share of the run in which the rate rises", "学习率上升阶段占全程的比例"), minimum=0, below=1
    )
    batch_tokens: int = setting(
        2048, Remark("largest rows × longest row of a batch", "一批最多的行数 × 最长一行的长度"), minimum=1
    )
    batch_rows: int | None = setting(
        None,
        Remark(
            "largest number of rows of a batch; none: 8 to 128, so that the run has 400 steps",
            "一批最多的行数；none：8 到 128，使全程约 400 步",
        ),
        minimum=1,
    )
    accumulate: int = setting(1, Remark("batches whose gradients make one step", "多少批的梯度合为一步"), minimum=1)
    epochs: int = setting(4, Remark("times over the training rows", "训练行学几遍"), minimum=1)
    weight_decay: float = setting(
        0.01, Remark("decay of matrices; norms and biases are spared", "矩阵的权重衰减；层归一化和偏置除外"), minimum=0
    )
    clip: float = setting(
        1.0, Remark("largest norm of the gradients; 0 clips nothing", "梯度范数的上限；0 不裁剪"), minimum=0
    )
    average: float = setting(
        0.25,
        Remark(
            "share of the run that the weights are averaged over; 0 takes the last ones",
            "对全程最后多大比例的权重取平均；0 取最后的权重",
        ),
        minimum=0,
        maximum=1,
    )
    early_stopping: EarlyStopping = table(EarlyStopping, "when to stop")
    distil: DistilSettings = table(DistilSettings, "learning from other models' answers beside the labels")
    semi_supervised: Literal["none", "spread"] = setting(
        "none",
        Remark(
            "spread: the texts of data.unlabelled join the training rows with the labels of those that are alike",
            "spread：data.unlabelled 的文本以相似文本的标签加入训练行",
        ),
    )
    gradient_checkpointing: bool = setting(
        False,
        Remark(
            "compute each layer anew in the backward pass: less memory for activations, a third more time",
            "反向传播时重算各层：激活占用的内存更少，时间多三分之一",
        ),
    )
    trackers: tuple[TrackerName, ...] = setting(
        (), Remark("where figures go beside the run's own folder", "除运行自己的文件夹外，指标还记到哪里")
    )
    checkpoint_seconds: float = setting(
        60.0, Remark("seconds between checkpoints", "每隔多少秒存一次检查点"), minimum=0
    )
    threads: int | None = setting(
        None, Remark("processor threads; none: all cores", "处理器线程数；none：全部核心"), minimum=1
    )
    seed: int = setting(
        13, Remark("seeds the head, the order of rows and the dropout", "头、行的顺序和 dropout 的随机种子"), minimum=0
    )

    def largest_batch(self, rows: int) -> int:
        """Return the largest number of rows of a batch for so many training rows.

        Large batches are fast, but a model needs some hundreds of steps to learn (docs/benchmarks.md, "Defaults").
        """
        return self.batch_rows or min(128, max(8, rows * self.epochs // FEWEST_STEPS))

    def rows_of_a_step(self, lengths: Sequence[int]) -> float:
        """Return how many rows one step reads on average.

        Args:
            lengths: Tokens of each training row.
        """
        batches = batches_by_length(lengths, self.batch_tokens, self.largest_batch(len(lengths)))
        return len(lengths) / math.ceil(len(batches) / self.accumulate)
