"""For tests of destinations, yours and ours: fake clock, misbehaving HTTP server, crashes at named points, a contract to hold."""

from __future__ import annotations

from sinkkit.testing.answers import Answer, Drop, Fault, Policy, Request, Script, Slow, TooMany, random_faults
from sinkkit.testing.api import MisbehavingApi
from sinkkit.testing.clock import FakeClock
from sinkkit.testing.contract import DestinationContract
from sinkkit.testing.crash import CrashAt, Ended, FailAt, kill_after

__all__ = [
    "Answer",
    "CrashAt",
    "DestinationContract",
    "Drop",
    "Ended",
    "FailAt",
    "FakeClock",
    "Fault",
    "MisbehavingApi",
    "Policy",
    "Request",
    "Script",
    "Slow",
    "TooMany",
    "kill_after",
    "random_faults",
]
