"""The tables of the watch."""

from .configuration import FunctionWatch, Job, MaintenanceWindow, Probe, Token
from .happened import Beat, FunctionSpan, ProbeChange, Trouble
from .measurements import Baseline, DayKind, Roll, Sample, Series
from .processes import Blind, Lease, ProbeState, Process
from .triage import ResponsibilityList, Snapshot, Verdict
from .wall import Wall

__all__ = [
    "Baseline",
    "Beat",
    "Blind",
    "DayKind",
    "FunctionSpan",
    "FunctionWatch",
    "Job",
    "Lease",
    "MaintenanceWindow",
    "Probe",
    "ProbeChange",
    "ProbeState",
    "Process",
    "ResponsibilityList",
    "Roll",
    "Sample",
    "Series",
    "Snapshot",
    "Token",
    "Trouble",
    "Verdict",
    "Wall",
]
