//! The people file: what is kept, who may see it, and how it ends; officers at once.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use domain::{
    calendar::{Instant, LocalDay},
    membership::MemberKind,
};
use office::{
    Answer, Office, Refusal, document_from_toml,
    roll::{
        AllotOf, ApplyOf, BankText, Changes, NewCase, NewMember, Payment, PayoutOf, Person, Rest,
    },
};
use tempfile::TempDir;

const SOCIETY: &str = r#"
[society]
slug = "bes"
name = "Test Society"

[[share_class]]
id = "ordinary"
name = "Ordinary shares"
par_pounds = "1"
minimum_shares = 10
notice = "13 weeks"
yearly_limit_percent = "10"

[[share_offer]]
id = "first"
class = "ordinary"
opens = "2014-01-01"
closes = "2014-12-31"
maximum_raise_shares = 1000
minimum_shares = 10
rule = "first-come"

[[officer]]
id = "secretary"
role = "secretary"
"#;
const DAY_MS: i64 = 86_400_000;

fn at(day: &str) -> Instant {
    let day: LocalDay = day.parse().unwrap();
    Instant(i64::from(day.0) * DAY_MS + 43_200_000)
}

fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Stage {
        let stage = Stage {
            folder: TempDir::new().unwrap(),
        };
        let office = stage.open("2014-01-01");
        let document = document_from_toml(SOCIETY).unwrap();
        office
            .apply(&document, "owner", false, at("2014-01-01"))
            .unwrap();
        office.close();
        stage
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn open(&self, on: &str) -> Office {
        Office::open_alone(&self.data(), at(on)).unwrap()
    }
}

fn member(name: &str) -> NewMember {
    NewMember {
        number: None,
        kind: MemberKind::Person,
        joined: day("2014-01-01"),
        ended: None,
        holders: vec![],
        payment: Payment::Bank,
        rest: Rest::Paid,
        person: Person {
            name: name.to_owned(),
            address: vec![format!("{name} street")],
            email: "canary@example.org".into(),
            ..Person::default()
        },
        bank: Some(BankText {
            sort_code: "11-22-33".into(),
            account: "87654321".into(),
            ..BankText::default()
        }),
    }
}

fn wish(member: u32, shares: i64) -> ApplyOf {
    ApplyOf {
        member,
        class: None,
        offer: Some("first".into()),
        shares,
        on: day("2014-02-01"),
    }
}

/// Files under a folder that hold these bytes, by grep.
fn traces(folder: &Path, word: &str) -> Vec<String> {
    let found = Command::new("grep")
        .args([
            "--recursive",
            "--files-with-matches",
            "--text",
            "--fixed-strings",
            "--",
            word,
        ])
        .arg(folder)
        .output()
        .expect("grep runs");
    assert!(matches!(found.status.code(), Some(0 | 1)), "{found:?}");
    let names = String::from_utf8_lossy(&found.stdout);
    names.lines().map(str::to_owned).collect()
}

