"""Every answer of every transaction keeps to its own field table, and to the identities of the text."""

from decimal import Decimal

from simhospital.centre.business.call import handlers
from simhospital.centre.refused import Refused
from simhospital.centre.tables import Field, _check, interfaces

from .conftest import CALLER, EMPLOYEE, RESIDENT, line, person_like, visit

FUNDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "hifdm_pay", "oth_pay")


def problems(infno, output):
    """What in an output does not keep to the table of its transaction."""
    interface = interfaces()[infno]
    found = []
    for node in interface.output:
        value = output if node.name == "output" and "output" not in output else output.get(node.name)
        if value is None:
            found.append(f"{infno} has no {node.name}")
            continue
        rows = value if isinstance(value, list) else [value]
        if node.many != isinstance(value, list) and node.name not in ("medinsinfo",):
            found.append(f"{infno} {node.name}: many is {node.many}")
        for row in rows:
            if set(row) != {field.name for field in node.fields}:
                found.append(f"{infno} {node.name}: {set(row) ^ {f.name for f in node.fields}}")
            for field in node.fields:
                try:
                    _check(
                        Field(*(getattr(field, s) for s in Field.__slots__)),
                        row.get(field.name),
                        node.name,
                        "characters",
                    )
                except Refused as refused:
                    found.append(f"{infno} {refused.text}")
    return found


def test_answers_keep_to_their_tables(in_town):
    async def scene(town):
        told: dict[str, list] = {}
        real = town.client.line.call

        async def listening(infno, data, **more):
            output = await real(infno, data, **more)
            if not isinstance(output, bytes):
                told.setdefault(infno, []).append(output)
            return output

        town.client.line.call = listening
        await a_day(town)
        found = [p for infno, outputs in told.items() for output in outputs for p in problems(infno, output)]
        assert "\n".join(sorted(set(found))) == ""
        silent = {infno for infno, one in interfaces().items() if not one.output}
        assert set(handlers) - set(told) - silent <= {"1303", "1302", "1305", "1306", "3203"}  # as 1301; abolished here
        for infno in ("2206", "2207", "2303", "2304", "5203"):
            for output in told[infno]:
                identities(output["setlinfo"])

    in_town(scene, profile="guangyuan")


def identities(info):
    amount = {name: Decimal(str(value)) for name, value in info.items() if isinstance(value, float)}
    fund = sum(amount.get(name, Decimal(0)) for name in FUNDS)  # 5203 has no hifdm_pay
    assert fund == amount["fund_pay_sumamt"]
    personal = amount.get("psn_part_amt", amount.get("psn_pay"))
    cash = amount.get("psn_cash_pay", amount.get("cash_payamt"))
    assert amount["medfee_sumamt"] == fund + personal
    assert personal == amount["acct_pay"] + cash


async def a_day(town):
    """Every transaction at least once."""
    ask, employee, resident = town.client.ask, person_like(EMPLOYEE), person_like(RESIDENT)
    aided = person_like({"insutype": "390", "aid": 1, "status": "1", "insuplc": "440500"})
    for number, patient in enumerate((employee, resident, aided, person_like({"insutype": "340", "status": "1"}))):
        settled = await town.client.outpatient(patient, visit(f"O{number}"), [line(1, count="90"), line(2)])
        assert settled.state == "settled", settled.text
    refunded = await town.client.refund(settled.entry)
    assert refunded.state == "refunded"
    stay = visit("S1")
    admitted = await town.client.admit(resident, stay)
    lines = [line(n, count="50") for n in range(1, 40)]
    await town.client.upload_stay(resident, stay, admitted.mdtrt_id, lines)
    ids = {"psn_no": admitted.psn_no, "mdtrt_id": admitted.mdtrt_id}
    month = {"begntime": "2020-01-01 00:00:00", "endtime": "2099-01-01 00:00:00"}
    await ask("5303", {"data": month | {"psn_no": ""}})
    left = await town.client.discharge(resident, stay, admitted.mdtrt_id, sum(x.amount for x in lines))
    assert left.state == "settled", left.text
    await ask("5203", {"data": ids | {"setl_id": left.setl_id}})
    await ask("5204", {"data": ids | {"setl_id": left.setl_id}})
    await ask("5202", {"data": ids})
    await ask("5206", {"data": {"psn_no": admitted.psn_no, "cum_ym": ""}})
    assert (await town.client.refund(left.entry)).state == "refunded"
    assert await town.client.visits_of(settled.psn_no)
    check = {"insutype": "390", "fixmedins_code": CALLER.fixmedins_code, "med_type": "11", "begntime": "2026-01-01"}
    await ask("2001", {"data": {"psn_no": admitted.psn_no, **check}})
    await ask("1201", {"medinsinfo": {"fixmedins_type": "1", "fixmedins_code": CALLER.fixmedins_code}})
    page = {"updt_time": "2024-01-01", "page_num": 1, "page_size": 5}
    for infno in ("1312", "1318", "1319"):
        assert (await ask(infno, {"data": page}))["data"]
    row = {"fixmedins_hilist_id": "L1", "fixmedins_hilist_name": "阿莫西林", "list_type": "101"}
    row |= {"med_list_codg": "XJ01CAA040A001010100001", "begndate": "2026-01-01", "enddate": "2099-01-01"}
    await ask("3301", {"data": [row]})
    assert (await ask("1317", {"data": page}))["data"][0]["medins_list_codg"] == "L1"
    await ask(
        "1901",
        {"data": {"type": "gend", "parent_value": "1", "admdvs": "440500", "date": "2026-01-01", "Vali_Flag": "1"}},
    )
    await ask("1301", {"data": {"ver": "0"}})
    day = left.setlinfo["setl_time"][:10]
    await town.client.statements(day)
    await town.client.details(day, "21")
    sign = town.client.line.sign_no
    await town.client.line.call("9002", {"signOut": {"sign_no": sign, "opter_no": CALLER.opter}})
