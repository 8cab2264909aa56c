"""The insurer asked through the gateway, as the HIS asks it: 9001, 3201, 9101 → 3202 → 9102, 5203, 2601, 2208, 2305.

Everything goes in at the gateway's own entry (its channel of kind `insurance`), so that it is signed, kept, counted and
cut off like every other call, and stands among the messages. Sources: 国家医保信息平台两定接口, reference tables 146–151.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
import secrets
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
from django.utils import timezone

from xingwei.base.site.queries import value
from xingwei.operations.gateway.models import Channel

from .. import kept
from ..kept import Kept
from .base import ReconcileRefused

TIMEOUT_S = 130.0
SIGNED_OUT = "签到"
LARGEST = 200 * 2**20
RESULT = ("psn_no", "mdtrt_id", "setl_id", "msgid", "stmt_rslt", "refd_setl_flag", "memo", "medfee_sumamt",
          "fund_pay_sumamt", "acct_pay")  # fmt: skip
UPLOAD = ("setl_id", "mdtrt_id", "psn_no", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "refd_setl_flag")
_serial = itertools.count(secrets.randbelow(10_000))


class InsurerSilent(ReconcileRefused):
    """The insurer cannot be asked now; nothing is known about what was asked. doubtful: it may have been done."""

    def __init__(self, text: str, *, doubtful: bool = False) -> None:
        super().__init__(text)
        self.doubtful = doubtful


class InsurerDeclined(ReconcileRefused):
    """The insurer said no; str() is its reason."""


class Insurer:
    """One conversation: signs in when asked to. Use as a context manager."""

    def __init__(self) -> None:
        self.url = entry()
        self.hospital = str(value("reconcile.insurance.institution")).strip()
        if not self.hospital:
            raise ReconcileRefused("还没有填定点医药机构编号，请系统管理员在系统参数的“对账”一组里填上。")
        self.area = str(value("reconcile.insurance.area"))
        self.office = str(value("reconcile.insurance.office"))
        self.sign_no = ""
        self.client = httpx.Client(timeout=TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Insurer:
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()

    def ask(self, infno: str, given: Mapping[str, Any], *, msgid: str = "") -> Any:
        """`output` of one transaction, or the bytes of a file. Raises InsurerSilent, InsurerDeclined."""
        if not self.sign_no and infno != "9001":
            self._sign_in()
        try:
            return self._ask(infno, given, msgid or self.msgid())
        except InsurerDeclined as declined:
            if SIGNED_OUT not in str(declined) or infno == "9001":
                raise
            self._sign_in()
            return self._ask(infno, given, msgid or self.msgid())

    def msgid(self) -> str:
        """Hospital (12), time (14), number (4)."""
        return f"{self.hospital:0<12.12}{timezone.localtime():%Y%m%d%H%M%S}{next(_serial) % 10_000:04d}"

    def _sign_in(self) -> None:
        told = self._ask(
            "9001",
            {"signIn": {"opter_no": value("reconcile.insurance.opter"), "mac": "00-00-00-00-00-00", "ip": "127.0.0.1"}},
            self.msgid(),
        )
        self.sign_no = str(told["signinoutb"]["sign_no"])

    def _ask(self, infno: str, given: Mapping[str, Any], msgid: str) -> Any:
        opter = str(value("reconcile.insurance.opter"))
        envelope = {
            "infno": infno, "msgid": msgid, "mdtrtarea_admvs": self.area, "insuplc_admdvs": self.area,
            "recer_sys_code": "MBS_LOCAL", "dev_no": "", "dev_safe_info": "", "infver": "V1.0", "opter_type": "1",
            "opter": opter, "opter_name": "对账", "inf_time": f"{timezone.localtime():%Y-%m-%d %H:%M:%S}",
            "fixmedins_code": self.hospital,
            "fixmedins_name": str(value("reconcile.insurance.name"))[:20] or self.hospital, "sign_no": self.sign_no,
            "input": given,
        }  # fmt: skip
        body = json.dumps(envelope, ensure_ascii=False, default=str).encode()
        try:
            answer = self.client.post(self.url, content=body, headers={"Content-Type": "application/json"})
        except httpx.ConnectError:
            raise InsurerSilent("接口网关没有运行，医保接口现在问不了，请稍后再试。") from None
        except httpx.HTTPError:
            raise InsurerSilent(f"交易 {infno} 没有等到应答，是否办成还不知道。", doubtful=True) from None
        return _output(infno, answer)


def _output(infno: str, answer: httpx.Response) -> Any:
    if answer.headers.get("content-type", "").startswith("application/octet-stream"):
        return answer.content
    try:
        document = json.loads(answer.content, parse_float=Decimal)
        code = str(document.get("infcode"))
    except (ValueError, AttributeError):
        raise InsurerSilent(f"交易 {infno} 的应答看不懂，请在接口消息里查看。", doubtful=True) from None
    if code == "0":
        output = document.get("output")
        return json.loads(output, parse_float=Decimal) if isinstance(output, str) and output[:1] in "{[" else output
    text = str(document.get("err_msg") or document.get("message") or "没有说明原因")
    outcome = str(document.get("outcome") or "")
    if outcome:  # the gateway's own word: the insurer was not asked, or its answer never came
        raise InsurerSilent(f"医保接口：{text}", doubtful=outcome == "uncertain")
    raise InsurerDeclined(f"医保拒绝：{text}")


def entry() -> str:
    """The address of the gateway's entry for insurance calls. Raises ReconcileRefused where there is none."""
    channel = Channel.objects.filter(kind="insurance", direction=Channel.Direction.IN).order_by("pk").first()
    if channel is None:
        raise ReconcileRefused("接口网关里没有医保的接入通道，请先配置。")
    settings = channel.settings
    host = str(settings.get("host") or "127.0.0.1")
    host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return f"http://{host}:{settings['port']}{settings.get('path', '/')}"


