import json

import pytest

from feilun.core.errors import DataError, FeilunError, UsageError
from feilun.interfaces.cli.main import run
from feilun.workflow.getting_started.columns import Column, guess_target, guess_text
from feilun.workflow.getting_started.default_settings import base_for
from feilun.workflow.getting_started.first_look import look, text_column
from feilun.workflow.getting_started.first_recipe import name_of, write_recipe
from feilun.workflow.getting_started.first_words import advice_without_labels, describe_columns, describe_texts
from feilun.workflow.recipe import load


def column(name, distinct, length, filled=1.0):
    return Column(name, filled, distinct, length)


@pytest.fixture
def reviews(tmp_path):
    path = tmp_path / "shop reviews.csv"
    rows = [f"{i},第{i}次买了，味道很好,{('pos', 'neg')[i % 2]},{i % 5}" for i in range(60)]
    path.write_text("\n".join(["number,body,mood,stars", *rows]) + "\n", encoding="utf-8")
    return path


def test_texts_are_long_and_labels_are_few():
    columns = [column("id", 1000, 6), column("review", 990, 42), column("sentiment", 3, 8), column("day", 300, 10)]
    assert guess_text(columns) == "review"
    assert guess_target(columns, 1000) == "sentiment"


def test_a_telling_name_decides_between_two_columns_that_look_like_labels():
    columns = [column("channel", 3, 5), column("标签", 4, 2)]
    assert guess_target(columns, 1000) == "标签"


def test_a_telling_name_outweighs_some_length():
    assert guess_text([column("address", 900, 50), column("评论内容", 900, 30)]) == "评论内容"
    assert guess_text([column("address", 900, 50), column("评论内容", 900, 3)]) == "address"


def test_names_are_read_as_words():
    columns = [column("percentage", 3, 5), column("Sentiment_Label", 4, 2)]  # "tag" is in the first
    assert guess_target(columns, 1000) == "Sentiment_Label"
    assert guess_target([column("stage", 3, 5), column("advantage", 4, 2)], 1000) is None


def test_two_likely_columns_without_a_telling_name_are_not_guessed():
    assert guess_target([column("channel", 3, 5), column("shop", 4, 2)], 1000) is None


@pytest.mark.parametrize("other", [column("x", 1, 5), column("x", 900, 5), column("x", 5, 300), column("x", 5, 4, 0.1)])
def test_constant_unique_long_or_mostly_empty_columns_are_no_labels(other):
    assert guess_target([other], 1000) is None


def test_a_look_finds_the_columns_of_a_real_file(reviews):
    found = look(str(reviews), target="mood")
    assert (found.text, found.target, found.labels, found.rows) == ("body", "mood", 2, 60)
    assert found.scripts["han"] > 0.5


def test_a_column_that_is_not_there_is_answered_with_the_nearest(reviews):
    with pytest.raises(UsageError, match="'body'"):
        look(str(reviews), text="boddy")


