#!/usr/bin/env bash
# The year 2014 of the three sample societies, from readings to payment file, by commands alone.
#
#   tests/year/year.sh COMMONWATT FOLDER
#
# Readings, claims, bills, books, the surplus shared out, the rate it affords, the interest run,
# the payments, the statements and the year's papers. FOLDER gets the data, the files and what the commands said
# as JSON. Roofs, readings, members, costs and terms are SAMPLE data.
set -euo pipefail
program=$(realpath "$1"); work=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
cd "$work"
mkdir -p said

cw() { "$program" --data "$work/data" "$@"; }
by() { local who=$1; shift; cw --as "$who" "$@"; }
json() { cw --output json "$@"; }
# One text of a JSON document that was printed line by line.
of() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$2" | head -1; }

for s in bes1 bes2 bes3; do
  cat "$root/config/demo/$s.toml" "$here/$s-terms.toml" > "$s.toml"
  cw society apply "$s.toml" > /dev/null
  people=$here; [ $s = bes1 ] && people=$root/config/demo
  by secretary members import "$people/$s-members.csv" --society $s > /dev/null
  by secretary shares import "$people/$s-shares.csv" --society $s > /dev/null
  by treasurer accounts chart --standard --society $s > /dev/null

  grep -E "^meter|SAMPLE-${s^^}-" "$here/reads.csv" > "$s-reads.csv"
  json reads import "$s-reads.csv" --society $s > "said/$s-reads.json"

  # Income: a claim for each installation and the host's bill, each posted in the books.
  n=0
  for installation in $(sed -n '/^\[\[installation\]\]/{n;s/^id = "\(.*\)"/\1/p}' "$s.toml"); do
    n=$((n + 1))
    json --as treasurer claim freeze --installation "$installation" \
      --from 2014-01-01 --to 2014-12-31 > "said/$s-claim-$n.json"
    by treasurer accounts post --claim $n --society $s > /dev/null
  done
  host=$(sed -n '/^\[\[host\]\]/{n;s/^id = "\(.*\)"/\1/p}' "$s.toml")
  json --as treasurer bill freeze --host "$host" --from 2014-01-01 --to 2014-12-31 > "said/$s-bill.json"
  by treasurer accounts post --bill 1 --society $s > /dev/null
  by treasurer accounts post --file "$here/$s-costs.csv" --society $s > /dev/null

  # The surplus by the rule, the rate it affords, the run at that rate.
  json interest waterfall --society $s --period 2014 > "said/$s-waterfall.json"
  json interest afford --society $s --period 2014 > "said/$s-afford.json"
  rate=$(of rate_percent "said/$s-afford.json")
  json --as treasurer interest prepare --society $s --period 2014 --rate "$rate" > "said/$s-run.json"
  by chair interest approve --society $s --run 1 --hash "$(of run_hash "said/$s-run.json")" > /dev/null
  json --as treasurer interest freeze --society $s --run 1 > "said/$s-frozen.json"

  # The payments, and the papers of the year in which they were paid.
  json --as treasurer payments prepare --society $s --run 1 --profile by-hand --on 2015-04-30 > "said/$s-order.json"
  by chair payments approve --society $s --order 1 --hash "$(of order_hash "said/$s-order.json")" > /dev/null
  json --as treasurer payments file --society $s --run 1 --profile by-hand --out "$s-bank.csv" > "said/$s-file.json"
  by treasurer payments cheques --society $s --order 1 --out "$s-cheques.csv"

  # A statement for each member: a sheet, and the same as text. The day of payment is the order's.
  json --as secretary statements --society $s --run 1 --format pdf --out "$s-sheets" > "said/$s-sheets.json"
  json --as secretary statements --society $s --run 1 --format text --out "$s-texts" > "said/$s-texts.json"
  json papers hmrc --society $s --period 2015 --least 15 > "said/$s-hmrc.json"
  json papers pack --society $s --period 2014 > "said/$s-pack.json"
done
cw verify > /dev/null
