from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.service.knowledge.engine import diffing, front, markup, ranking


def test_markdown_becomes_html_with_contents() -> None:
    done = markup.render("# 一、先看\n\n正文 **要紧**\n\n### 细项\n\n| 项目 | 值 |\n|:--|--:|\n| 甲 | 1 |\n\n~~旧~~")
    assert '<h2 id="s1">一、先看</h2>' in done.html
    assert [(h.level, h.anchor, h.title) for h in done.headings] == [(2, "s1", "一、先看"), (3, "s2", "细项")]
    assert '<td style="text-align:right">1</td>' in done.html
    assert "<s>旧</s>" in done.html
    assert done.plain == "一、先看\n正文 要紧\n细项\n项目\n值\n甲\n1\n旧"


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[点我](javascript:alert(1))",
        "[点我](JaVaScRiPt:alert(1))",
        "[点我](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](javascript:alert(1))",
        "![x](http://elsewhere/x.png)",
        "![x](//elsewhere/x.png)",
        '<a href="x" style="position:fixed">x</a>',
        "<iframe src=x></iframe>",
        "<svg/onload=alert(1)>",
        "`<script>`\n\n    <script>alert(1)</script>",
    ],
)
def test_nothing_harmful_comes_out(evil: str) -> None:
    html = markup.render(evil).html
    assert not re.search(r"<(script|img|iframe|svg|style)", html)
    assert not re.search(r"(href|src)=\"\s*(javascript|data|//)", html, re.I)
    assert not re.search(r"<[^>]*\son\w+=", html)


@given(st.text(st.sampled_from("<>\"'&![](){}|`*_~#-+\\\n:/ javscriptonerdt=中文"), max_size=200))
def test_no_text_makes_a_tag_or_attribute_of_its_own(text: str) -> None:
    html = markup.render(text).html
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= markup._TAGS
    assert not re.search(r"<[^>]*\son\w+\s*=", html)
    assert not re.search(r'href="\s*javascript:', html, re.I)


def test_pictures_are_local_only_and_missing_ones_are_named() -> None:
    done = markup.render("![收费窗口](window.png)\n![没有](gone.png)", {"window.png": "/knowledge/1/window.png"})
    assert 'src="/knowledge/1/window.png"' in done.html
    assert 'alt="收费窗口"' in done.html
    assert "（没有图片 gone.png）" in done.html
    assert done.missing == ("gone.png",)


def test_titles_of_guides_become_links() -> None:
    text = "见《挂账后如何补结算》和《没有这篇》；**《挂账后如何补结算》**"
    assert markup.titles(text) == ["挂账后如何补结算", "没有这篇"]
    html = markup.render(text, links={"挂账后如何补结算": "/knowledge/guides/x/"}).html
    assert html.count('<a href="/knowledge/guides/x/"') == 2
    assert "《没有这篇》" in html


def test_links_leave_no_trace() -> None:
    html = markup.render("[参数](/estate/) [外面](https://example.org)").html
    assert html.count('rel="noopener noreferrer nofollow"') == 2


def test_a_diff_marks_the_words_that_changed() -> None:
    before = "第一步\n打开收费\n核对金额\n保存\n打印\n完成\n归档"
    after = "第一步\n打开收费\n核对医保金额\n保存\n打印\n完成\n归档"
    found = diffing.rows(before, after)
    changed = next(r for r in found if any(p.changed for p in r.right))
    assert [(p.text, p.changed) for p in changed.right] == [("核对", False), ("医保", True), ("金额", False)]
    assert found[-1].skipped == 2
    assert diffing.rows(before, before) == []


@given(st.lists(st.sampled_from("甲乙丙丁"), max_size=12), st.lists(st.sampled_from("甲乙丙丁"), max_size=12))
def test_a_diff_holds_both_texts(a: list[str], b: list[str]) -> None:
    found = diffing.rows("\n".join(a), "\n".join(b))
    if a == b:
        assert found == []
        return
    skipped = sum(r.skipped for r in found)
    assert len([r for r in found if r.left]) + skipped == len(a)
    assert len([r for r in found if r.right]) + skipped == len(b)


def _entry(n: int, title: str, body: str = "", system: int | None = None, **counts: int) -> ranking.Entry:
    held = ranking.pairs(title)
    return ranking.Entry(n, system, held, held | ranking.pairs(body), **counts)


def test_the_guide_about_it_comes_first() -> None:
    index = ranking.index(
        [
            _entry(1, "医保无法收费：六层排查", "收费窗口 结算 中心 超时"),
            _entry(2, "条码信息未回传", "贴标 检验科"),
            _entry(3, "病历无法书写，提示被锁定", "病历 锁定 释放"),
        ]
    )
    assert index.rank("医保收不了费，中心处理超时")[0] == 1
    assert index.rank("病历打开说被锁定")[0] == 3
    assert index.rank("食堂充值") == []
    assert index.rank("") == []


def test_helpfulness_and_system_decide_between_equals() -> None:
    twins = [_entry(1, "打印错位", system=1, offered=40), _entry(2, "打印错位", system=2, offered=40, helped=30)]
    index = ranking.index([*twins, _entry(3, "无关的事")])
    assert index.rank("打印错位")[0] == 2
    assert index.rank("打印错位", system=1)[0] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("没有说明", "两行 ---"),
        ("---\ntitle: 甲\n---\n", "没有正文"),
        ("---\nsystem: HIS\n---\n正文", "缺少 title"),
        ("---\ntitle: 甲\nauthor: 乙\n---\n正文", "没有“author”这一项"),
        ("---\ntitle: 甲\naudience: all\n---\n正文", "audience 应是"),
        ("---\ntitle: 甲\nkind: x\n---\n正文", "kind 应是"),
        ("---\ntitle: [甲\n---\n正文", "不是正确的 YAML"),
        ("---\n- 甲\n---\n正文", "应是“键: 内容”"),
        ("---\ntitle: 甲\nkeywords: 乙\n---\n正文", "keywords 应是列表"),
    ],
)
def test_a_file_that_is_wrong_says_why(content: str, said: str) -> None:
    with pytest.raises(front.GuideError, match=re.escape(said)):
        front.parse("a-guide", content)


def test_a_file_is_read() -> None:
    found = front.parse("a-guide", "---\r\ntitle: 甲\r\nkeywords: [乙, 丙]\r\n---\r\n\r\n## 正文\r\n")
    assert (found.slug, found.title, found.keywords, found.text) == ("a-guide", "甲", ("乙", "丙"), "## 正文")
    with pytest.raises(front.GuideError, match="小写字母"):
        front.parse("A Guide", "---\ntitle: 甲\n---\n正文")
