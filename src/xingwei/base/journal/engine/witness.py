"""What the rows are held against: the heads kept beside them, and those exported off the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from .chain import Kind, Problem, Verdict
from .heads import ZERO, Head, HeadTrouble, trusted

_SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Witness:
    """heads: every head that a known key vouches for. start: number and hash after which the kept rows begin
    (later than (0, ZERO) once old rows were purged). trouble: what is wrong with the heads themselves."""

    heads: tuple[Head, ...]
    start: tuple[int, bytes]
    trouble: Problem | None


def gather(stored: Sequence[Head], exported: Sequence[Head], keys: Mapping[str, bytes]) -> Witness:
    """Put the heads of the database and of an export together.

    stored, exported: each in the order in which they were signed. An exported head that the database no
    longer holds is trouble, and a witness all the same.
    """
    kept, stored_trouble = trusted(stored, keys)
    outside, outside_trouble = trusted(exported, keys, complete=False)
    purged = max((h.purged for h in (*kept, *outside)), default=0)
    start = next(((h.seq, h.hash) for h in kept if h.seq == purged), (0, ZERO))
    known = {h.digest() for h in kept}
    lost = [h for h in outside if h.seq >= start[0] and h.digest() not in known]
    troubles = [_problem(stored_trouble, Kind.HEAD_MISSING, Kind.HEAD_FORGED)]
    if lost:
        troubles.append(Problem(Kind.HEAD_MISSING, lost[0].first, until=lost[0].seq))
    if outside_trouble is not None and outside_trouble.kind == "forged":
        troubles.append(Problem(Kind.EXPORT_FORGED, outside_trouble.first, until=outside_trouble.last))
    return Witness((*kept, *lost), start, _earliest(*troubles))


def judge(verdict: Verdict, trouble: Problem | None) -> Verdict:
    """The verdict on rows and heads together, whose problem is the first of both.

    A head that was tampered with says nothing against rows that another, later head vouches for.
    """
    rows = verdict.problem
    if trouble is None:
        return verdict
    if rows is None or rows.kind is Kind.UNSIGNED:
        return replace(verdict, problem=trouble)
    if (trouble.until or 0) <= verdict.sure:
        return verdict
    unsure = replace(trouble, seq=max(trouble.seq or 0, verdict.sure + 1))
    return replace(verdict, problem=_earliest(rows, unsure))


def sentence(verdict: Verdict) -> str:
    """The verdict in one Chinese sentence that names the first bad row."""
    problem = verdict.problem
    if problem is None:
        if verdict.last[0] == 0:
            return "还没有封存的日志。"
        good = f"日志完好：校验了 {verdict.checked:,} 条，到序号 {verdict.last[0]} 为止，"
        return good + "没有改动、缺失、插入或换序。"
    where = "不在链上的记录" if problem.seq is None else f"序号 {problem.seq}"
    if problem.until is not None and problem.seq is not None and problem.until > problem.seq:
        where += f" 至 {problem.until}"
    if problem.entry_id is not None:
        where += f"（记录号 {problem.entry_id}"
        where += f"，时间 {_local(problem)}）" if problem.at else "）"
    return f"日志被改动过，第一处在{where}：{WORDS[problem.kind]}。"


WORDS = {
    Kind.CHANGED: "记录内容在封存之后被修改",
    Kind.SEAL_CHANGED: "封存的校验值或序号被修改，记录内容未变",
    Kind.REMOVED: "记录被删除",
    Kind.INSERTED: "记录是事后插入的",
    Kind.REORDERED: "记录的先后次序被调换",
    Kind.REPLACED: "从这里起被改写，并重新计算了校验链，与签名的链头不符",
    Kind.TRUNCATED: "链头已经签名的记录从末尾被截去",
    Kind.UNSIGNED: "这些记录没有签名的链头作证",
    Kind.HEAD_FORGED: "链头的签名不对，或签名的公钥不在本机，这些记录没有可信的佐证",
    Kind.HEAD_MISSING: "已经签发的链头被删除或替换",
    Kind.EXPORT_FORGED: "导出的链头文件里有签名不对的行",
}


def _earliest(*problems: Problem | None) -> Problem | None:
    """The first of several by number; of equals the one named first."""
    found = [p for p in problems if p is not None]
    return min(found, key=lambda p: (p.seq is None, p.seq or 0), default=None)


def _problem(trouble: HeadTrouble | None, missing: Kind, forged: Kind) -> Problem | None:
    if trouble is None:
        return None
    kind = missing if trouble.kind == "missing" else forged
    return Problem(kind, trouble.first, until=trouble.last)


def _local(problem: Problem) -> str:
    assert problem.at is not None
    return problem.at.astimezone(_SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
