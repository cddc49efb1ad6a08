//! The modulus check, with tables of our own: Pay.UK's is the user's to supply.
//! With `COMMONWATT_MODULUS=weights.txt,substitutions.txt` and `--run-ignored all` its published
//! examples run too.

use commonwatt_domain::modulus::{Checked, Table};

/// One rule for sort codes 900000 to 900099, and what it says.
fn check(method: &str, weights: &str, exception: &str, sort_code: &str, account: &str) -> Checked {
    let table = format!("900000 900099 {method} {weights} {exception}\n");
    Table::read(&table, "900001 900050\n")
        .unwrap()
        .check(sort_code, account)
}

const LAST_FOUR: &str = "0 0 0 0 0 0 0 0 0 0 4 3 2 1";
const WITH_CODE: &str = "0 0 0 0 0 1 0 0 0 0 0 0 0 1";

#[test]
fn sums_are_taken_by_ten_by_eleven_or_by_digits() {
    // 4·1 + 3·2 + 2·3 + 1·4 = 20; 22 with a 6 at the end.
    assert_eq!(
        check("MOD10", LAST_FOUR, "", "900000", "00001234"),
        Checked::Right
    );
    assert_eq!(
        check("MOD11", LAST_FOUR, "", "900000", "00001234"),
        Checked::Wrong
    );
    assert_eq!(
        check("MOD11", LAST_FOUR, "", "900000", "00001236"),
        Checked::Right
    );
    // 9·4 = 36 counts as 3 + 6; with 1·1 that is 10.
    assert_eq!(
        check("DBLAL", LAST_FOUR, "", "900000", "00009001"),
        Checked::Right
    );
    assert_eq!(
        check("MOD10", LAST_FOUR, "", "900000", "00009001"),
        Checked::Wrong
    );
    assert_eq!(
        check("MOD10", LAST_FOUR, "", "800000", "00001234"),
        Checked::Unknown
    );
}

#[test]
fn exceptions_change_what_is_summed_and_what_is_expected() {
    for (method, weights, exception, code, account, expected) in [
        // 1: 27 more.
        (
            "DBLAL",
            LAST_FOUR,
            "1",
            "900000",
            "00000003",
            Checked::Right,
        ),
        (
            "DBLAL",
            LAST_FOUR,
            "1",
            "900000",
            "00000004",
            Checked::Wrong,
        ),
        // 4: the remainder is the last two digits: 11·1 + 4 = 15, remainder 4.
        (
            "MOD11",
            "0 0 0 0 0 0 0 0 0 0 4 0 0 0",
            "4",
            "900000",
            "00001004",
            Checked::Right,
        ),
        (
            "MOD11",
            "0 0 0 0 0 0 0 0 0 0 4 0 0 0",
            "4",
            "900000",
            "00001005",
            Checked::Wrong,
        ),
        // 5: another sort code; 900050 has a 0 at the end, 900001 a 1.
        (
            "DBLAL",
            "0 0 0 0 0 5 0 0 0 0 0 0 0 0",
            "5",
            "900001",
            "00000000",
            Checked::Right,
        ),
        (
            "DBLAL",
            "0 0 0 0 0 5 0 0 0 0 0 0 0 0",
            "5",
            "900002",
            "00000009",
            Checked::Right,
        ),
        (
            "DBLAL",
            "0 0 0 0 0 5 0 0 0 0 0 0 0 0",
            "5",
            "900002",
            "00000000",
            Checked::Wrong,
        ),
        // 6: foreign money.
        (
            "MOD10",
            LAST_FOUR,
            "6",
            "900000",
            "50000077",
            Checked::Right,
        ),
        (
            "MOD10",
            LAST_FOUR,
            "6",
            "900000",
            "30000077",
            Checked::Wrong,
        ),
        // 7: with a 9 before the last digit the front does not count.
        (
            "MOD10",
            "1 1 1 1 1 1 1 1 0 0 0 0 0 0",
            "7",
            "900000",
            "00000090",
            Checked::Right,
        ),
        (
            "MOD10",
            "1 1 1 1 1 1 1 1 0 0 0 0 0 0",
            "7",
            "900000",
            "00000080",
            Checked::Wrong,
        ),
        // 8: sort code 090126 stands in: 6 and 4 are 10.
        (
            "MOD10",
            WITH_CODE,
            "8",
            "900000",
            "00000004",
            Checked::Right,
        ),
        // 14: the last digit may go.
        (
            "MOD11",
            LAST_FOUR,
            "14",
            "900000",
            "00123601",
            Checked::Wrong,
        ),
        (
            "MOD11",
            LAST_FOUR,
            "14",
            "900000",
            "00012361",
            Checked::Right,
        ),
        (
            "MOD11",
            LAST_FOUR,
            "14",
            "900000",
            "00012362",
            Checked::Wrong,
        ),
    ] {
        let said = check(method, weights, exception, code, account);
        assert_eq!(said, expected, "exception {exception}: {code} {account}");
    }
}

#[test]
fn of_two_rules_both_count_unless_either_is_enough() {
    let two = |a: &str, b: &str| {
        let text =
            format!("900000 900099 MOD10 {LAST_FOUR} {a}\n900000 900099 MOD11 {LAST_FOUR} {b}\n");
        Table::read(&text, "").unwrap()
    };
    for account in ["00001234", "00001236"] {
        assert_eq!(two("", "").check("900000", account), Checked::Wrong);
        assert_eq!(two("12", "13").check("900000", account), Checked::Right);
    }
    assert_eq!(two("", "").check("900000", "00000000"), Checked::Right);
}

#[test]
fn a_line_that_is_no_rule_is_named() {
    for text in [
        "900000",
        "900000 900001 MOD12 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        "\n900000 900001 MOD10 0",
    ] {
        assert!(Table::read(text, "").is_err(), "{text}");
    }
    assert_eq!(Table::read("", "1 2 3").unwrap_err().line, 1);
}

#[test]
#[ignore = "needs Pay.UK's tables, which nobody may pass on: COMMONWATT_MODULUS=weights.txt,substitutions.txt"]
fn the_published_examples_hold_with_the_users_own_table() {
    let paths = std::env::var("COMMONWATT_MODULUS").expect("COMMONWATT_MODULUS names two files");
    let (weights, substitutions) = paths.split_once(',').expect("two files");
    let read = |path: &str| std::fs::read_to_string(path).expect("the table");
    let table = Table::read(&read(weights), &read(substitutions)).unwrap();
    for (right, examples) in [
        (
            true,
            "089999 66374958,107999 88837491,202959 63748472,871427 46238510,872427 46238510,871427 09123496,871427 99123496,820000 73688637,827999 73988638,827101 28748352,134020 63849203,118765 64371389,200915 41011166,938611 07806039,938600 42368003,938063 55065200,772798 99345694,086090 06774744,309070 02355688,309070 12345668,309070 12345677,309070 99345694,074456 12345112,070116 34012583,074456 11104102,180002 00000190",
        ),
        (
            false,
            "938063 15764273,938063 15764264,938063 15763217,118765 64371388,203099 66831036,203099 58716970,089999 66374959,107999 88837493",
        ),
    ] {
        for example in examples.split(',') {
            let (code, account) = example.split_once(' ').unwrap();
            let expected = if right {
                Checked::Right
            } else {
                Checked::Wrong
            };
            assert_eq!(table.check(code, account), expected, "{example}");
        }
    }
}
