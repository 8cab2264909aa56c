"""XML: paths `Envelope/Body/Patient/@id`, `items/item[2]/code`, `items/item[*]/code`, by local names, from the root.

Read safely: a document type declaration, entities and anything from the network are refused, and so is deep nesting
(OWASP XML External Entity Prevention). Comments and processing instructions are kept, not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from lxml import etree

from .base import DEEPEST, LARGEST, Document, DocumentProblem
from .charsets import choose, codec_of

_STEP = re.compile(r"(@?[\w.-]+)(?:\[(\d{1,6}|\*)\])?")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9._-]{1,30})["']""")
_EACH = 0


class Step(NamedTuple):
    """number: 1…, _EACH."""

    name: str
    number: int


Place = tuple[Step, ...]


@lru_cache(4096)
def parse(path: str) -> Place:
    steps = []
    for at, piece in enumerate(parts := path.strip("/").split("/")):
        found = _STEP.fullmatch(piece)
        if found is None or (found[1].startswith("@") and (at != len(parts) - 1 or found[2])):
            raise DocumentProblem(f"“{path}”不是 XML 路径，应形如 Envelope/Body/item[*]/code 或 Patient/@id。")
        steps.append(Step(found[1], 1 if found[2] is None else _EACH if found[2] == "*" else int(found[2])))
    return tuple(steps)


def safe_tree(raw: bytes) -> etree._Element:
    """The root element of untrusted XML. Raises DocumentProblem."""
    if len(raw) > LARGEST:
        raise DocumentProblem("消息超过 64 MB。")
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise DocumentProblem("XML 含有 DOCTYPE 或实体声明，为安全起见不接收。")
    if (declared := _DECLARED.match(raw.removeprefix(b"\xef\xbb\xbf"))) and declared[1].upper() in (b"GB2312", b"GBK"):
        # Vendors write GB2312 and send GBK; libxml2 takes the name at its word.
        raw = raw.replace(declared[1], b"GB18030", 1)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=False
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        where = getattr(error, "lineno", None)
        raise DocumentProblem(f"不是 XML：{f'第 {where} 行' if where else ''}读不下去。") from None
    if root is None:
        raise DocumentProblem("XML 是空的。")
    if root.getroottree().docinfo.internalDTD is not None:
        raise DocumentProblem("XML 含有 DOCTYPE，为安全起见不接收。")
    _depth(root)
    return root


