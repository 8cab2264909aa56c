"""Whole flows over real HTTP: what is paid, what is kept, what the statements say."""

import json
from decimal import Decimal

import pytest

from simhospital.centre.line import Declined, Degraded, Line, Lost
from simhospital.centre.profile import profiles

from .conftest import CEFUROXIME, EMPLOYEE, RESIDENT, line, person_like, visit


@pytest.mark.parametrize("profile", profiles())
def test_an_outpatient_settles_in_every_province(in_town, profile):
    async def scene(town):
        patient = person_like(EMPLOYEE | {"insuplc": "440500"})
        outcome = await town.client.outpatient(patient, visit(), [line(1), line(2, CEFUROXIME, "1", "28.60")])
        assert outcome.state == "settled", outcome.text
        assert outcome.total == Decimal("53.60") == outcome.fund + outcome.account + outcome.cash
        (row,) = town.rows("select * from settlement")
        assert (row["setl_id"], row["msgid"], row["medfee"]) == (outcome.setl_id, outcome.msgid, "53.60")
        assert outcome.setlinfo["medins_setl_id"] == outcome.msgid

    in_town(scene, profile=profile)


def test_what_the_funds_pay_is_exact(in_town):
    """Resident, outpatient: no deductible, 50 % of what is in scope; 甲 whole, 乙 less ten per cent beforehand."""

    async def scene(town):
        outcome = await town.client.outpatient(
            person_like(RESIDENT), visit(), [line(1, count="3", price="12.50"), line(2, CEFUROXIME, "1", "30.00")]
        )
        info = outcome.setlinfo
        assert info["overlmt_selfpay"] == 1.40  # the limit is 28.60
        assert info["preselfpay_amt"] == 2.86
        assert info["inscp_scp_amt"] == 63.24
        assert (info["hifp_pay"], info["fund_pay_sumamt"]) == (31.62, 31.62)
        assert (info["psn_part_amt"], info["acct_pay"], info["psn_cash_pay"]) == (35.88, 0, 35.88)

    in_town(scene)


def test_refund_gives_everything_back(in_town):
    async def scene(town):
        patient = person_like(EMPLOYEE)
        before = (await town.client.person(patient))["balc"]
        settled = await town.client.outpatient(patient, visit(), [line(1, count="40")])
        refunded = await town.client.refund(settled.entry)
        assert refunded.state == "refunded"
        assert refunded.setlinfo["medfee_sumamt"] == -500.0
        assert refunded.setlinfo["pdn_cash_pay"] == -float(settled.cash)
        assert (await town.client.person(patient))["balc"] == before
        assert [r["refunded"] for r in town.rows("select * from settlement")] == ["1", "1"]
        assert {r["deductible"] for r in town.rows("select * from year")} == {"0.00"}
        again = await town.client.refund(settled.entry)
        assert again.state == "refused"
        assert "退费结算标志不为未退费" in again.text

    in_town(scene)


def test_a_stay(in_town):
    async def scene(town):
        patient = person_like(RESIDENT)
        stay = visit("Z1", bed="12")
        admitted = await town.client.admit(patient, stay)
        assert admitted.state == "settled", admitted.text
        assert "存在在院信息" in (await town.client.admit(patient, visit("Z2"))).text
        lines = [line(n, "001109000000000000-1"[:20], "1", "45.00") for n in range(1, 251)]
        await town.client.upload_stay(patient, stay, admitted.mdtrt_id, lines)
        total = sum(x.amount for x in lines)
        outcome = await town.client.discharge(patient, stay, admitted.mdtrt_id, total)
        assert outcome.state == "settled", outcome.text
        assert outcome.total == Decimal("11250.00")
        assert outcome.setlinfo["act_pay_dedc"] <= 400
        assert (await town.client.refund(outcome.entry)).state == "refunded"
        assert (await town.client.discharge(patient, stay, admitted.mdtrt_id, total)).state == "refused"  # it has left

    in_town(scene)


