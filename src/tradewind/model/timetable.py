"""Timetables: what a DAG's schedule is and when its runs are due.

The one place to import them from. The parts are `timetable_spec` (the structs), `timetable_slots` (the arithmetic),
`timetable_text` (reading and telling), `timetable_zone`, `calendar` (cron) and `timetable_problem` (errors).
"""

from __future__ import annotations

from tradewind.model.calendar import PRESETS
from tradewind.model.timetable_problem import BadCron, BadTimetable, BadZone, NotComputable
from tradewind.model.timetable_slots import is_periodic, manual_interval, next_slot, slots_between
from tradewind.model.timetable_spec import (
    AssetOrTime,
    AssetTriggered,
    Continuous,
    CronDataInterval,
    CronTrigger,
    DataInterval,
    Delta,
    DeltaDataInterval,
    DeltaTrigger,
    Events,
    Never,
    Once,
    Opaque,
    RunSlot,
    Timetable,
)
from tradewind.model.timetable_text import check, delta_schedule, description, parse_schedule, summary
from tradewind.model.timetable_zone import zone_name

__all__ = [
    "PRESETS",
    "AssetOrTime",
    "AssetTriggered",
    "BadCron",
    "BadTimetable",
    "BadZone",
    "Continuous",
    "CronDataInterval",
    "CronTrigger",
    "DataInterval",
    "Delta",
    "DeltaDataInterval",
    "DeltaTrigger",
    "Events",
    "Never",
    "NotComputable",
    "Once",
    "Opaque",
    "RunSlot",
    "Timetable",
    "check",
    "delta_schedule",
    "description",
    "is_periodic",
    "manual_interval",
    "next_slot",
    "parse_schedule",
    "slots_between",
    "summary",
    "zone_name",
]
