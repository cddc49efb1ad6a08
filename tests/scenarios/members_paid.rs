//! Paying members through the command line: prepared by one officer, approved by another, released
//! once, read back from the bank, returned, paid again; and the papers of the year.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::desk::Desk;

const TERMS: &str = r#"
[[officer]]
id = "chair"
role = "chair"

[[share_class]]
id = "ordinary"
name = "Ordinary shares"
par_pounds = "1"

[[interest]]
class = "ordinary"
from = "2012-01-01"
maximum = "7"

[payments]
name = "Test Society"
sort_code = "112233"
account = "44556677"
service_user = "123456"
reference = "BES INT"
"#;

/// Seven members: bank, bank with a roll number, cheque, shares paid out, shares carried, fund, and
/// one that asks for the bank without details.
const MEMBERS: &str = "number,name,kind,joined,payment,rest,sort_code,account,roll_number,address,postcode\n\
    1,Zoë O'Sample-Łęcka,person,2012-02-20,bank,,101010,12345678,,1 Sample Road;London,SW2 1AA\n\
    2,Member 002,person,2012-02-20,bank,,20-20-20,87654321,A/12-3,2 Sample Road,SW2 1AA\n\
    3,Member 003,person,2012-02-20,cheque,,,,,3 Sample Road,SW2 1AA\n\
    4,Member 004,person,2012-02-20,reinvest,,404040,40404040,,4 Sample Road,SW2 1AA\n\
    5,Member 005,person,2012-02-20,reinvest,carried,,,,5 Sample Road,SW2 1AA\n\
    6,Member 006,person,2012-02-20,fund,,,,,6 Sample Road,SW2 1AA\n\
    7,Member 007,person,2012-02-20,bank,,,,,7 Sample Road,SW2 1AA\n";

const SHARES: &str = "member,class,on,shares,kind\n\
    1,ordinary,2012-02-20,8334,issue\n\
    2,ordinary,2012-02-20,8333,issue\n\
    3,ordinary,2012-02-20,1000,issue\n\
    4,ordinary,2012-02-20,1571,issue\n\
    5,ordinary,2012-02-20,505,issue\n\
    6,ordinary,2012-02-20,10000,issue\n\
    7,ordinary,2012-02-20,100,issue\n";

/// A society with a frozen run of 2013 at 3 %, and books.
pub(super) fn society(more: &str) -> Desk {
    let desk = Desk::plain();
    let path = desk.path().join("society.toml");
    let text = fs::read_to_string(path).expect("the society file");
    let file = desk.file("society.toml", &(text + TERMS + more));
    desk.ok(&["society", "apply", &file]);
    let members = desk.file("members.csv", MEMBERS);
    desk.ok(&["--as", "treasurer", "members", "import", &members]);
    let shares = desk.file("shares.csv", SHARES);
    desk.ok(&["--as", "treasurer", "shares", "import", &shares]);
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    run(&desk, "2013", "3");
    desk
}

/// A run of a year, frozen; its number.
fn run(desk: &Desk, period: &str, rate: &str) -> String {
    let made = desk.json(&[
        "--as",
        "treasurer",
        "interest",
        "prepare",
        "--period",
        period,
        "--rate",
        rate,
    ]);
    let number = made["run"].to_string();
    let hash = made["run_hash"].as_str().expect("a hash").to_owned();
    desk.ok(&[
        "--as", "chair", "interest", "approve", "--run", &number, "--hash", &hash,
    ]);
    desk.ok(&["--as", "treasurer", "interest", "freeze", "--run", &number]);
    number
}

/// Prepares an order and has it approved; what was prepared.
pub(super) fn approved(desk: &Desk, args: &[&str]) -> Value {
    let mut all = vec!["--as", "treasurer", "payments", "prepare"];
    all.extend(args);
    let made = desk.json(&all);
    let (order, hash) = (
        made["order"].to_string(),
        made["order_hash"].as_str().expect("a hash").to_owned(),
    );
    desk.ok(&[
        "--as", "chair", "payments", "approve", "--order", &order, "--hash", &hash,
    ]);
    made
}

pub(super) fn release(desk: &Desk, run: &str, profile: &str, out: &str) -> Value {
    desk.json(&[
        "--as",
        "treasurer",
        "payments",
        "file",
        "--run",
        run,
        "--profile",
        profile,
        "--out",
        out,
    ])
}