def test_the_day_balances_and_a_row_on_one_side_is_named(in_town):
    async def scene(town):
        patient, other = person_like(EMPLOYEE), person_like(RESIDENT)
        await town.client.outpatient(patient, visit("M1"), [line(1)])
        settled = await town.client.outpatient(other, visit("M2"), [line(1)])
        await town.client.refund(settled.entry)
        day = settled.setlinfo["setl_time"][:10]
        statements = await town.client.statements(day)
        assert [(s.insutype, s.agrees, s.count) for s in statements] == [("310", True, 1), ("390", True, 2)]
        assert {row[4] for row in await town.client.details(day, "11")} == {"0"}
        town.client.book.db.execute("delete from entry where reference = 'M1'")
        town.client.book.db.execute("update entry set fund = '1.00' where id = ?", (settled.entry,))
        rows = {tuple(row[i] for i in (1, 4)): row for row in await town.client.details(day, "11")}
        lone = rows["null", "1"]
        assert len(lone[3]) == 30  # the message id, the only handle
        assert [row[6] for row in rows.values() if "基金支付总额机构1.00" in row[6]]

    in_town(scene)


def test_sign_in_is_needed_and_made_again_after_midnight(in_town):
    async def scene(town):
        with pytest.raises(Declined, match="签到"):
            await town.client.line.call("5206", {"data": {"psn_no": "x", "cum_ym": ""}})
        await town.client.sign_in()
        town.centre.centre.store.db.execute("update signed set at = '2020-01-01 08:00:00'")
        assert (await town.client.outpatient(person_like(EMPLOYEE), visit(), [line(1)])).state == "settled"
        assert len(town.rows("select * from signed")) == 2

    in_town(scene)


def test_the_unknown_is_asked_about_and_never_sent_twice(in_town):
    async def scene(town):
        patient = person_like(EMPLOYEE)
        fault = town.board.start("yb-timeout-after-commit", "2207", duration_s=30)
        outcome = await town.client.outpatient(patient, visit(), [line(1)])
        assert outcome.state == "unknown"
        assert "请勿重复结算" in outcome.text
        town.board.stop(fault.id)
        (cleared,) = await town.client.clear_up()
        (row,) = town.rows("select * from settlement")
        assert (cleared.state, cleared.setl_id, cleared.cash) == ("settled", row["setl_id"], Decimal(row["cash"]))
        (did,) = town.board.episodes()[0]["did"]
        assert (did["msgid"], did["committed"], did["setl_id"]) == (outcome.msgid, True, row["setl_id"])

    in_town(scene, timeout_s=0.5)


def test_the_unknown_that_did_not_arrive(in_town):
    async def scene(town):
        patient = person_like(EMPLOYEE)
        fault = town.board.start("yb-timeout-before-commit", "2207", duration_s=30)
        outcome = await town.client.outpatient(patient, visit(), [line(1)])
        town.board.stop(fault.id)
        assert outcome.state == "unknown"
        (cleared,) = await town.client.clear_up()
        assert cleared.state == "refused"
        assert "没有这笔结算" in cleared.text
        assert town.rows("select * from settlement") == []

    in_town(scene, timeout_s=0.5)


def test_self_pay_by_degradation_is_asked_about_later(in_town):
    """The platform answered by its plan while the settlement went through: the patient is owed the difference."""

    async def scene(town):
        from simhospital.centre.line import Degraded

        real = town.client.line.call

        async def degraded(infno, data, **more):
            told = await real(infno, data, **more)
            if infno == "2207":
                raise Degraded("医保暂时不通，先按自费")
            return told

        town.client.line.call = degraded
        outcome = await town.client.outpatient(person_like(EMPLOYEE), visit("M1"), [line(1)])
        assert (outcome.state, outcome.cash) == ("selfpay", Decimal("25.00"))
        (cleared,) = await town.client.clear_up()
        assert cleared.state == "settled"
        assert "应退差额" in cleared.text
        town.client.line.call = real
        assert await town.client.clear_up() == []

    in_town(scene)


def test_what_was_self_paid_is_settled_later(in_town):
    async def scene(town):
        fault = town.board.start("yb-refused", duration_s=60)
        import asyncio

        await asyncio.sleep(0.06)
        patient = person_like(EMPLOYEE)
        first = await town.client.outpatient(patient, visit("M1"), [line(1, count="40")])
        second = await town.client.outpatient(patient, visit("M2"), [line(1)])
        assert {first.state, second.state} == {"selfpay"}
        assert await town.client.clear_up() == []  # still away: nothing changes
        assert town.client.book.counts() == {"selfpay": 2}
        town.board.stop(fault.id)
        await asyncio.sleep(0.06)
        made = await town.client.clear_up()
        assert [(o.state, o.total) for o in made] == [("settled", Decimal("500.00")), ("settled", Decimal("25.00"))]
        back = made[0].fund + made[0].account
        assert f"应退患者 {back} 元" in town.client.book.entry(first.entry).text
        assert town.client.book.counts() == {"resettled": 2, "settled": 2}
        assert await town.client.clear_up() == []

    in_town(scene)