def test_a_table_without_rows_says_so(tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text("text,label\n", encoding="utf-8")
    with pytest.raises(FeilunError):
        look(str(path))


def test_a_table_without_texts_says_so(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("a\n" + "1\n" * 30, encoding="utf-8")
    with pytest.raises(DataError, match="--text"):
        look(str(path))


def test_without_labels_the_message_says_what_can_be_done(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("text\n" + "".join(f"some text number {i}\n" for i in range(30)), encoding="utf-8")
    found = look(str(path))
    assert found.target is None
    assert "feilun predict" in advice_without_labels(found)


def test_the_recipe_written_is_valid_and_finds_its_table_from_anywhere(reviews, tmp_path, monkeypatch):
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    path = recipes / "own.toml"
    assert write_recipe(path, name_of(str(reviews)), look(str(reviews), target="mood")) == "multilingual-e5-small"
    monkeypatch.chdir("/")
    recipe = load(path)
    assert recipe.data.train == str(reviews)
    assert (recipe.name, recipe.data.text, recipe.data.target) == ("shop-reviews", "body", "mood")


def test_the_comments_of_a_recipe_are_in_the_language_that_is_asked_for(reviews, tmp_path):
    found, path = look(str(reviews), target="mood"), tmp_path / "own.toml"
    write_recipe(path, "reviews", found)
    english = load(path)
    write_recipe(path, "reviews", found, language="zh")
    assert load(path) == english
    comments = [line for line in path.read_text("utf-8").splitlines() if line.startswith("# ")]
    assert comments[0].startswith("# 看了 ")
    assert not any("Every key" in line or "release" in line for line in comments)


def test_only_latin_texts_get_the_english_base():
    assert base_for({"latin": 1.0}) == "minilm-l6-en"
    assert base_for({"latin": 0.7, "han": 0.3}) == "multilingual-e5-small"
    assert base_for({}) == "multilingual-e5-small"


@pytest.mark.parametrize(
    ("source", "name"),
    [("news/train.csv", "news"), ("a/新闻 2024.csv", "新闻-2024"), ("sqlite:///x.db", "database"), ("..csv", "model")],
)
def test_names_are_folder_names(source, name):
    assert name_of(source) == name


@pytest.fixture
def applicants(tmp_path):
    path = tmp_path / "applicants.csv"
    purposes, sexes = ("new car", "used car", "furniture"), ("female", "male")
    rows = [
        f"{1000 + i},2026-01-{1 + i % 28:02},{500 + 37 * i % 900},{purposes[i % 3]},{i % 4 + 10},{sexes[i % 2]},EUR,"
        f"{('good', 'bad')[i % 5 == 0]}"
        for i in range(120)
    ]
    header = "applicant_id,opened,amount,purpose,branch,personal_sex,currency,risk"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_table_without_texts_is_read_by_its_columns(applicants, tmp_path):
    found = look(str(applicants), target="risk")
    assert (found.text, found.features) == ("", ("amount", "purpose", "branch"))
    assert set(found.left_out) == {"applicant_id", "opened", "personal_sex", "currency"}
    assert "another value in each row" in " ".join(describe_columns(found))
    assert write_recipe(tmp_path / "risk.toml", "risk", found) == "none"
    recipe = load(tmp_path / "risk.toml")
    assert (recipe.data.text, recipe.data.features, recipe.data.categories) == ("", found.features, ("branch",))


def test_a_base_that_is_asked_for_reads_the_columns_as_text(applicants, tmp_path):
    write_recipe(tmp_path / "risk.toml", "risk", look(str(applicants), target="risk"), "minilm-l6-en")
    recipe = load(tmp_path / "risk.toml")
    assert (recipe.model.base, recipe.data.text, recipe.data.verbalise) == ("minilm-l6-en", "", True)


def test_columns_beside_the_text_are_named_and_read_when_asked_for(reviews, tmp_path):
    assert look(str(reviews), target="mood").beside == ("stars",)
    found = look(str(reviews), target="mood", features=["all"])
    assert (found.text, found.features, found.beside) == ("body", ("stars",), ())
    write_recipe(tmp_path / "mood.toml", "mood", found)
    assert load(tmp_path / "mood.toml").data.features == ("stars",)


def test_a_column_that_is_plainly_named_is_taken_before_longer_ones():
    assert guess_text([column("text", 900, 50), column("answer", 900, 900)]) == "text"


@pytest.mark.parametrize("other", [{"numeric": True}, {"worded": 0.0}, {"varied": 0.01}])
def test_numbers_single_words_and_few_phrases_are_no_texts(other):
    assert guess_text([Column("x", 1.0, 900, 30, **other)]) is None


def table_of(path, header, rows):
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


def recipe_of(tmp_path, source, **wanted):
    found = look(source, **wanted)
    write_recipe(tmp_path / "made.toml", "made", found)
    return found, load(tmp_path / "made.toml")


@pytest.fixture
def pairs(tmp_path):
    rows = [f"{i},怎么修改第{i}张卡的密码,第{i}张卡的密码在哪里改,{i % 2}" for i in range(60)]
    return table_of(tmp_path / "pairs.csv", "id,question1,question2,same", rows)


def test_two_texts_are_found_in_the_order_of_the_table(pairs, tmp_path):
    found, recipe = recipe_of(tmp_path, pairs, task="match")
    assert (found.text, found.pair, found.target) == ("question1", "question2", "same")
    assert (recipe.task, recipe.data.pair, recipe.data.target) == ("match", "question2", "same")


def test_pairs_without_labels_are_read_apart_and_each_belongs_together(pairs, tmp_path):
    source = table_of(tmp_path / "qa.csv", "question,answer", [f"第{i}个问题怎么办,请按第{i}步操作" for i in range(60)])
    found, recipe = recipe_of(tmp_path, source, task="match")
    assert found.trainable
    assert "each row a pair" in describe_texts(found)
    assert (recipe.data.targets, recipe.model.encoder) == ((), "bi")


def test_lists_of_candidates_are_told_apart_by_the_column_named_for_it(tmp_path):
    rows = [f"q{i // 5},how do I change card {i // 5},open page {i} of the app,{int(i % 5 == 0)}" for i in range(100)]
    source = table_of(tmp_path / "lists.csv", "query_id,query,candidate,relevant", rows)
    found, recipe = recipe_of(tmp_path, source, task="rank")
    assert (found.text, found.pair, found.group, found.target) == ("query", "candidate", "query_id", "relevant")
    assert (recipe.data.group, recipe.data.clean.deduplicate) == ("query_id", "none")


def test_relevance_that_is_nowhere_is_asked_for(tmp_path):
    rows = [f"how do I change card {i},open page {i} of the app" for i in range(40)]
    found = look(table_of(tmp_path / "lists.csv", "query,candidate", rows), task="rank")
    assert not found.trainable
    assert "relevance of 'candidate'" in advice_without_labels(found)


def test_what_is_to_be_written_is_found_by_its_name_and_given_room(tmp_path):
    rows = [f"第{i}篇论文的标题,{'这是一段很长的摘要。' * 20}{i}" for i in range(40)]
    found, recipe = recipe_of(tmp_path, table_of(tmp_path / "papers.csv", "title,text", rows), task="generate")
    assert (found.text, found.target, recipe.model.base) == ("text", "title", "gemma3-270m")
    assert recipe.model.max_tokens >= 160 > recipe.model.head.max_new_tokens >= 16


def test_of_two_unnamed_texts_the_shorter_is_written(tmp_path):
    rows = [f"short line number {i},{'a much longer line of words ' * 9}{i}" for i in range(40)]
    found, recipe = recipe_of(tmp_path, table_of(tmp_path / "x.csv", "a,b", rows), task="generate")
    assert (found.text, found.target, recipe.model.base) == ("b", "a", "smollm2-135m")


def test_one_column_of_texts_is_too_few_for_two(reviews):
    with pytest.raises(DataError, match="--pair"):
        look(str(reviews), task="match")


def test_a_column_of_spans_makes_it_a_task_of_spans(tmp_path):
    path = tmp_path / "entities.jsonl"
    row = {"text": "飞轮公司在北京", "entities": [{"start": 0, "end": 4, "label": "company"}]}
    path.write_text("".join(json.dumps(row | {"text": row["text"] + str(i)}) + "\n" for i in range(30)), "utf-8")
    found, recipe = recipe_of(tmp_path, str(path), task=None)
    assert (found.task, found.target, recipe.task) == ("tag", "entities", "tag")


def test_texts_that_are_twins_by_name_are_compared(pairs, tmp_path):
    found, recipe = recipe_of(tmp_path, pairs, task=None)
    assert (recipe.task, found.text, found.pair, found.target) == ("match", "question1", "question2", "same")


def test_a_third_text_does_not_take_the_place_of_a_twin(tmp_path):
    rows = [f"{'a longer remark on the two ' * 3}{i},say it {i},say {i} again,{i % 2}" for i in range(60)]
    found = look(table_of(tmp_path / "x.csv", "remark,text_a,text_b,label", rows), task=None)
    assert (found.task, found.text, found.pair) == ("match", "text_a", "text_b")


@pytest.mark.parametrize(("cells", "task"), [
    ([f"{i % 5}.5" for i in range(60)], "regress"), (range(60), "regress"),
    ([i % 5 for i in range(60)], "classify"), ([f"L{i % 5}" for i in range(60)], "classify"),
])  # fmt: skip
def test_a_named_column_of_amounts_is_predicted_as_a_number(cells, task, tmp_path):
    source = table_of(tmp_path / "x.csv", "text,price", [f"some words {i},{cell}" for i, cell in enumerate(cells)])
    assert look(source, target="price", task=None).task == task


def test_dates_are_no_texts_and_no_labels(tmp_path):
    source = table_of(
        tmp_path / "series.csv", "moment,value", [f"2026-01-{1 + i % 28:02} 10:00:00,{i}" for i in range(90)]
    )
    with pytest.raises(DataError, match="looks like text"):
        look(source)


def test_the_labels_of_a_file_that_is_sorted_by_them_are_all_seen(tmp_path):
    source = table_of(tmp_path / "x.csv", "text,label", [f"some words {i},{i // 1200}" for i in range(12_000)])
    assert look(source).labels == 10


def test_a_table_whose_labels_are_not_told_names_what_may_be_one(tmp_path):
    rows = [f"some words {i},{'ab'[i % 2]},{'xyz'[i % 3]},a short summary of {i}" for i in range(60)]
    said = advice_without_labels(look(table_of(tmp_path / "my x.csv", "text,channel,shop,summary", rows)))
    assert "It may be channel, shop." in said
    assert "To have 'summary' written" in said
    assert f'feilun label suggest "{tmp_path / "my x.csv"}"' in said


def test_a_folder_of_tables_is_one_recipe(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "评论 2026"
    folder.mkdir()
    for name in ("train", "dev", "test"):
        table_of(folder / f"{name}.csv", "text,label", [f"{name} words {i},{'ab'[i % 2]}" for i in range(60)])
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--data", str(folder)]) == 0
    recipe = load(tmp_path / "评论-2026.toml")
    wanted = [str(folder / f"{name}.csv") for name in ("train", "dev", "test")]
    assert [recipe.data.train, recipe.data.validation, recipe.data.test] == wanted
    assert "dev.csv" in capsys.readouterr().out


def test_infinite_numbers_are_no_feature(tmp_path):
    rows = [f"some words {i},{'inf' if i == 3 else i % 7},{'ab'[i % 2]}" for i in range(60)]
    found = look(table_of(tmp_path / "x.csv", "text,amount,label", rows), features=["all"])
    assert found.left_out == {"amount": "infinite numbers"}


def test_the_column_of_texts_is_found_alone(reviews, tmp_path):
    assert text_column(str(reviews)) == "body"
    with pytest.raises(DataError, match="--text"):
        text_column(table_of(tmp_path / "x.csv", "a,b", ["1,2"] * 30))


def test_a_column_that_is_mostly_empty_or_holds_lists_is_no_text(tmp_path):
    rows = [f"\"[{i}, {i + 1}, 17]\",some words {i},{'a much longer text ' * 5 if i % 5 == 0 else ''},{'ab'[i % 2]}"
            for i in range(60)]  # fmt: skip
    assert look(table_of(tmp_path / "x.csv", "text_ids,text,body,label", rows)).text == "text"


def test_one_column_is_not_both_text_and_target(reviews):
    with pytest.raises(UsageError, match="'body' is named for two uses"):
        look(str(reviews), text="body", target="body")


def test_spans_that_are_nowhere_are_asked_for_with_an_example(reviews):
    said = advice_without_labels(look(str(reviews), task="tag"))
    assert "holds spans" in said
    assert '"start": 0' in said
