//! Bank files, whole: forms of columns, Bacs Standard 18 field by field, pain.001 against its schema.

use std::process::Command;

use commonwatt_report::payments::{Batch, File, NoFile, Payer, Payment, Profile, write};
use domain::{calendar::Instant, money::Pence};

fn payer() -> Payer {
    Payer {
        name: "Sample Energy Co-operative".into(),
        sort_code: "112233".into(),
        account: "44556677".into(),
        iban: String::new(),
        bic: String::new(),
        service_user: "123456".into(),
    }
}

fn batch() -> Batch {
    Batch {
        id: "SAMPLE-7".into(),
        number: 7,
        made: Instant(1_767_262_500_000),
        made_on: "2026-01-01".parse().expect("a day"),
        on: "2026-01-05".parse().expect("a day"),
    }
}

fn payments() -> Vec<Payment> {
    let of = |name: &str, pence, member| Payment {
        name: name.into(),
        sort_code: "202020".into(),
        account: "08765432".into(),
        roll_number: String::new(),
        pence: Pence(pence),
        reference: format!("INTEREST 7-{member}"),
    };
    let mut all = vec![
        of("Zoë O'Sample & Łęcka", 25_002, 1),
        of("Иван Образцов, a name far too long for a bank", 1, 2),
        of("Member 003", 2_000_000_000, 3),
    ];
    all[2].roll_number = "A/12-3".into();
    all
}

