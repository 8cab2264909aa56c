"""The tables of the watch."""

from .configuration import FunctionWatch, Job, MaintenanceWindow, Probe, Token
from .happened import Beat, FunctionSpan, ProbeChange, Trouble
from .measurements import Baseline, DayKind, Roll, Sample, Series
from .processes import Blind, Lease, ProbeState, Process

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
    "Roll",
    "Sample",
    "Series",
    "Token",
    "Trouble",
]
