"""What the caller gets of a plan's answer."""

from xingwei.operations.gateway.runner.configuration import Plan


def test_the_sentence_stands_where_the_answer_says_so():
    plan = Plan.of(
        {"sentence": "先按自费", "answer": {"err_msg": "{sentence}", "more": [{"text": "请：{sentence}"}], "code": -1}}
    )
    assert plan.answer == {"err_msg": "先按自费", "more": [{"text": "请：先按自费"}], "code": -1}
    assert Plan.of({"sentence": "x"}).answer is None
