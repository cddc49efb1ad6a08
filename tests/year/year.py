"""Works the year 2014 of the three sample societies out again, from readings to payment file.

It shares no code with the engine. It reads what tests/year/year.sh was given (society files,
readings, members, movements, costs) and the tables of published rates, and prints for each society
the claims, the bill, the surplus shared out, the rate it affords, every line of the run, every line
of the payments and the pence of every statement, as JSON. Claims come from golden/recompute.py, share-years from
golden/interest.py.

    python year.py FOLDER        # the folder year.sh worked in
"""

import csv
import json
import sys
import tomllib
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "golden"))
import interest  # noqa: E402
import recompute  # noqa: E402

FIRST, LAST = date(2014, 1, 1), date(2014, 12, 31)
PAID_ON = "30 April 2015"
SUMMER = (datetime(2014, 3, 30, 1), datetime(2014, 10, 26, 1))


def london(text):
    """A time with Z as London's clock had it in that year."""
    at = datetime.fromisoformat(text.removesuffix("Z"))
    if SUMMER[0] <= at < SUMMER[1]:
        at += timedelta(hours=1)
    return at.isoformat()


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def half_up(number):
    return interest.rounded(Fraction(number), "half-away")


def reads_of(society, point):
    serials = [m["serial"] for m in society["meter"] if m["meter_point"] == point]
    return [
        (row["meter"], london(row["time"]), row["value"])
        for row in society["reads"]
        if row["meter"] in serials
    ]


def claim(society, installation):
    pairs = lambda point: [[at, kwh] for _, at, kwh in reads_of(society, point)]  # noqa: E731
    case = {
        "eligible": installation["eligible_from"],
        "kw": installation["declared_net_capacity_kw"],
        "export": [[e["from"], e["basis"]] for e in installation["export"]],
        "reads": pairs(installation["meter_point"]),
    }
    if "export_meter_point" in installation:
        case["export_reads"] = pairs(installation["export_meter_point"])
    return recompute.claim_of(case)


def bill(society):
    """Half of what the roof made, at the host's rate of the days before and from 1 April."""
    (host,) = society["host"]
    (point,) = [
        p["id"] for p in society["meter_point"] if p["site"] == host["site"] and p["counts"] == "generation"
    ]
    made = [(at, int(Decimal(kwh) * 1000)) for _, at, kwh in reads_of(society, point)]
    (_, opens), (_, march), (_, closes) = made[0], made[1], made[-1]
    rate = host["rate"]
    part = lambda wh: wh * host["deemed_percent"] // 100  # noqa: E731
    if "fixed_p_per_kwh" in rate or "percent_below_grid" in rate:
        if "fixed_p_per_kwh" in rate:
            price = Decimal(rate["fixed_p_per_kwh"])
        else:
            price = Decimal(host["grid_price"][0]["p_per_kwh"]) * (100 - Decimal(rate["percent_below_grid"])) / 100
        lines = [(part(closes - opens), price)]
    else:
        base = Decimal(rate["base_p_per_kwh"])
        percent = recompute.UPLIFTS[2014]
        percent = max(min(percent, Decimal(rate["cap_percent"])), Decimal(rate["floor_percent"]))
        raised = recompute.half_up(base * (100 + percent) / 100, 4)
        lines = [(part(march - opens), base), (part(closes - march), raised)]
    net = sum(recompute.pence(price, wh) for wh, price in lines)
    return {"net": net, "vat": half_up(Fraction(net) * Fraction(host["vat_percent"]) / 100)}


def shared_out(society, start, most):
    """The steps of the waterfall, each held to what is left."""
    left, taken = start, defaultdict(int)
    for step in society["waterfall"][0]["step"]:
        if "pounds" in step:
            asked = int(Decimal(step["pounds"]) * 100)
        else:
            asked = half_up(Fraction(left) * Fraction(step["percent"]) / 100)
        if step["takes"] == "interest":
            asked = min(asked, most)
        took = max(0, min(asked, left))
        taken[step["takes"]] += took
        left -= took
    return taken, left


