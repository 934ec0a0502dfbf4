"""What a report on departures says: the months added to a year, and the year counted straight from the data set to compare."""

import csv
import io
import zipfile


def year_of(months: list[dict]) -> dict:
    """The months added to a year."""
    return {
        "months": len(months),
        "flights": sum(month["flights"] for month in months),
        "late": sum(month["late"] for month in months),
        "delay_minutes": sum(month["delay_minutes"] for month in months),
        "pandas": sorted({month["pandas"] for month in months}),
    }


def counted(archive: str, months: list[int], late_minutes: int) -> dict:
    """The year once more, row by row and without pandas."""
    flights = late = minutes = 0
    with zipfile.ZipFile(archive) as opened, opened.open("flights.csv") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")):
            if int(row["month"]) not in months:
                continue
            flights += 1
            if row["dep_delay"] not in ("", "NA"):
                delay = int(float(row["dep_delay"]))
                late += delay > late_minutes
                minutes += delay
    return {"flights": flights, "late": late, "delay_minutes": minutes}


def compared(choice: dict, parts: dict, total: dict, signed: dict, archive: str) -> str:
    """One sentence of what was found; an AssertionError where pods and data set, versions or tries are not as they should be."""
    direct = counted(archive, choice["months"], choice["late_minutes"])
    from_pods = {name: total[name] for name in direct}
    assert from_pods == direct, f"the pods say {from_pods}, the data set says {direct}"
    assert parts["pandas"].startswith("2.") and all(version.startswith("3.") for version in total["pandas"])
    assert signed["try_number"] == 2, f"signed at try {signed['try_number']}, the first one should have failed"
    return (
        f"{direct['flights']:,} departures, {direct['late']:,} of them more than {choice['late_minutes']} minutes late, "
        f"{direct['delay_minutes']:,} minutes of delay: split by pandas {parts['pandas']}, "
        f"summed up by pandas {', '.join(total['pandas'])}"
    )
