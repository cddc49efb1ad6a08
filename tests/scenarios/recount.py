"""Counts a published ballot again: `recount.py published.json`. Shares no code with the engine.

A resolution is carried when enough voted and more (or three times as many) are for it than against.
An option of a budget gets the mean of what all voters gave it, down to a whole penny.
"""
import json
import sys
from collections import Counter


def needed(quorum, electors):
    if quorum.endswith("%"):
        return max(1, -(-electors * int(quorum[:-1]) // 100))
    return max(1, int(quorum))


def resolution(ballot, choices, quorate):
    votes = Counter(choices)
    assert set(votes) <= {"for", "against", "abstain"}, votes
    times = {"simple": None, "three-quarters": 3}[ballot["question"]["majority"]]
    yes, no = votes["for"], votes["against"]
    carried = yes > no if times is None else yes > 0 and yes >= times * no
    return {"for": yes, "against": no, "abstain": votes["abstain"], "carried": quorate and carried}


def budget(ballot, choices, quorate):
    given, voters = Counter(), Counter()
    pot = ballot["question"]["pot_pence"]
    limits = {o["id"]: o["limit_pence"] for o in ballot["question"]["options"]}
    for choice in choices:
        shares = dict(part.split("=") for part in choice.split(",") if part)
        shares = {option: 100 * int(pounds) for option, pounds in shares.items()}
        assert sum(shares.values()) <= pot and all(limits[o] >= p for o, p in shares.items())
        given.update(shares)
        voters.update(shares.keys())
    granted = {o: given[o] // len(choices) if quorate else 0 for o in limits}
    options = [
        {"id": o, "voters": voters[o], "given_pence": given[o], "granted_pence": granted[o]}
        for o in limits
    ]
    return {"options": options, "kept_pence": pot - sum(granted.values())}


def main():
    ballot = json.load(open(sys.argv[1], encoding="utf-8"))
    papers, voters, electors = ballot["ballots"], ballot["voters"], set(ballot["electors"])
    codes = [paper["code"] for paper in papers]
    assert codes == sorted(set(codes)) and voters == sorted(set(voters)), "sorted, each once"
    assert len(papers) == len(voters) and set(voters) <= electors
    enough = needed(ballot["quorum"], len(electors))
    count = budget if "pot_pence" in ballot["question"] else resolution
    mine = count(ballot, [paper["choice"] for paper in papers], len(papers) >= enough)
    mine |= {"voters": len(papers), "needed": enough}
    assert mine == ballot["tally"], (mine, ballot["tally"])
    print("the same")


main()
