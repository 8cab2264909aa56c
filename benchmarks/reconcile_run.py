"""The product over two sides in a process of its own, as reconcile_peers/measure.py is for the peers.

    python -m benchmarks.reconcile_run OUT CACHE LEFT,… RIGHT,…

Digests of the files are given, as the lake gives them; CACHE may be -.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import duckdb

from xingwei.data.reconcile.engine import Source, Spec, run

TEXT = {
    "setl_id": "结算ID",
    "mdtrt_id": "就诊ID",
    "psn_no": "人员编号",
    "insutype": "险种",
    "clr_type": "清算类别",
    "setl_optins": "经办机构",
    "refd": "退费标志",
}
MONEY = {"medfee": "医疗费总额", "fund": "基金支付", "acct": "个人账户"}
DOCUMENT = {
    "code": "bench",
    "title": "性能测试",
    "sides": [{"name": "his", "title": "HIS"}, {"name": "centre", "title": "中心"}],
    "fields": {
        **{name: {"title": title, "type": "text"} for name, title in TEXT.items()},
        **{name: {"title": title, "type": "money"} for name, title in MONEY.items()},
        "setl_time": {"title": "结算时间", "type": "time"},
    },
    "keys": [{"fields": ["setl_id"]}],
    "amount": "medfee",
    "compare": ["medfee", "fund", "acct", "mdtrt_id", "psn_no", "setl_optins", "refd", "setl_time"],
    "groups": ["insutype", "clr_type"],
}
MEMORY_MB = 3072


def main() -> None:
    out, cache, left, right = sys.argv[1:]
    sides = {}
    for name, given in (("his", left), ("centre", right)):
        paths = tuple(Path(p) for p in given.split(","))
        sides[name] = Source(paths, hash={str(p): f"{p.name}-{p.stat().st_mtime_ns}-{p.stat().st_size}" for p in paths})
    spec = Spec.read(DOCUMENT)
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = run(spec, sides, Path(out), memory_mb=MEMORY_MB, threads=2, cache=None if cache == "-" else Path(cache))
    took = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    kinds = duckdb.sql(f"SELECT kind, count(*) FROM '{outcome.differences}' GROUP BY kind").fetchall()
    print(
        json.dumps(
            {
                **took,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "found": dict(kinds),
                "differences": str(outcome.differences),
                "verdict": outcome.verdict,
                "residual": str(outcome.bridge.residual),
                "timings": {k: round(v, 3) for k, v in outcome.timings.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
