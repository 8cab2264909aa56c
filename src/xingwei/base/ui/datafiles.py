"""YAML files that a hospital writes → one document, with the place of everything in it. Pure.

Every complaint names file, line and field, in Chinese: `read` finds broken YAML and repeated keys, `validate` asks
a JSON Schema. What a room finds beyond its schema it adds as Problems of its own, located by `Source.locate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

Path = tuple[str | int, ...]

DEEPEST = 30
LARGEST_FILE = 2_000_000  # characters; far above any file that a person keeps by hand

_TYPES = {
    "string": "文字",
    "integer": "整数",
    "number": "数字",
    "boolean": "true 或 false",
    "array": "列表",
    "object": "键值",
}


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and where. path: keys and indexes from the top of the document."""

    message: str
    path: Path = ()
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"{self.file} 第 {self.line} 行" if self.line else self.file
        return "：".join(part for part in (where, dotted(self.path), self.message) if part)


class FileProblems(ValueError):
    """The files cannot be taken; `problems` says all that is wrong, in Chinese."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in problems))


@dataclass(frozen=True, slots=True)
class Source:
    """The merged document and where each part of it stands."""

    document: dict[str, Any]
    places: Mapping[Path, Place]

    def locate(self, problem: Problem) -> Problem:
        """The same problem with file and line of its path, or of the nearest part above it."""
        path = problem.path
        while path and path not in self.places:
            path = path[:-1]
        place = self.places.get(path)
        if problem.file or place is None:
            return problem
        return Problem(problem.message, problem.path, place.file, place.line)


def dotted(path: Path) -> str:
    """("systems", 0, "parts", 2) → "systems[0].parts[2]"."""
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def decode(content: bytes) -> str:
    """A file's text: UTF-8, or GB18030 as Chinese Windows saves it. Raises FileProblems for neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileProblems([Problem("不是文字文件，请用 UTF-8 保存")])


def read(files: Mapping[str, str]) -> Source:
    """Merge YAML files (name → text) by their top-level keys; lists of one key are joined in the order of names.

    Raises FileProblems for broken YAML, references, and keys that stand twice.
    """
    document: dict[str, Any] = {}
    places: dict[Path, Place] = {}
    problems: list[Problem] = []
    for name, text in sorted(files.items()):
        try:
            value, found = _parse(name, text)
        except FileProblems as error:
            problems += error.problems
            continue
        for key, part in value.items():
            before = document.get(key)
            if isinstance(before, list) and isinstance(part, list):
                found = _shift(found, key, len(before))
                document[key] = before + part
            elif key in document:
                first, line = places[(key,)].file, found[(key,)].line
                problems.append(Problem(f"“{key}”已写在 {first}，同一内容只能写一处", (key,), name, line))
            else:
                document[key] = part
        places = found | places  # a joined list stands where it began
    if problems:
        raise FileProblems(problems)
    return Source(document, places)


def validate(source: Source, schema: Mapping[str, Any]) -> list[Problem]:
    """What the schema objects to, in Chinese, in the order of the files."""
    problems = [
        source.locate(Problem(message, tuple(error.absolute_path)))
        for error in Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).iter_errors(
            source.document
        )
        for message in _say(error)
    ]
    return sorted(problems, key=lambda p: (p.file, p.line, p.message))


def _shift(places: dict[Path, Place], key: str, by: int) -> dict[Path, Place]:
    """The places of one file, the list under key starting at index `by`."""
    return {
        (key, p[1] + by, *p[2:]) if len(p) > 1 and p[0] == key and isinstance(p[1], int) else p: place
        for p, place in places.items()
    }


def _parse(name: str, text: str) -> tuple[dict[str, Any], dict[Path, Place]]:
    if len(text) > LARGEST_FILE:
        raise FileProblems([Problem("文件太大，最多 200 万字", (), name)])
    try:
        _look_over(name, text)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        if not isinstance(node, yaml.MappingNode):
            raise FileProblems([Problem("最上层应是“键: 内容”", (), name, 1)])
        return _Reader(name, loader).document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 0
        raise FileProblems([Problem(f"不是正确的 YAML（{error.problem}）", (), name, line)]) from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, FileProblems):
            raise
        raise FileProblems([Problem("不是正确的 YAML，请用 UTF-8 保存后再试", (), name)]) from None


