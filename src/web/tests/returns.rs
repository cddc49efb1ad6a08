//! From a frozen run to statements, payments, papers and letters, by pages.

use axum::http::{StatusCode, header};
use domain::metering::Obis;
use office::{blobs::Given, dials::TakenRead};

use super::stage::Stage;

/// A picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n SAMPLE";

async fn ready() -> Stage {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    stage.with_business();
    stage.with_returns();
    stage
}

#[tokio::test]
async fn a_member_downloads_its_own_statement_and_nobody_elses() {
    let stage = ready().await;
    stage.member("bes1-4", "bes1", 4);
    let member = stage.log_in("bes1-4", None).await;
    let own = stage.see("/my/bes1/4/statements/1.pdf", &member).await;
    assert_eq!(own.status, StatusCode::OK);
    assert_eq!(own.header(header::CONTENT_TYPE), "application/pdf");
    assert!(own.text.starts_with("%PDF-"));
    let page = stage.see("/my/bes1/4/statements/1.html", &member).await;
    assert!(page.text.contains("£8.13"), "{}", page.text);
    for path in [
        "/my/bes1/5/statements/1.pdf",
        "/my/bes1/4/statements/2.pdf",
        "/my/bes1/4/statements/1.exe",
    ] {
        let other = stage.see(path, &member).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND, "{path}");
    }
    let desk = stage
        .see("/desk/bes1/interest/1/statements/5.pdf", &member)
        .await;
    assert_eq!(desk.status, StatusCode::FORBIDDEN);
    let mine = stage.see("/my", &member).await;
    assert!(
        mine.text.contains("/my/bes1/4/statements/1.pdf"),
        "{}",
        mine.text
    );
}

#[tokio::test]
async fn statements_of_a_whole_run_are_made_behind_the_page_and_taken_away_as_one_file() {
    let stage = ready().await;
    let secret = stage.user("secretary-1", &["secretary"]);
    let secretary = stage.log_in("secretary-1", Some(&secret)).await;
    let here = "/desk/bes1/interest/1/statements";
    let before = stage.see(&format!("{here}/all.zip"), &secretary).await;
    assert_eq!(before.status, StatusCode::NOT_FOUND, "nothing was made yet");
    let asked = stage.send(here, "make=all", &secretary).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text);
    let began = std::time::Instant::now();
    let page = loop {
        let page = stage.see(here, &secretary).await;
        if page.text.contains("Take all statements away") {
            break page;
        }
        let running = page.header(header::REFRESH) == "3";
        assert!(running && page.text.contains("<progress"), "{}", page.text);
        assert!(began.elapsed().as_secs() < 300, "{}", page.text);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    assert!(
        page.text.contains("103 statements are made"),
        "{}",
        page.text
    );
    let file = stage.see(&format!("{here}/all.zip"), &secretary).await;
    assert_eq!(file.header(header::CONTENT_TYPE), "application/zip");
    assert!(file.text.starts_with("PK"), "a ZIP file");
    assert!(file.text.contains("00004-bes1-run-1.pdf") && file.text.contains("index.csv"));
    let index = stage.see(&format!("{here}/index.csv"), &secretary).await;
    assert_eq!(index.text.lines().count(), 104, "{}", index.text);
}