fn refused<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer {
        Err(Refusal::Caller(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_lie_in_the_people_file_only_and_bank_details_nowhere_in_the_open() {
    let stage = Stage::new();
    let office = stage.open("2014-02-01");
    let society = office.society("bes").unwrap();
    society
        .add_member(&member("Canary Name"), "secretary", at("2014-02-01"))
        .unwrap();
    let change = Changes {
        address: Some(vec!["Canary Lane".into()]),
        ..Changes::default()
    };
    society
        .change_member(1, &change, "secretary", at("2014-02-02"))
        .unwrap();
    office.close();
    drop((society, office));
    for word in ["Canary Name", "Canary Lane", "canary@example.org"] {
        let found = traces(&stage.data(), word);
        assert!(
            found.len() == 1 && found[0].ends_with("people.sqlite"),
            "{word}: {found:?}"
        );
    }
    for word in ["87654321", "112233", "11-22-33"] {
        assert_eq!(
            traces(stage.folder.path(), word),
            Vec::<String>::new(),
            "{word}"
        );
    }
    // With the key they open again, and without it they do not.
    let office = stage.open("2014-02-03");
    let society = office.society("bes").unwrap();
    let (bank, _) = society.bank_of(1, at("2014-02-03")).unwrap();
    assert_eq!(bank.unwrap().account, "87654321");
    assert!(society.verify_people().unwrap() == 3);
    fs::rename(
        stage.folder.path().join("data.keys"),
        stage.folder.path().join("elsewhere"),
    )
    .unwrap();
    assert!(
        refused(society.bank_of(1, at("2014-02-03"))).contains("hint: put the folder of keys back")
    );
    office.close();
}

#[test]
fn changed_bank_details_wait_seven_days() {
    let stage = Stage::new();
    let office = stage.open("2014-02-01");
    let society = office.society("bes").unwrap();
    society
        .add_member(&member("Member 001"), "secretary", at("2014-02-01"))
        .unwrap();
    let new = BankText {
        sort_code: "445566".into(),
        account: "1234567".into(),
        ..BankText::default()
    };
    let line = society
        .change_bank(1, &new, "secretary", at("2014-03-01"))
        .unwrap();
    assert_eq!((line.in_force, line.notes.len()), (at("2014-03-08"), 1));
    for (on, account, waits) in [
        ("2014-03-01", "87654321", true),
        ("2014-03-07", "87654321", true),
        ("2014-03-08", "01234567", false),
    ] {
        let (bank, change) = society.bank_of(1, at(on)).unwrap();
        assert_eq!(
            (bank.unwrap().account.as_str(), change.is_some()),
            (account, waits),
            "{on}"
        );
    }
    let wrong = BankText {
        sort_code: "44556".into(),
        account: "123".into(),
        ..BankText::default()
    };
    assert!(
        refused(society.change_bank(1, &wrong, "secretary", at("2014-03-09")))
            .contains("expected 8")
    );
    office.close();
}

#[test]
fn a_modulus_table_warns_and_does_not_block() {
    let stage = Stage::new();
    let office = stage.open("2014-02-01");
    let society = office.society("bes").unwrap();
    let files = office::roll::ModulusFiles {
        weights: "112233 112233 MOD10 0 0 0 0 0 0 0 0 0 0 0 0 0 1\n".into(),
        substitutions: String::new(),
    };
    assert_eq!(office.keep_modulus_table(&files).unwrap(), 1);
    let (_, notes) = society
        .add_member(&member("Member 001"), "secretary", at("2014-02-01"))
        .unwrap();
    assert!(notes[0].contains("do not belong together"), "{notes:?}");
    office.close();
}

#[test]
fn erasure_is_refused_with_the_duty_named_and_then_leaves_no_trace() {
    let stage = Stage::new();
    let office = stage.open("2014-02-01");
    let society = office.society("bes").unwrap();
    let now = at("2014-02-01");
    for n in 1..=12 {
        society
            .add_member(&member(&format!("Canary {n:03}")), "secretary", now)
            .unwrap();
    }
    let number = society
        .apply_for_shares(&wish(7, 100), "secretary", now)
        .unwrap();
    assert!(refused(society.erase_member(7, "secretary", now)).contains("application `1`"));
    society
        .allot(
            &AllotOf::Offer("first".into()),
            day("2014-02-01"),
            false,
            "secretary",
            now,
        )
        .unwrap();
    assert_eq!(number, 1);
    assert!(refused(society.erase_member(7, "secretary", now)).contains("section 30"));
    assert!(refused(society.erase_member(8, "secretary", now)).contains("has not left"));
    society
        .reverse_movement(1, "paid back", "secretary", now)
        .unwrap();
    society
        .end_application(1, "paid back", "secretary", now)
        .unwrap();
    society
        .end_member(7, day("2014-02-01"), "secretary", now)
        .unwrap();
    // Six years from the end of 2014.
    let early = refused(society.erase_member(7, "secretary", at("2020-12-31")));
    assert!(
        early.contains("kept until `2020-12-31`") && early.contains("from `2021-01-01`"),
        "{early}"
    );
    let copy = stage.folder.path().join("copy");
    office
        .backup(&copy, &office.societies(), &mut |_, _, _| {})
        .unwrap();
    let head = society.head();
    society
        .erase_member(7, "secretary", at("2021-01-01"))
        .unwrap();
    assert_eq!(
        traces(&stage.data(), "Canary 007"),
        Vec::<String>::new(),
        "while it runs"
    );
    office.close();
    drop((society, office));
    assert_eq!(traces(&stage.data(), "Canary 007"), Vec::<String>::new());
    assert_eq!(traces(&stage.data(), "Canary 008").len(), 1);
    // Every proof stays valid, and the people file put back from the copy loses the name again.
    assert_eq!(traces(&copy, "Canary 007").len(), 1);
    fs::copy(
        copy.join("s/bes/people.sqlite"),
        stage.data().join("s/bes/people.sqlite"),
    )
    .unwrap();
    let office = stage.open("2021-01-02");
    let society = office.society("bes").unwrap();
    society.extends(&head).unwrap();
    society.verify(false, &mut |_, _, _| {}).unwrap();
    assert_eq!(traces(&stage.data(), "Canary 007"), Vec::<String>::new());
    let (line, person) = society.member(7, at("2021-01-02")).unwrap();
    assert_eq!((line.name, person), (None, None));
    assert_eq!(society.movements(Some(7)).unwrap().len(), 2);
    assert!(society.own_data(7).unwrap().persons.is_empty());
    office.close();
}

#[test]
fn a_row_that_no_decision_names_is_gone_at_the_next_start() {
    let stage = Stage::new();
    let office = stage.open("2014-02-01");
    office
        .society("bes")
        .unwrap()
        .add_member(&member("Member 001"), "secretary", at("2014-02-01"))
        .unwrap();
    office.close();
    drop(office);
    let path = stage.data().join("s/bes/people.sqlite");
    let mut people = store::people::PeopleStore::open(&path).unwrap();
    let orphan = store::people::PersonRow {
        member: 2,
        hash: "00".repeat(32),
        salt: [1; 32],
        bytes: b"Canary Orphan".to_vec(),
    };
    people.insert(&[orphan]).unwrap();
    drop(people);
    let office = stage.open("2014-02-02");
    assert_eq!(
        office
            .society("bes")
            .unwrap()
            .members(at("2014-02-02"))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(traces(&stage.data(), "Canary Orphan"), Vec::<String>::new());
    office.close();
}

#[test]
fn a_changed_row_of_the_people_file_is_an_error_not_a_name() {
    let stage = Stage::new();
    let office = stage.open("2014-02-01");
    office
        .society("bes")
        .unwrap()
        .add_member(&member("Member 001"), "secretary", at("2014-02-01"))
        .unwrap();
    office.close();
    drop(office);
    let path = stage.data().join("s/bes/people.sqlite");
    let bytes = fs::read(&path).unwrap();
    let place = bytes.windows(10).position(|w| w == b"Member 001").unwrap();
    let mut changed = bytes.clone();
    changed[place + 9] = b'2';
    fs::write(&path, changed).unwrap();
    let office = stage.open("2014-02-02");
    let society = office.society("bes").unwrap();
    assert!(matches!(
        society.member(1, at("2014-02-02")),
        Err(Refusal::Ours(_))
    ));
    assert!(society.verify(false, &mut |_, _, _| {}).is_err());
    office.close();
}

#[test]
fn a_case_is_logged_answered_in_time_and_keeps_its_member_from_erasure() {
    let stage = Stage::new();
    let office = stage.open("2014-02-01");
    let society = office.society("bes").unwrap();
    let now = at("2014-02-01");
    society
        .add_member(&member("Member 001"), "secretary", now)
        .unwrap();
    society
        .end_member(1, day("2014-02-01"), "secretary", now)
        .unwrap();
    let new = NewCase {
        member: 1,
        kind: "complaint".into(),
        on: day("2014-02-01"),
        reply_by: Some(day("2014-03-01")),
        text: "Canary: the cheque did not come".into(),
        died: None,
    };
    let case = society.open_case(&new, "secretary", now).unwrap();
    let wrong = NewCase {
        kind: "grumble".into(),
        ..new.clone()
    };
    assert!(refused(society.open_case(&wrong, "secretary", now)).contains("death, attorney"));
    for (on, late) in [("2014-03-01", false), ("2014-03-02", true)] {
        assert_eq!(
            society.cases(None, false, at(on)).unwrap()[0].late,
            late,
            "{on}"
        );
    }
    assert!(
        refused(society.erase_member(1, "secretary", at("2030-01-01")))
            .contains("case `1` of member `1` is open")
    );
    society
        .note_case(
            case,
            "a new cheque was sent",
            true,
            "secretary",
            at("2014-02-10"),
        )
        .unwrap();
    assert!(
        refused(society.note_case(case, "more", false, "secretary", at("2014-02-11")))
            .contains("was closed")
    );
    assert!(
        society
            .cases(None, false, at("2014-03-02"))
            .unwrap()
            .is_empty()
    );
    let all = society.cases(Some(1), true, at("2014-03-02")).unwrap();
    assert_eq!(all[0].texts.len(), 2);
    assert_eq!(
        society.own_data(1).unwrap().cases[0].texts[0].1,
        "Canary: the cheque did not come"
    );
    office.close();
    drop((society, office));
    let found = traces(&stage.data(), "Canary: the cheque");
    assert!(
        found.len() == 1 && found[0].ends_with("people.sqlite"),
        "{found:?}"
    );
    let office = stage.open("2030-01-01");
    let society = office.society("bes").unwrap();
    society
        .erase_member(1, "secretary", at("2030-01-01"))
        .unwrap();
    assert_eq!(
        traces(&stage.data(), "Canary: the cheque"),
        Vec::<String>::new()
    );
    assert!(
        society.cases(Some(1), true, at("2030-01-01")).unwrap()[0]
            .texts
            .is_empty()
    );
    office.close();
}

/// 64 officers at once; what each got.
fn at_once(work: impl Fn(u32) -> bool + Sync) -> u32 {
    let done = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for n in 0..64 {
            let (work, done) = (&work, &done);
            scope.spawn(move || {
                if work(n) {
                    done.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    done.into_inner()
}

#[test]
fn sixty_four_officers_at_once_sell_no_share_twice_and_pay_nothing_twice() {
    let stage = Stage::new();
    let office = stage.open("2014-02-01");
    let society = office.society("bes").unwrap();
    let now = at("2014-02-01");
    for n in 1..=64 {
        society
            .add_member(&member(&format!("Member {n:03}")), "secretary", now)
            .unwrap();
    }
    // 1,000 shares are offered, and each of 64 wants 30: 33 fit.
    let applied = at_once(|n| {
        society
            .apply_for_shares(&wish(n + 1, 30), "secretary", now)
            .is_ok()
    });
    assert_eq!(applied, 33);
    let allot = AllotOf::Offer("first".into());
    let allotted = at_once(|_| {
        society
            .allot(&allot, day("2014-02-01"), false, "secretary", now)
            .is_ok()
    });
    assert_eq!(
        allotted, 1,
        "one officer allots, the others find nothing that waits"
    );
    let total = |on: &str| {
        society
            .holdings(day(on), None, at("2015-06-01"))
            .unwrap()
            .total
            .0
    };
    assert_eq!(total("2014-02-01"), 99_000);
    // Each holding of 30 is asked back twice at once: once only.
    let asked = at_once(|n| {
        let queue = society
            .holdings(day("2014-02-01"), None, now)
            .unwrap()
            .lines;
        let member = queue[n as usize % queue.len()].member;
        society
            .ask_withdrawal(member, None, None, day("2014-02-01"), "secretary", now)
            .is_ok()
    });
    assert_eq!(asked, 33);
    // 10 % of 990 is 99: three holdings of 30 go whole; what is left is less than a minimum allows.
    let pay = PayoutOf {
        class: None,
        on: day("2015-01-02"),
        at_most: None,
        preview: false,
    };
    let paid = at_once(|_| {
        society
            .pay_withdrawals(&pay, "secretary", at("2015-01-02"))
            .is_ok()
    });
    assert!(paid >= 1);
    let left = total("2015-01-02");
    assert!((89_100..99_000).contains(&left), "{left}");
    // One mistake is reversed once.
    let before = total("2015-01-02");
    let reversed = at_once(|_| {
        society
            .reverse_movement(1, "typing", "secretary", at("2015-01-03"))
            .is_ok()
    });
    assert!(reversed <= 1);
    let after = total("2015-01-03");
    assert!(
        after == before || after == before - 3_000,
        "{before} {after}"
    );
    // What stands in the journal gives the same.
    let again = society.roll_from_the_journal().unwrap();
    let same = society.shares(|register| Answer::Ok(*register == again.register));
    assert!(same.unwrap(), "the register is what the journal gives");
    office.close();
}
