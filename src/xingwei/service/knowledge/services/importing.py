"""Importing guides from files: guides/SLUG.md, pictures beside them in guides/SLUG/."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import QuerySet

from xingwei.base.estate.models import BusinessFunction, Subsystem, System
from xingwei.base.policy.engine import Actor
from xingwei.base.ui.datafiles import FileProblems, Problem, decode

from ..engine import front
from ..models import Guide
from .base import Refused
from .guides import GuideInput, create_guide, publish, save_draft, upload_picture

_MOST_FILES = 2_000
NOTE = "导入"


@dataclass(slots=True)
class Imported:
    """unknown: systems, subsystems and functions that files name and this hospital does not have."""

    created: int = 0
    changed: int = 0
    kept: int = 0
    unknown: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        kept = f"，保留已被修改的 {self.kept} 篇" if self.kept else ""
        empty = f"；这里没有、因此留空的：{'、'.join(sorted(self.unknown))}" if self.unknown else ""
        return f"新增指南 {self.created} 篇，更新 {self.changed} 篇{kept}{empty}"


def import_guides(
    actor: Actor, path: Path, *, overwrite: bool = False, progress: Callable[[int, int], None] | None = None
) -> Imported:
    """Import all *.md of a directory (or one file) and publish them, in one transaction; harmless when repeated.

    A guide that a person has edited since is kept as it is, unless overwrite. What a file names and this hospital does
    not have (a subsystem) is left empty and reported. Raises FileProblems with all that is wrong in any of the files.
    """
    files = [path] if path.is_file() else sorted(path.glob("*.md"))[:_MOST_FILES]
    files = [f for f in files if f.stem.lower() != "readme"]
    if not files:
        raise FileProblems([Problem(f"{path.name or path} 里没有 .md 文件")])
    parsed = _parse(files)
    done = Imported()
    with transaction.atomic():
        for number, (file, found) in enumerate(parsed, start=1):
            try:
                _import(actor, file, found, overwrite, done)
            except Refused as refusal:
                raise FileProblems([Problem(str(refusal), (), file.name)]) from None
            if progress:
                progress(number, len(parsed))
    return done


def _parse(files: list[Path]) -> list[tuple[Path, front.GuideFile]]:
    problems: list[Problem] = []
    parsed = []
    for file in files:
        try:
            parsed.append((file, front.parse(file.stem, decode(file.read_bytes()))))
        except front.GuideError as error:
            problems.append(Problem(str(error), (), file.name))
        except FileProblems as error:
            problems += [Problem(p.message, p.path, file.name) for p in error.problems]
        except OSError as error:
            problems.append(Problem(f"读不了：{error.strerror}", (), file.name))
    if problems:
        raise FileProblems(problems)
    return parsed


def _import(actor: Actor, file: Path, found: front.GuideFile, overwrite: bool, done: Imported) -> None:
    given = _input(found, done.unknown)
    guide = Guide.objects.filter(slug=found.slug).first()
    if guide is None:
        guide = create_guide(actor, found.slug, given)
        _pictures(actor, guide, file)
        publish(actor, guide)
        done.created += 1
        return
    if not overwrite and guide.versions.exclude(author=None).exists():
        done.kept += 1
        return
    before = guide.updated_at
    version = save_draft(actor, guide, given)
    _pictures(actor, guide, file)
    if guide.published_id != version.pk:
        publish(actor, guide, version)
    guide.refresh_from_db()
    done.changed += guide.updated_at != before


def _pictures(actor: Actor, guide: Guide, file: Path) -> None:
    directory = file.with_suffix("")
    if not directory.is_dir():
        return
    have = set(guide.files.values_list("name", flat=True))
    for picture in sorted(directory.iterdir()):
        if picture.is_file() and picture.name not in have:
            upload_picture(actor, guide, SimpleUploadedFile(picture.name, picture.read_bytes()))


def _input(found: front.GuideFile, unknown: set[str]) -> GuideInput:
    system = _find(System.objects.all(), found.system, unknown)
    subsystem = _find(Subsystem.objects.filter(system=system), found.subsystem, unknown)
    function = _find(BusinessFunction.objects.filter(system=system), found.function, unknown)
    return GuideInput(
        title=found.title,
        text=found.text,
        summary=found.summary,
        keywords=" ".join(found.keywords),
        kind=found.kind,
        audience=found.audience,
        system=system,
        subsystem=subsystem,
        function=function,
        note=NOTE,
    )


def _find(rows: QuerySet[Any], wanted: str, unknown: set[str]) -> Any:
    """By code or by name; None where it is not there."""
    if not wanted:
        return None
    row = rows.filter(code=wanted).first() or rows.filter(name=wanted).first()
    if row is None:
        unknown.add(wanted)
    return row
