//! A treasurer's first evening: the slips and short cuts that cost money, each told or refused.

use std::process::Command;

use super::{
    desk::Desk,
    income::{claim, society},
};

fn take<'a>(officer: &'a str, at: &'a str, value: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "--as",
        officer,
        "reads",
        "take",
        "--meter-point",
        "roof-generation",
        "--meter",
        "M1",
        "--value",
        value,
        "--at",
        at,
    ];
    args.extend(more);
    args
}

fn decide<'a>(officer: &'a str, what: &'a str) -> Vec<&'a str> {
    vec![
        "--as",
        officer,
        "reads",
        "decide",
        "--meter",
        "M1",
        "--at",
        "2023-09-20T11:15:00Z",
        "--value",
        "999990",
        what,
        "--reason",
        "it is so",
    ]
}

fn reads(desk: &Desk) {
    desk.reads(
        "M1 2022-12-15T12:00:00Z 300000.00
         M1 2023-03-31T12:00:00Z 302940.00
         M1 2023-06-15T12:00:00Z 310440.00",
    );
}

#[test]
fn who_takes_a_read_that_is_held_cannot_let_it_count() {
    let desk = society();
    reads(&desk);
    let taken = desk.ok(&take("treasurer", "2023-09-20T12:15", "999990", &[]));
    assert!(
        taken.contains("until a second person has seen the same"),
        "{taken}"
    );
    let mut confirm = take("secretary", "2023-09-20T12:15", "999990", &[]);
    confirm.splice(3..6, ["confirm"]);
    let seen = desk.ok(&confirm);
    assert!(seen.contains("does not count yet"), "{seen}");
    assert!(seen.contains("another officer"), "{seen}");
    let own = desk.refused(&decide("treasurer", "accept"));
    assert!(own.contains("expected another officer"), "{own}");
    let listed = desk.ok(&["reads", "taken"]);
    assert!(listed.contains("held"), "{listed}");
    // Two officers together cannot claim what the roof cannot have made.
    desk.ok(&decide("secretary", "accept"));
    let mut freeze = claim("freeze", "roof-fit", "2023-06-15", "2023-09-30");
    let shown = desk.ok(&claim("preview", "roof-fit", "2023-06-15", "2023-09-30"));
    assert!(
        shown.contains("more than the installation can have made"),
        "{shown}"
    );
    freeze.splice(0..0, ["--as", "treasurer"]);
    let beyond = desk.refused(&freeze);
    assert!(beyond.contains("can have made"), "{beyond}");
    // Taking one's own word back is always possible.
    let mine = desk.ok(&take("secretary", "2023-09-21T12:15", "999990", &[]));
    assert!(mine.contains("on the dial"), "{mine}");
    desk.ok(&decide("treasurer", "refuse"));
}

#[test]
fn a_photo_of_one_day_is_no_evidence_of_another() {
    let desk = society();
    reads(&desk);
    let path = desk.path().join("dial.jpg");
    std::fs::write(&path, b"\xFF\xD8\xFF\xE0 a dial").expect("written");
    let photo = path.display().to_string();
    let with = ["--photo", photo.as_str()];
    desk.ok(&take("treasurer", "2023-06-16T12:15", "310500.00", &with));
    let again = desk.refused(&take("treasurer", "2023-06-20T12:15", "310700.00", &with));
    assert!(again.contains("is the photo of the read"), "{again}");
}

#[test]
fn figures_typed_without_their_point_are_proposed_with_it() {
    let desk = society();
    let said = desk.refused(&take("treasurer", "2023-06-15T12:15", "31044000", &[]));
    assert!(said.contains("Did you mean `310440.00`?"), "{said}");
}

#[test]
fn a_bank_file_beside_a_statement_of_the_same_claim_is_reconciled() {
    let desk = society();
    reads(&desk);
    let mut freeze = claim("freeze", "roof-fit", "2022-12-15", "2023-06-15");
    freeze.splice(0..0, ["--as", "treasurer"]);
    let frozen = desk.json(&freeze);
    assert_eq!(frozen["total_pence"], 230_825);
    let statement = desk.file(
        "statement.csv",
        "installation,from,to,paid_on,kind,kwh,rate_p_per_kwh,pounds
roof-fit,2022-12-15,2023-03-31,2023-07-20,generation,2940,20.17,593.00
roof-fit,2023-04-01,2023-06-15,2023-07-20,generation,7500,22.87,1715.25
",
    );
    desk.ok(&["--as", "treasurer", "bank", "import", &statement]);
    let mapping = desk.file(
        "bank.toml",
        "kind = \"bank\"\n[[payer]]\ntext = \"LICENSEE\"\ninstallation = \"roof-fit\"\n",
    );
    let bank = desk.file(
        "bank.csv",
        "paid_on,pounds,text\n2023-07-20,2308.25,GOOD LICENSEE\n2023-07-24,99.00,LICENSEE\n",
    );
    desk.ok(&[
        "--as",
        "treasurer",
        "bank",
        "import",
        &bank,
        "--mapping",
        &mapping,
    ]);
    // Who paid lies sealed, and is read where the key is.
    assert!(desk.ok(&["bank", "list"]).contains("GOOD LICENSEE"));
    for kept in std::fs::read_dir(desk.data().join("s/bes/blobs")).expect("kept files") {
        let bytes = std::fs::read(kept.expect("a file").path()).expect("its bytes");
        assert!(!bytes.windows(8).any(|part| part == b"LICENSEE"));
    }
    desk.ok(&["verify"]);
    let copy = desk.path().join("copy").display().to_string();
    desk.ok(&["backup", &copy]);
    let elsewhere = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
        .args(["--data", &copy, "bank", "list"])
        .output()
        .expect("the binary runs");
    let listed = String::from_utf8_lossy(&elsewhere.stdout).into_owned();
    assert!(listed.contains("the sealing key is not here"), "{listed}");
    assert!(listed.contains("£2,308.25"), "{listed}");
    let found = desk.json_with(0, &["claim", "reconcile"]);
    let words: Vec<&str> = found["differences"]
        .as_array()
        .expect("differences")
        .iter()
        .filter_map(|one| one["difference"].as_str())
        .collect();
    assert_eq!(words, ["not-due"], "{found}");
}

