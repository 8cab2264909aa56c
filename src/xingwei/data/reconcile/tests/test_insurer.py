"""The insurer asked through the gateway's entry: statements fetched, preconditions looked up, a reversal sent and proved."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xingwei.base.policy.engine import system_actor
from xingwei.base.site import queries as site
from xingwei.base.site.services import change_setting
from xingwei.data.reconcile import files, kept
from xingwei.data.reconcile.models import Difference, Reconciliation
from xingwei.data.reconcile.services import definitions, inputs, insurance, remedies, runs
from xingwei.data.reconcile.services.base import ReconcileRefused

from . import support

pytestmark = pytest.mark.django_db
HOSPITAL = "H44050000001"


class Centre:
    """An insurance centre after the interface's text: it keeps settlements, compares files, reverses by message."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.silent = False
        self.signed = ""

    def answer(self, infno: str, given: dict[str, Any], sign_no: str) -> Any:
        self.asked.append(infno)
        if infno == "9001":
            self.signed = f"S{len(self.asked)}"
            return {"signinoutb": {"sign_no": self.signed}}
        if sign_no != self.signed:
            raise LookupError("请先签到")
        return getattr(self, f"do_{infno}")(next(iter(given.values())))

    def _day(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        days = (given["stmt_begndate"], given["stmt_enddate"])
        return [
            r for r in self.rows if r["clr_type"] == given["clr_type"] and days[0] <= r["setl_time"][:10] <= days[1]
        ]

    def do_3201(self, given: dict[str, Any]) -> Any:
        total = sum((r["medfee_sumamt"] for r in self._day(given) if r["insutype"] == given["insutype"]), Decimal(0))
        same = total == Decimal(str(given["medfee_sumamt"]))
        return {"stmtinfo": {"stmt_rslt": "0" if same else "1", "stmt_rslt_dscr": "平" if same else f"中心{total}"}}

    def do_9101(self, given: dict[str, Any]) -> Any:
        number = f"F{len(self.files)}"
        self.files[number] = bytes(given["in"])
        return {"file_qury_no": number}

    def do_3202(self, given: dict[str, Any]) -> Any:
        with zipfile.ZipFile(io.BytesIO(self.files[given["file_qury_no"]])) as archive:
            theirs = [x.split("\t") for x in archive.read(archive.namelist()[0]).decode().splitlines() if x]
        ours = {r["setl_id"]: r for r in self._day(given)}
        lines = []
        for row in theirs:
            mine = ours.pop(row[0], None)
            amounts = [str(mine[n]) for n in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")] if mine else row[3:6]
            lines.append(
                [
                    row[2],
                    row[1],
                    row[0],
                    mine["msgid"] if mine else "null",
                    "0" if mine else "1",
                    row[6],
                    "null",
                    *amounts,
                ]
            )
        for r in ours.values():
            amounts = [str(r[n]) for n in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")]
            lines.append([r["psn_no"], "null", "null", r["msgid"], "1", "0", "null", *amounts])
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("3202.txt", "\n".join("\t".join(x) for x in lines))
        number = f"R{len(self.files)}"
        self.files[number] = buffer.getvalue()
        return {"fileinfo": {"file_qury_no": number, "filename": "3202.zip"}}

    def do_9102(self, given: dict[str, Any]) -> bytes:
        return self.files[given["file_qury_no"]]

    def do_5203(self, given: dict[str, Any]) -> Any:
        row = next((r for r in self.rows if r["setl_id"] == given["setl_id"]), None)
        if row is None:
            raise LookupError("未查询到结算信息")
        return {"setlinfo": row | {"refd_setl_flag": "0"}}

    def do_2601(self, given: dict[str, Any]) -> Any:
        before = len(self.rows)
        self.rows = [r for r in self.rows if r["msgid"] != given["omsgid"] or r["psn_no"] != given["psn_no"]]
        if len(self.rows) == before:
            raise LookupError("未查询到需要冲正的交易信息")
        return None


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    made = Centre()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body: dict[str, Any]
            kind = "application/json"
            if made.silent:
                body = {"infcode": "-1", "err_msg": "医保暂时不通", "outcome": "cut"}
            else:
                try:
                    output = made.answer(document["infno"], document["input"], document["sign_no"])
                    body = {"infcode": 0, "output": output}
                    if isinstance(output, bytes):
                        kind = "application/octet-stream"
                except LookupError as no:
                    body = {"infcode": -1, "err_msg": str(no)}
            content = body["output"] if kind.endswith("stream") else json.dumps(body, default=str).encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(insurance, "entry", lambda: f"http://127.0.0.1:{server.server_port}/yb/")
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def books(centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Four settlements that both have, and one that the centre alone has: the HIS timed out and rolled back."""
    monkeypatch.setattr(kept, "root", lambda: tmp_path / "kept")
    for key, value in (("institution", HOSPITAL), ("area", "440500"), ("office", "440599")):
        change_setting(system_actor("command"), f"reconcile.insurance.{key}", value)
    site.forget()
    day = support.yesterday()
    rows = []
    for n in range(5):
        at = f"{day} {9 + n:02d}:15:07"
        rows.append({
            "setl_id": f"44050000{n:022d}", "mdtrt_id": f"M{n}", "psn_no": f"4405{n:026d}",
            "msgid": f"{HOSPITAL}{day:%Y%m%d}{9 + n:02d}1507{n:04d}", "insutype": "310", "clr_type": "11", "setl_time": at,
            "refd_setl_flag": "0", "medfee_sumamt": Decimal(f"{100 + n}.20"), "fund_pay_sumamt": Decimal("60.00"),
            "acct_pay": Decimal("10.00"), "psn_cash_pay": Decimal(f"{30 + n}.20"),
        })  # fmt: skip
    centre.rows = [dict(r) for r in rows]
    return rows[:4]


@pytest.fixture
def yb(books: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Reconciliation:
    """The shipped reconciliation; what the lake would give is given here."""
    shipped = files.read_directory(files.SHIPPED).document["reconciliations"]
    item = next(r for r in shipped if r["code"] == "yb")

    def from_lake(source: Any, since: Any, until: Any, target: Path, title: str) -> kept.Kept:
        pq.write_table(pa.Table.from_pylist(books), target)
        return kept.keep(target, f"{title}.parquet")

    monkeypatch.setattr(inputs, "from_lake", from_lake)
    sources = {**item["sources"], "centre": {"statement": "his"}}
    return definitions.save(system_actor("test"), "yb", {"sources": sources, "spec": item["spec"]}, {"name": "医保"})


def reconciled(row: Reconciliation) -> Any:
    day = support.yesterday()
    return runs.perform_now(runs.ask(system_actor("test"), row, day, day))


@pytest.mark.clause("1.8a")
def test_what_the_centre_alone_has_is_found_by_3202_and_reversed_and_proved(
    yb: Reconciliation, centre: Centre, actor: Any
) -> None:
    run = reconciled(yb)
    assert (run.state, run.verdict, run.rows, run.gap) == ("done", "differences", 1, Decimal("104.20")), run.problem
    assert run.facts["totals"][0]["stmt_rslt"] == "1"
    assert {"9001", "3201", "9101", "3202", "9102"} <= set(centre.asked)
    [found] = Difference.objects.select_related("reconciliation")
    assert (found.cause, found.data["act"]) == ("timeout_one_sided", "2601")
    assert found.reference.startswith(HOSPITAL)  # by its message number: table 151 gives no settlement id here

    remedy = remedies.propose(actor("insurance_office"), found)
    assert remedy.met is None  # 5203 needs an id that 3202 does not give; it is said, not assumed
    remedies.approve(actor("finance_office"), remedy)
    remedies.approve(actor("it_head"), remedy)
    done = remedies.execute(actor("insurance_office"), remedy)
    assert (done.state, centre.asked[-1]) == ("done", "2601"), done.result
    assert done.proof is not None
    runs.run_due()
    done.refresh_from_db()
    found.refresh_from_db()
    assert (done.state, found.state) == ("proved", "resolved")
    assert reconciled(yb).verdict == "balanced"


def test_the_precondition_is_looked_up_by_5203(yb: Reconciliation, centre: Centre, actor: Any) -> None:
    reconciled(yb)
    found = Difference.objects.select_related("reconciliation").get()
    found.data["one"] |= {"setl_id": "44059999", "mdtrt_id": "M9"}
    with pytest.raises(ReconcileRefused, match=r"前提不满足.*未查询到结算信息"):
        remedies.propose(actor("insurance_office"), found)
    found.data["one"] |= {"setl_id": centre.rows[4]["setl_id"]}
    assert remedies.propose(actor("insurance_office"), found).met is True


def test_an_insurer_that_is_cut_off_gives_no_result_and_says_so(yb: Reconciliation, centre: Centre) -> None:
    centre.silent = True
    run = reconciled(yb)
    assert (run.state, run.verdict) == ("failed", "")
    assert "医保暂时不通" in run.problem
    assert not Difference.objects.exists()


def test_the_next_day_at_the_centre_is_a_day_cut_off(yb: Reconciliation, centre: Centre, books: Any) -> None:
    """Settled at 23:59:58 here and at 00:00:03 there."""
    day = support.yesterday()
    books[3]["setl_time"] = f"{day} 23:59:58"
    centre.rows[3]["setl_time"] = f"{day + dt.timedelta(days=1)} 00:00:03"
    centre.rows[3]["msgid"] = books[3]["msgid"] = f"{HOSPITAL}{day:%Y%m%d}2359580003"
    centre.rows.pop(4)
    reconciled(yb)
    [found] = Difference.objects.all()
    assert (found.cause, found.kind, found.data["expected"]) == ("day_cutoff", "day", True)


@pytest.mark.parametrize("content", [b"PK\x03\x04 half", b"", b"\xff\xfe"])
def test_half_a_result_file_is_refused(content: bytes) -> None:
    with pytest.raises(ReconcileRefused, match="没有下载完整"):
        insurance.unpacked(content)


def test_a_result_row_with_a_column_missing_is_named_by_its_line() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("3202.txt", "a\tb\n")
    with pytest.raises(ReconcileRefused, match="第 1 行有 2 列"):
        insurance.unpacked(buffer.getvalue())


@pytest.mark.parametrize(("clr_type", "infno"), [("11", "2207"), ("21", "2304"), ("", "2207")])
def test_a_reversal_names_the_transaction_that_it_takes_back(clr_type: str, infno: str) -> None:
    assert remedies.original({"clr_type": clr_type}) == infno
