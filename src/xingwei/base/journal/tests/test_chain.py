"""Whatever is done to a chain is found, and the first bad row is named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.base.journal.engine.canonical import decode, encode
from xingwei.base.journal.engine.chain import Kind, Verdict, Verifier, link
from xingwei.base.journal.engine.heads import EVERY, ZERO, sign
from xingwei.base.journal.engine.witness import WORDS, sentence
from xingwei.base.runtime.crypto import FileSigner

from .chains import START, Chain, entry

_SIGNERS: dict[str, FileSigner] = {}


@pytest.fixture(scope="module", autouse=True)
def _keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    _SIGNERS["ours"] = FileSigner(tmp_path_factory.mktemp("ours"))
    _SIGNERS["forger"] = FileSigner(tmp_path_factory.mktemp("forger"))


def chain(length: int, spans: list[int] | None = None) -> Chain:
    return Chain(_SIGNERS["ours"], length, spans)


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """Between 3 and 40 rows under heads of random spans; the last rows may have none yet."""
    length = draw(st.integers(3, 40))
    return chain(length, draw(st.lists(st.integers(1, 15), min_size=1, max_size=6)))


def named(verdict: Verdict) -> int:
    assert verdict.problem is not None, "the tampering was not found"
    assert verdict.problem.seq is not None
    return verdict.problem.seq


def covered(c: Chain) -> int:
    return c.heads[-1].seq


rounds = settings(max_examples=120, deadline=None)


class TestIntact:
    @given(chains())
    @rounds
    def test_an_untouched_chain_is_whole(self, c: Chain) -> None:
        verdict = c.verify()
        assert verdict.problem is None
        assert verdict.checked == len(c.seals)

    def test_nothing_at_all_is_whole(self) -> None:
        assert chain(0).verify() == Verdict(0, (0, ZERO))

    @given(chains(), st.integers(1, 10))
    @rounds
    def test_portions_do_not_matter(self, c: Chain, size: int) -> None:
        rows = list(c.rows())
        verifier = Verifier(c.heads, c)
        for i in range(0, len(rows), size):
            assert verifier.feed(rows[i : i + size])
        assert verifier.verdict() == c.verify()

    @given(chains(), st.data())
    @rounds
    def test_a_part_is_held_against_the_head_before_it(self, c: Chain, data: st.DataObject) -> None:
        head = data.draw(st.sampled_from(c.heads))
        verifier = Verifier(c.heads, c, start=(head.seq, head.hash), stop=len(c.seals))
        verifier.feed(r for r in c.rows() if r.seq > head.seq)
        verdict = verifier.verdict()
        assert verdict.problem is None
        assert (verdict.checked, verdict.last) == (
            len(c.seals) - head.seq,
            (len(c.seals), c.seals[len(c.seals)][2]),
        )


class TestOneRow:
    """A single act on a single row."""

    @given(chains(), st.data())
    @rounds
    def test_any_changed_byte_of_an_entry(self, c: Chain, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, len(c.seals)))
        body = c.entries[c.seals[seq][0]]
        place = data.draw(st.integers(0, len(body) - 1))
        flipped = body[place] ^ data.draw(st.integers(1, 255))
        c.entries[c.seals[seq][0]] = body[:place] + bytes([flipped]) + body[place + 1 :]
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.entry_id) == (Kind.CHANGED, seq, c.seals[seq][0])

    @given(chains(), st.data())
    @rounds
    def test_a_changed_hash_or_prev(self, c: Chain, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, len(c.seals)))
        entry_id, prev, hash_ = c.seals[seq]
        change_prev = data.draw(st.booleans())
        c.seals[seq] = (entry_id, b"\x01" * 32, hash_) if change_prev else (entry_id, prev, b"\x01" * 32)
        verdict = c.verify()
        assert named(verdict) == seq
        sure = change_prev or seq < len(c.seals) or seq <= covered(c)
        assert not sure or verdict.problem.kind is Kind.SEAL_CHANGED  # type: ignore[union-attr]

    @given(chains(), st.data())
    @rounds
    def test_a_changed_number(self, c: Chain, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, len(c.seals)))
        c.seals[len(c.seals) + 5] = c.seals.pop(seq)
        verdict = c.verify()
        assert named(verdict) == seq
        assert verdict.problem.kind in {Kind.REORDERED, Kind.SEAL_CHANGED}  # type: ignore[union-attr]

    @given(chains(), st.data())
    @rounds
    def test_an_entry_removed_under_its_seal(self, c: Chain, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, len(c.seals)))
        del c.entries[c.seals[seq][0]]
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.entry_id) == (Kind.REMOVED, seq, c.seals[seq][0])

    @given(chains(), st.booleans(), st.data())
    @rounds
    def test_a_row_removed_with_its_seal(self, c: Chain, renumber: bool, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, max(covered(c), len(c.seals) - 1)))
        last = seq == len(c.seals)
        c.remove(seq, renumber=renumber)
        verdict = c.verify()
        assert named(verdict) == seq
        assert verdict.problem.kind is (Kind.TRUNCATED if last else Kind.REMOVED)  # type: ignore[union-attr]

    @given(chains(), st.booleans(), st.data())
    @rounds
    def test_a_row_inserted(self, c: Chain, linked: bool, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, len(c.seals)))
        c.insert(seq, entry(1000), linked=linked)
        verdict = c.verify()
        assert named(verdict) == seq
        # a row that follows its predecessor as it should can only be told from a rewritten one by the next
        assert verdict.problem.kind in {Kind.INSERTED, Kind.REPLACED}  # type: ignore[union-attr]

    def test_a_row_inserted_beyond_the_last_head_is_called_so(self) -> None:
        c = chain(10, [2])
        c.insert(6, entry(1000))
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq) == (Kind.INSERTED, 6)

    @given(chains(), st.data())
    @rounds
    def test_two_rows_swapped(self, c: Chain, data: st.DataObject) -> None:
        a = data.draw(st.integers(1, len(c.seals) - 1))
        b = data.draw(st.integers(a + 1, len(c.seals)))
        c.seals[a], c.seals[b] = c.seals[b], c.seals[a]
        verdict = c.verify()
        assert named(verdict) == a
        assert verdict.problem.kind is Kind.REORDERED  # type: ignore[union-attr]

    @given(chains(), st.data())
    @rounds
    def test_two_entries_exchanged_under_their_seals(self, c: Chain, data: st.DataObject) -> None:
        a = data.draw(st.integers(1, len(c.seals) - 1))
        b = data.draw(st.integers(a + 1, len(c.seals)))
        i, j = c.seals[a][0], c.seals[b][0]
        c.entries[i], c.entries[j] = c.entries[j], c.entries[i]
        assert named(c.verify()) == a

    @given(chains(), st.data())
    @rounds
    def test_an_entry_changed_and_its_own_hash_with_it(self, c: Chain, data: st.DataObject) -> None:
        """The next row no longer follows; the marks say which of the two was touched."""
        seq = data.draw(st.integers(1, covered(c)))
        entry_id, prev, _ = c.seals[seq]
        c.entries[entry_id] = encode(entry(entry_id, summary="改过"))
        c.seals[seq] = (entry_id, prev, next(link(prev, [c.entries[entry_id]])))
        assert named(c.verify()) == seq


class TestRebuilt:
    """By someone who has every right on the database but not the key."""

    @given(chains(), st.sampled_from(["change", "remove", "insert"]), st.data())
    @rounds
    def test_the_first_rewritten_row_is_named(self, c: Chain, act: str, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, covered(c)))
        if act == "change":
            c.entries[c.seals[seq][0]] = encode(entry(c.seals[seq][0], summary="改过"))
        elif act == "remove":
            c.remove(seq, renumber=True)
        else:
            c.insert(seq, entry(1000))
        c.rebuild(seq)
        verdict = c.verify()
        assert named(verdict) == seq
        gone = act == "remove" and seq > len(c.seals)
        assert verdict.problem.kind is (Kind.TRUNCATED if gone else Kind.REPLACED)  # type: ignore[union-attr]

    @given(chains(), st.data())
    @rounds
    def test_with_heads_signed_by_another_key(self, c: Chain, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, covered(c)))
        c.entries[c.seals[seq][0]] = encode(entry(c.seals[seq][0], summary="改过"))
        c.rebuild(seq)
        c.heads = [h for h in c.heads if h.seq < seq]
        c.sign_heads([5] * 20, _SIGNERS["forger"])
        verdict = c.verify()
        assert verdict.problem is not None
        assert verdict.problem.kind is Kind.HEAD_FORGED
        assert verdict.problem.seq is not None
        assert verdict.problem.seq <= seq

    @given(chains(), st.data())
    @rounds
    def test_the_export_names_the_row_even_when_all_heads_were_replaced(self, c: Chain, data: st.DataObject) -> None:
        c.outside = list(c.heads)
        seq = data.draw(st.integers(1, covered(c)))
        c.entries[c.seals[seq][0]] = encode(entry(c.seals[seq][0], summary="改过"))
        c.rebuild(seq)
        c.heads = []
        c.sign_heads([4] * 20, _SIGNERS["forger"])
        verdict = c.verify()
        assert named(verdict) == seq
        assert verdict.problem.kind is Kind.REPLACED  # type: ignore[union-attr]

    def test_with_all_heads_deleted(self) -> None:
        c = chain(30, [10] * 3)
        c.heads = []
        assert c.verify().problem is not None
        assert c.verify().problem.kind is Kind.UNSIGNED  # type: ignore[union-attr]


class TestTail:
    @given(chains(), st.data())
    @rounds
    def test_cut_below_the_last_head(self, c: Chain, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, covered(c)))
        for s in range(seq, len(c.seals) + 1):
            c.remove(s)
        verdict = c.verify()
        assert (named(verdict), verdict.problem.kind) == (seq, Kind.TRUNCATED)  # type: ignore[union-attr]

    @given(chains(), st.data())
    @rounds
    def test_cut_together_with_the_heads_is_seen_by_the_export(self, c: Chain, data: st.DataObject) -> None:
        c.outside = list(c.heads)
        seq = data.draw(st.integers(1, covered(c)))
        for s in range(seq, len(c.seals) + 1):
            c.remove(s)
        c.heads = [h for h in c.heads if h.seq < seq]
        verdict = c.verify()
        assert named(verdict) <= seq
        assert verdict.problem.until is None or verdict.problem.until >= seq  # type: ignore[union-attr]

    def test_a_tail_longer_than_any_honest_one_is_not_taken_on_trust(self) -> None:
        c = chain(EVERY + 3, [2])
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq) == (Kind.UNSIGNED, 3)

    def test_an_honest_tail_is(self) -> None:
        assert chain(EVERY + 1, [2]).verify().problem is None


class TestHeads:
    def test_one_deleted_in_the_middle(self) -> None:
        c = chain(30, [10, 10, 10])
        del c.heads[1]
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.until) == (Kind.HEAD_MISSING, 11, 20)

    def test_the_first_deleted(self) -> None:
        c = chain(30, [10, 10, 10])
        del c.heads[0]
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.until) == (Kind.HEAD_MISSING, 1, 10)

    def test_the_last_deleted_is_seen_by_the_export(self) -> None:
        c = chain(30, [10, 10, 10])
        c.outside = list(c.heads)
        del c.heads[2]
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.until) == (Kind.HEAD_MISSING, 21, 30)

    @pytest.mark.parametrize("i", [0, 1, 2])
    @pytest.mark.parametrize(
        "forge",
        [
            lambda h: replace(h, hash=b"\x01" * 32),
            lambda h: replace(h, at=h.at + dt.timedelta(days=1)),
            lambda h: replace(h, purged=10),
            lambda h: replace(h, marks=b"\x01" * len(h.marks)),
            lambda h: replace(h, signature=h.signature[:-1] + bytes([h.signature[-1] ^ 1])),
            lambda h: replace(h, key_id="0" * 16),
        ],
    )
    def test_any_change_of_a_head(self, i: int, forge: Callable) -> None:
        c = chain(30, [10, 10, 10])
        c.heads[i] = forge(c.heads[i])
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.until) == (Kind.HEAD_FORGED, 10 * i + 1, 10 * i + 10)

    def test_a_changed_key_goes_on_with_the_same_chain(self, tmp_path: Path) -> None:
        c = chain(20, [10])
        other = FileSigner(tmp_path)
        c.sign_heads([10], other)
        ours = _SIGNERS["ours"]
        assert c.verify({ours.key_id: ours.public_key, other.key_id: other.public_key}).problem is None
        assert c.verify().problem is not None  # unless the new key is unknown

    def test_a_forged_line_in_the_export_is_said_to_be_there(self) -> None:
        c = chain(30, [10, 10, 10])
        c.outside = [*c.heads[:2], replace(c.heads[2], hash=b"\x01" * 32)]
        problem = c.verify().problem
        assert problem is not None
        assert problem.kind is Kind.EXPORT_FORGED


class TestPurged:
    """Old rows go under the retention rule; what is left stays verifiable."""

    def purge(self, c: Chain, head: int, signer: str = "ours") -> None:
        anchor = c.heads[head]
        last = c.heads[-1]
        statement = replace(last, prev=last.digest(), purged=anchor.seq, marks=b"", at=last.at)
        c.heads.append(sign(statement, _SIGNERS[signer]))
        for seq in range(1, anchor.seq + 1):
            c.remove(seq)
        del c.heads[:head]

    @pytest.mark.parametrize("head", [0, 1, 2])
    def test_the_rest_is_whole(self, head: int) -> None:
        c = chain(33, [10, 10, 10])
        c.outside = list(c.heads)
        self.purge(c, head)
        verdict = c.verify()
        assert verdict.problem is None
        assert verdict.checked == 33 - 10 * (head + 1)

    @pytest.mark.parametrize("seq", [11, 15, 20, 21, 30])
    def test_what_is_left_is_guarded_as_before(self, seq: int) -> None:
        c = chain(33, [10, 10, 10])
        self.purge(c, 0)
        c.entries[c.seals[seq][0]] = encode(entry(99, summary="改过"))
        c.rebuild(seq)
        assert named(c.verify()) == seq

    def test_one_more_row_than_was_signed_for_is_missed(self) -> None:
        c = chain(33, [10, 10, 10])
        self.purge(c, 0)
        c.remove(11)
        assert named(c.verify()) == 11

    def test_nobody_else_can_purge(self) -> None:
        c = chain(33, [10, 10, 10])
        self.purge(c, 1, signer="forger")
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.until) == (Kind.REMOVED, 1, 20)

    def test_removing_the_oldest_rows_without_a_statement(self) -> None:
        c = chain(33, [10, 10, 10])
        for seq in range(1, 11):
            c.remove(seq)
        problem = c.verify().problem
        assert problem is not None
        assert (problem.kind, problem.seq, problem.until) == (Kind.REMOVED, 1, 10)


class TestBackdated:
    def test_an_entry_a_day_older_than_the_head_before_it_is_remarked_on(self) -> None:
        c = chain(10, [10])
        c.append(entry(11, at=START - dt.timedelta(hours=25)))
        c.append(entry(12, at=START - dt.timedelta(hours=23)))
        verdict = c.verify()
        assert verdict.problem is None
        assert verdict.backdated == (11,)


class TestSentences:
    def test_every_kind_has_words(self) -> None:
        assert set(WORDS) == set(Kind)

    def test_the_first_bad_row_is_named_in_full(self) -> None:
        c = chain(10)
        c.entries[7] = encode(entry(7, summary="改过"))
        assert sentence(c.verify()) == (
            "日志被改动过，第一处在序号 7（记录号 7，时间 2026-03-18 09:00:07）：记录内容在封存之后被修改。"
        )

    def test_and_a_run_by_both_ends(self) -> None:
        c = chain(10)
        for seq in (8, 9, 10):
            c.remove(seq)
        assert "序号 8 至 10：" in sentence(c.verify())

    def test_good_news_says_how_far(self) -> None:
        assert "校验了 10 条，到序号 10 为止" in sentence(chain(10).verify())

    def test_decoding_gives_the_entry_back(self) -> None:
        assert decode(encode(entry(3))) == entry(3)
