"""A bank of two questions, in files, with a suite."""

import csv

SUITE = """
application: bank.toml
conversations:
  - name: fee
    turns: [{say: "信用卡年费是多少？", action: answer, contains: "免年费"}]
  - name: parcels
    turns: [{say: "能代收快递吗？", action: answer}]
  - name: person
    turns: [{say: 转人工, action: handoff}, {say: 在吗, action: silent}]
"""
FEE, LOST = ("信用卡年费是多少？", "普卡免年费。"), ("银行卡丢了怎么挂失？", "请在掌银里挂失。")


def written(folder, *rows, suite=SUITE):
    """Write an application with a FAQ and a suite, and return its file."""
    (folder / "suite.yaml").write_text(suite, encoding="utf-8")
    with (folder / "faq.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("question", "answer"), *rows])
    path = folder / "bank.toml"
    path.write_text(
        'application = "customer-service"\nname = "bank"\n[knowledge]\nfaq = ["faq.csv"]\n'
        '[release]\nsuite = "suite.yaml"\n',
        encoding="utf-8",
    )
    return path