#[tokio::test]
async fn a_run_is_paid_by_pages_with_a_second_officer_and_the_bank_s_report() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    stage.with_business();
    let first = stage.user("treasurer-1", &["treasurer"]);
    let second = stage.user("approver-1", &["approver"]);
    let treasurer = stage.log_in("treasurer-1", Some(&first)).await;
    let approver = stage.log_in("approver-1", Some(&second)).await;
    let run = stage.see("/desk/bes1/interest/1", &treasurer).await;
    let hash = hidden(&run.text, "hash");
    let approved = stage
        .send(
            "/desk/bes1/interest/1/approve",
            &format!("hash={hash}"),
            &approver,
        )
        .await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.text);
    let frozen = stage
        .send(
            "/desk/bes1/interest/1/freeze",
            &format!("hash={hash}"),
            &treasurer,
        )
        .await;
    assert_eq!(frozen.status, StatusCode::SEE_OTHER, "{}", frozen.text);

    let form = "run=1&profile=by-hand&on=2016-06-15&cheques=";
    let prepared = stage.send("/desk/bes1/payments", form, &treasurer).await;
    assert_eq!(prepared.status, StatusCode::SEE_OTHER, "{}", prepared.text);
    let here = "/desk/bes1/payments/1";
    let own = stage.see(here, &treasurer).await;
    assert!(
        own.text.contains("another officer has to approve it"),
        "{}",
        own.text
    );
    let shown = stage.see(here, &approver).await;
    for word in [
        "SHA-256 of the file",
        "Their sum",
        "Payments in the bank’s file",
    ] {
        assert!(shown.text.contains(word), "{}", shown.text);
    }
    let hash = hidden(&shown.text, "hash");
    let early = stage
        .send(
            &format!("{here}/release"),
            &format!("hash={hash}"),
            &treasurer,
        )
        .await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.text);
    let wrong = stage
        .send(&format!("{here}/approve"), "hash=00", &approver)
        .await;
    assert_eq!(wrong.status, StatusCode::CONFLICT, "{}", wrong.text);
    let done = stage
        .send(
            &format!("{here}/approve"),
            &format!("hash={hash}"),
            &approver,
        )
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let file = format!("{here}/file");
    let not_yet = stage.send(&file, "order=1", &treasurer).await;
    assert_eq!(
        not_yet.status,
        StatusCode::NOT_FOUND,
        "nothing is handed out before the release"
    );
    let released = stage
        .send(
            &format!("{here}/release"),
            &format!("hash={hash}"),
            &treasurer,
        )
        .await;
    assert_eq!(released.status, StatusCode::SEE_OTHER, "{}", released.text);

    // The file that is handed out is the one whose hash was approved, twice.
    let page = stage.see(here, &treasurer).await;
    let bytes = stage.send(&file, "order=1", &treasurer).await;
    assert_eq!(bytes.status, StatusCode::OK, "{}", bytes.text);
    assert!(
        page.text.contains(&sha256(bytes.text.as_bytes())),
        "{}",
        page.text
    );
    assert_eq!(
        stage.send(&file, "order=1", &treasurer).await.text,
        bytes.text
    );
    let by_approver = stage.send(&file, "order=1", &approver).await;
    assert_eq!(by_approver.status, StatusCode::FORBIDDEN);

    let cells: Vec<&str> = bytes
        .text
        .lines()
        .nth(1)
        .expect("a payment")
        .split(',')
        .collect();
    let report = format!(
        "reference,outcome,reason\n{},returned,account closed\n",
        cells[5]
    );
    let told = stage
        .upload(
            &format!("{here}/report"),
            &[],
            &[("report", "bank.csv", report.as_bytes())],
            &treasurer,
        )
        .await;
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.text);
    let after = stage.see(here, &treasurer).await;
    assert!(
        after.text.contains("1 payment came back and is owed again"),
        "{}",
        after.text
    );
    let list = stage.see("/desk/bes1/payments", &treasurer).await;
    assert!(
        list.text.contains("£8.13") || list.text.contains("is open, for 1 member"),
        "{}",
        list.text
    );
    let nonsense = stage
        .upload(
            &format!("{here}/report"),
            &[],
            &[("report", "bank.csv", b"x,y\n1,2\n")],
            &treasurer,
        )
        .await;
    assert_eq!(nonsense.status, StatusCode::CONFLICT);
    assert!(nonsense.text.contains("no columns"), "{}", nonsense.text);
}

#[tokio::test]
async fn the_working_leads_to_the_photo_of_the_dial_for_those_who_may_see_it() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    let society = stage.office.societies().remove(0);
    let taken = TakenRead {
        meter_point: "elmore-house-generation".to_owned(),
        meter: "SAMPLE-BES1-1".to_owned(),
        register: "2.8.0".parse::<Obis>().expect("a register"),
        at: "2013-12-31T20:00:00Z".parse().expect("an instant"),
        display_kwh: "33000".to_owned(),
        portal: None,
        tolerance: domain::quantity::WattHours(1_000),
        photo: Some(Given {
            name: "dial.png".to_owned(),
            bytes: PNG.to_vec(),
        }),
    };
    society
        .take_read(&taken, "steward", stage.now)
        .expect("taken");
    // Without telemetry around it a second person has to see the same.
    let read = ("SAMPLE-BES1-1", taken.register, taken.at);
    let confirmed = society.confirm_read(read, "33000", "another", stage.now);
    assert!(confirmed.expect("confirmed").agreed.is_some());
    stage.with_business();
    stage.with_returns();
    let working = stage.get("/s/bes1/interest/1").await;
    assert_eq!(working.status, StatusCode::OK, "{}", working.text);
    let at = working.text.find("/s/bes1/photos/").expect("a photo");
    let photo: String = working.text[at..]
        .chars()
        .take_while(|c| *c != '"')
        .collect();
    let head = society.run_working(1, stage.now).expect("a working").head;
    assert!(working.text.contains(&head.1), "{}", working.text);
    assert!(!working.text.contains("Member 004"), "no member is in it");
    let stranger = stage.see(&photo, "").await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER, "to the login");
    stage.member("bes1-4", "bes1", 4);
    let member = stage.log_in("bes1-4", None).await;
    let seen = stage.see(&photo, &member).await;
    assert_eq!(
        (seen.status, seen.header(header::CONTENT_TYPE)),
        (StatusCode::OK, "image/png")
    );
    let none = stage.see("/s/bes1/interest/2", &member).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_letter_is_acted_on_with_its_scan_and_a_notice_to_the_old_address() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("secretary-1", &["secretary"]);
    let secretary = stage.log_in("secretary-1", Some(&secret)).await;
    let here = "/desk/bes1/letters";
    let fields = [
        ("member", "5"),
        ("came_by", "letter"),
        ("received", "2016-06-14"),
        ("source", "SAMPLE: signature as on the application"),
        ("payment", "bank"),
        ("name", ""),
        ("sort_code", "00-00-00"),
        ("account", "1000 0005"),
        ("address", "New SAMPLE address 5\nLondon"),
        ("postcode", "SW9 8XX"),
        ("email", ""),
    ];
    let without = stage
        .upload(here, &fields, &[("file", "", b"")], &secretary)
        .await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.text.contains("attach a scan"), "{}", without.text);
    let done = stage
        .upload(here, &fields, &[("file", "letter.png", PNG)], &secretary)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let society = stage.office.societies().remove(0);
    let line = society.letters().expect("letters").remove(0);
    let note = line.note.expect("a notice");
    assert!(
        note.to.contains(&"SAMPLE address 5".to_owned()),
        "{:?}",
        note.to
    );
    assert_eq!(line.acted.changes, ["payment", "address", "bank"]);
    // The same seven days as when the member does it.
    let (present, waits) = society.bank_of(5, stage.now).expect("bank details");
    assert!(present.is_none());
    let waits = waits.expect("it waits").in_force.ms_since(stage.now);
    assert!(
        (7 * 86_400_000..7 * 86_400_000 + 60_000).contains(&waits),
        "{waits}"
    );
    let person = society
        .member(5, stage.now)
        .expect("a member")
        .1
        .expect("known");
    assert_eq!(person.address, ["New SAMPLE address 5", "London"]);
    let notice = stage.see(&format!("{here}/1/notice.pdf"), &secretary).await;
    assert!(notice.text.starts_with("%PDF-"), "{}", notice.text);
    let rest = society.verify(false, &mut |_, _, _| {});
    rest.expect("it verifies with the letter's scan");
    let data = society.own_data(5).expect("own data");
    assert_eq!(data.persons.len(), 2, "who it is and was");
}

