"""SOAP 1.1 and 1.2 envelopes (W3C), as WS/T 846 platforms and hospital web services use them. Pure.

Documents are read by the safe parser of engine.documents: no entities, no document type, bounded depth and size.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from ..engine.documents import DocumentProblem
from ..engine.documents.xml_document import safe_tree

NS = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
CONTENT_TYPES = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}


class SoapProblem(ValueError):
    """No SOAP envelope. Chinese."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Envelope:
    """version: 1.1 or 1.2. operation: the local name of the body's first element. fault: its text, where it is one;
    fault_code: Client/Sender says that the request is wrong, Server/Receiver that the service is."""

    version: str
    operation: str
    body: etree._Element
    fault_code: str = ""
    fault: str = ""


def parse(raw: bytes) -> Envelope:
    """Raises SoapProblem."""
    try:
        root = safe_tree(raw.strip())
    except DocumentProblem as problem:
        raise SoapProblem(problem.reason) from None
    name = etree.QName(root)
    version = next((number for number, space in NS.items() if name.namespace == space), "")
    if name.localname != "Envelope" or not version:
        raise SoapProblem("不是 SOAP 报文：根节点不是 Envelope。")
    body = next((child for child in root if isinstance(child.tag, str) and _local(child) == "Body"), None)
    first = next((child for child in body if isinstance(child.tag, str)), None) if body is not None else None
    if first is None:
        raise SoapProblem("SOAP 报文没有 Body，或 Body 是空的。")
    code = text = ""
    if _local(first) == "Fault":
        code = (_text(first, "faultcode") or _text(first, "Code")).split(":")[-1].strip()
        text = _text(first, "faultstring") or _text(first, "Reason") or "服务报错"
    return Envelope(version, _local(first), first, code, text[:200])


def payload(envelope: Envelope) -> str:
    """The text of an operation whose one argument or result is a document in a string, as many hospitals' are."""
    leaves = [node for node in envelope.body.iter() if isinstance(node.tag, str) and len(node) == 0]
    return str(leaves[0].text or "") if len(leaves) == 1 else ""


def inner(envelope: Envelope) -> str:
    """What the operation's element holds, as XML."""
    return "".join(etree.tostring(child, encoding="unicode") for child in envelope.body)


def wrap(inner: str, version: str = "1.1", action: str = "") -> bytes:
    """inner: XML of the body, already escaped."""
    space = NS[version]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{space}"><soap:Body>{inner}'
        "</soap:Body></soap:Envelope>"
    ).encode()


def fault(text: str, version: str = "1.1", *, client: bool) -> bytes:
    said = escape(text[:300])
    if version == "1.2":
        code = "Sender" if client else "Receiver"
        inner = (
            f"<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>"
            f'<soap:Reason><soap:Text xml:lang="zh-CN">{said}</soap:Text></soap:Reason></soap:Fault>'
        )
    else:
        code = "Client" if client else "Server"
        inner = f"<soap:Fault><faultcode>soap:{code}</faultcode><faultstring>{said}</faultstring></soap:Fault>"
    return wrap(inner, version)


def _local(node: etree._Element) -> str:
    return str(etree.QName(node).localname)


def _text(node: etree._Element, name: str) -> str:
    found = next((child for child in node.iter() if isinstance(child.tag, str) and _local(child) == name), None)
    return "".join(str(part) for part in found.itertext()).strip() if found is not None else ""
