//! A council's stake, outcomes, the fund and residents' projects, by figures that can be checked by
//! hand.

use serde_json::Value;

use super::{ballots::stands_in, desk::Desk};

/// A society of 103 members with £58,000, the council being member 103 with £10,000, and the reads of
/// a year in which the roof made 32,586 kWh.
pub fn with_council() -> Desk {
    let desk = Desk::plain();
    let path = desk.path().join("society.toml");
    let text = std::fs::read_to_string(path).expect("the society file");
    let more = r#"
[[officer]]
id = "chair"
role = "chair"

[[site]]
id = "other"
name = "The other roof"
latitude = "51.4681"
longitude = "-0.1030"
capacity_kwp = "10"

[[share_class]]
id = "ordinary"
name = "Ordinary shares"
par_pounds = "1"

[[interest]]
class = "ordinary"
from = "2012-01-01"
maximum = "7"
source = "rule 12"
"#;
    let file = desk.file("society.toml", &(text + more));
    desk.ok(&["society", "apply", &file]);
    let mut members = String::from("number,name,kind,joined\n");
    let mut shares = String::from("member,class,on,shares,kind\n");
    for n in 1..=102 {
        members.push_str(&format!("{n},Member {n:03},person,2012-03-01\n"));
        // £48,000 of 102 members: 60 with £471 and 42 with £470.
        let pounds = if n <= 60 { 471 } else { 470 };
        shares.push_str(&format!("{n},ordinary,2012-03-01,{pounds},issue\n"));
    }
    members.push_str("103,Sample Council,council,2012-03-16\n");
    shares.push_str("103,ordinary,2012-03-16,10000,issue\n");
    let members = desk.file("members.csv", &members);
    let shares = desk.file("shares.csv", &shares);
    desk.ok(&["--as", "secretary", "members", "import", &members]);
    desk.ok(&["--as", "secretary", "shares", "import", &shares]);
    desk.reads(
        "M1 2023-01-01T00:00:00Z 100,000
         M1 2024-01-01T00:00:00Z 132,586",
    );
    desk
}

const STAKE: &str = r#"
[[space]]
id = "roof"
council = "Sample Council"
site = "roof"
name = "The roof"
under = "licence"
from = "2012-04-23"
to = "2025-12-31"
rent_pounds_a_year = "1.00"
reverts = "the panels revert to the council"
evidence = "Licence of 23 April 2012"

[[space]]
id = "hall"
council = "Sample Council"
name = "The hall, two evenings a month"
under = "use"
from = "2012-01-01"
to = "2037-04-22"
rent_pounds_a_year = "0"
evidence = "Letter of 9 January 2012"

[[loan]]
id = "start-up"
council = "Sample Council"
drawn = "2022-04-01"
principal_pounds = "1000.00"
rate_percent = "3.5"
first_instalment = "2023-03-31"
every_months = 12
instalments = 3
repaid = "equal"
evidence = "Agreement of 1 April 2022"

[[loan-payment]]
loan = "start-up"
on = "2023-03-31"
principal_pounds = "333.34"
interest_pounds = "35.00"
evidence = "Bank statement, 31 March 2023"

[[guarantee]]
id = "overdraft"
council = "Sample Council"
what = "the bank's overdraft"
limit_pounds = "5000"
from = "2012-04-01"
to = "2015-03-31"
evidence = "Letter of 2 April 2012"

[[support]]
id = "officer-time"
giver = "Sample Council"
activity = "Project management"
from = "2023-01-09"
to = "2023-03-31"
hours = "40.5"
unit_pounds = "101.00"
unit_on = "2019-01-01"
unit_source = "Social value of expert time"
attribution_percent = "50"
evidence = "Timesheets, quarter 1"

[[support]]
id = "build"
giver = "residents"
site = "roof"
activity = "Building the roof"
from = "2023-02-01"
to = "2023-04-23"
hours = "2500"
unit_pounds = "16.93"
unit_on = "2019-01-01"
unit_source = "Social value of volunteering"
evidence = "25 October 2012, blog"

[[support]]
id = "interns"
giver = "residents"
activity = "16 interns, 40 hours each"
from = "2023-02-01"
to = "2023-04-23"
hours = "640"
unit_pounds = "16.93"
unit_on = "2019-01-01"
unit_source = "Social value of volunteering"
part_of = "build"
evidence = "Register of interns"

