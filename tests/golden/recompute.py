"""Works out again, from the tables of published rates alone, what the golden runs say.

It shares no code with the engine and no data but config/tariffs/*.toml. It reads cases as JSON
from standard input and prints the results as JSON:

  {"rate":  [{"eligible", "kw", "on", "export"}],                 rates on a day
   "claim": [{"eligible", "kw", "export", "reads", "export_reads"}], claims between reads
   "bill":  [{"wh", "rate", "grid", "vat"}],                      bills to hosts
   "sale":  [{"base", "from", "index", "cap", "floor", "on", "wh", "vat"}], export at an indexed rate
   "half_hourly": [{"half_hours": [[wh, price]], "vat"}]}         export at half-hourly prices

A read is ["2022-12-15T12:00:00", "300000.00"]: London clock time and kWh. `export` is a list of
[first day, basis]. The claim runs from the first read to the last; the read of a 31 March splits it.
"""

import json
import sys
import tomllib
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path

TABLES = Path(__file__).resolve().parents[2] / "config" / "tariffs"


def load(name):
    return tomllib.loads((TABLES / name).read_text(encoding="utf-8"))


NEW = load("fit-new.toml")["rate"]
CHAINS = load("fit-export.toml")["chain"]
UPLIFTS = {row["year"]: Decimal(row["percent"]) for row in load("uplifts.toml")["uplift"]}


def day(text):
    return date.fromisoformat(text)


def half_up(number, places):
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def pence(rate, wh):
    """One line, one rounding: whole pence, half away from zero."""
    return int(half_up(rate * wh / 1000, 0))


def raise_through(rate, first_year, on):
    """Each 1 April up to the day: times the published percentage, rounded; never skipped."""
    year = first_year
    while date(year, 4, 1) <= on:
        rate = half_up(rate * (100 + UPLIFTS[year]) / 100, 2 if year >= 2013 else 1)
        year += 1
    return rate


def first_uplift(eligible):
    if date(2012, 11, 1) <= eligible <= date(2013, 3, 31):
        return 2014
    # April to December: the next April. January to March: the April after next.
    return eligible.year + 1


def generation_rate(eligible, kw, on):
    for row in NEW:
        if row.get("stand_alone"):
            continue
        in_band = Decimal(row["over_kw"]) < kw and ("up_to_kw" not in row or kw <= Decimal(row["up_to_kw"]))
        if in_band and day(row["from"]) <= eligible <= day(row["to"]):
            return raise_through(Decimal(row["p_per_kwh"]), first_uplift(eligible), on)
    raise LookupError(f"no rate for {kw} kW eligible from {eligible}")


def export_rate(eligible, on):
    for row in CHAINS:
        if day(row["eligible_from"]) <= eligible <= day(row["eligible_to"]):
            start = day(row["from"])
            first = start.year + 1 if start.month >= 4 else start.year
            return raise_through(Decimal(row["p_per_kwh"]), first, on)
    raise LookupError(f"no export rate for {eligible}")


def last_day(eligible):
    years = 25 if eligible < date(2012, 8, 1) else 20
    try:
        anniversary = eligible.replace(year=eligible.year + years)
    except ValueError:
        anniversary = date(eligible.year + years, 3, 1)
    return anniversary - timedelta(days=1)


def basis_on(export, on):
    basis = "none"
    for first, name in export:
        if day(first) <= on:
            basis = name
    return basis


def rate_of(case):
    eligible, on = day(case["eligible"]), day(case["on"])
    basis = basis_on(case["export"], on)
    return {
        "generation": str(generation_rate(eligible, Decimal(case["kw"]), on).normalize()),
        "export": None if basis == "none" else str(export_rate(eligible, on).normalize()),
        "basis": basis,
        "until": last_day(eligible).isoformat(),
    }


def years_between(reads):
    """Energy by FIT year: (first day of the year's part, Wh), split by the read of 31 March."""
    points = [(datetime.fromisoformat(at), int((Decimal(kwh) * 1000).quantize(Decimal(1), ROUND_DOWN))) for at, kwh in reads]
    parts = []
    since, counted = points[0][0].date(), points[0][1]
    for at, wh in points[1:]:
        on = (at - timedelta(seconds=1)).date()  # A read at midnight ends the day before.
        boundary = date(since.year if since < date(since.year, 4, 1) else since.year + 1, 4, 1)
        on_31_march = on == boundary - timedelta(days=1)
        if on >= boundary:
            raise LookupError(f"no read of {boundary - timedelta(days=1)}")
        is_last = (at, wh) == points[-1]
        if on_31_march or is_last:
            parts.append((since, wh - counted))
            since, counted = boundary, wh
    return parts


def claim_of(case):
    eligible, kw = day(case["eligible"]), Decimal(case["kw"])
    lines = []
    for since, wh in years_between(case["reads"]):
        lines.append(["generation", wh, generation_rate(eligible, kw, since)])
    bases = {basis for _, basis in case["export"]}
    if "deemed" in bases:
        if kw > 30:
            raise ValueError("above 30 kW export cannot be deemed")
        for since, wh in years_between(case["reads"]):
            lines.append(["export-deemed", wh // 2, export_rate(eligible, since)])
    if "metered" in bases and case.get("export_reads"):
        for since, wh in years_between(case["export_reads"]):
            lines.append(["export-metered", wh, export_rate(eligible, since)])
    made = [{"kind": kind, "wh": wh, "rate": str(rate.normalize()), "pence": pence(rate, wh)} for kind, wh, rate in lines]
    return {"lines": made, "total": sum(line["pence"] for line in made)}


def bill_of(case):
    rate, grid = Decimal(case["rate"]), Decimal(case["grid"])
    net = pence(rate, case["wh"])
    vat = int(half_up(Decimal(net) * Decimal(case["vat"]) / 100, 0))
    return {"net": net, "vat": vat, "gross": net + vat, "saving": pence(grid, case["wh"]) - net}


def sale_of(case):
    """Raised every 1 April after the first day, at most the cap, at least the floor; 4 decimals."""
    rate, start, on = Decimal(case["base"]), day(case["from"]), day(case["on"])
    for year in range(start.year, on.year + 1):
        if start < date(year, 4, 1) <= on:
            percent = max(min(UPLIFTS[year], Decimal(case["cap"])), Decimal(case["floor"]))
            rate = half_up(rate * (100 + percent) / 100, 4)
    net = pence(rate, case["wh"])
    vat = int(half_up(Decimal(net) * Decimal(case["vat"]) / 100, 0))
    return {"rate": str(rate.normalize()), "net": net, "vat": vat, "gross": net + vat}


def half_hourly_of(case):
    """One month is one line: the exact sum of its half hours, rounded once."""
    exact = sum((Decimal(price) * wh for wh, price in case["half_hours"]), Decimal(0))
    net = int(half_up(exact / 1000, 0))
    vat = int(half_up(Decimal(net) * Decimal(case["vat"]) / 100, 0))
    return {"wh": sum(wh for wh, _ in case["half_hours"]), "net": net, "gross": net + vat}


def attempt(work, case):
    try:
        return work(case)
    except (LookupError, ValueError) as refused:
        return {"refused": str(refused)}


def main():
    cases = json.load(sys.stdin)
    work = {"rate": rate_of, "claim": claim_of, "bill": bill_of, "sale": sale_of, "half_hourly": half_hourly_of}
    print(json.dumps({kind: [attempt(work[kind], case) for case in cases.get(kind, [])] for kind in work}))


if __name__ == "__main__":
    main()