# ----- statements


def statement(ours: Sequence[Kept], since: dt.date, until: dt.date, target: Path, title: str, facts: dict[str, Any],
              classes: Iterable[str] = ()) -> Kept:  # fmt: skip
    """The centre's rows of these days: totals by 3201 for the whole span, rows by 3202 day by day, so that each row's day is
    the insurer's own. A row that the centre lacks on its day is looked for on the next: around midnight the two differ.

    ours: the hospital's rows, of other days too. facts: `totals` becomes what 3201 said of every group. Raises Refused.
    """
    rows = _rows(ours)
    inside = [r for r in rows if since.isoformat() <= r["setl_time"][:10] <= until.isoformat()]
    known = sorted({r["clr_type"] for r in inside if r["clr_type"]} | set(classes))
    lines: list[Line] = []
    with Insurer() as insurer:
        groups = sorted({(r["insutype"], r["clr_type"]) for r in inside})
        facts["totals"] = [_totals(insurer, group, since, until, inside) for group in groups]
        days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
        for day in days:
            mine = [r for r in inside if r["setl_time"][:10] == day.isoformat()]
            for clr_type in known:
                lines += details(insurer, [r for r in mine if r["clr_type"] == clr_type], clr_type, day)
        following = until + dt.timedelta(days=1)
        if following <= timezone.localdate():
            for clr_type in sorted({line.clr_type for line in lines if line.lacking and line.day == until}):
                mine = [r for r in rows if r["setl_time"][:10] == following.isoformat() and r["clr_type"] == clr_type]
                lines += details(insurer, mine, clr_type, following)
    _write(lines, rows, target)
    return kept.keep(target, f"{title} 3202 结果.parquet", rows=len(lines), source="3202")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a result file; cells as in RESULT. lacking: the centre has no such settlement, the row is ours."""

    cells: tuple[str, ...]
    clr_type: str
    day: dt.date

    @property
    def lacking(self) -> bool:
        return not self.cells[RESULT.index("msgid")]


def _rows(files: Sequence[Kept]) -> list[dict[str, str]]:
    """The hospital's rows as text, as they are sent."""
    wanted = (*UPLOAD, "psn_cash_pay", "insutype", "clr_type", "msgid", "setl_time")
    with duckdb.connect() as db:
        # the paths are this product's own, of hexadecimal digits
        found = db.execute(
            f"SELECT {', '.join(f'coalesce(CAST({name} AS VARCHAR), $n)' for name in wanted)} "  # noqa: S608
            "FROM read_parquet($paths)",
            {"paths": [str(f.path) for f in files], "n": ""},
        ).fetchall()
    return [dict(zip(wanted, row, strict=True)) for row in found]