[[carbon-claim]]
id = "offer"
tonnes = "488"
years = 20
kwh_a_year = "40000"
evidence = "Case study"

[[reached]]
id = "vote"
activity = "Vote on the fund"
from = "2023-08-19"
to = "2023-08-19"
people = 70
evidence = "Minutes of 19 August"
"#;

fn of_year(desk: &Desk, period: &str) -> Value {
    let args = [
        "council",
        "stake",
        "--council",
        "sample council",
        "--period",
        period,
    ];
    let whole = desk.json(&args);
    whole["societies"][0].clone()
}

#[test]
fn ten_thousand_of_fifty_eight_is_17_24_per_cent_and_one_vote_of_103() {
    let desk = with_council();
    let stake = of_year(&desk, "2023");
    assert_eq!(stake["capital_pence"], 1_000_000);
    assert_eq!(stake["all_capital_pence"], 5_800_000);
    assert_eq!(stake["capital_percent"], "17.24");
    assert_eq!(
        (&stake["votes"], &stake["votes_of"], &stake["votes_percent"]),
        (&1.into(), &103.into(), &"0.97".into())
    );
    // 32,586 kWh at 0.20707 kg is 6.75 t.
    assert_eq!(stake["buildings"][0]["made_wh"], 32_586_000);
    assert_eq!(stake["carbon"]["co2_kg"], "6747.6");
    let text = desk.ok(&[
        "council",
        "stake",
        "--council",
        "Sample Council",
        "--period",
        "2023",
    ]);
    for words in [
        "£10,000 of £58,000 is 17.24 % of the capital; one vote of 103 is 0.97 % of the votes.",
        "6.75 t CO2e  Carbon avoided",
        "17.24 %  Part of the capital",
        "1 of 103  Votes",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("Member 0"), "no other member is named");
    // An April to March year takes the factor of the year that holds most of it: that of 2023.
    let fiscal = of_year(&desk, "2023-04-01..2024-03-31");
    let restated = fiscal["carbon"]["restated"].as_array().expect("years");
    let of = |year: i64| restated.iter().find(|one| one["year"] == year).cloned();
    let of_2023 = of(2023).expect("2023");
    assert_eq!(of_2023["factor_kg_per_kwh"], "0.20707");
    assert_eq!(of_2023["co2_kg"], of_2023["restated_co2_kg"]);
}

