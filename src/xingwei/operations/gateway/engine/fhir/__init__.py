"""HL7 v2 → FHIR R4 bundles, by a mapping that is data (data/fhir-r4.yaml). Pure and deterministic: the same message
gives the same resources under the same ids, so a repeat changes nothing at a FHIR server."""

from __future__ import annotations

from .convert import convert
from .mapping import Mapping, MappingProblem, mapping

__all__ = ["Mapping", "MappingProblem", "convert", "mapping"]