def _sums(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    def add(name: str) -> str:
        return f"{sum((Decimal(r[name] or 0) for r in rows), Decimal('0.00')):.2f}"

    flag = str(value("reconcile.insurance.refunds"))
    return {
        "medfee_sumamt": add("medfee_sumamt"), "fund_pay_sumamt": add("fund_pay_sumamt"), "acct_pay": add("acct_pay"),
        "cash_payamt": add("psn_cash_pay"), "fixmedins_setl_cnt": len(rows), "refd_setl_flag": flag,
        "fixmedins_refd_setl_flag": flag,
    }  # fmt: skip


def _totals(insurer: Insurer, group: tuple[str, str], since: dt.date, until: dt.date,
            rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:  # fmt: skip
    insutype, clr_type = group
    mine = [r for r in rows if (r["insutype"], r["clr_type"]) == group]
    sums = _sums(mine)
    told = insurer.ask(
        "3201",
        {
            "data": {
                "insutype": insutype, "clr_type": clr_type, "setl_optins": insurer.office,
                "stmt_begndate": since.isoformat(), "stmt_enddate": until.isoformat(), **sums,
            }
        },
    )["stmtinfo"]  # fmt: skip
    return {
        "title": f"{insutype} · {clr_type}",
        "insutype": insutype, "clr_type": clr_type, "count": len(mine), "medfee_sumamt": sums["medfee_sumamt"],
        "stmt_rslt": str(told["stmt_rslt"]), "text": str(told.get("stmt_rslt_dscr") or ""),
    }  # fmt: skip


def details(insurer: Insurer, rows: Sequence[Mapping[str, str]], clr_type: str, day: dt.date) -> list[Line]:
    """9101 → 3202 → 9102 for one class on one day."""
    upload = {"in": list(packed(rows)), "filename": "3202.zip", "fixmedins_code": insurer.hospital}
    number = str(insurer.ask("9101", {"fsUploadIn": upload})["file_qury_no"])
    told = insurer.ask(
        "3202",
        {
            "data": {
                "setl_optins": insurer.office, "file_qury_no": number, "stmt_begndate": day.isoformat(),
                "stmt_enddate": day.isoformat(), "clr_type": clr_type, **_sums(rows),
            }
        },
    )["fileinfo"]  # fmt: skip
    content = insurer.ask(
        "9102",
        {"fsDownloadIn": {"file_qury_no": told["file_qury_no"], "filename": told["filename"], "fixmedins_code": "plc"}},
    )  # fmt: skip
    return [Line(row, clr_type, day) for row in unpacked(content)]


def packed(rows: Sequence[Mapping[str, str]]) -> bytes:
    """The upload file of table 148: TXT in a ZIP, UTF-8, tabs, `null` for nothing."""
    text = "\n".join("\t".join(row[name] or "null" for name in UPLOAD) for row in rows)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("3202.txt", text.encode())
    return buffer.getvalue()


def unpacked(content: Any) -> list[tuple[str, ...]]:
    """The rows of a result file (table 151). Raises ReconcileRefused with the line that is wrong."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (member,) = archive.infolist()
            if member.file_size > LARGEST:
                raise ReconcileRefused("3202 的结果文件超过 200 MB，请缩短对账日期。")
            text = archive.read(member).decode("utf-8-sig")
    except (zipfile.BadZipFile, ValueError, TypeError):
        raise ReconcileRefused("3202 的结果文件打不开，应是一个 UTF-8 文本的 ZIP，可能没有下载完整。") from None
    rows = []
    for n, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        row = tuple("" if cell == "null" else cell for cell in line.split("\t"))
        if len(row) not in {len(RESULT), len(RESULT) + 1}:
            raise ReconcileRefused(f"3202 结果文件第 {n} 行有 {len(row)} 列，应是 {len(RESULT)} 列。")
        rows.append(row[: len(RESULT)])
    return rows


def _write(lines: Sequence[Line], ours: Sequence[Mapping[str, str]], target: Path) -> None:
    """The centre's rows as Parquet. A line that the centre lacks is none of them. What the centre alone has carries person
    and message number only (table 151): its time is that of the message, its insurance that of the person's others."""
    by_id = {r["setl_id"]: r for r in ours}
    by_person = {r["psn_no"]: r["insutype"] for r in ours if r["insutype"]}
    columns: dict[str, list[Any]] = {n: [] for n in (*RESULT, "clr_type", "insutype", "setl_time")}
    for line in sorted((x for x in lines if not x.lacking), key=lambda x: (x.day, x.cells)):
        row = dict(zip(RESULT, line.cells, strict=True))
        mine = by_id.get(row["setl_id"])
        for name in RESULT:
            columns[name].append(row[name] or None)
        columns["clr_type"].append(line.clr_type)
        columns["insutype"].append((mine or {}).get("insutype") or by_person.get(row["psn_no"]))
        columns["setl_time"].append(_time_of(row["msgid"], line.day, mine))
    arrays = {
        n: pa.array([Decimal(v) if v else None for v in cells], pa.decimal128(18, 2)) if n in MONEY else pa.array(cells, pa.string())
        for n, cells in columns.items()
    }  # fmt: skip
    pq.write_table(pa.table(arrays), target)


MONEY = frozenset({"medfee_sumamt", "fund_pay_sumamt", "acct_pay"})


def _time_of(msgid: str, day: dt.date, mine: Mapping[str, str] | None) -> str:
    """The time on the insurer's day: ours where that is the same day, else that of the message, else the day's ends."""
    if mine is not None and mine["setl_time"][:10] == day.isoformat():
        return mine["setl_time"][:19]
    try:
        sent = dt.datetime.strptime(msgid[12:26], "%Y%m%d%H%M%S")  # noqa: DTZ007 - local text, compared by its day
    except ValueError:
        return f"{day.isoformat()} 12:00:00"
    if sent.date() == day:
        return f"{sent:%Y-%m-%d %H:%M:%S}"
    return f"{day.isoformat()} {'00:00:00' if sent.date() < day else '23:59:59'}"