#[tokio::test]
async fn a_member_asks_for_shares_back_and_applies_for_new_ones() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    stage.member("bes1-4", "bes1", 4);
    let secret = stage.user("secretary-1", &["secretary"]);
    let secretary = stage.log_in("secretary-1", Some(&secret)).await;
    let member = stage.log_in("bes1-4", None).await;
    let here = "/my/bes1/4/shares";
    let too_many = stage
        .send(here, "action=withdraw&of=ordinary&shares=9999", &member)
        .await;
    assert_eq!(
        too_many.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        too_many.text
    );
    let asked = stage
        .send(here, "action=withdraw&of=ordinary&shares=250", &member)
        .await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text);
    let page = stage.see(here, &member).await;
    assert!(page.text.contains("1 of 1"), "{}", page.text);
    // 13 weeks after 15 June 2016, within the year's tenth of 58,000 shares.
    assert!(page.text.contains("14 September 2016"), "{}", page.text);
    let back = stage.send(here, "action=take-back&number=1", &member).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
    let applied = stage
        .send(here, "action=apply&of=class:ordinary&shares=300", &member)
        .await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
    // Another's application is not there.
    stage.member("bes1-5", "bes1", 5);
    let other = stage.log_in("bes1-5", None).await;
    let theirs = stage
        .send("/my/bes1/5/shares", "action=give-up&number=1", &other)
        .await;
    assert_eq!(theirs.status, StatusCode::UNPROCESSABLE_ENTITY);
    let desk = stage.see("/desk/bes1/shares", &secretary).await;
    assert!(
        desk.text.contains("Allot 300 shares to member 4"),
        "{}",
        desk.text
    );
    let given = stage
        .send("/desk/bes1/shares", "action=allot&of=1", &secretary)
        .await;
    assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.text);
    let page = stage.see("/my", &member).await;
    assert!(page.text.contains("You hold 550 shares"), "{}", page.text);
    assert!(
        page.text
            .contains("A rest of the year as forecast makes it"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn papers_and_the_projection_are_pages() {
    let stage = ready().await;
    let secret = stage.user("treasurer-1", &["treasurer"]);
    let treasurer = stage.log_in("treasurer-1", Some(&secret)).await;
    let list = stage
        .see("/desk/bes1/year/hmrc-2016.xlsx", &treasurer)
        .await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(list.text.starts_with("PK"));
    let none = stage.see("/desk/bes1/year/hmrc-2016.exe", &treasurer).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let projection = stage.see("/desk/bes1/projection", &treasurer).await;
    assert!(
        projection.text.contains("Harborough"),
        "{}",
        projection.text
    );
    let wrong = stage
        .send("/desk/bes1/projection", "inputs=years%3D3", &treasurer)
        .await;
    assert_eq!(
        wrong.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        wrong.text
    );
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let at = page
        .find(&field)
        .unwrap_or_else(|| panic!("no `{name}` in {page}"));
    page[at + field.len()..]
        .chars()
        .take_while(|c| *c != '"')
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    office::hex(&Sha256::digest(bytes))
}
