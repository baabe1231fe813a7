"""A thousand campaigns over recorded taxi trips, and what they pay, counted the plain way.

    python3 taxis.py TRIPS.csv.gz FOLDER

writes campaign.rules, rides.jsonl (every trip twice) and expected.jsonl to the folder. Only the standard library is used, and nothing of Tollgate.
"""

import csv
import gzip
import json
import random
import sys
from collections import defaultdict

CAMPAIGNS = 1000
CEILING = 2500  # cents, for each campaign
PAYMENTS = {"1": "Card", "2": "Cash"}


def trips_of(path):
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    trips = []
    for number, row in enumerate(rows):
        fare = round(float(row["fare_amount"]) * 100)
        if fare < 0 or row["payment_type"] not in PAYMENTS or not row["PULocationID"]:
            continue
        trips.append(
            {
                "trip": f"t{number}",
                "zone": int(row["PULocationID"]),
                "payment": PAYMENTS[row["payment_type"]],
                "fare": fare,
                "at": row["tpep_dropoff_datetime"].replace(" ", "T") + "Z",
            }
        )
    trips.sort(key=lambda trip: (trip["at"], trip["trip"]))
    return trips


def campaigns_of(trips, rng):
    zones = sorted({trip["zone"] for trip in trips})
    campaigns = []
    for number in range(CAMPAIGNS):
        first = rng.randrange(0, 20)
        campaigns.append(
            {
                "name": f"c{number}",
                "zone": rng.choice(zones),
                "payment": rng.choice(["Card", "Cash"]),
                "least": rng.randrange(0, 3000),
                "hours": (first, rng.randrange(first + 1, 25)),
                "trips": rng.choice([1, 1, 2, 5]),
                "amount": rng.randrange(1, 10) * 100,
            }
        )
    return campaigns


def money(cents):
    return f"{cents // 100}.{cents % 100:02} USD"


def rules_of(campaigns):
    rules = [
        """edition 2026
module taxis
enum Payment { Card, Cash }
record RideCompleted { trip: String, zone: Int in 0 .. 1_000, payment: Payment, fare: Money<USD>, at: Instant }
enum Action { reward(campaign: String, trip: String, amount: Money<USD>) }
const utc = tz"UTC"
stream rides: RideCompleted { id: event.trip, time: event.at, dedupe: 7d, late_after: 2h }
state trips: Count by Int {
  counts: rides
  key: event.zone
  window: calendar(1d, zone: tz"UTC")
  max_keys: 1_000
  on_failure: skip
}
state spent: Budget<USD> by String { per_key: 25.00 USD, max_keys: 10_000, on_failure: deny }
state paid: Seen by Key { keep: 90d, max_keys: 1_000_000, on_failure: deny }
ruleset campaigns(e: RideCompleted) -> [Action] on rides hit all {"""
    ]
    for c in campaigns:
        first, end = c["hours"]
        rules.append(
            f"""  rule {c["name"]}
    when e.zone == {c["zone"]} and e.payment == {c["payment"]} and e.fare >= {money(c["least"])}
     and hour_of(e.at, utc) in {first} ..< {end} and trips[e.zone].value() >= {c["trips"]}
    once paid[key("{c["name"]}", e.trip)]
    within spent["{c["name"]}"]
    then reward("{c["name"]}", e.trip, {money(c["amount"])})"""
        )
    return "\n".join(rules + ["}", ""])


def rewards_of(rides, campaigns):
    by_zone = defaultdict(list)
    for c in campaigns:
        by_zone[c["zone"]].append(c)
    seen, trips, spent = set(), defaultdict(int), defaultdict(int)
    for ride in rides:
        if ride["trip"] in seen:
            continue
        seen.add(ride["trip"])
        today = (ride["zone"], ride["at"][:10])
        trips[today] += 1
        hour, place = int(ride["at"][11:13]), 0
        for c in by_zone[ride["zone"]]:
            if (
                c["payment"] == ride["payment"]
                and ride["fare"] >= c["least"]
                and c["hours"][0] <= hour < c["hours"][1]
                and trips[today] >= c["trips"]
                and spent[c["name"]] + c["amount"] <= CEILING
            ):
                spent[c["name"]] += c["amount"]
                yield {
                    "id": f"{ride['trip']}/campaigns/{place}",
                    "action": {
                        "reward": {
                            "campaign": c["name"],
                            "trip": ride["trip"],
                            "amount": money(c["amount"]),
                        }
                    },
                }
                place += 1


def main(path, folder):
    rng = random.Random(7)
    trips = trips_of(path)
    campaigns = campaigns_of(trips, rng)
    # Each trip comes again, up to two hundred places behind.
    places = [(i, trip) for i, trip in enumerate(trips)]
    places += [(i + rng.uniform(0.5, 200), trip) for i, trip in enumerate(trips)]
    rides = [trip for _, trip in sorted(places, key=lambda place: place[0])]
    with open(f"{folder}/campaign.rules", "w") as file:
        file.write(rules_of(campaigns))
    with open(f"{folder}/rides.jsonl", "w") as file:
        for ride in rides:
            file.write(json.dumps(dict(ride, fare=money(ride["fare"]))) + "\n")
    with open(f"{folder}/expected.jsonl", "w") as file:
        for reward in rewards_of(rides, campaigns):
            file.write(json.dumps(reward) + "\n")


main(*sys.argv[1:])