#[test]
fn what_a_council_lends_and_gives_has_its_evidence_and_counts_once() {
    let desk = with_council();
    let file = desk.file("stake.toml", STAKE);
    let said = desk.ok(&["--as", "secretary", "council", "enter", &file]);
    assert_eq!(said, "noted: 10; there already: 0\n");
    let head = desk.ok(&["head"]);
    let again = desk.ok(&["--as", "secretary", "council", "enter", &file]);
    assert_eq!(again, "noted: 0; there already: 10\n");
    assert_eq!(desk.ok(&["head"]), head, "twice is once");
    let stake = of_year(&desk, "2023");
    // 40.5 h × £101.00 × 50 % = £2,045.25; residents' hours are no part of the council's stake.
    assert_eq!(stake["in_kind_pence"], 204_525);
    let others = stake["others_in_kind"].as_array().expect("others");
    let pence: Vec<_> = others.iter().map(|one| one["pence"].as_i64()).collect();
    assert_eq!(
        pence,
        [Some(4_232_500), Some(0)],
        "the interns are listed, not counted"
    );
    let text = desk.ok(&[
        "council",
        "stake",
        "--council",
        "Sample Council",
        "--period",
        "2023",
    ]);
    let outcomes = text.split("\nOutcomes\n").nth(1).expect("outcomes");
    assert!(outcomes.contains("£42,325.00"), "{text}");
    assert!(outcomes.contains("Social value of volunteering"), "{text}");
    assert!(outcomes.contains("counted in build"), "{text}");
    // A loan of £1,000 in three: 333.34, 333.33, 333.33; interest on what is owed.
    let loan = &stake["loans"][0];
    let steps: Vec<(i64, i64, i64)> = loan["schedule"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| {
            let pence = |key: &str| step[key].as_i64().expect("pence");
            (
                pence("principal_pence"),
                pence("interest_pence"),
                pence("left_pence"),
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            (33_334, 3_500, 66_666),
            (33_333, 2_333, 33_333),
            (33_333, 1_167, 0)
        ]
    );
    assert_eq!(
        (&loan["left_pence"], &loan["behind_pence"]),
        (&66_666.into(), &0.into())
    );
    assert_eq!(stake["guarantees"].as_array().map(Vec::len), Some(1));
    assert_eq!(stake["residents_reached"], 70);
    // The licence ends in 24 months by the end of 2023.
    let roofs = stake["roofs"].as_array().expect("roofs");
    assert_eq!(roofs[0]["warning_months"], 24);
    assert_eq!(roofs[0]["space"]["rent_pence_a_year"], 100);
    assert_eq!(roofs[1]["warning_months"], Value::Null);
    // 488 t over 20 years: 24.4 t a year against 6.75 t; less energy and a cleaner grid told apart.
    let split = &stake["carbon"]["claims"][0]["split"];
    assert_eq!(split["claimed_kg"], "24400.0");
    assert_eq!(split["actual_kg"], "6747.6");
    // 7,414 kWh × 0.61 kg and 32,586 kWh × (0.61 − 0.20707) kg.
    assert_eq!(split["less_energy_kg"], "4522.5");
    assert_eq!(split["cleaner_grid_kg"], "13129.9");
    // The same hours again, under another name, are refused; so is the same evidence.
    let twice = STAKE.replace("id = \"build\"", "id = \"again\"");
    let support = twice.split("[[support]]").nth(2).expect("the second line");
    let support = support.split("[[").next().expect("its keys");
    let file = desk.file("twice.toml", &format!("[[support]]{support}"));
    let why = desk.refused(&["--as", "secretary", "council", "enter", &file]);
    assert!(why.contains("would count hours of `build` twice"), "{why}");
    let evidence = support.replace(
        "activity = \"Building the roof\"",
        "activity = \"Something else\"",
    );
    let file = desk.file("evidence.toml", &format!("[[support]]{evidence}"));
    let why = desk.refused(&["--as", "secretary", "council", "enter", &file]);
    assert!(why.contains("the same evidence"), "{why}");
    // Everything comes back from the journal alone.
    std::fs::remove_file(desk.data().join("s/bes/books.sqlite")).expect("removed");
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(of_year(&desk, "2023"), stake);
}

#[test]
fn the_stake_comes_in_every_form_and_mistakes_say_what_to_do() {
    let desk = with_council();
    let form = |form: &str, out: &str| {
        let out = desk.path().join(out).display().to_string();
        desk.ok(&[
            "council",
            "stake",
            "--council",
            "Sample Council",
            "--period",
            "2023",
            "--format",
            form,
            "--out",
            &out,
        ]);
        std::fs::read(out).expect("written")
    };
    assert!(form("pdf", "stake.pdf").starts_with(b"%PDF"));
    let csv = String::from_utf8(form("csv", "stake.csv")).expect("text");
    assert!(
        csv.contains("Share capital of the council,10000.00,GBP"),
        "{csv}"
    );
    assert!(csv.contains("Part of the capital,17.24,%"), "{csv}");
    let html = String::from_utf8(form("html", "stake.html")).expect("text");
    assert!(
        html.contains("£10,000.00") && html.contains("Register of shares"),
        "{html}"
    );
    serde_json::from_slice::<Value>(&form("json", "stake.json")).expect("JSON");
    let unknown = desk.refused(&[
        "council",
        "stake",
        "--council",
        "Sample Counsil",
        "--period",
        "2023",
    ]);
    assert!(
        unknown.contains("did you mean `Sample Council`"),
        "{unknown}"
    );
    let wrong = desk.file(
        "wrong.toml",
        "[[space]]\nid = \"x\"\nrend_pounds_a_year = \"1\"\n",
    );
    let why = desk.refused(&["--as", "secretary", "council", "enter", &wrong]);
    assert!(
        why.contains("[[space]] 1") && why.contains("rend_pence_a_year"),
        "{why}"
    );
    let float = desk.file(
        "float.toml",
        "[[space]]\nid = \"x\"\nrent_pounds_a_year = 1.5\n",
    );
    let why = desk.refused(&["--as", "secretary", "council", "enter", &float]);
    assert!(why.contains("pounds as text"), "{why}");
    let other = desk.file("other.toml", "[[spaces]]\nid = \"x\"\n");
    let why = desk.refused(&["--as", "secretary", "council", "enter", &other]);
    assert!(
        why.contains("`spaces` is nothing that can be noted here"),
        "{why}"
    );
}

const OUTCOMES: &str = r#"
[[outcome]]
id = "carbon"
group = "environmental"
wanted = "A cleaner borough"
activity = "Solar panels on estates"
partner = "Repowering"
partner_kind = "local organisation"
measure = "Electricity made"
unit = "kWh"
baseline = "0"
proposed = "26913"
by = "2013-12-31"
evidence = "Share offer"

[[outcome]]
id = "interns"
group = "social"
wanted = "Young people with skills"
activity = "Paid internships"
partner = "A training provider"
partner_kind = "other provider"
service = "Training programme"
measure = "Internships finished"
unit = "people"
baseline = "0"
proposed = "30"
by = "2019-12-31"
attribution_percent = "50"
evidence = "Plan of 2017"

[[delivery]]
id = "interns-2017"
outcome = "interns"
from = "2017-04-01"
to = "2017-12-31"
amount = "16"
cost_pounds = "8000"
resources = "A room and two mentors"
evidence = "Register 2017"

[[delivery]]
id = "interns-2018"
outcome = "interns"
from = "2018-01-01"
to = "2018-12-31"
amount = "14"
cost_pounds = "7700"
evidence = "Register 2018"
"#;

#[test]
fn outcomes_are_proposed_and_delivered_and_their_cost_is_shown_year_on_year() {
    let desk = with_council();
    let file = desk.file("outcomes.toml", OUTCOMES);
    desk.ok(&["--as", "secretary", "outcome", "enter", &file]);
    let report = desk.json(&["outcome", "report", "--period", "2017-01-01..2018-12-31"]);
    let lines = report["outcomes"].as_array().expect("outcomes");
    assert_eq!(lines[0]["outcome"]["id"], "carbon");
    assert_eq!(
        (&lines[0]["met"], &lines[0]["late"]),
        (&false.into(), &true.into())
    );
    // 16 and 14, of which half may be claimed: 8 and 7; £8,000 by 8 and £7,700 by 7.
    assert_eq!(lines[1]["delivered"], "15");
    let years = &lines[1]["years"];
    assert_eq!(years[0]["cost_of_one_pence"], 100_000);
    assert_eq!(years[1]["cost_of_one_pence"], 110_000);
    assert_eq!(years[1]["change_percent"], "10");
    let text = desk.ok(&["outcome", "report", "--period", "2018"]);
    assert!(text.contains("Service: Training programme"), "{text}");
    assert!(
        text.contains("Social outcomes: proposed and delivered"),
        "{text}"
    );
    assert!(
        text.contains("£7,700.00 was paid for these outcomes in 2018"),
        "{text}"
    );
    // The same evidence behind a second delivery would count it twice.
    let twice = "[[delivery]]\nid = \"more\"\noutcome = \"interns\"\nfrom = \"2018-06-01\"\nto = \"2018-12-31\"\namount = \"3\"\nevidence = \"register 2018\"\n";
    let file = desk.file("twice.toml", twice);
    let why = desk.refused(&["--as", "secretary", "outcome", "enter", &file]);
    assert!(why.contains("counted already"), "{why}");
    // It is taken back in the open, and nothing is edited.
    let edited = desk.file(
        "edited.toml",
        &OUTCOMES.replace("amount = \"14\"", "amount = \"15\""),
    );
    let why = desk.refused(&["--as", "secretary", "outcome", "enter", &edited]);
    assert!(why.contains("nothing is edited"), "{why}");
    let back = desk.file(
        "back.toml",
        "[[withdrawn]]\nkind = \"delivery\"\nid = \"interns-2018\"\nreason = \"wrong count\"\n",
    );
    desk.ok(&["--as", "secretary", "outcome", "enter", &back]);
    let report = desk.json(&["outcome", "report", "--period", "2017-01-01..2018-12-31"]);
    assert_eq!(report["outcomes"][1]["delivered"], "8");
}

fn frozen_run(desk: &Desk) {
    let terms = ["--period", "2013", "--rate", "3"];
    desk.ok(&[&["--as", "treasurer", "interest", "prepare"], &terms[..]].concat());
    let run = desk.json(&["interest", "show", "--run", "1"]);
    let hash = run["run_hash"].as_str().expect("a hash").to_owned();
    desk.ok(&[
        "--as", "chair", "interest", "approve", "--run", "1", "--hash", &hash,
    ]);
    desk.ok(&["--as", "treasurer", "interest", "freeze", "--run", "1"]);
}

#[test]
fn the_fund_takes_its_part_of_a_run_and_never_promises_more_than_it_holds() {
    let desk = with_council();
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    frozen_run(&desk);
    let none = desk.refused(&["--as", "treasurer", "fund", "bring", "--run", "1"]);
    assert!(none.contains("no rule of the fund is in force"), "{none}");
    let rule = desk.file(
        "rule.toml",
        "[[rule]]\nfrom = \"2012-01-01\"\npart_of_interest = \"20/80\"\nevidence = \"Rule 62\"\n",
    );
    desk.ok(&["--as", "treasurer", "fund", "enter", &rule]);
    // £58,000 × 3 % = £1,740.00 or so by days; 20 for every 80 of it.
    let run = desk.json(&["interest", "show", "--run", "1"]);
    let interest = run["total_pence"].as_i64().expect("pence");
    let brought = desk.json(&["--as", "treasurer", "fund", "bring", "--run", "1"]);
    assert_eq!(brought["pence"].as_i64(), Some((interest * 20 + 40) / 80));
    let held = brought["pence"].as_i64().expect("pence");
    let again = desk.refused(&["--as", "treasurer", "fund", "bring", "--run", "1"]);
    assert!(again.contains("fund:run/1"), "{again}");
    let grant = |pounds: &str| {
        desk.file(
            "grant.toml",
            &format!("[[grant]]\nid = \"garden\"\nto = \"Garden group\"\npurpose = \"raised beds\"\npounds = \"{pounds}\"\ndecided = \"2017-08-19\"\nconditions = [\"insurance\"]\nreport_by = \"2018-08-19\"\nevidence = \"ballot 1\"\n"),
        )
    };
    let too_much = desk.refused(&["--as", "treasurer", "fund", "enter", &grant("1000")]);
    assert!(
        too_much.contains("more than the fund can promise"),
        "{too_much}"
    );
    desk.ok(&["--as", "treasurer", "fund", "enter", &grant("400")]);
    let today = desk.json(&["fund", "report", "--period", "2013-01-01..2099-12-31"]);
    assert_eq!(today["promised_pence"], 40_000);
    assert_eq!(today["free_pence"].as_i64(), Some(held - 40_000));
    let day = today["lines"][0]["on"].as_str().expect("a day").to_owned();
    let pay = |officer: &str, pounds: &str| {
        desk.run(&[
            "--as",
            officer,
            "fund",
            "pay",
            "garden",
            "--pounds",
            pounds,
            "--on",
            &day,
            "--evidence",
            "bank",
        ])
    };
    let own = pay("treasurer", "400");
    assert!(own.err.contains("another officer pays it"), "{}", own.err);
    let unmet = pay("chair", "400");
    assert!(
        unmet.err.contains("a condition that is not met: insurance"),
        "{}",
        unmet.err
    );
    let met = desk.file(
        "met.toml",
        "[[condition-met]]\ngrant = \"garden\"\ncondition = 1\non = \"2017-09-01\"\nevidence = \"policy\"\n",
    );
    desk.ok(&["--as", "treasurer", "fund", "enter", &met]);
    assert!(pay("chair", "400.01").err.contains("more than is left"));
    let paid = pay("chair", "400");
    assert_eq!(paid.code, 0, "{}", paid.err);
    assert!(pay("chair", "1").err.contains("no grant `garden`") || pay("chair", "1").code == 1);
    let report = desk.json(&["fund", "report", "--period", "2013-01-01..2099-12-31"]);
    assert_eq!(report["closing_pence"].as_i64(), Some(held - 40_000));
    assert_eq!(report["grants"][0]["paid_pence"], 40_000);
    // It is in the books, and the books balance.
    let books = desk.ok(&["accounts", "trial-balance", "--on", &day]);
    assert!(books.contains("Community fund"), "{books}");
    let by_hand = desk.refused(&[
        "--as",
        "treasurer",
        "accounts",
        "reverse",
        "99",
        "--on",
        &day,
        "--reason",
        "x",
    ]);
    assert!(!by_hand.is_empty());
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(
        desk.json(&["fund", "report", "--period", "2013-01-01..2099-12-31"]),
        report
    );
}

#[test]
fn a_project_counts_people_and_hours_and_names_nobody_without_consent() {
    let desk = with_council();
    let file = desk.file(
        "projects.toml",
        r#"
[[project]]
id = "garden"
name = "The roof garden"
about = "Raised beds beside the panels."
group = "Neighbours of the roof"
proposed = "2014-02-01"

[[agreed]]
project = "garden"
on = "2014-02-15"
what = "The block's meeting is for it"

[[place]]
id = "yard"
project = "garden"
place = "The yard"
lender = "Sample Council"
from = "2014-03-01"
to = "2014-10-31"

[[session]]
id = "garden-1"
project = "garden"
on = "2014-03-08"
people = 12
new_people = 12
hours = "2.5"

[[session]]
id = "garden-2"
project = "garden"
on = "2014-03-15"
people = 10
new_people = 3
hours = "3"

[[result]]
project = "garden"
on = "2014-06-30"
what = "Twelve beds are planted"
"#,
    );
    desk.ok(&["--as", "secretary", "project", "enter", &file]);
    let year = desk.json(&["project", "report", "--period", "2014"]);
    // 12 × 2.5 h and 10 × 3 h; 15 people, each once.
    assert_eq!(
        (&year["people"], &year["hours_hundredths"]),
        (&15.into(), &6_000.into())
    );
    desk.ok(&[
        "--as",
        "secretary",
        "project",
        "name",
        "garden",
        "--name",
        "Sample Neighbour",
        "--consent",
        "2014-03-08",
        "--evidence",
        "form 1",
    ]);
    let text = desk.ok(&["project", "report", "--period", "2014"]);
    assert!(text.contains("With Sample Neighbour."), "{text}");
    assert!(
        text.contains("15 residents took part in 1 project of their own and gave 60 hours"),
        "{text}"
    );
    // The name is in no byte on disk but sealed, and gone when the consent is taken back.
    let journal = desk.data().join("s/bes");
    assert!(!stands_in(&journal, b"Sample Neighbour"));
    desk.ok(&["verify"]);
    desk.ok(&[
        "--as",
        "secretary",
        "project",
        "unname",
        "garden",
        "--number",
        "1",
    ]);
    let text = desk.ok(&["project", "report", "--period", "2014"]);
    assert!(!text.contains("Sample Neighbour"), "{text}");
    desk.ok(&["verify"]);
    let impossible = desk.file(
        "impossible.toml",
        "[[session]]\nid = \"garden-3\"\nproject = \"garden\"\non = \"2014-03-22\"\npeople = 2\nnew_people = 3\nhours = \"1\"\n",
    );
    let why = desk.refused(&["--as", "secretary", "project", "enter", &impossible]);
    assert!(why.contains("no more new ones than there were"), "{why}");
}

#[test]
fn a_roof_closes_with_its_disposal_in_the_books_and_its_history_kept() {
    let desk = with_council();
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    desk.reads("M1 2024-06-30T12:00:00Z 140,000");
    let opening = desk.file(
        "opening.csv",
        "entry,date,text,account,debit,credit,source\n\
         1,2012-04-23,opening,1000,58000.00,,opening:2012\n\
         1,2012-04-23,opening,3000,,58000.00,opening:2012\n\
         2,2024-06-29,depreciation,6400,56000.00,,document:accounts\n\
         2,2024-06-29,depreciation,1010,,56000.00,document:accounts\n",
    );
    let posted = desk.run(&["--as", "treasurer", "accounts", "post", "--file", &opening]);
    assert_eq!(posted.code, 0, "{}\n{}", posted.out, posted.err);
    let closing = |proceeds: &str| {
        desk.file(
            "closing.toml",
            &format!("[[closing]]\nsite = \"roof\"\non = \"2024-06-30\"\nwhy = \"the licence ended\"\nfollows = \"reverts\"\nto = \"Sample Council\"\ncost_pounds = \"58000\"\ndepreciation_pounds = \"56000\"\nproceeds_pounds = \"{proceeds}\"\ncost_account = \"1000\"\ndepreciation_account = \"1010\"\nresult_account = \"6400\"\nevidence = \"Licence, clause 12\"\n"),
        )
    };
    let said = desk.ok(&["--as", "treasurer", "closing", "enter", &closing("500")]);
    assert_eq!(said, "noted: 1; there already: 0\n");
    let again = desk.ok(&["--as", "treasurer", "closing", "enter", &closing("500")]);
    assert_eq!(again, "noted: 0; there already: 1\n");
    let other = desk.refused(&["--as", "treasurer", "closing", "enter", &closing("600")]);
    assert!(other.contains("closed already"), "{other}");
    let shown = desk.json(&["closing", "show"]);
    let steps = shown["closings"][0]["steps"].as_array().expect("steps");
    let step = |what: &str| {
        let found = steps
            .iter()
            .find(|step| step["what"].as_str().is_some_and(|w| w.contains(what)));
        found.cloned().unwrap_or_default()
    };
    assert_eq!(
        step("Final read of meter M1")["shown"],
        "140,000 kWh on 2024-06-30"
    );
    assert_eq!(step("Disposal in the books")["done"], true);
    assert_eq!(step("History kept")["done"], true);
    let balance = desk.ok(&["accounts", "trial-balance", "--on", "2024-06-30"]);
    assert!(
        balance.contains("57500.00") || balance.contains("57,500.00"),
        "{balance}"
    );
    let letter = desk.refused(&["closing", "letter", "--site", "roof"]);
    assert!(letter.contains("no licensee has to be told"), "{letter}");
    desk.ok(&["verify"]);
    desk.ok(&["rebuild"]);
    assert_eq!(desk.json(&["closing", "show"]), shown);
}

#[test]
fn a_pack_is_signed_off_at_a_head_and_says_when_figures_moved_since() {
    let desk = with_council();
    let pack = |out: &str, sign: &[&str]| {
        let mut args = vec![
            "--as",
            "secretary",
            "council",
            "pack",
            "--council",
            "Sample Council",
            "--period",
            "2023",
            "--out",
            out,
        ];
        args.extend(sign);
        desk.ok(&args)
    };
    assert!(pack("draft", &[]).starts_with("a draft"));
    let signed = pack("signed", &["--sign"]);
    assert!(signed.starts_with("signed off by secretary"), "{signed}");
    let head = desk.ok(&["head"]);
    assert_eq!(pack("again", &["--sign"]), signed);
    assert_eq!(desk.ok(&["head"]), head, "twice is once");
    let read = |name: &str| std::fs::read(desk.path().join("signed").join(name)).expect("a file");
    assert!(read("pack.pdf").starts_with(b"%PDF"));
    assert!(read("pack.docx").starts_with(b"PK"));
    assert!(read("bes-generation.png").starts_with(b"\x89PNG"));
    let csv = String::from_utf8(read("pack.csv")).expect("text");
    assert!(
        csv.contains("Signed off by secretary") && csv.contains("the root"),
        "{csv}"
    );
    assert!(csv.contains("quality "), "the quality of each month: {csv}");
    // A council's space that is noted afterwards moves the figures: what was signed says so.
    let file = desk.file("stake.toml", STAKE);
    desk.ok(&["--as", "secretary", "council", "enter", &file]);
    assert!(pack("moved", &[]).starts_with("a draft"));
    let moved = std::fs::read_to_string(desk.path().join("moved/pack.csv")).expect("text");
    assert!(
        moved.contains("has moved since and is not signed off"),
        "{moved}"
    );
    let early = desk.refused(&[
        "--as",
        "secretary",
        "council",
        "pack",
        "--council",
        "Sample Council",
        "--period",
        "2099",
        "--out",
        "early",
        "--sign",
    ]);
    assert!(early.contains("is not over"), "{early}");
    let letter = desk.ok(&[
        "council",
        "letter",
        "--council",
        "Sample Council",
        "--on",
        "2024-03-31",
    ]);
    assert!(
        letter.contains("held £10,000.00 of share capital"),
        "{letter}"
    );
    assert!(
        letter.contains("£666.66  Loan start-up still owed"),
        "{letter}"
    );
    let bundle = [
        "--as",
        "secretary",
        "council",
        "bundle",
        "--council",
        "Sample Council",
        "--period",
        "2023",
        "--request",
        "FOI 12",
    ];
    let given = desk.json(&bundle);
    assert_eq!(given["invested_pence"], 1_000_000);
    assert!(
        given["left_out"][0]
            .as_str()
            .is_some_and(|why| why.contains("members"))
    );
    let head = desk.ok(&["head"]);
    desk.ok(&bundle);
    assert_eq!(desk.ok(&["head"]), head, "the same bundle is logged once");
    desk.ok(&["verify"]);
}

/// A file of the demo.
fn demo(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo");
    path.join(name).display().to_string()
}

#[test]
fn the_samples_are_16_projects_and_600_people_and_a_mutual_with_three_years_of_outcomes() {
    let desk = with_council();
    let projects = demo("bes1-projects.toml");
    desk.ok(&["--as", "secretary", "project", "enter", &projects]);
    let all = desk.json(&["project", "report", "--period", "2024-01-01..2025-12-31"]);
    assert_eq!(all["projects"].as_array().map(Vec::len), Some(16));
    assert_eq!(
        (&all["people"], &all["sample"]),
        (&600.into(), &true.into())
    );
    let year = desk.ok(&["project", "report", "--period", "2025"]);
    assert!(year.contains("SAMPLE: A repair table"), "{year}");
    let outcomes = demo("bes1-outcomes.toml");
    desk.ok(&["--as", "secretary", "outcome", "enter", &outcomes]);
    let service = desk.json(&[
        "outcome",
        "report",
        "--period",
        "2023-01-01..2025-12-31",
        "--service",
        "Learning centre (sample mutual)",
    ]);
    let lines = service["outcomes"].as_array().expect("outcomes");
    assert_eq!(lines.len(), 3);
    // £98,000 for 280 learners, £99,200 for 310, £100,500 for 335: £350, £320, £300.
    let years: Vec<(i64, Value)> = lines[0]["years"]
        .as_array()
        .expect("years")
        .iter()
        .map(|year| {
            (
                year["cost_of_one_pence"].as_i64().expect("pence"),
                year["change_percent"].clone(),
            )
        })
        .collect();
    assert_eq!(
        years,
        [
            (35_000, Value::Null),
            (32_000, "-8.6".into()),
            (30_000, "-6.3".into())
        ]
    );
    let text = desk.ok(&["outcome", "report", "--period", "2024"]);
    assert!(text.contains("SAMPLE"), "{text}");
}

#[test]
fn a_youth_panel_of_1000_shares_out_its_own_budget() {
    let desk = Desk::plain();
    let today = super::ballots::today();
    let sample = std::fs::read_to_string(demo("bes1-youth-panel.toml")).expect("the sample");
    let file = desk.file("panel.toml", &sample.replace("TODAY", &today));
    let mut list = "number,age\n".to_owned();
    for number in 1..=1_200 {
        // The last 200 are too old for the panel.
        let age = if number <= 1_000 {
            11 + number % 14
        } else {
            40
        };
        list.push_str(&format!("{number},{age}\n"));
    }
    let list = desk.file("list.csv", &list);
    desk.ok(&[
        "--as",
        "secretary",
        "ballot",
        "call",
        &file,
        "--list",
        &list,
    ]);
    let voters: Vec<String> = (1..=1_000).map(|n| n.to_string()).collect();
    let voters = voters.join(",");
    let papers = |officer: &str| {
        let mut args = vec!["--as", officer, "ballot", "paper", "1", "--voters", &voters];
        for number in 0..1_000 {
            args.push("--choice");
            args.push(if number < 750 {
                "studio=6000,sport=4000"
            } else {
                "transport=8000"
            });
        }
        desk.ok(&args)
    };
    papers("secretary");
    let waits = desk.refused(&["--as", "secretary", "ballot", "close", "1"]);
    assert!(waits.contains("electors have voted"), "{waits}");
    papers("treasurer");
    desk.ok(&["--as", "secretary", "ballot", "close", "1"]);
    let tally = desk.json(&["ballot", "show", "1"]);
    assert_eq!(
        (&tally["of"], &tally["voted"]),
        (&1_000.into(), &1_000.into())
    );
    // 750 × £6,000, 750 × £4,000 and 250 × £8,000 by 1,000 voters.
    let granted: Vec<i64> = tally["tally"]["options"]
        .as_array()
        .expect("options")
        .iter()
        .map(|option| option["granted_pence"].as_i64().expect("pence"))
        .collect();
    assert_eq!(granted, [450_000, 300_000, 200_000]);
    assert_eq!(tally["tally"]["kept_pence"], 50_000);
}
