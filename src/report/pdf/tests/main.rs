//! Sheets: the same bytes for the same data, names that stay names, letters that no font has.

use commonwatt_pdf::{Document, Form, NotSet, Typesetter, each, key};
use serde_json::json;

/// A sheet that says one sentence to one person.
fn letter(name: &str, sentence: &str) -> Document {
    Document {
        form: Form::Paper,
        data: json!({
            "title": "Bill 1, Test Society",
            "lang": "en",
            "region": "GB",
            "page": ["Page", "of"],
            "date": "2014-03-31",
            "author": "Test Society",
            "heading": "Bill 1",
            "sentence": sentence,
            "address": [name],
            "chart": null,
            "text": [],
            "tables": [{
                "heading": null, "head": ["From", "Due"], "rows": [["1 January 2014", "£1.00"]],
                "total": ["To pay", "£1.00"], "numbers": [1], "wide": 0,
            }],
            "notes_heading": "Notes",
            "notes": ["one"],
            "signatures": [],
            "sample": true,
        }),
        pictures: Vec::new(),
    }
}

#[test]
fn the_same_data_give_the_same_bytes_and_a_date_that_is_told() {
    let setter = Typesetter::default();
    let one = setter
        .set(&letter("Member 001", "£1.00 is to pay."))
        .unwrap();
    commonwatt_pdf::forget();
    let again = Typesetter::default()
        .set(&letter("Member 001", "£1.00 is to pay."))
        .unwrap();
    assert!(one == again, "the bytes differ");
    assert_eq!(one.pages, 1);
    let text = String::from_utf8_lossy(&one.pdf);
    assert!(text.starts_with("%PDF-1.7"));
    assert!(text.contains("2014-03-31"), "the date of its data");
    assert!(text.contains("pdfuaid"), "PDF/UA");
    assert_ne!(
        key(&letter("Member 001", "£1.00 is to pay.")),
        key(&letter("Member 002", "£1.00 is to pay."))
    );
}

#[test]
fn what_looks_like_markup_is_a_name() {
    let setter = Typesetter::default();
    for name in [
        "#panic(\"no\")",
        "#import \"@preview/x:1.0.0\": *",
        "$x^2$ *b* _i_ @ref <l> \\ ` [ ] { }",
        "#read(\"/data.json\")",
        "= Heading",
    ] {
        setter
            .set(&letter(name, name))
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn a_letter_that_no_font_has_is_named() {
    let refused = Typesetter::default()
        .set(&letter("𓀀𓀁 001", "x"))
        .unwrap_err();
    let NotSet::Letters(letters) = &refused else {
        panic!("{refused}")
    };
    assert_eq!(letters, "`𓀀` (U+13000), `𓀁` (U+13001)");
    assert!(refused.to_string().contains("--fonts"), "{refused}");
    let no_font = Typesetter::with_fonts(vec![("x.ttf".into(), b"no font".to_vec())]);
    assert_eq!(no_font.err(), Some(NotSet::NoFont("x.ttf".into())));
}

#[test]
fn data_that_do_not_fit_the_template_are_our_mistake_with_its_place() {
    let mut document = letter("Member 001", "x");
    document.data["tables"] = json!("none");
    let refused = Typesetter::default()
        .set(&document)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("paper.typ:"), "{refused}");
}

#[test]
fn a_batch_hands_over_every_job_once_and_stops_at_the_first_refusal() {
    let jobs: Vec<u32> = (0..500).collect();
    let mut seen = Vec::new();
    let done: Result<(), ()> = each(
        &jobs,
        3,
        |job| job * 2,
        |place, twice| {
            assert_eq!(twice, jobs[place] * 2);
            seen.push(place);
            Ok(())
        },
    );
    done.unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (0..500).collect::<Vec<usize>>());
    let mut taken = 0;
    let stopped = each(
        &jobs,
        2,
        |job| *job,
        |_, _| {
            taken += 1;
            if taken == 5 { Err("full") } else { Ok(()) }
        },
    );
    assert_eq!((stopped, taken), (Err("full"), 5));
}