def test_uploaded_lines_are_found_without_a_settlement(in_town):
    async def scene(town):
        outcome = await town.client.outpatient(person_like(EMPLOYEE), visit(), [line(1), line(2)])
        data = {"psn_no": outcome.psn_no, "mdtrt_id": outcome.mdtrt_id}
        told = await town.client.ask("5204", {"data": data | {"setl_id": ""}})
        assert [row["feedetl_sn"] for row in told["output"]] == ["1", "2"]
        same = await town.client.ask("5204", {"data": data | {"setl_id": outcome.setl_id}})
        assert same == told

    in_town(scene)


def test_reversal_by_message_id(in_town):
    async def scene(town):
        outcome = await town.client.outpatient(person_like(EMPLOYEE), visit(), [line(1)])
        assert (await town.client.reverse(outcome.entry)).text == "已冲正"
        data = {"psn_no": outcome.psn_no, "setl_id": outcome.setl_id, "mdtrt_id": outcome.mdtrt_id}
        with pytest.raises(Declined, match="未查询到结算信息"):
            await town.client.ask("5203", {"data": data})

    in_town(scene)


def test_a_lost_upload_is_taken_back_before_it_is_sent_again(in_town):
    async def scene(town):
        fault = town.board.start("yb-answer-lost", "2204", duration_s=30)

        async def mend():
            import asyncio

            while not town.rows("select * from fee"):
                await asyncio.sleep(0)
            town.board.stop(fault.id)

        import asyncio

        mending = asyncio.create_task(mend())
        outcome = await town.client.outpatient(person_like(EMPLOYEE), visit(), [line(1), line(2)])
        await mending
        assert outcome.state == "settled", outcome.text
        assert len(town.rows("select * from fee")) == 2

    in_town(scene)


def test_the_catalogue_is_real_data(in_town):
    async def scene(town):
        told = await town.client.ask(
            "1312",
            {
                "data": {
                    "list_type": "101",
                    "hilist_name": "阿莫西林",
                    "updt_time": "2024-01-01",
                    "page_num": 1,
                    "page_size": 10,
                }
            },
        )
        assert told["data"][0]["hilist_code"] == "XJ01CAA040A001010100001"
        file = await town.client.ask("1301", {"data": {"ver": "0"}})
        content = await town.client.ask(
            "9102",
            {
                "fsDownloadIn": {
                    "file_qury_no": file["file_qury_no"],
                    "filename": file["filename"],
                    "fixmedins_code": "plc",
                }
            },
        )
        import io
        import zipfile

        text = zipfile.ZipFile(io.BytesIO(content)).read("1301.txt").decode()
        assert len(text.splitlines()) == file["data_cnt"] == 17
        codes = await town.client.ask(
            "1901",
            {
                "data": {
                    "type": "insutype",
                    "parent_value": "1",
                    "admdvs": "440500",
                    "date": "2026-01-01",
                    "Vali_Flag": "1",
                }
            },
        )
        assert {row["value"] for row in codes["list"]} >= {"310", "390"}

    in_town(scene)


def test_the_book_survives_a_cashier_s_crash(tmp_path):
    from simhospital.centre.book import Book

    book = Book(tmp_path / "book.sqlite")
    number = book.open("M1", "2207", "MSG", {"psn_no": "1", "medfee_sumamt": "10.00"})
    book.close()
    again = Book(tmp_path / "book.sqlite")
    assert again.entry(number).state == "sending"  # another window may be at it
    again.give_up(0)
    assert again.entry(number).state == "unknown"
    assert again.entry(number).text.endswith("结果未知")


def test_the_platforms_word_uncertain_is_an_unknown_outcome_whatever_else_it_says():

    def judged(**document):
        with pytest.raises((Lost, Degraded)) as told:
            Line._judge(
                None, 200, json.dumps({"infcode": -1, "degraded": True, "err_msg": "医保暂时不通", **document}).encode()
            )
        return told.value

    assert isinstance(judged(), Degraded)
    unknown = judged(uncertain=True, message="2026112511000000001")
    assert isinstance(unknown, Lost)
    assert isinstance(judged(outcome="uncertain"), Lost)
