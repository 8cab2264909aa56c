"""What probes make of it: noisy, with gaps, some missing, some that fell silent, and habits that look like trouble."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field

import numpy as np

from xingwei.operations.watch.engine.triage import Series

from .world import Floats, Trouble, World

# signal: (usual value, noise as a share, noise as an amount, share of load in it)
_USUAL: dict[str, dict[str, tuple[float, float, float, float]]] = {
    "database": {
        "db.blocked": (1.0, 0.0, 0.8, 1.0), "db.longtx_s": (18, 0.35, 3, 0.5), "db.deadlock": (0.0, 0, 0.05, 0),
        "db.sess_pct": (38, 0.05, 1, 0.4), "db.tbs_pct": (71, 0.002, 0.1, 0), "db.arch_pct": (43, 0.12, 2, 0.1),
        "db.undo_err": (0.0, 0, 0.03, 0), "db.sql_top": (0.35, 0.15, 0.02, 0.4), "db.redo_wait": (3.5, 0.2, 0.4, 0.3),
        "db.iowait": (5.0, 0.25, 0.8, 0.4), "db.invalid": (0.0, 0, 0, 0), "db.adhoc": (3.0, 0.5, 1.2, 0.2),
        "db.batch": (0.0, 0, 0, 0), "db.connect_ms": (14, 0.2, 2, 0.2), "db.rt": (6, 0.15, 0.5, 0.4),
        "db.fail": (0.001, 0, 0.001, 0),
    },
    "host": {
        "host.cpu": (34, 0.1, 2, 0.7), "host.mem": (64, 0.02, 0.6, 0.05), "host.swap": (1.0, 0.4, 0.5, 0),
        "host.disk": (61, 0.002, 0.05, 0), "host.inode": (22, 0.002, 0.05, 0), "host.iowait": (4, 0.3, 0.8, 0.4),
        "host.fd": (27, 0.06, 1, 0.4), "host.offset": (0.02, 0, 0.02, 0), "host.steal": (0.8, 0.3, 0.3, 0.2),
        "tls.days": (140, 0, 0, 0), "host.up": (1.0, 0, 0, 0),
    },
    "link": {
        "net.up": (1.0, 0, 0, 0), "net.loss": (0.02, 0, 0.03, 0), "net.rtt": (1.1, 0.12, 0.1, 0.1),
        "net.if_err": (0.3, 0, 0.4, 0), "net.bcast": (90, 0.2, 10, 0.4), "net.macflap": (0.0, 0, 0.05, 0),
        "net.jumbo": (1.0, 0, 0, 0), "net.util": (31, 0.15, 2, 0.7), "net.nat_sess": (35, 0.08, 1, 0.5),
        "net.power": (1.0, 0, 0, 0), "net.reset": (0.1, 0, 0.15, 0), "net.dns": (1.0, 0, 0, 0),
        "net.tunnel": (1.0, 0, 0, 0), "net.gate_queue": (2, 0.3, 1, 0.4),
    },
    "application": {
        "app.up": (1.0, 0, 0, 0), "app.rt": (0.22, 0.12, 0.01, 0.4), "app.err": (0.003, 0, 0.002, 0),
        "app.pool": (30, 0.1, 2, 0.7), "app.heap": (58, 0.06, 2, 0.1), "app.gc": (2.2, 0.25, 0.3, 0.2),
        "app.job_age_h": (9, 0.0, 0.2, 0), "app.consumer_age_s": (6, 0.4, 2, 0), "app.stuck": (0.6, 0, 0.6, 0.3),
        "app.node_gap": (0.0, 0, 0, 0), "lic.days": (210, 0, 0, 0), "app.dup": (0.0, 0, 0.06, 0),
    },
    "interface": {
        "if.rate": (9, 0.15, 0.4, 1.0), "if.err": (0.006, 0, 0.004, 0), "if.timeout": (0.003, 0, 0.003, 0),
        "if.queue": (1.0, 0, 1.0, 0.5), "if.oldest_s": (4, 0.5, 2, 0.3), "if.ack_ms": (180, 0.18, 10, 0.2),
        "if.dead": (0.0, 0, 0.02, 0), "if.gap": (0.1, 0, 0.2, 0), "if.dup": (0.0, 0, 0.06, 0),
        "if.unmatched": (0.1, 0, 0.2, 0), "if.garbled": (0.0, 0, 0.03, 0), "if.misorder": (0.0, 0, 0.05, 0),
        "if.ack_mismatch": (0.0, 0, 0.0, 0), "if.halfopen": (0.0, 0, 0, 0), "if.uncertain": (0.0, 0, 0.05, 0),
    },
    "device": {
        "dev.up": (1.0, 0, 0, 0), "dev.last_msg_s": (130, 0.5, 20, 0), "dev.nak": (0.1, 0, 0.2, 0),
        "dev.flag": (0.2, 0, 0.25, 0), "dev.offset": (6, 0.02, 0.5, 0), "dev.median_ratio": (1.0, 0.03, 0, 0),
        "dev.unread": (0.01, 0, 0.008, 0), "dev.resend": (0.1, 0, 0.2, 0), "dev.reject": (0.0, 0, 0.04, 0),
    },
    "third_party": {
        "tp.up": (1.0, 0, 0, 0), "tp.rt": (0.6, 0.2, 0.05, 0.3), "tp.http5xx": (0.001, 0, 0.001, 0),
        "tp.refused": (0.0, 0, 0.001, 0), "tp.group_fail": (0.005, 0, 0.004, 0),
    },
}  # fmt: skip
_SHARES = ("fail", "err", "timeout", "5xx", "refused", "unread", "group")
_STILL = 0.5  # share of functions that have a synthetic probe of their own


@dataclass(slots=True)
class Marks:
    """What faults do to single measurements: (node, signal) → (mode, values): add, set, times."""

    rows: list[tuple[str, str, str, Floats]] = field(default_factory=list)

    def add(self, node: str, signal: str, mode: str, values: Floats) -> None:
        self.rows.append((node, signal, mode, values))


def measure(world: World, trouble: Trouble, marks: Marks, absent: float, stale: float) -> dict[str, Series]:
    """Every probe's series. absent: share of probes that do not exist; stale: share that stopped some time ago."""
    rng = world.rng
    slow, fail, busy = world.felt(trouble)
    values: dict[tuple[str, str], Floats] = {}
    for key, node in world.graph.nodes.items():
        if node.kind == "function":
            values |= _function(world, key, slow[key], fail[key])
            continue
        for signal, how in _USUAL.get(str(node.kind), {}).items():
            values[key, signal] = _still(world, *how)
        _feel(world, key, str(node.kind), slow[key], fail[key], busy.get(key), values)
    _hosts(world, slow, busy, values)
    for key in (k for k in values if k[1] == "if.rate" and k[0].startswith("interface:yb-")):
        values[key[0], "yb.sign_age_h"] = np.full_like(world.times, 3.0)
        break
    for node, signal, mode, what in marks.rows:
        if (node, signal) not in values:
            values[node, signal] = np.zeros_like(world.times)
        here = values[node, signal]
        mine = what != 0 if mode != "set" else np.isfinite(what)
        noise = 1.0 + 0.06 * rng.standard_normal(len(world.times))
        new = {"add": here + what * noise, "times": here * np.maximum(what, 0.0), "set": what * 1.0}[mode]
        values[node, signal] = np.where(mine, new, here)
    _habits(world, values)
    return _seen(world, values, absent, stale)