def _look_over(name: str, text: str) -> None:
    """Refuse references and depths that no person writes, before anything is built of them."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        mark = event.start_mark
        line = mark.line + 1 if mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise FileProblems([Problem("不支持 YAML 的引用（*）", (), name, line)])
        if depth > DEEPEST:
            raise FileProblems([Problem("层次太深，不是这里能用的文件", (), name, line)])


class _Reader:
    """Builds the values of one file and remembers where each stood."""

    def __init__(self, name: str, loader: yaml.SafeLoader) -> None:
        self.name = name
        self.loader = loader
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []

    def document(self, node: yaml.MappingNode) -> tuple[dict[str, Any], dict[Path, Place]]:
        value: dict[str, Any] = self._value(node, ())
        del self.places[()]
        if self.problems:
            raise FileProblems(self.problems)
        return value, self.places

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self.places[path] = Place(self.name, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for key_node, item in node.value:
                key, line = str(key_node.value), key_node.start_mark.line + 1
                if key in mapping:
                    self.problems.append(Problem(f"“{key}”写了两遍", path, self.name, line))
                mapping[key] = self._value(item, (*path, key))
                self.places[(*path, key)] = Place(self.name, line)
            return mapping
        return self.loader.construct_object(node)


_BOUNDS = {"minimum": "不小于", "exclusiveMinimum": "大于", "maximum": "不大于"}


def _say(error: ValidationError) -> Iterator[str]:
    """One schema error as Chinese sentences."""
    keyword, wanted, got = str(error.validator), cast(Any, error.validator_value), cast(Any, error.instance)
    if keyword == "required":
        name = next((n for n in wanted if n not in got and error.message.startswith(repr(n))), "")
        yield f"缺少“{name}”"
    elif keyword == "additionalProperties":
        known = cast(Mapping[str, Any], error.schema).get("properties", {})
        for extra in (k for k in got if k not in known):
            yield f"没有“{extra}”这一项，可写的是：{'、'.join(known)}"
    elif keyword == "oneOf":
        names = [n for option in wanted for n in option.get("required", ())]
        yield f"{'、'.join(names)} 必须写且只写其中一项"
    elif keyword == "uniqueItems":
        yield "有重复的内容"
    elif keyword in {"minItems", "minLength"}:
        yield "不能为空"
    else:
        yield _say_of_value(keyword, wanted, got)


def _say_of_value(keyword: str, wanted: Any, got: Any) -> str:
    """What is wrong with one value."""
    if keyword == "type":
        names = [wanted] if isinstance(wanted, str) else wanted
        hint = "，请加引号" if "string" in names and not isinstance(got, (list, dict, type(None))) else ""
        return f"应是{'或'.join(_TYPES.get(n, n) for n in names)}，写成了 {_short(got)}{hint}"
    if keyword in {"enum", "const"}:
        choices = wanted if keyword == "enum" else [wanted]
        return f"{_short(got)} 不在可选值之中：{'、'.join(map(str, choices))}"
    if keyword == "format" and wanted == "date":
        return f"{_short(got)} 不是存在的日期，应写成 2026-01-31"
    if keyword == "pattern":
        return f"{_short(got)} 的写法不对，应符合 {wanted}"
    if keyword in _BOUNDS:
        return f"{_short(got)} 超出范围，应{_BOUNDS[keyword]} {wanted}"
    if keyword == "maxLength":
        return f"{_short(got)} 太长，最多 {wanted} 字"
    if keyword == "maxItems":
        return f"太多了，最多 {wanted} 项"
    return f"{_short(got)} 不符合规定的格式（{keyword}）"


def _short(value: Any) -> str:
    text = str(value)
    return f"“{text[:40]}{'…' if len(text) > 40 else ''}”"