def run_of(society, weights, hundredths):
    """Each line once, half a penny away from zero; shares of £1."""
    return [(member, half_up(years * Fraction(hundredths, 100))) for member, years in weights]


def payments(society, lines):
    """Who gets what, by the way each member chose."""
    made = []
    for row in society["members"]:
        member = int(row["number"])
        pence = dict(lines).get(member, 0)
        if pence == 0:
            continue
        way, bank = row["payment"], bool(row.get("sort_code"))
        if way == "bank" and not bank:
            continue
        if way != "reinvest":
            made.append([member, way, pence, 0])
            continue
        shares, rest = divmod(pence, 100)
        carried = row["rest"] == "carried"
        credited = pence if carried else pence - rest
        if credited:
            made.append([member, "reinvest", credited, shares])
        if rest and not carried:
            made.append([member, "bank" if bank else "cheque", rest, 0])
    return made


def statements(slug, work, lines, paid):
    """Reads the statements that were written and says of each member: the pence of the table and of the
    sentence, and the day of payment that it names. What is expected stands beside it."""
    ways = defaultdict(set)
    for member, way, _, _ in paid:
        ways[member].add(way)
    told, expected = [], []
    for member, pence in sorted(dict(lines).items()):
        text = (work / f"{slug}-texts" / f"{member:05}-{slug}-run-1.txt").read_text(encoding="utf-8")
        pounds = f"£{pence // 100:,}.{pence % 100:02}"
        (together,) = [line.removeprefix("Together ") for line in text.splitlines() if line.startswith("Together ")]
        sentence = next(line for line in text.splitlines() if pounds in line)
        told.append([member, together, sentence.count(pounds), PAID_ON in text])
        by_money = bool(ways[member]) and ways[member] <= {"bank", "cheque"}
        expected.append([member, pounds, 1, by_money])
    return {"told": told, "expected": expected}


def year_of(slug, work):
    society = tomllib.loads((work / f"{slug}.toml").read_text(encoding="utf-8"))
    people = ROOT / "config" / "demo" if slug == "bes1" else HERE
    society["members"] = rows(people / f"{slug}-members.csv")
    society["reads"] = rows(HERE / "reads.csv")
    moved = defaultdict(list)
    for row in rows(people / f"{slug}-shares.csv"):
        moved[int(row["member"])].append((date.fromisoformat(row["on"]), int(row["shares"])))

    claims = [claim(society, one)["total"] for one in society["installation"]]
    billed = bill(society)
    costs = sum(int(Decimal(row["debit"]) * 100) for row in rows(HERE / f"{slug}-costs.csv") if row["debit"] and row["account"] >= "6000")
    surplus = sum(claims) + billed["net"] - costs

    (terms,) = society["interest"]
    policy = {"days": terms.get("days", "actual/365"), "issue": "in", "leaving": "out", "year": 1}
    weights = [(member, interest.share_years(moved[member], policy, FIRST, LAST)) for member in sorted(moved)]
    weights = [(member, years) for member, years in weights if years]
    most = sum(pence for _, pence in run_of(society, weights, int(terms["maximum"]) * 100))
    taken, carried = shared_out(society, surplus, most)
    top = int(terms["maximum"]) * 100
    fits = [h for h in range(top + 1) if sum(p for _, p in run_of(society, weights, h)) <= taken["interest"]]
    lines = run_of(society, weights, fits[-1])
    paid = payments(society, lines)
    bank = [pence for _, way, pence, _ in paid if way == "bank"]
    return {
        "claims": claims,
        "bill": billed,
        "surplus": surplus,
        "shared": {"interest": taken["interest"], "fund": taken["fund"], "reserve": taken["reserve"], "carried": carried},
        "rate_hundredths": fits[-1],
        "run": [[member, pence] for member, pence in lines],
        "payments": paid,
        "bank": [len(bank), sum(bank)],
        "statements": statements(slug, work, lines, paid),
    }


def main():
    work = Path(sys.argv[1])
    json.dump({slug: year_of(slug, work) for slug in ("bes1", "bes2", "bes3")}, sys.stdout)


if __name__ == "__main__":
    main()
