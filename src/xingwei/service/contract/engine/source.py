"""YAML files → one document, with the place of everything in it, so that every complaint names file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

Path = tuple[str | int, ...]

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
        where = f"{self.file}:{self.line}" if self.line else self.file
        at = dotted(self.path)
        return "：".join(part for part in (where, at, self.message) if part)


class ContractError(ValueError):
    """The files are not a contract; `problems` says all that is wrong, in Chinese."""

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
    """("passages", 0, "parts", 2) → "passages[0].parts[2]"."""
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def read(files: Mapping[str, str]) -> Source:
    """Merge YAML files by their top-level keys. Raises ContractError for broken YAML and repeated keys."""
    document: dict[str, Any] = {}
    places: dict[Path, Place] = {}
    problems: list[Problem] = []
    for name, text in sorted(files.items()):
        try:
            value, found = _parse(name, text)
        except ContractError as error:
            problems += error.problems
            continue
        for key in value:
            if key in document:
                first = places[(key,)].file
                line = found[(key,)].line
                problems.append(Problem(f"“{key}”已写在 {first}，同一内容只能写一处", (key,), name, line))
        document |= value
        places |= found
    if problems:
        raise ContractError(problems)
    return Source(document, places)


def validate(source: Source, schema: Mapping[str, Any]) -> list[Problem]:
    """What contract.schema.json objects to, in Chinese, in the order of the document."""
    problems = [
        source.locate(Problem(message, tuple(error.absolute_path)))
        for error in Draft202012Validator(schema).iter_errors(source.document)
        for message in _say(error)
    ]
    return sorted(problems, key=lambda p: (p.file, p.line, p.message))


def _parse(name: str, text: str) -> tuple[dict[str, Any], dict[Path, Place]]:
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise ContractError([Problem("不支持 YAML 的引用（*）", (), name, event.start_mark.line + 1)])
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()  # type: ignore[no-untyped-call]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ContractError([Problem(f"不是正确的 YAML（{error.problem}）", (), name, line)]) from None
    except yaml.YAMLError:
        raise ContractError([Problem("不是文字文件，请用 UTF-8 保存", (), name)]) from None
    if node is None:
        return {}, {}
    if not isinstance(node, yaml.MappingNode):
        raise ContractError([Problem("最上层应是“键: 内容”", (), name, 1)])
    places: dict[Path, Place] = {}
    problems: list[Problem] = []

    def value(node: yaml.Node, path: Path) -> Any:
        places[path] = Place(name, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [value(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for key_node, item in node.value:
                key = str(key_node.value)
                line = key_node.start_mark.line + 1
                if key in mapping:
                    problems.append(Problem(f"“{key}”写了两遍", path, name, line))
                mapping[key] = value(item, (*path, key))
                places[(*path, key)] = Place(name, line)
            return mapping
        return loader.construct_object(node)  # type: ignore[no-untyped-call]

    document: dict[str, Any] = value(node, ())
    del places[()]
    if problems:
        raise ContractError(problems)
    return document, places


def _say(error: ValidationError) -> Iterator[str]:
    """One schema error as Chinese sentences."""
    keyword, wanted, got = error.validator, error.validator_value, error.instance
    if keyword == "required":
        for name in wanted:
            if name not in got:
                yield f"缺少“{name}”"
                return
    if keyword == "additionalProperties":
        extra = [k for k in got if k not in error.schema.get("properties", {})]
        for name in extra:
            yield f"没有“{name}”这一项，可写的是：{'、'.join(error.schema['properties'])}"
    elif keyword == "type":
        hint = "，请加引号" if wanted == "string" and isinstance(got, (int, float)) else ""
        yield f"应是{_TYPES.get(wanted, wanted)}，写成了 {_short(got)}{hint}"
    elif keyword in {"enum", "const"}:
        choices = wanted if keyword == "enum" else [wanted]
        yield f"{_short(got)} 不在可选值之中：{'、'.join(map(str, choices))}"
    elif keyword == "oneOf":
        names = [n for option in wanted for n in option.get("required", ())]
        yield f"{'、'.join(names)} 必须写且只写其中一项"
    elif keyword == "pattern":
        yield f"{_short(got)} 的写法不对，应符合 {wanted}"
    elif keyword in {"minimum", "exclusiveMinimum", "maximum"}:
        bound = {"minimum": "不小于", "exclusiveMinimum": "大于", "maximum": "不大于"}[keyword]
        yield f"{_short(got)} 超出范围，应{bound} {wanted}"
    elif keyword in {"minItems", "minLength"}:
        yield "不能为空"
    elif keyword == "uniqueItems":
        yield "有重复的内容"
    elif keyword == "dependentRequired":
        yield "缺少与之成对的项"
    elif keyword != "required":
        yield f"不符合 contract.schema.json 的 {keyword}"


def _short(value: Any) -> str:
    text = str(value)
    return f"“{text[:40]}{'…' if len(text) > 40 else ''}”"