class XmlDocument(Document):
    kind = "xml"

    def __init__(self, raw: bytes, charset: str = "") -> None:
        self._raw: bytes | None = raw
        body = raw.strip(b" \t\r\n") if raw[:1] in b" \t\r\n" else raw
        self._root = safe_tree(body)
        declared = _DECLARED.match(body.removeprefix(b"\xef\xbb\xbf"))
        self._declaration = body.removeprefix(b"\xef\xbb\xbf").startswith(b"<?xml")
        name = codec_of(declared[1].decode("ascii")) if declared else ""
        self._codec = name or choose(body, codec_of(charset) if charset else "")

    @property
    def charset(self) -> str:
        return self._codec

    @property
    def root(self) -> etree._Element:
        return self._root

    def spots(self, path: str) -> Sequence[Place]:
        steps = parse(path)
        if _local(self._root) != steps[0].name or steps[0].number > 1:
            return ()
        return list(self._expand(self._root, (steps[0]._replace(number=1),), steps[1:]))

    def _expand(self, node: etree._Element, done: Place, rest: Place) -> Iterator[Place]:
        if not rest:
            yield done
            return
        step = rest[0]
        if step.name.startswith("@"):
            yield (*done, step)
            return
        for number, child in enumerate(_children(node, step.name), 1):
            if step.number in (_EACH, number):
                yield from self._expand(child, (*done, Step(step.name, number)), rest[1:])
        if len(rest) == 1 and step.number == 1 and not _children(node, step.name):
            yield (*done, step)

    def bound(self, path: str, spot: Place) -> Place | None:
        steps = parse(path)
        out = list(steps)
        shared = False
        for at, step in enumerate(steps):
            if step.number == _EACH:
                if (
                    at >= len(spot)
                    or spot[at].name != step.name
                    or (steps[:at] != steps[:0] and not _same(out, spot, at))
                ):
                    return None
                out[at] = spot[at]
                shared = True
        return tuple(out) if shared else None

    def _node(self, spot: Place) -> etree._Element | None:
        node = self._root
        for step in spot[1:]:
            if step.name.startswith("@"):
                break
            children = _children(node, step.name)
            if len(children) < step.number:
                return None
            node = children[step.number - 1]
        return node

    def read(self, spot: Place) -> str:
        node = self._node(spot)
        if node is None:
            return ""
        if spot[-1].name.startswith("@"):
            return next((str(v) for k, v in node.attrib.items() if etree.QName(k).localname == spot[-1].name[1:]), "")
        return str(node.text or "") if len(node) == 0 else "".join(str(part) for part in node.itertext())

    def write(self, spot: Place, value: str) -> None:
        attribute = spot[-1].name.startswith("@")
        node = self._node(spot)
        if node is None and (parent := self._node(spot[:-1])) is not None:
            node = etree.SubElement(parent, _qualified(parent, spot[-1].name))
        if node is None:
            raise DocumentProblem(f"XML 里没有 {self.name(spot)} 的上一级。")
        try:
            if attribute:
                name = spot[-1].name[1:]
                node.set(next((str(k) for k in node.attrib if etree.QName(k).localname == name), name), value)
            elif len(node):
                raise DocumentProblem(f"{self.name(spot)} 含有下级节点，不能改写。")
            else:
                node.text = value
        except ValueError:
            raise DocumentProblem(f"要写入 {self.name(spot)} 的值含有控制字符。") from None
        self._raw = None

    def delete(self, spot: Place) -> None:
        node = self._node(spot)
        if node is None:
            return
        if spot[-1].name.startswith("@"):
            for key in [k for k in node.attrib if etree.QName(k).localname == spot[-1].name[1:]]:
                del node.attrib[key]
        elif (parent := node.getparent()) is not None:
            parent.remove(node)
        else:
            raise DocumentProblem("不能删除 XML 的根节点。")
        self._raw = None

    def name(self, spot: Place) -> str:
        pieces = []
        node: etree._Element | None = self._root
        for at, step in enumerate(spot):
            several = False
            if at and not step.name.startswith("@") and node is not None:
                children = _children(node, step.name)
                several = len(children) > 1
                node = children[step.number - 1] if len(children) >= step.number else None
            pieces.append(f"{step.name}[{step.number}]" if several or step.number > 1 else step.name)
        return "/".join(pieces)

    def fields(self) -> Iterator[tuple[str, str]]:
        todo: list[tuple[str, etree._Element]] = [(_local(self._root), self._root)]
        while todo:
            path, node = todo.pop()
            for key, value in node.attrib.items():
                yield f"{path}/@{etree.QName(key).localname}", str(value)
            children = [child for child in node if isinstance(child.tag, str)]
            if not children:
                if (text := str(node.text or "").strip()) != "":
                    yield path, text
                continue
            names = [_local(child) for child in children]
            seen: dict[str, int] = {}
            named = []
            for name, child in zip(names, children, strict=True):
                seen[name] = seen.get(name, 0) + 1
                named.append((f"{path}/{name}" + (f"[{seen[name]}]" if names.count(name) > 1 else ""), child))
            todo.extend(reversed(named))

    def to_bytes(self) -> bytes:
        if self._raw is None:
            name = {"utf-8": "UTF-8", "gb18030": "GB18030", "gbk": "GBK"}.get(self._codec, self._codec)
            declaration = self._declaration or name != "UTF-8"
            self._raw = bytes(etree.tostring(self._root.getroottree(), encoding=name, xml_declaration=declaration))  # type: ignore[arg-type]
        return self._raw

    def recode(self, codec: str) -> None:
        if codec != self._codec:
            self._codec, self._raw = codec, None


def _children(node: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in node if isinstance(child.tag, str) and _local(child) == name]


def _local(node: etree._Element) -> str:
    return str(etree.QName(node).localname)


def _qualified(parent: etree._Element, name: str) -> str:
    space = etree.QName(parent).namespace
    return f"{{{space}}}{name}" if space else name


def _same(out: list[Step], spot: Place, end: int) -> bool:
    return all(out[at] == spot[at] for at in range(end))


def _depth(root: etree._Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            raise DocumentProblem(f"XML 嵌套超过 {DEEPEST} 层。")
