"""Files that are not a contract: everything wrong is said, in Chinese, with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from xingwei.base.ui.datafiles import FileProblems
from xingwei.service.contract.files import SCHEMA, directories, load_directory, schema

Edit = Callable[..., Path]


def problems(directory: Path) -> list[str]:
    with pytest.raises(FileProblems) as error:
        load_directory(directory)
    return [str(p) for p in error.value.problems]


CASES: list[tuple[str, str, str, str]] = [
    ("obligations.yaml", 'clause: "9.9"', 'clause: "9.99"', "clauses.tsv 中没有条款 9.99"),
    ("obligations.yaml", "签订信息数据保密协议", "签订保密的协议", "条目 9.9 中没有“需要与我院签订保密的协议”"),
    ("obligations.yaml", 'at: "9.9"', 'at: "9.99"', "没有条目 9.99"),
    ("obligations.yaml", "period: once,", "period: sometimes,", "“sometimes” 不在可选值之中"),
    ("obligations.yaml", "systems: [DEV, YB]", "systems: [DEV, PACS]", "没有系统 PACS"),
    ("scorecard.yaml", "id: S1.plan", "id: S2.plan", "应以 S1. 开头"),
    ("scorecard.yaml", "id: S2\n", "id: S1\n", "“S1”重复"),
    ("questions.yaml", "until_agreed: from_full", "until_agreed: by_luck", "until_agreed 不在 readings 之中"),
    ("questions.yaml", "{id: scale,", "{id: by_luck,", "不是能据以计算的读法"),
    ("fee.yaml", "low: 90, low_closed: true, high: 100", "low: 100, low_closed: true, high: 90", "low 100 大于 high 90"),
    ("passages.yaml", "heading: HIS系统", "heading: HIS 系统", "录入与原文不一致"),
    ("passages.yaml", '- id: "1.1"', '- id: "2.1"', "应以上级的 1 开头"),
    ("contract.yaml", "(?P<name>", "(?P<nom>", "模式中应有名为 name 的组"),
    ("contract.yaml", "count: 7", "count: 七", "应是整数，写成了 “七”"),
    ("service-levels.yaml", "arrive: {hours: 2}", "arrive: {hours: 2, workdays: 1}", "必须写且只写其中一项"),
    ("fee.yaml", "fee:", "contract:", "已写在"),
    ("fee.yaml", "fee:", "fee: [", "不是正确的 YAML"),
    ("clauses.tsv", "1.3\tALL", "1.3 ALL", "应是四列"),
    ("clauses.tsv", "1.3\tALL", "1.1\tALL", "条款 1.1 重复"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "said"), CASES)
def test_what_is_wrong_is_said_with_its_place(name: str, old: str, new: str, said: str, edited: Edit) -> None:
    found = problems(edited(name, old, new))
    assert any(said in p for p in found), found
    hit = next(p for p in found if said in p)
    assert ".yaml" in hit or ".tsv" in hit or ".txt" in hit


def test_a_directory_that_is_none_or_empty(tmp_path: Path, edited: Edit) -> None:
    assert problems(tmp_path / "nowhere") == [f"没有目录 {tmp_path / 'nowhere'}"]
    assert "没有 .yaml 文件" in problems(tmp_path)[0]
    directory = edited("fee.yaml")
    (directory / "clauses.tsv").unlink()
    assert problems(directory) == ["clauses.tsv：缺少 clauses.tsv：合同条款编号"]


def test_a_file_that_is_no_text_or_far_too_large(edited: Edit) -> None:
    directory = edited("fee.yaml")
    (directory / "fee.yaml").write_bytes(b"\xff\xfe\x00\xd8" * 10)
    assert any(p.startswith("fee.yaml") for p in problems(directory))
    (directory / "fee.yaml").write_bytes(b"#" * (6 * 2**20))
    assert "文件超过 5 MB" in problems(directory)[0]


def test_a_contract_in_gbk_is_read_as_well(edited: Edit) -> None:
    """Chinese Windows saves GBK; the text is the same."""
    directory = edited("fee.yaml")
    path = directory / "fee.yaml"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    assert load_directory(directory).contract.fee_tables[0].where == "正文九（十）"


def test_a_contract_without_its_document_is_taken_unchecked(edited: Edit) -> None:
    directory = edited("passages.yaml", "heading: HIS系统", "heading: HIS 系统")
    (directory / "source.txt").unlink()
    assert load_directory(directory).contract.passages[0].heading == "HIS 系统"


def test_the_published_schema_is_a_schema_and_the_shipped_contracts_keep_to_it() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert json.loads(SCHEMA.read_text(encoding="utf-8"))["title"]
    assert [d.name for d in directories()] == ["guangyuan-2025"]
    assert len({load_directory(d).digest for d in directories()}) == 1
