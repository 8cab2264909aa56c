"""What differs from province to province, as data: `data/insurance/profiles/NAME.yaml` (`inherits` another)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from .tables import Interface, interfaces


@dataclass(frozen=True)
class Profile:
    """One region's rules. `raw` is the document; the properties are what the code asks for most."""

    code: str
    raw: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.raw[name]
        except KeyError:
            raise AttributeError(f"profile {self.code} says nothing about {name}") from None

    @property
    def refund_flag(self) -> str:
        """The required refund flag of 3201 and 3202 in this region ("none": there is none)."""
        return str(self.raw.get("refund_flag", "fixmedins_refd_setl_flag"))

    def clr_type(self, med_type: str, insuplc: str, inpatient: bool) -> str:
        """The clearing class of a settlement: by kind of visit at home, by distance for people insured elsewhere."""
        if insuplc == self.admdvs or not insuplc:
            table = self.clearing["local"]
        elif insuplc[:2] == self.province:
            table = self.clearing["in_province"]
        else:
            table = self.clearing["elsewhere"]
        return str(table.get(med_type) or table["default_in" if inpatient else "default_out"])

    def interface(self, infno: str) -> Interface | None:
        """The transaction of this number; letter variants (2207A) are served as their base."""
        found = interfaces()
        return found.get(infno) or (found.get(infno[:4]) if infno[4:] == "A" else None)


@cache
def profile(code: str) -> Profile:
    """The profile of this name. Raises KeyError for a name that is not there."""
    file = resources.files("simhospital").joinpath("data/insurance/profiles", f"{code}.yaml")
    if not code.isidentifier() or not file.is_file():
        raise KeyError(code)
    raw = yaml.safe_load(file.read_text("utf-8"))
    if base := raw.get("inherits"):
        raw = {**profile(base).raw, **raw}
    return Profile(code, raw)


def profiles() -> list[str]:
    """The names of all profiles."""
    folder = resources.files("simhospital").joinpath("data/insurance/profiles")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))
