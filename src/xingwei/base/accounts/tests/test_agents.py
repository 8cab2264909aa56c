from __future__ import annotations

import pytest

from xingwei.base.accounts.engine.agents import in_words

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (WINDOWS + "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36", "Chrome 109，Windows"),
        (WINDOWS + "AppleWebKit/537.36 Chrome/128.0 Safari/537.36 Edg/128.0.1", "Edge 128，Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140，Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1",
            "Safari 17，iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/116.0 Mobile wxwork/4.1.10 MicroMessenger/7.0", "企业微信 4，Android"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "IE 11，Windows"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)
def test_a_browser_is_named_in_words(agent: str, words: str) -> None:
    assert in_words(agent) == words