#[test]
fn an_amount_whose_point_slipped_is_called_so_and_the_letter_asks_and_does_not_instruct() {
    let desk = society();
    reads(&desk);
    let statement = desk.file(
        "statement.csv",
        "installation,from,to,paid_on,kind,kwh,rate_p_per_kwh,pounds
roof-fit,2022-12-15,2023-03-31,2023-07-20,generation,2940,20.17,593.00
roof-fit,2023-04-01,2023-06-15,2023-07-20,generation,7500,22.87,171.53
roof-fit,2023-04-01,2023-06-15,2023-07-20,deduction,,,-25.00
",
    );
    let said = desk
        .run(&["claim", "reconcile", &statement, "--letter"])
        .out;
    assert!(
        said.contains("paid a 10th of it: a decimal point slipped"),
        "{said}"
    );
    assert!(said.contains("please say by what right"), "{said}");
    assert!(!said.contains("ask the licensee"), "{said}");
}

#[test]
fn a_grid_price_below_zero_and_the_wrong_index_are_refused() {
    let desk = society();
    let page = desk.file("page.txt", "as printed");
    let extend = |table: &str, row: &[&str]| {
        let mut args = vec!["--as", "treasurer", "table", "extend", table];
        args.extend(row);
        args.extend(["--source", "a page", "--file", &page]);
        desk.refused(&args)
    };
    let price = extend(
        "grid-price",
        &["host=council", "from=2022-12-01", "p_per_kwh=-2"],
    );
    assert!(price.contains("not below zero"), "{price}");
    let index = extend("uplifts", &["year=2027", "percent=3.1", "index=RPI"]);
    assert!(index.contains("expected CPI"), "{index}");
}

#[test]
fn a_cost_of_a_day_to_come_or_beyond_any_roof_is_refused() {
    let desk = society();
    let add = |on: &str, pounds: &str| {
        desk.refused(&[
            "--as",
            "treasurer",
            "cost",
            "add",
            "--site",
            "roof",
            "--on",
            on,
            "--pounds",
            pounds,
            "--kind",
            "repair",
            "--what",
            "fan",
        ])
    };
    assert!(add("2126-06-10", "120.00").contains("still to come"));
    assert!(add("2023-06-10", "99999999999.00").contains("decimal point"));
}

#[test]
fn a_cost_goes_into_the_books_once_and_is_taken_back_there_first() {
    let desk = society();
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    desk.ok(&[
        "--as",
        "treasurer",
        "cost",
        "add",
        "--site",
        "roof",
        "--on",
        "2023-06-10",
        "--pounds",
        "120.00",
        "--kind",
        "repair",
        "--what",
        "inverter fan",
    ]);
    let post = |cost: &'static str, account: &'static str| {
        [
            "--as",
            "treasurer",
            "accounts",
            "post",
            "--cost",
            cost,
            "--account",
            account,
        ]
    };
    assert!(desk.refused(&post("2", "6100")).contains("no cost 2"));
    assert!(
        desk.refused(&post("1", "9999"))
            .contains("not in the chart")
    );
    let posted = desk.ok(&post("1", "6100"));
    assert!(
        posted.contains("cost 1, roof, repair: inverter fan (cost:1)"),
        "{posted}"
    );
    assert!(desk.refused(&post("1", "6100")).contains("posted already"));
    let line = |account: &str| desk.ok(&["accounts", "account", account]);
    assert!(line("6100").contains("£120.00"), "{}", line("6100"));
    assert!(line("1200").contains("£120.00"), "{}", line("1200"));
    let reverse = [
        "--as",
        "treasurer",
        "cost",
        "reverse",
        "1",
        "--reason",
        "on warranty",
    ];
    assert!(desk.refused(&reverse).contains("in the books as entry 1"));
    desk.ok(&[
        "--as",
        "treasurer",
        "accounts",
        "reverse",
        "1",
        "--on",
        "2023-06-11",
        "--reason",
        "on warranty",
    ]);
    desk.ok(&reverse);
    assert!(desk.refused(&post("1", "6100")).contains("was reversed"));
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
}

#[test]
fn rates_are_printed_as_licensees_print_them_and_a_roof_names_its_society() {
    let desk = society();
    let said = desk.ok(&["rate", "--installation", "roof-fit", "--on", "2025-05-01"]);
    assert!(said.contains("generation 24.90 p/kWh"), "{said}");
    let other = desk.file(
        "other.toml",
        "[society]\nslug = \"other\"\nname = \"Another Society\"\n",
    );
    desk.ok(&["society", "apply", &other]);
    let income = [
        "site",
        "income",
        "roof",
        "--from",
        "2023-01-01",
        "--to",
        "2023-03-31",
    ];
    assert!(desk.ok(&income).contains("The roof"));
    let nowhere = desk.refused(&[
        "site",
        "income",
        "nowhere",
        "--from",
        "2023-01-01",
        "--to",
        "2023-03-31",
    ]);
    assert!(nowhere.contains("several societies"), "{nowhere}");
}