/// Member, way, paid, shares and what became of it, of an order's lines.
fn lines(order: &Value) -> Vec<(u64, String, i64, i64, String)> {
    let lines = order["lines"].as_array().expect("lines").iter();
    lines
        .map(|line| {
            (
                line["member"].as_u64().unwrap(),
                line["way"].as_str().unwrap().to_owned(),
                line["pence"].as_i64().unwrap(),
                line["shares"].as_i64().unwrap(),
                line["stands"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn balance(desk: &Desk, account: &str) -> i64 {
    let lines = desk.json(&["accounts", "account", account]);
    let lines = lines["lines"].as_array().expect("lines").iter();
    lines.map(|line| line["pence"].as_i64().unwrap()).sum()
}

#[test]
fn members_are_paid_as_they_chose_and_what_comes_back_is_owed_again() {
    let desk = society("");
    let made = desk.json(&[
        "--as",
        "treasurer",
        "payments",
        "prepare",
        "--run",
        "1",
        "--profile",
        "by-hand",
        "--on",
        "2014-05-01",
    ]);
    let line = |member, way: &str, pence, shares| {
        (
            member,
            way.to_owned(),
            pence,
            shares,
            "not released".to_owned(),
        )
    };
    // £1,571 at 3 % is £47.13: 47 shares and 13p; £505 is £15.15: 15 shares and 15p carried.
    assert_eq!(
        lines(&made),
        [
            line(1, "bank", 25_002, 0),
            line(2, "bank", 24_999, 0),
            line(3, "cheque", 3_000, 0),
            line(4, "reinvest", 4_700, 47),
            line(4, "bank", 13, 0),
            line(5, "reinvest", 1_515, 15),
            line(6, "fund", 30_000, 0),
        ]
    );
    assert_eq!(made["held"][0]["why"], "there are no bank details");
    assert_eq!(
        (&made["count"], &made["control_sum_pence"]),
        (&json!(3), &json!(50_014))
    );
    // Nothing leaves before another officer said yes to exactly this.
    let file = [
        "--as",
        "treasurer",
        "payments",
        "file",
        "--run",
        "1",
        "--profile",
        "by-hand",
    ];
    let early = desk.refused(&[&file[..], &["--out", "out.csv"]].concat());
    assert!(early.contains("waits for another officer"), "{early}");
    assert!(!desk.path().join("out.csv").exists());
    let hash = made["order_hash"].as_str().unwrap();
    let approve = ["payments", "approve", "--order", "1", "--hash", hash];
    let same = desk.refused(&[&["--as", "treasurer"][..], &approve].concat());
    assert!(same.contains("expected another officer"), "{same}");
    desk.ok(&[&["--as", "chair"][..], &approve].concat());
    let double = desk.refused(&[
        "--as",
        "treasurer",
        "payments",
        "prepare",
        "--run",
        "1",
        "--profile",
        "by-hand",
        "--on",
        "2014-05-01",
    ]);
    assert!(double.contains("nothing of run 1 can be paid"), "{double}");
    let released = release(&desk, "1", "by-hand", "out.csv");
    let bytes = fs::read(desk.path().join("out.csv")).expect("the file");
    let text = String::from_utf8(bytes.clone()).expect("ASCII");
    assert_eq!(
        text,
        "number,name,sort code,account,pounds,reference,date\n\
         1,ZOE O SAMPLE-LECKA,10-10-10,12345678,250.02,BES INT 1-1,2014-05-01\n\
         2,MEMBER 002,20-20-20,87654321,249.99,A/12-3,2014-05-01\n\
         3,MEMBER 004,40-40-40,40404040,0.13,BES INT 1-4,2014-05-01\n"
    );
    let sha: String = Sha256::digest(&bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(released["sha256"], json!(sha));
    // Twice is once, to the byte.
    let head = desk.ok(&["head"]);
    release(&desk, "1", "by-hand", "again.csv");
    assert_eq!(fs::read(desk.path().join("again.csv")).unwrap(), bytes);
    assert_eq!(desk.ok(&["head"]), head, "twice is once");
    // Any one byte of the file is seen before it is uploaded.
    desk.ok(&["payments", "check", "out.csv", "--order", "1"]);
    fs::write(desk.path().join("other.csv"), &bytes[1..]).unwrap();
    let wrong = desk.refused(&["payments", "check", "other.csv", "--order", "1"]);
    assert!(wrong.contains("not the file of order 1"), "{wrong}");
    let now = "2014-05-01T12:00:00Z".parse().unwrap();
    let office = office::Office::open_alone(&desk.data(), now).unwrap();
    let bes = office.society("bes").unwrap();
    assert!(bes.check_payment_file(1, &bytes).is_ok());
    let refused = |other: &[u8]| {
        let why = bes.check_payment_file(1, other).unwrap_err().to_string();
        assert!(why.contains("not the file of order 1"), "{why}");
    };
    for at in 0..bytes.len() {
        for bit in [1_u8, 0x20, 0x80] {
            let mut other = bytes.clone();
            other[at] ^= bit;
            refused(&other);
        }
        let mut shorter = bytes.clone();
        shorter.remove(at);
        refused(&shorter);
    }
    refused(&[bytes.as_slice(), b"\n"].concat());
    drop(bes);
    office.close();
    drop(office);
    // The books: owed is what the cheque, member 7 and the carried pence still are.
    assert_eq!(balance(&desk, "2300"), -(3_000 + 300 + 15));
    assert_eq!(balance(&desk, "1200"), -50_014);
    // Shares are issued on the day of release, which is today.
    let moved = desk.json(&["shares", "movements", "--member", "4"]);
    let today = moved.as_array().unwrap().last().unwrap()["on"]
        .as_str()
        .unwrap()
        .to_owned();
    let holdings = desk.json(&["shares", "holdings", "--on", &today]);
    let held = holdings["holdings"].as_array().unwrap();
    let of = |member: u64| {
        let mut all = held.iter();
        all.find(|one| one["member"] == member).unwrap()["shares"].as_i64()
    };
    assert_eq!((of(4), of(5)), (Some(1_618), Some(520)));
    let cheques = desk.ok(&["--as", "treasurer", "payments", "cheques", "--order", "1"]);
    assert!(
        cheques.contains("3,Member 003,\"3 Sample Road, SW2 1AA\",30.00,BES INT 1-3"),
        "{cheques}"
    );
    // The bank says what became of them; the same report twice changes nothing.
    let report = desk.file(
        "report.csv",
        "reference,outcome,date,amount,reason\n\
         BES INT 1-1,paid,2014-05-02,250.02,\n\
         BES INT 1-2,returned,2014-05-06,249.99,account closed\n",
    );
    let says = [
        "--as",
        "treasurer",
        "payments",
        "report",
        &report,
        "--order",
        "1",
    ];
    let first = desk.json(&says);
    assert_eq!((&first["paid"], &first["returned"]), (&json!(1), &json!(1)));
    let head = desk.ok(&["head"]);
    assert_eq!(desk.json(&says)["known_before"], 2);
    assert_eq!(desk.ok(&["head"]), head, "twice is once");
    assert_eq!(balance(&desk, "2300"), -(3_000 + 300 + 15 + 24_999));
    let unknown = desk.file("unknown.csv", "reference,outcome\nBES INT 9-9,paid\n");
    let refused = desk.refused(&[
        "--as",
        "treasurer",
        "payments",
        "report",
        &unknown,
        "--order",
        "1",
    ]);
    assert!(refused.contains("line 2 of the report"), "{refused}");
    // A cheque nobody cashed is owed again; a new order, newly approved, pays both.
    desk.ok(&[
        "--as",
        "treasurer",
        "payments",
        "returned",
        "--order",
        "1",
        "--member",
        "3",
        "--on",
        "2014-11-03",
        "--reason",
        "not cashed in six months",
    ]);
    let open = desk.json(&["payments", "owed", "--run", "1", "--open"]);
    let open: Vec<_> = open
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["member"].clone(), row["open_pence"].clone()))
        .collect();
    assert_eq!(
        open,
        [
            (json!(2), json!(24_999)),
            (json!(3), json!(3_000)),
            (json!(7), json!(300))
        ]
    );
    let again = approved(
        &desk,
        &[
            "--run",
            "1",
            "--profile",
            "by-hand",
            "--on",
            "2014-12-01",
            "--cheque",
            "2",
            "--cheque",
            "7",
        ],
    );
    assert_eq!(again["order"], 2);
    release(&desk, "1", "by-hand", "second.csv");
    desk.ok(&[
        "--as",
        "treasurer",
        "payments",
        "paid",
        "--order",
        "2",
        "--member",
        "2",
        "--on",
        "2015-01-05",
    ]);
    assert_eq!(balance(&desk, "2300"), -(3_000 + 300 + 15));
    // The run itself stays as it is.
    let void = desk.refused(&[
        "--as",
        "treasurer",
        "interest",
        "void",
        "--run",
        "1",
        "--reason",
        "x",
    ]);
    assert!(void.contains("order 1 pays run 1"), "{void}");
    let listed = desk.json(&["payments", "list"]);
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(desk.json(&["payments", "list"]), listed);
    // HMRC's list of 2014: £250.02 is on it and £249.99, which came back, is not; 2015 has the cheque.
    let hmrc = |period: &str| {
        let list = desk.json(&["papers", "hmrc", "--period", period]);
        let all = list["lines"].as_array().unwrap().iter();
        let all: Vec<u64> = all.map(|line| line["member"].as_u64().unwrap()).collect();
        (all, list["due"].as_str().unwrap().to_owned())
    };
    assert_eq!(hmrc("2014"), (vec![1], "2015-03-31".to_owned()));
    let csv = desk.ok(&["papers", "hmrc", "--period", "2014", "--format", "csv"]);
    assert_eq!(
        csv,
        "Name,Address,Gross interest paid\nZoë O'Sample-Łęcka,\"1 Sample Road, London, SW2 1AA\",250.02\n"
    );
    let low = desk.json(&["papers", "hmrc", "--period", "2015", "--least", "15"]);
    assert_eq!(low["lines"][0]["gross_pence"], 24_999);
    let pack = desk.json(&["papers", "pack", "--period", "2014"]);
    let owed: i64 = pack["owed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["pence"].as_i64().unwrap())
        .sum();
    assert_eq!(owed, 3_300);
    let sum: i64 = pack["balance"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["pence"].as_i64().unwrap())
        .sum();
    assert_eq!(sum, 0, "the balance closes");
}

#[test]
fn interest_of_one_year_paid_in_the_next_is_on_the_next_years_list() {
    let desk = society("");
    let other = run(&desk, "2014", "3");
    approved(
        &desk,
        &[
            "--run",
            &other,
            "--profile",
            "by-hand",
            "--on",
            "2015-04-30",
            "--only",
            "1",
            "--only",
            "2",
        ],
    );
    release(&desk, &other, "by-hand", "out.csv");
    let members = |period: &str| {
        let list = desk.json(&["papers", "hmrc", "--period", period]);
        let all = list["lines"].as_array().unwrap().clone();
        all.iter()
            .map(|line| line["member"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    // £8,334 at 3 % is £250.02, £8,333 is £249.99.
    assert_eq!(members("2014"), [0_u64; 0]);
    assert_eq!(members("2015"), [1]);
    // Over all runs: both years' interest paid in one year puts the other person on it too.
    approved(
        &desk,
        &[
            "--run",
            "1",
            "--profile",
            "by-hand",
            "--on",
            "2015-06-01",
            "--only",
            "2",
        ],
    );
    release(&desk, "1", "by-hand", "out.csv");
    assert_eq!(members("2015"), [1, 2]);
}

#[test]
fn details_that_changed_less_than_seven_days_ago_get_no_money() {
    let desk = society("");
    let details = desk.file("bank.txt", "sort_code=30-30-30\naccount=11111111\n");
    // Changed between approval and release: nothing leaves.
    approved(
        &desk,
        &["--run", "1", "--profile", "by-hand", "--on", "2014-05-01"],
    );
    desk.ok(&[
        "--as",
        "secretary",
        "members",
        "bank",
        "1",
        "--file",
        &details,
    ]);
    let file = [
        "--as",
        "treasurer",
        "payments",
        "file",
        "--run",
        "1",
        "--profile",
        "by-hand",
        "--out",
        "out.csv",
    ];
    let changed = desk.refused(&file);
    assert!(
        changed.contains("details of member 1 were changed"),
        "{changed}"
    );
    assert!(!desk.path().join("out.csv").exists());
    desk.ok(&[
        "--as",
        "treasurer",
        "payments",
        "cancel",
        "--order",
        "1",
        "--reason",
        "details changed",
    ]);
    // Younger than seven days: left out, and still owed.
    let made = desk.json(&[
        "--as",
        "treasurer",
        "payments",
        "prepare",
        "--run",
        "1",
        "--profile",
        "by-hand",
        "--on",
        "2014-05-01",
    ]);
    let why = "its bank details changed less than 7 days ago";
    assert_eq!(
        (&made["held"][0]["member"], &made["held"][0]["why"]),
        (&json!(1), &json!(why))
    );
    assert_eq!(made["count"], 2);
    desk.ok(&[
        "--as",
        "treasurer",
        "payments",
        "cancel",
        "--order",
        "2",
        "--reason",
        "to try the rule",
    ]);
    // A society whose rule refuses the whole order.
    let strict = TERMS.replace(
        "reference = \"BES INT\"",
        "reference = \"BES INT\"\nwaiting_details = \"refuse\"",
    );
    let path = desk.path().join("society.toml");
    let text = fs::read_to_string(path).unwrap().replace(TERMS, &strict);
    let file = desk.file("strict.toml", &text);
    desk.ok(&["society", "apply", &file]);
    let refused = desk.refused(&[
        "--as",
        "treasurer",
        "payments",
        "prepare",
        "--run",
        "1",
        "--profile",
        "by-hand",
        "--on",
        "2014-05-01",
    ]);
    assert!(
        refused.contains("the bank details of member 1 changed"),
        "{refused}"
    );
}

#[test]
fn tax_is_deducted_for_a_person_abroad_and_unclaimed_interest_falls_by_rule_only() {
    let rule = "forfeit_after_years = 6\nforfeit_rule = \"rule 62\"\nforfeit_to = \"fund\"\n";
    let desk = society(rule);
    desk.ok(&[
        "--as",
        "secretary",
        "members",
        "tax",
        "1",
        "--percent",
        "20",
        "--source",
        "lives in Lisbon",
    ]);
    approved(
        &desk,
        &[
            "--run",
            "1",
            "--profile",
            "by-hand",
            "--on",
            "2014-05-01",
            "--only",
            "1",
        ],
    );
    release(&desk, "1", "by-hand", "out.csv");
    // £250.02 less 20 %, rounded once: £50.00.
    assert_eq!(balance(&desk, "2310"), -5_000);
    assert_eq!(balance(&desk, "1200"), -20_002);
    let tax = desk.json(&["papers", "tax", "--period", "2014"]);
    assert_eq!(
        (
            &tax[0]["quarter_ends"],
            &tax[0]["due"],
            &tax[0]["tax_pence"]
        ),
        (&json!("2014-06-30"), &json!("2014-07-14"), &json!(5_000))
    );
    let list = desk.json(&["papers", "hmrc", "--period", "2014"]);
    assert_eq!(
        list["lines"][0]["gross_pence"], 25_002,
        "the list is before tax"
    );
    let forfeited = desk.json(&[
        "--as",
        "treasurer",
        "payments",
        "forfeit",
        "--run",
        "1",
        "--member",
        "7",
    ]);
    assert_eq!(
        (&forfeited["pence"], &forfeited["rule"]),
        (&json!(300), &json!("rule 62"))
    );
    let twice = desk.refused(&[
        "--as",
        "treasurer",
        "payments",
        "forfeit",
        "--run",
        "1",
        "--member",
        "7",
    ]);
    assert!(twice.contains("nothing that is open"), "{twice}");
    let none = society("");
    let refused = none.refused(&[
        "--as",
        "treasurer",
        "payments",
        "forfeit",
        "--run",
        "1",
        "--member",
        "7",
    ]);
    assert!(refused.contains("no rule of the society"), "{refused}");
}

#[test]
fn a_surplus_is_shared_out_by_the_rule_and_a_rate_is_what_it_can_afford() {
    let rule = r#"
[[waterfall]]
from = "2013-01-01"
starts = "surplus"
[[waterfall.step]]
takes = "reserve"
pounds = "425"
resolution = "board, reserve policy"
on = "2013-02-01"
[[waterfall.step]]
takes = "interest"
percent = "80"
resolution = "rule 12"
on = "2012-02-01"
[[waterfall.step]]
takes = "fund"
percent = "100"
resolution = "rule 13"
on = "2012-02-01"
"#;
    let desk = Desk::plain();
    let text = fs::read_to_string(desk.path().join("society.toml")).unwrap();
    let file = desk.file("society.toml", &(text + TERMS + rule));
    desk.ok(&["society", "apply", &file]);
    let members = desk.file(
        "members.csv",
        "number,name,kind,joined\n1,Member 001,person,2012-02-20\n2,Member 002,person,2012-02-20\n",
    );
    desk.ok(&["--as", "treasurer", "members", "import", &members]);
    let shares = desk.file("shares.csv", "member,class,on,shares,kind\n1,ordinary,2012-02-20,38000,issue\n2,ordinary,2012-02-20,20000,issue\n");
    desk.ok(&["--as", "treasurer", "shares", "import", &shares]);
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    let entries = desk.file(
        "books.csv",
        "entry,date,text,account,debit,credit\n\
         1,2013-06-30,power and FIT,1200,3100.00,\n\
         1,,,4900,,3100.00\n\
         2,2013-07-01,insurance,6000,500.00,\n\
         2,,,1200,,500.00\n",
    );
    desk.ok(&["--as", "treasurer", "accounts", "post", "--file", &entries]);
    let shared = desk.json(&["interest", "waterfall", "--period", "2013"]);
    assert_eq!(
        [
            &shared["start_pence"],
            &shared["interest_pence"],
            &shared["fund_pence"],
            &shared["reserve_pence"],
            &shared["carried_pence"]
        ],
        [
            &json!(260_000),
            &json!(174_000),
            &json!(43_500),
            &json!(42_500),
            &json!(0)
        ]
    );
    assert_eq!(shared["interest_percent_of_capital"], "3.00");
    assert_eq!(shared["steps"][0]["resolution"], "board, reserve policy");
    let afford = desk.json(&["interest", "afford", "--period", "2013"]);
    assert_eq!(
        (&afford["rate_percent"], &afford["cost_pence"]),
        (&json!("3"), &json!(174_000))
    );
    assert!(
        afford["stops"]
            .as_str()
            .unwrap()
            .starts_with("at 3.01 % it would cost £1,745.80"),
        "{afford}"
    );
    let more = desk.json(&[
        "interest", "afford", "--period", "2013", "--start", "100000",
    ]);
    assert_eq!(more["rate_percent"], "7");
    assert!(
        more["stops"].as_str().unwrap().contains("maximum"),
        "{more}"
    );
    let before = desk.refused(&["interest", "waterfall", "--period", "2012"]);
    assert!(before.contains("no waterfall is in force"), "{before}");
}

#[test]
fn the_calendar_names_the_years_returns_with_their_owners() {
    let more = r#"
[[deadline]]
kind = "agm"
about = "AGM 2014"
due = "2014-06-20"
notice_clear_days = 14

[[deadline]]
kind = "insurance"
about = "public liability"
due = "2013-05-01"
every_months = 12
owner = "chair"
"#;
    let desk = society(more);
    approved(
        &desk,
        &["--run", "1", "--profile", "by-hand", "--on", "2014-05-01"],
    );
    release(&desk, "1", "by-hand", "out.csv");
    let tasks = desk.json(&[
        "tasks",
        "list",
        "--from",
        "2014-04-01",
        "--to",
        "2015-12-31",
    ]);
    let due = |kind: &str| -> Vec<(String, String)> {
        let all = tasks.as_array().unwrap().iter();
        all.filter(|task| task["kind"] == kind)
            .map(|task| {
                (
                    task["due"].as_str().unwrap().to_owned(),
                    task["owner"].as_str().unwrap_or("").to_owned(),
                )
            })
            .collect()
    };
    let of = |day: &str, owner: &str| (day.to_owned(), owner.to_owned());
    assert_eq!(
        due("ar30"),
        [of("2014-07-31", "secretary"), of("2015-07-31", "secretary")]
    );
    // Nothing was paid in 2013; the return of 2014 is due three months after it.
    assert_eq!(due("hmrc-interest"), [of("2015-03-31", "treasurer")]);
    assert_eq!(
        due("corporation-tax"),
        [of("2014-10-01", "treasurer"), of("2015-10-01", "treasurer")]
    );
    assert_eq!(
        due("ct600"),
        [of("2014-12-31", "treasurer"), of("2015-12-31", "treasurer")]
    );
    assert_eq!(due("agm-notice"), [of("2014-06-05", "secretary")]);
    assert_eq!(
        due("insurance"),
        [of("2014-05-01", "chair"), of("2015-05-01", "chair")]
    );
}

#[test]
fn reads_corrected_after_a_freeze_are_stated_in_the_next_run_once() {
    use super::income;
    let desk = income::society();
    let terms = r#"
[[officer]]
id = "chair"
role = "chair"

[[share_class]]
id = "ordinary"
name = "Ordinary shares"
par_pounds = "1"

[[interest]]
class = "ordinary"
from = "2012-01-01"
maximum = "7"
"#;
    let text = fs::read_to_string(desk.path().join("income.toml")).unwrap();
    let file = desk.file("income.toml", &(text + terms));
    desk.ok(&["society", "apply", &file]);
    let members = desk.file(
        "members.csv",
        "number,name,kind,joined\n1,Member 001,person,2012-02-20\n",
    );
    desk.ok(&["--as", "treasurer", "members", "import", &members]);
    let shares = desk.file(
        "shares.csv",
        "member,class,on,shares,kind\n1,ordinary,2012-02-20,1000,issue\n",
    );
    desk.ok(&["--as", "treasurer", "shares", "import", &shares]);
    desk.reads(
        "B1 2013-12-31T20:00:00Z 1000
         B1 2014-03-31T20:00:00Z 2900
         B1 2014-06-30T20:00:00Z 5000",
    );
    let freeze = |from: &str, to: &str| {
        let mut words = income::claim("freeze", "block-fit", from, to);
        words.extend(["--as", "treasurer"]);
        desk.json(&words)
    };
    freeze("2014-01-01", "2014-03-31");
    run(&desk, "2014-01-01..2014-03-31", "3");
    // The photo shows 2,800: the read is corrected after both were frozen.
    desk.ok(&[
        "reads",
        "decide",
        "--meter",
        "B1",
        "--at",
        "2014-03-31T20:00:00Z",
        "--value",
        "2900",
        "correct",
        "--correct-to",
        "2800",
        "--reason",
        "misread, see photo",
        "--as",
        "treasurer",
    ]);
    freeze("2014-04-01", "2014-06-30");
    let preview = desk.json(&[
        "interest",
        "preview",
        "--period",
        "2014-04-01..2014-06-30",
        "--rate",
        "3",
    ]);
    let stated = preview["adjustments"].as_array().unwrap();
    let wh: i64 = stated.iter().map(|one| one["wh"].as_i64().unwrap()).sum();
    assert!(
        stated
            .iter()
            .all(|one| one["adjusts"] == 1 && one["claim"] == 2),
        "{preview}"
    );
    assert_eq!(
        wh, -150_000,
        "100 kWh of generation and half of it of export"
    );
    let first = desk.json(&["interest", "show", "--run", "1"]);
    assert_eq!(
        first["adjustments"],
        json!([]),
        "a frozen run never changes"
    );
    run(&desk, "2014-04-01..2014-06-30", "3");
    let third = desk.json(&[
        "interest",
        "preview",
        "--period",
        "2014-07-01..2014-09-30",
        "--rate",
        "3",
    ]);
    assert_eq!(third["adjustments"], json!([]), "stated once");
}

#[test]
fn a_society_that_reinvests_is_paid_by_one_full_order_after_another() {
    let members: u32 = 2_100;
    let desk = Desk::plain();
    let text = fs::read_to_string(desk.path().join("society.toml")).expect("the society file");
    let file = desk.file("society.toml", &(text + TERMS));
    desk.ok(&["society", "apply", &file]);
    let mut roll = String::from("number,name,kind,joined,payment\n");
    let mut shares = String::from("member,class,on,shares,kind\n");
    for n in 1..=members {
        roll.push_str(&format!("{n},Member {n:05},person,2012-02-20,reinvest\n"));
        shares.push_str(&format!("{n},ordinary,2012-02-20,250,issue\n"));
    }
    let roll = desk.file("members.csv", &roll);
    desk.ok(&["--as", "treasurer", "members", "import", &roll]);
    let shares = desk.file("shares.csv", &shares);
    desk.ok(&["--as", "treasurer", "shares", "import", &shares]);
    run(&desk, "2013", "3.25");
    let args = ["--run", "1", "--profile", "by-hand", "--on", "2014-05-01"];
    let first = approved(&desk, &args);
    release(&desk, "1", "by-hand", "none.csv");
    let second = approved(&desk, &args);
    let count = |order: &Value| order["lines"].as_array().unwrap().len();
    // 2,000 members of one order, each with a line of shares and one for the pence.
    assert_eq!((count(&first), count(&second)), (4_000, 200));
    let total = |order: &Value| order["total_pence"].as_i64().unwrap();
    // £250 at 3.25 % is £8.13: eight shares, and 13p by cheque. Not one is left out or paid twice.
    assert_eq!(total(&first) + total(&second), i64::from(members) * 813);
}