fn profile(name: &str) -> Profile {
    let path = format!(
        "{}/../../config/payment-profiles/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).expect("a profile that comes with the program");
    Profile::read(&text).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn made(name: &str) -> File {
    write(&profile(name), &payer(), &batch(), &payments()).expect("a file")
}

fn text(name: &str) -> String {
    String::from_utf8(made(name).bytes).expect("ASCII")
}

#[test]
fn the_forms_of_banks_are_written_as_their_guides_print_them() {
    assert_eq!(
        text("paygate"),
        "202020,08765432,ZOE O SAMPLE & LEC,250.02,99,112233,44556677,SAMPLE ENERGY CO-O,INTEREST 7-1,05/01/2026\r\n\
         202020,08765432,IVAN OBRAZTSOV A N,0.01,99,112233,44556677,SAMPLE ENERGY CO-O,INTEREST 7-2,05/01/2026\r\n\
         202020,08765432,MEMBER 003,20000000.00,99,112233,44556677,SAMPLE ENERGY CO-O,A/12-3,05/01/2026\r\n"
    );
    assert_eq!(
        text("lloyds")
            .lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()[..3],
        [
            "H,20260101,7",
            "D,20260105,SAMPLE ENERGY CO-O,112233,44556677",
            "C,250.02,ZOE O SAMPLE & LEC,08765432,202020,INTEREST 7-1"
        ]
    );
    for name in ["unity-trust", "bankline", "cooperative", "by-hand"] {
        let file = made(name);
        assert_eq!(
            (file.count, file.control),
            (3, Pence(2_000_025_003)),
            "{name}"
        );
        assert!(file.bytes.is_ascii(), "{name}");
    }
}

/// The bytes of a record at the places a guide names, counted from 1, both ends included.
fn at(record: &str, from: usize, to: usize) -> &str {
    &record[from - 1..to]
}

#[test]
fn a_bacs_file_has_every_field_where_the_guide_has_it() {
    let file = text("bacs18");
    let golden = include_str!("golden/bacs18.txt");
    assert_eq!(file.replace("\r\n", "\n"), golden);
    let records: Vec<&str> = file.split_terminator("\r\n").collect();
    let lengths: Vec<usize> = records.iter().map(|record| record.len()).collect();
    assert_eq!(lengths, [80, 80, 80, 80, 100, 100, 100, 100, 80, 80, 80]);
    let [
        vol,
        hdr1,
        hdr2,
        uhl,
        first,
        _,
        third,
        contra,
        eof1,
        eof2,
        utl,
    ] = records[..]
    else {
        panic!("{records:?}")
    };
    assert_eq!(
        (
            at(vol, 1, 4),
            at(vol, 5, 10),
            at(vol, 42, 47),
            at(vol, 80, 80)
        ),
        ("VOL1", "000007", "123456", "1")
    );
    assert_eq!(
        (at(hdr1, 1, 4), at(hdr1, 5, 21)),
        ("HDR1", "A123456S  1123456")
    );
    assert_eq!(
        (at(hdr1, 42, 47), at(hdr1, 48, 53), at(hdr1, 55, 60)),
        (" 26001", " 26005", "000000")
    );
    assert_eq!(
        (
            at(hdr2, 1, 5),
            at(hdr2, 6, 10),
            at(hdr2, 11, 15),
            at(hdr2, 51, 52)
        ),
        ("HDR2F", "02000", "00100", "00")
    );
    // Money on Monday the 5th: processed on Friday the 2nd.
    assert_eq!(
        (
            at(uhl, 5, 10),
            at(uhl, 11, 20),
            at(uhl, 21, 28),
            at(uhl, 29, 37),
            at(uhl, 38, 40)
        ),
        (" 26002", "999999    ", "00000000", "1 DAILY  ", "001")
    );
    assert_eq!(
        (
            at(first, 1, 6),
            at(first, 7, 14),
            at(first, 15, 15),
            at(first, 16, 17)
        ),
        ("202020", "08765432", "0", "99")
    );
    assert_eq!(
        (at(first, 18, 23), at(first, 24, 31), at(first, 36, 46)),
        ("112233", "44556677", "00000025002")
    );
    assert_eq!(
        (at(first, 47, 64), at(first, 65, 82), at(first, 83, 100)),
        (
            "SAMPLE ENERGY CO-O",
            "INTEREST 7-1      ",
            "ZOE O SAMPLE & LEC"
        )
    );
    assert_eq!(at(third, 65, 82), "A/12-3            ");
    assert_eq!(
        (
            at(contra, 1, 6),
            at(contra, 16, 17),
            at(contra, 36, 46),
            at(contra, 65, 82)
        ),
        ("112233", "17", "02000025003", "CONTRA            ")
    );
    assert_eq!(
        (at(eof1, 4, 80), at(eof2, 4, 80)),
        (at(hdr1, 4, 80), at(hdr2, 4, 80))
    );
    assert_eq!(
        (
            at(utl, 5, 17),
            at(utl, 18, 30),
            at(utl, 31, 37),
            at(utl, 38, 44)
        ),
        ("0002000025003", "0002000025003", "0000001", "0000003")
    );
    let without = Payer {
        service_user: String::new(),
        ..payer()
    };
    let why = write(&profile("bacs18"), &without, &batch(), &payments()).expect_err("no number");
    assert!(
        why.to_string().contains("most co-operatives do not have"),
        "{why}"
    );
}

/// Where the test tools have the schemas of PyPI's sepaxml.
fn schema(version: &str) -> String {
    let python = std::env::var("COMMONWATT_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let find = "import importlib.util,os;print(os.path.dirname(importlib.util.find_spec('sepaxml').origin))";
    let out = Command::new(&python).args(["-c", find]).output();
    let out = out.unwrap_or_else(|e| panic!("`{python}`: {e}"));
    assert!(
        out.status.success(),
        "`{python}` has no sepaxml, whose schemas are asked for; `pip install --no-deps sepaxml==2.7.0`"
    );
    let folder = String::from_utf8(out.stdout).expect("a path");
    format!("{}/schemas/pain.001.001.{version}.xsd", folder.trim())
}

#[test]
fn pain_001_is_valid_by_its_schema_and_its_sums_are_those_of_its_payments() {
    for (name, version) in [("pain.001", "09"), ("pain.001.03", "03")] {
        let with_iban = Payer {
            iban: "GB29NWBK60161331926819".into(),
            bic: "NWBKGB2L".into(),
            ..payer()
        };
        for payer in [payer(), with_iban] {
            let file = write(&profile(name), &payer, &batch(), &payments()).expect("a file");
            let text = std::str::from_utf8(&file.bytes).expect("UTF-8");
            let folder = std::env::temp_dir().join(format!("pain-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder");
            let path = folder.join(format!("{version}-{}.xml", payer.bic));
            std::fs::write(&path, text).expect("written");
            let out = Command::new("xmllint")
                .args(["--noout", "--schema", &schema(version)])
                .arg(&path)
                .output()
                .expect("xmllint of libxml2-utils");
            assert!(
                out.status.success(),
                "{}\n{text}",
                String::from_utf8_lossy(&out.stderr)
            );
            // Count and control sum by our own look at the file.
            let document = roxmltree::Document::parse(text).expect("XML");
            let all = |tag: &str| -> Vec<String> {
                let found = document
                    .descendants()
                    .filter(|node| node.tag_name().name() == tag);
                found
                    .map(|node| node.text().unwrap_or("").to_owned())
                    .collect()
            };
            let amounts: Vec<Pence> = all("InstdAmt").iter().map(|t| t.parse().unwrap()).collect();
            let sum = Pence::total(amounts.iter().copied()).unwrap();
            assert_eq!(all("NbOfTxs"), ["3", "3"]);
            assert_eq!(all("CtrlSum"), [sum.pounds_text(), sum.pounds_text()]);
            assert_eq!(sum, file.control);
            assert_eq!(
                all("EndToEndId"),
                ["INTEREST 7-1", "INTEREST 7-2", "INTEREST 7-3"]
            );
            assert!(all("Nm").contains(&"ZOE O SAMPLE & LECKA".to_owned()));
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

#[test]
fn a_payment_that_does_not_fit_makes_no_file() {
    let with = |change: fn(&mut Payment)| {
        let mut all = payments();
        change(&mut all[1]);
        write(&profile("paygate"), &payer(), &batch(), &all).expect_err("refused")
    };
    assert_eq!(with(|one| one.pence = Pence(0)), NoFile::Amount(Pence(0)));
    assert!(matches!(
        with(|one| one.pence = Pence(2_000_000_001)),
        NoFile::Amount(_)
    ));
    assert!(matches!(
        with(|one| one.reference = "INTEREST 7-1".into()),
        NoFile::Reference(_)
    ));
    assert!(matches!(
        with(|one| one.name = "???".into()),
        NoFile::Name(_)
    ));
    let none = Payer::default();
    let why = write(&profile("bankline"), &none, &batch(), &payments()).expect_err("no account");
    assert!(why.to_string().contains("[payments]"), "{why}");
    let wrong = Profile::read("title=\"x\"\nsource=\"y\"\nkind=\"csv\"\ncolumn=[{value=\"iban\"}]");
    assert!(
        wrong
            .expect_err("no such value")
            .to_string()
            .contains("`iban` is no value")
    );
}
