"""Markdown → safe HTML, with a table of contents and the plain text for the search. Pure.

Raw HTML in the text is shown as text. Pictures are only those that were uploaded to the guide, named by their file
name; everything that comes out passes an allow-list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "hr", "img", "li", "ol", "p", "pre", "s", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "h2": {"id"},
    "h3": {"id"},
    "h4": {"id"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "td": {"style"},
    "th": {"style"},
}
_HEADINGS = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}


@dataclass(frozen=True, slots=True)
class Heading:
    """level: 2 or 3. anchor: the id on the page."""

    level: int
    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """missing: pictures that the text names and that were not uploaded."""

    html: str
    plain: str
    headings: Sequence[Heading] = ()
    missing: Sequence[str] = ()


@dataclass(slots=True)
class _Pictures:
    addresses: Mapping[str, str]
    missing: list[str] = field(default_factory=list)


_PARSER = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


_TITLE = re.compile(r"《([^《》\n]{2,80})》")


def render(text: str, pictures: Mapping[str, str] | None = None, links: Mapping[str, str] | None = None) -> Rendered:
    """pictures: file name → address; without any, no picture is shown at all (posts of the forum).
    links: title → address, for the titles that stand in 《》."""
    tokens = _PARSER.parse(text)
    words = plain(tokens)
    found = _Pictures(pictures or {})
    headings = list(_shape(tokens, found))
    if links:
        for token in tokens:
            if token.children:
                token.children = [part for child in token.children for part in _linked(child, links)]
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return Rendered(_safe(html), words, headings, tuple(dict.fromkeys(found.missing)))


def titles(text: str) -> list[str]:
    """The titles that stand in 《》, each once."""
    return list(dict.fromkeys(_TITLE.findall(text)))[:40]


def _linked(token: Token, links: Mapping[str, str]) -> Iterator[Token]:
    """A piece of text, its known titles made links."""
    if token.type != "text":
        yield token
        return
    for n, piece in enumerate(_TITLE.split(token.content)):
        if n % 2 == 0:
            yield Token("text", "", 0, content=piece)
        elif (address := links.get(piece)) is None:
            yield Token("text", "", 0, content=f"《{piece}》")
        else:
            yield Token("link_open", "a", 1, attrs={"href": address})
            yield Token("text", "", 0, content=f"《{piece}》")
            yield Token("link_close", "a", -1)


def plain_text(text: str) -> str:
    """The words without their markup."""
    return plain(_PARSER.parse(text))


def plain(tokens: Sequence[Token]) -> str:
    lines = []
    for token in tokens:
        if token.type == "inline":
            words = (
                " " if c.type in ("softbreak", "hardbreak") else c.content
                for c in token.children or []
                if c.type != "image"
            )
            lines.append("".join(words))
        elif token.type in ("fence", "code_block"):
            lines.append(token.content)
    return "\n".join(line.strip() for line in lines if line.strip())


def _shape(tokens: Sequence[Token], pictures: _Pictures) -> Iterator[Heading]:
    """Headings get anchors and stay below the page's own; pictures get addresses or go."""
    number = 0
    for n, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = _HEADINGS[token.tag]
        if token.type == "heading_open":
            number += 1
            token.attrSet("id", f"s{number}")
            if token.tag in ("h2", "h3"):
                yield Heading(int(token.tag[1]), f"s{number}", plain(tokens[n + 1 : n + 2]))
        for child in token.children or []:
            if child.type == "image":
                _place(child, pictures)


def _place(picture: Token, pictures: _Pictures) -> None:
    name = str(picture.attrGet("src") or "")
    address = pictures.addresses.get(name)
    if address is None:
        pictures.missing.append(name)
        picture.type, picture.tag, picture.children = "text", "", None
        picture.content = f"（没有图片 {name[:60]}）" if "/" not in name else ""
        return
    picture.attrSet("src", address)
    picture.attrSet("loading", "lazy")


def _safe(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
        attribute_filter=_filter,
    )


def _filter(tag: str, name: str, value: str) -> str | None:
    """Of styles only the alignment of table cells, as the table rule writes it."""
    if name == "style":
        return value if value in ("text-align:left", "text-align:center", "text-align:right") else None
    return value


def excerpt(plain_text_: str, terms: Sequence[str], length: int = 90) -> str:
    """The stretch of the text around the first of the words, for a list of hits."""
    flat = " ".join(plain_text_.split())
    lower = flat.lower()
    at = min((i for i in (lower.find(t.lower()) for t in terms) if i >= 0), default=0)
    start = max(0, at - length // 3)
    piece = flat[start : start + length]
    return f"{'…' if start else ''}{piece}{'…' if start + length < len(flat) else ''}"
