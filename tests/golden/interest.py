"""Works an interest run out again, from movements and terms alone, in exact fractions.

It shares no code and no data with the engine. It reads one run as JSON from standard input and
prints its lines as JSON, [[member, class, pence], ...] by member and class:

  {"first": "2021-01-01", "last": "2021-12-31", "pot": null,
   "classes": [{"class", "par", "days", "issue", "leaving", "rounding", "rate", "year"}],
   "movements": [[member, class, "2020-05-01", shares], ...]}

`rate` is per cent, or pence a share with a `p` behind it; `year` is the month in which the accounts
year starts, on its first day.
"""

import json
import sys
from datetime import date, timedelta
from fractions import Fraction

DAY = timedelta(days=1)


def days_between(first, last):
    day = first
    while day <= last:
        yield day
        day += DAY


def earning(movements, terms, day):
    """Shares that earn on a day: those held before it, and what it brought or took if that counts."""
    before = sum(shares for on, shares in movements if on < day)
    net = sum(shares for on, shares in movements if on == day)
    counts = terms["issue"] == "in" if net > 0 else terms["leaving"] == "out"
    return before + (net if counts else 0)


def length_of_accounts_year(day, month):
    start = date(day.year if day.month >= month else day.year - 1, month, 1)
    return (date(start.year + 1, month, 1) - start).days


def share_years(movements, terms, first, last):
    """Shares times years, exactly."""
    if terms["days"] == "record-day":
        return Fraction(earning(movements, terms, last))
    if terms["days"] == "whole-months":
        months = {}
        for day in days_between(first, last):
            held = earning(movements, terms, day)
            key = (day.year, day.month)
            months[key] = min(months.get(key, held), held)
        return Fraction(sum(months.values()), 12)
    total = Fraction(0)
    for day in days_between(first, last):
        length = 365
        if terms["days"] == "actual/actual":
            length = length_of_accounts_year(day, terms["year"])
        total += Fraction(earning(movements, terms, day), length)
    return total


def pence_a_share(terms):
    if terms["rate"].endswith("p"):
        return Fraction(terms["rate"][:-1])
    return Fraction(terms["rate"]) / 100 * terms["par"]


def rounded(amount, rule):
    whole = amount.numerator // amount.denominator
    if rule == "half-away" and amount - whole >= Fraction(1, 2):
        return whole + 1
    return whole


def shared(pot, weights):
    """Largest remainder; equal fractions by member, then class."""
    total = sum(weights)
    parts = [pot * weight / total for weight in weights]
    whole = [part.numerator // part.denominator for part in parts]
    order = sorted(range(len(parts)), key=lambda n: (whole[n] - parts[n], n))
    for n in order[: pot - sum(whole)]:
        whole[n] += 1
    return whole


def main():
    run = json.load(sys.stdin)
    first, last = date.fromisoformat(run["first"]), date.fromisoformat(run["last"])
    accounts = {}
    for member, name, on, shares in run["movements"]:
        if date.fromisoformat(on) <= last:
            accounts.setdefault((member, name), []).append((date.fromisoformat(on), shares))
    order = [terms["class"] for terms in run["classes"]]
    terms_of = {terms["class"]: terms for terms in run["classes"]}
    keys, weights = [], []
    for key in sorted(accounts, key=lambda key: (key[0], order.index(key[1]))):
        keys.append(key)
        weights.append(share_years(accounts[key], terms_of[key[1]], first, last))
    if run["pot"] is not None:
        pence = shared(run["pot"], [w * terms_of[k[1]]["par"] for k, w in zip(keys, weights)])
    else:
        pence = [
            rounded(weight * pence_a_share(terms_of[key[1]]), terms_of[key[1]]["rounding"])
            for key, weight in zip(keys, weights)
        ]
    lines = [[member, name, p] for (member, name), p in zip(keys, pence) if p]
    json.dump(lines, sys.stdout)


if __name__ == "__main__":
    main()