def _still(world: World, usual: float, share: float, amount: float, loaded: float) -> Floats:
    rng, n = world.rng, len(world.times)
    own = usual * rng.uniform(0.75, 1.3) if share or loaded else usual
    level = own * (1.0 - loaded + loaded * world.load * world.surge / 0.6)
    noisy = level * np.exp(share * rng.standard_normal(n)) + amount * np.abs(rng.standard_normal(n)) * 0.8
    spikes = rng.random(n) < 0.003
    return np.asarray(np.where(spikes & (share > 0.1), noisy * rng.uniform(2, 4), noisy))


def _function(world: World, key: str, slow: Floats, fail: Floats) -> dict[tuple[str, str], Floats]:
    rng, n = world.rng, len(world.times)
    made: dict[tuple[str, str], Floats] = {}
    attempts = world.demand(key, slow, fail)
    counted = rng.poisson(np.maximum(attempts, 0.01)).astype(float)
    failed = rng.binomial(counted.astype(int), np.clip(fail + 0.004, 0, 1))
    made[key, "biz.rate"] = counted - failed
    made[key, "biz.fail"] = np.where(counted > 0, failed / np.maximum(counted, 1), np.nan)
    if hash_share(key) < _STILL:
        base = 0.25 + 0.5 * hash_share(key + "x")
        made[key, "syn.rt"] = np.minimum(base * np.exp(0.12 * rng.standard_normal(n)) + slow, 60.0)
        made[key, "syn.fail"] = rng.binomial(3, np.clip(fail + 0.001, 0, 1)) / 3.0
    return made


