//! A member dies: payments stop that day, and what is owed passes by a nomination, a grant or the
//! board's resolution, to a payee who was agreed. A power of attorney of the living.

use super::members_paid::{approved, release, society};

fn by<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["--as", "treasurer"], args].concat()
}

fn held(made: &serde_json::Value, member: u64) -> String {
    let mut held = made["held"].as_array().expect("held").iter();
    let line = held.find(|line| line["member"] == member);
    line.map_or_else(String::new, |line| line["why"].as_str().unwrap().to_owned())
}

const ORDER: [&str; 6] = ["--run", "1", "--profile", "by-hand", "--on", "2014-05-01"];

#[test]
fn a_death_stops_an_order_that_was_approved_and_a_small_sum_goes_by_the_boards_resolution() {
    let desk = society("");
    approved(&desk, &ORDER);
    let open = [
        "members",
        "case",
        "open",
        "3",
        "--kind",
        "death",
        "--text",
        "the family wrote",
    ];
    let asked = desk.refused(&by(&open));
    assert!(asked.contains("say --died DATE"), "{asked}");
    desk.ok(&by(&[&open[..], &["--died", "2014-04-20"]].concat()));
    let file = [
        "payments",
        "file",
        "--run",
        "1",
        "--profile",
        "by-hand",
        "--out",
        "out.csv",
    ];
    let stopped = desk.refused(&by(&file));
    assert!(
        stopped.contains("member 3 died on 2014-04-20; nothing of order 1 was released"),
        "{stopped}"
    );
    desk.ok(&by(&[
        "payments", "cancel", "--order", "1", "--reason", "a death",
    ]));
    let made = desk.json(&by(&[&["payments", "prepare"][..], &ORDER].concat()));
    assert!(held(&made, 3).contains("nobody is agreed yet"), "{made}");
    desk.ok(&by(&[
        "payments", "cancel", "--order", "2", "--reason", "a death",
    ]));

    // £1,000 of shares and £30.00 of interest.
    let estate = desk.json(&by(&["members", "case", "estate", "1"]));
    assert_eq!(estate["property_pence"], 103_000);
    assert_eq!(
        estate["interest_after_death"][0]["rule"],
        "interest until the shares go"
    );
    let payee = [
        "members",
        "case",
        "payee",
        "1",
        "--basis",
        "small-sum",
        "--name",
        "Member 003's daughter",
        "--address",
        "9 Sample Road",
    ];
    assert!(
        desk.refused(&by(&payee))
            .contains("no `death-certificate` was seen")
    );
    let will = desk.file("certificate.txt", "Canary certificate of death");
    desk.ok(&by(&[
        "members",
        "case",
        "document",
        "1",
        "--kind",
        "death-certificate",
        "--file",
        &will,
    ]));
    assert!(
        desk.refused(&by(&payee))
            .contains("the board has not let it go")
    );
    let allow = [
        "members",
        "case",
        "small-sum",
        "1",
        "--minute",
        "board 5/2014, item 2",
    ];
    let early = desk.refused(&by(&[&allow[..], &["--resolved", "2014-04-19"]].concat()));
    assert!(early.contains("a day from `2014-04-20`"), "{early}");
    desk.ok(&by(&[&allow[..], &["--resolved", "2014-05-02"]].concat()));
    desk.ok(&by(&payee));

    approved(&desk, &ORDER);
    release(&desk, "1", "by-hand", "out.csv");
    let cheques = desk.ok(&by(&["payments", "cheques", "--order", "3"]));
    assert!(
        cheques.contains(
            "\"Member 003's daughter, for the estate of Member 003\",9 Sample Road,30.00"
        ),
        "{cheques}"
    );
    let grep = std::process::Command::new("grep")
        .args(["-rla", "Canary certificate"])
        .arg(desk.data())
        .output()
        .unwrap();
    assert!(grep.stdout.is_empty(), "the paper is sealed");
    let listed = desk.json(&by(&["members", "case", "list"]));
    assert_eq!(listed[0]["steps"].as_array().unwrap().len(), 3);
    assert_eq!(
        listed[0]["steps"][1]["resolution"]["minute"],
        "board 5/2014, item 2"
    );
    let verified = desk.ok(&["verify"]);
    assert!(verified.contains("3 photos and documents"), "{verified}");
}

