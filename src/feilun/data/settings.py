"""The table `[data]` of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from feilun.core.remark import Remark
from feilun.core.settings import REQUIRED, derived, setting, table
from feilun.data.split import SplitSettings
from feilun.text.clean import Cleaning


@dataclass(frozen=True)
class CleanSettings(Cleaning):
    """The table `[data.clean]`: the cleaning of each text, and what happens to duplicates."""

    deduplicate: Literal["none", "exact", "near"] = setting(
        "exact",
        Remark(
            "rows of equal label to keep once: with the same text (exact), or with nearly the same (near)",
            "标签相同的行只留一次：文本相同（exact），或几乎相同（near）",
        ),
    )
    near_threshold: float = setting(
        0.8, Remark(
            "similarity (Jaccard, of character pairs and triples) from which on texts are near duplicates",
            "相似度（字符二元、三元组的 Jaccard）达到此值即为近似重复",
        ),
        minimum=0.5, maximum=1,
    )  # fmt: skip

    def cleaning(self) -> Cleaning:
        """Return the steps alone, as a bundle stores them."""
        return Cleaning(**{declared.name: getattr(self, declared.name) for declared in fields(Cleaning)})


@dataclass(frozen=True)
class DataSettings:
    """The table `[data]`."""

    train: str = setting(
        REQUIRED,
        Remark(
            "file (csv, tsv, jsonl, parquet, xlsx) or database URL of the rows to learn from",
            "训练数据的文件（csv、tsv、jsonl、parquet、xlsx）或数据库 URL",
        ),
    )
    validation: str | None = setting(
        None, Remark("file of the rows to choose by; else split off", "用来选择的行（验证集）的文件；不写则自动划出")
    )
    test: str | None = setting(
        None,
        Remark("file of the rows for the report; else split off", "用来出报告的行（测试集）的文件；不写则自动划出"),
    )
    unlabelled: str | None = setting(
        None,
        Remark(
            "file of texts without labels: a student learns its teacher's answers to them, or labels spread to them",
            "没有标签的文本文件：学生从中学习教师的回答，或把标签传播到它们",
        ),
    )
    query: str | None = setting(
        None, Remark("SQL query, where `train` is a database URL", "SQL 查询，`train` 是数据库 URL 时用")
    )
    text: str = setting(
        "text", Remark('column of the texts; "" where the features are all there is', '文本列；只有其他列时写 ""')
    )
    pair: str | None = setting(
        None, Remark("column of a second text, read after the first", "第二文本的列，读在第一文本之后")
    )
    target: str | tuple[str, ...] = setting(
        "label",
        Remark(
            "column of what is to be predicted; of numbers, also several; [] where every pair says the same",
            "要预测的列；数值可以是几列；每对文本都同义时写 []",
        ),
    )
    separator: str = setting(
        "auto",
        Remark(
            "what stands between the labels of a cell (multilabel); auto finds it",
            "一格里几个标签之间的分隔符（multilabel）；auto 自动找出",
        ),
    )
    same: str = setting(
        "auto",
        Remark(
            'label of pairs that say the same (match, model.encoder = "bi"); auto knows 1, true, yes, same and others',
            '表示同义的标签（match，model.encoder = "bi"）；auto 认识 1、true、yes、same 等',
        ),
    )
    gather: str | None = setting(
        None,
        Remark(
            "column whose equal values are one text with a line for each of its labels (multilabel)",
            "此列的值相同的各行是同一条文本，每个标签一行（multilabel）",
        ),
    )
    time: str | None = setting(None, Remark("column of when each row happened", "每行发生时间的列"))
    group: str | None = setting(
        None, Remark("column whose equal values never stand in two sets", "此列的值相同的行不会分在两个集合里")
    )
    most_rows: int | None = setting(
        None,
        Remark(
            "rows of each file to use, evenly spread over it; none: all", "每个文件使用多少行，均匀抽取；none：全部"
        ),
        minimum=1,
    )
    features: tuple[str, ...] = setting(
        (),
        Remark(
            "columns of numbers or categories that the model reads beside the text",
            "模型在文本之外读取的数值列或类别列",
        ),
    )
    categories: tuple[str, ...] = setting(
        (), Remark("those of `features` whose numbers are codes, not amounts", "`features` 中数字只是代码而非数量的列")
    )
    verbalise: bool = setting(
        False,
        Remark("write the features into the text (`amount: 100; …`) instead", "把这些列写进文本（`amount: 100; …`）"),
    )
    kept: tuple[str, ...] = derived(())
    raw: tuple[str, ...] = derived(())
    encoding: str = setting(
        "auto",
        Remark(
            "encoding of text files: auto detects UTF-8, UTF-16, GB18030 and others",
            "文本文件的编码：auto 自动识别 UTF-8、UTF-16、GB18030 等",
        ),
    )
    clean: CleanSettings = table(CleanSettings, "cleaning and duplicates")
    split: SplitSettings = table(SplitSettings, "how rows are split off for validation and test")

    def contradictions(self) -> list[str]:
        """Say which settings exclude each other."""
        return [*self._contradictions_of_sources(), *self._contradictions_of_columns()]

    def _contradictions_of_sources(self) -> Iterator[Remark]:
        if self.split.by in {"group", "time"} and getattr(self, self.split.by) is None:
            yield Remark(
                f"data.split.by = {self.split.by!r} needs data.{self.split.by}, the column to split by.",
                f"data.split.by = {self.split.by!r} 需要 data.{self.split.by}，即切分所依据的列。",
            )
        if self.query is not None and "://" not in self.train:
            yield Remark(
                "data.query is for a database, but data.train is a file: leave out one of them.",
                "data.query 只用于数据库，而 data.train 是文件：请去掉其中之一。",
            )
        for key in ("validation", "test", "unlabelled"):
            if "://" in (getattr(self, key) or ""):
                yield Remark(
                    f"data.{key} is a database URL, but data.query serves data.train: give a file, or leave {key} out.",
                    f"data.{key} 是数据库 URL，而 data.query 只用于 data.train：请给出文件，或不写 {key}。",
                )
        if self.unlabelled is not None and self.features:
            yield Remark(
                "data.unlabelled holds texts alone, but data.features names columns: leave one of them out.",
                "data.unlabelled 只含文本，而 data.features 指定了列：请去掉其中之一。",
            )

    def _contradictions_of_columns(self) -> Iterator[Remark]:
        if not self.text and not self.features:
            yield Remark(
                'data.text is "", and data.features names no column: there is nothing to read.',
                'data.text 为 ""，data.features 也没有指定列：没有可读的内容。',
            )
        if not self.text and self.pair is not None:
            yield Remark(
                'data.text is "", but data.pair names a second text: name the first one in data.text.',
                'data.text 为 ""，而 data.pair 指定了第二个文本：请在 data.text 中填写第一个文本的列。',
            )
        if self.verbalise and not self.features:
            yield Remark(
                "data.verbalise writes the columns of data.features into the text, and none is named.",
                "data.verbalise 把 data.features 的列写进文本，但没有指定任何列。",
            )
        for name in self.categories:
            if name not in self.features:
                yield Remark(
                    f"data.categories names {name!r}, which is not in data.features.",
                    f"data.categories 中的 {name!r} 不在 data.features 中。",
                )
        taken: dict[str | None, str] = {self.text: "text", self.pair: "pair", **dict.fromkeys(self.targets, "target")}
        yield from (_same_column("features", taken[name], name) for name in self.features if name in taken)
        for key, names in (("target", self.targets), ("features", self.features)):
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield Remark(f"data.{key} names {name!r} twice.", f"data.{key} 重复写了 {name!r}。")
        if self.pair in self.targets:
            yield _same_column("target", "pair", str(self.pair))
        named = [("pair", self.pair), *(("target", name) for name in self.targets)]
        named += [("time", self.time), ("group", self.group)]
        yield from (_same_column(key, "text", self.text) for key, name in named if name == self.text)

    def with_kept(self, names: Sequence[str]) -> DataSettings:
        """Return the settings with further columns to keep, for slices of the report."""
        return replace(self, kept=tuple(dict.fromkeys([*self.kept, *names])))

    @property
    def with_raw(self) -> DataSettings:
        """Return the settings that also keep what is written into the text, cell by cell as it stands, and the text."""
        return replace(self, raw=(*self.features, *filter(None, [self.text])) if self.verbalise else ())

    @property
    def read_features(self) -> tuple[str, ...]:
        """Return the columns that reach the model as features, not as text."""
        return () if self.verbalise else self.features

    @property
    def further(self) -> tuple[str, ...]:
        """Return the columns that rows keep beside text, target and the like."""
        return tuple(dict.fromkeys([*self.read_features, *self.kept, *self.raw]))

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the columns of what is to be predicted."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    def columns(self, *, target: bool) -> dict[str, str]:
        """Return the columns to read, by the key that names each."""
        single: dict[str, str | None] = {"text": self.text or None, "pair": self.pair}
        several = self.targets if target else ()
        single |= {"target": several[0]} if len(several) == 1 else {f"target ({name})": name for name in several}
        single |= {"time": self.time, "group": self.group}
        single |= {"gather": self.gather if target else None}
        named = {f"data.{key}": name for key, name in single.items() if name is not None}
        named |= {f"evaluation.slices ({name})": name for name in self.kept}
        return named | {f"data.features ({name})": name for name in self.features}


def _same_column(key: str, other: str, name: str) -> Remark:
    return Remark(
        f"data.{key} and data.{other} name the same column {name!r}.",
        f"data.{key} 与 data.{other} 指定了同一列 {name!r}。",
    )