def _feel(
    world: World, key: str, kind: str, slow: Floats, fail: Floats, busy: Floats | None,
    values: dict[tuple[str, str], Floats],
) -> None:  # fmt: skip
    """What callers of the part see of it."""
    rng, n = world.rng, len(world.times)
    noisy = np.exp(0.1 * rng.standard_normal(n))
    if kind == "application":
        values[key, "app.rt"] += slow * noisy
        values[key, "app.err"] += rng.binomial(60, np.clip(fail, 0, 1), n) / 60.0
        if busy is not None:
            values[key, "app.pool"] = np.clip(100 * busy * noisy, 2, 100)
    elif kind == "interface":
        values[key, "if.ack_ms"] += 1000 * slow * noisy
        values[key, "if.err"] += rng.binomial(25, np.clip(fail, 0, 1), n) / 25.0
        late = np.clip((slow - 8) / 15, 0, 1)
        values[key, "if.timeout"] += late
        values[key, "if.queue"] += 4 * np.cumsum(np.where(world.times > world.at.timestamp() - 5400, fail + late, 0))
        values[key, "if.oldest_s"] += 60 * np.minimum(
            np.cumsum(np.where(world.times > world.at.timestamp() - 5400, (fail > 0.3) | (late > 0.3), 0)), 90
        )
        values[key, "if.rate"] *= 1 - np.clip(fail, 0, 1)
    elif kind == "database":
        values[key, "db.rt"] += 1000 * slow * noisy
        values[key, "db.fail"] += rng.binomial(80, np.clip(fail, 0, 1), n) / 80.0
        values[key, "db.sess_pct"] = np.minimum(values[key, "db.sess_pct"] + 2.2 * np.minimum(slow, 12), 97)
    elif kind == "third_party":
        values[key, "tp.rt"] = np.minimum(values[key, "tp.rt"] + slow * noisy, 60)
        values[key, "tp.rt"] = np.where(fail > 0.9, np.nan, values[key, "tp.rt"])  # nothing answers that could be timed
        values[key, "tp.up"] = (rng.random(n) >= np.clip(fail, 0, 1)).astype(float)
    elif kind == "device":
        silent = np.cumsum(np.where(world.times > world.at.timestamp() - 7200, fail > 0.8, 0))
        values[key, "dev.last_msg_s"] += 60.0 * silent
        values[key, "dev.up"] = (rng.random(n) >= np.clip(fail, 0, 1)).astype(float)
    elif kind == "link":
        values[key, "net.loss"] += np.where(fail > 0.9, 100.0 * fail, 0.0)
        values[key, "net.rtt"] = np.where(fail > 0.9, np.nan, values[key, "net.rtt"])
        values[key, "net.up"] = (rng.random(n) >= np.clip(fail, 0, 1)).astype(float)
    elif kind == "host":
        for signal in [s for k, s in values if k == key]:  # the agent is down with its host
            values[key, signal] = np.where(fail > 0.95, np.nan, values[key, signal])
        values[key, "host.up"] = (rng.random(n) >= np.clip((fail - 0.9) * 10, 0, 1)).astype(float)


def _hosts(
    world: World, slow: dict[str, Floats], busy: dict[str, Floats], values: dict[tuple[str, str], Floats]
) -> None:
    """Processors follow the work of what runs on them: retries heat, waiting cools."""
    for key, node in world.graph.nodes.items():
        if node.kind != "host":
            continue
        guests = [g for g in world.graph.needed_by[key] if world.graph.nodes[g].kind == "application"]
        if not guests or (key, "host.cpu") not in values:
            continue
        extra = sum((np.clip(busy.get(g, 0) - 0.6, 0, 0.6) for g in guests), np.zeros_like(world.times))
        values[key, "host.cpu"] = np.minimum(values[key, "host.cpu"] + 14 * extra / len(guests) ** 0.5, 100)


def _habits(world: World, values: dict[tuple[str, str], Floats]) -> None:
    """Nightly backups, lazy log rotation, a probe that drifts: innocent, and there every day or in some place only."""
    hours = ((world.times + 8 * 3600) / 3600) % 24
    night = (hours > 1.0) & (hours < 2.5)
    for key in [k for k in values if k[1] in {"host.iowait", "db.iowait"}]:
        values[key] = values[key] + np.where(night, 14.0, 0.0)
    keys = sorted(k for k in values if k[1] in {"host.disk", "host.mem", "app.heap", "net.util", "db.arch_pct"})
    for i in world.rng.choice(len(keys), 4, replace=False):
        values[keys[i]] = values[keys[i]] + np.linspace(0, world.rng.uniform(2, 6), len(world.times))


def _seen(world: World, values: dict[tuple[str, str], Floats], absent: float, stale: float) -> dict[str, Series]:
    rng = world.rng
    out: dict[str, Series] = {}
    for node, signal in sorted(values):
        draw = rng.random()
        if draw < absent:
            continue
        times, what = world.times, values[node, signal].astype(float)
        if signal.endswith(("_pct", ".disk", ".inode", ".mem", ".cpu", ".fd", ".heap", ".util")):
            what = np.minimum(what, 100.0)
        if any(s in signal for s in _SHARES):
            what = np.clip(what, 0.0, 1.0)
        what = np.where(rng.random(len(times)) < rng.uniform(0.0, 0.06), np.nan, what)
        if draw > 1.0 - stale:
            keep = times < world.at.timestamp() - rng.uniform(1200, 9000)
            times, what = times[keep], what[keep]
        out[f"{node} {signal}"] = Series(node, signal, times, what)
    return out


def hash_share(text: str) -> float:
    """0 to 1, always the same for the same words."""
    import zlib

    return (zlib.crc32(text.encode()) % 10_000) / 10_000


def chosen(world: World, patterns: str) -> list[str]:
    """Nodes whose key fits one of the patterns, divided by spaces."""
    return [k for k in sorted(world.graph.nodes) if any(fnmatch.fnmatch(k, p) for p in patterns.split())]