#[test]
fn nominations_pass_five_thousand_pounds_and_an_officer_is_nominated_by_kin_only() {
    let desk = society("");
    let nominate = [
        "members",
        "nominate",
        "1",
        "--on",
        "2013-02-01",
        "--name",
        "Sample Nominee",
    ];
    let no_kin = desk.refused(&by(&[&nominate[..], &["--officer"]].concat()));
    assert!(
        no_kin.contains("section 37(3)") && no_kin.contains("civil-partner"),
        "{no_kin}"
    );
    let no_kin = desk.refused(&by(
        &[&nominate[..], &["--officer", "--kin", "friend"]].concat()
    ));
    assert!(no_kin.contains("section 37(3)"), "{no_kin}");
    desk.ok(&by(&[
        &nominate[..],
        &["--officer", "--kin", "niece", "--percent", "60"],
    ]
    .concat()));
    desk.ok(&by(&[&nominate[..], &["--percent", "40"]].concat()));
    assert!(
        desk.refused(&by(&nominate))
            .contains("expected 1 to 100 % in all")
    );
    desk.ok(&by(&[
        "members",
        "nomination-end",
        "2",
        "--on",
        "2013-06-01",
        "--reason",
        "married",
    ]));
    desk.ok(&by(&[
        "members",
        "case",
        "open",
        "1",
        "--kind",
        "death",
        "--died",
        "2014-04-20",
        "--text",
        "x",
    ]));
    let after = desk.refused(&by(&nominate));
    assert!(after.contains("made by the living"), "{after}");
    let take = |nomination: &str, pounds: &str| -> Vec<String> {
        by(&[
            "members",
            "case",
            "nominee",
            "1",
            "--nomination",
            nomination,
            "--pounds",
            pounds,
        ])
        .into_iter()
        .map(str::to_owned)
        .collect()
    };
    let refused =
        |args: Vec<String>| desk.refused(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(refused(take("1", "100")).contains("no `death-certificate` was seen"));
    desk.ok(&by(&[
        "members",
        "case",
        "document",
        "1",
        "--kind",
        "death-certificate",
    ]));
    assert!(refused(take("2", "100")).contains("not one of member `1` that stood"));
    // £8,334 of shares and £250.02 of interest: 60 % is £5,150.41, and £5,000 is the law's.
    let beyond = refused(take("1", "5000.01"));
    assert!(
        beyond.contains("£5,000.00") && beyond.contains("section 37(4)"),
        "{beyond}"
    );
    let good = take("1", "4999.99");
    desk.ok(&good.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(refused(take("1", "0.02")).contains("£4,999.99"));
    let small = desk.refused(&by(&[
        "members",
        "case",
        "small-sum",
        "1",
        "--resolved",
        "2014-05-02",
        "--minute",
        "5/2014",
    ]));
    assert!(small.contains("a nomination stands"), "{small}");
    let payee = [
        "members",
        "case",
        "payee",
        "1",
        "--name",
        "Sample Executor",
        "--basis",
    ];
    assert!(
        desk.refused(&by(&[&payee[..], &["probate"]].concat()))
            .contains("no `probate` was seen")
    );
    desk.ok(&by(&[&payee[..], &["nominee"]].concat()));
    let book = desk.json(&by(&["members", "nominations"]));
    assert_eq!(book[1]["ended"], "2013-06-01");
    assert_eq!(book[0]["nominee"], "Sample Nominee");
}

#[test]
fn a_sum_above_five_thousand_pounds_or_with_a_will_needs_a_grant() {
    let desk = society("");
    for (case, member) in [("1", "2"), ("2", "3")] {
        desk.ok(&by(&[
            "members",
            "case",
            "open",
            member,
            "--kind",
            "death",
            "--died",
            "2014-04-20",
            "--text",
            "x",
        ]));
        desk.ok(&by(&[
            "members",
            "case",
            "document",
            case,
            "--kind",
            "death-certificate",
        ]));
    }
    let small = |case: &str| {
        desk.refused(&by(&[
            "members",
            "case",
            "small-sum",
            case,
            "--resolved",
            "2014-05-02",
            "--minute",
            "5/2014",
        ]))
    };
    let large = small("1");
    assert!(
        large.contains("£8,582.99") && large.contains("section 40"),
        "{large}"
    );
    desk.ok(&by(&["members", "case", "document", "2", "--kind", "will"]));
    assert!(small("2").contains("its executors prove it"));
    desk.ok(&by(&[
        "members", "case", "document", "2", "--kind", "probate",
    ]));
    desk.ok(&by(&[
        "members",
        "case",
        "payee",
        "2",
        "--basis",
        "probate",
        "--name",
        "Sample Executor",
    ]));
    let shown = desk.ok(&by(&["members", "case", "estate", "2"]));
    assert!(shown.contains("Sample Executor, on probate"), "{shown}");
}

#[test]
fn an_attorney_is_shown_once_the_power_was_seen() {
    let desk = society("");
    desk.ok(&by(&[
        "members", "case", "open", "2", "--kind", "attorney", "--text", "x",
    ]));
    let name = [
        "members",
        "case",
        "attorney",
        "1",
        "--name",
        "Sample Attorney",
    ];
    assert!(
        desk.refused(&by(&name))
            .contains("no `power-of-attorney` was seen")
    );
    let wrong = ["members", "case", "document", "1", "--kind", "probate"];
    assert!(
        desk.refused(&by(&wrong))
            .contains("expected one of kind death")
    );
    desk.ok(&by(&[
        "members",
        "case",
        "document",
        "1",
        "--kind",
        "power-of-attorney",
    ]));
    desk.ok(&by(&name));
    assert!(
        desk.ok(&by(&["members", "show", "2"]))
            .contains("attorney   Sample Attorney")
    );
    let own = desk.json(&by(&["members", "export", "2"]));
    assert_eq!(own["named"][0]["name"], "Sample Attorney");
    assert_eq!(own["persons"].as_array().unwrap().len(), 1);
    desk.ok(&by(&["members", "case", "close", "1", "--text", "revoked"]));
    assert!(
        !desk
            .ok(&by(&["members", "show", "2"]))
            .contains("Sample Attorney")
    );
}
