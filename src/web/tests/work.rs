//! What officers do on the pages of money and meters: claims, statements, tables, bills, dials, outages.

use axum::http::{StatusCode, header};

use super::stage::{DIAL, Stage, page_of_a_bank, photo};

const CLAIM: &str = "/desk/bes1/claims/elmore-house-fit/2016-06-02/2016-06-10";

/// Elmore House with somebody's work, an administrator, a treasurer and another officer.
async fn two(other: &str, role: &str) -> (Stage, String, String) {
    let stage = Stage::elmore_house();
    stage.with_work();
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("treasurer-1", &["treasurer"]);
    let one = stage.log_in("treasurer-1", Some(&secret)).await;
    let secret = stage.user(other, &[role]);
    let another = stage.log_in(other, Some(&secret)).await;
    (stage, one, another)
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let (_, rest) = page
        .split_once(&field)
        .unwrap_or_else(|| panic!("{name}: {page}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_treasurer_freezes_the_claim_that_was_looked_at_and_no_other() {
    let (stage, treasurer, auditor) = two("the-auditor-1", "auditor").await;
    let draft = stage.see(CLAIM, &treasurer).await;
    for words in [
        "would be claimed for elmore-house-fit",
        "The reads it stands on",
        "Go on to freeze this claim",
    ] {
        assert!(draft.text.contains(words), "{words}: {}", draft.text);
    }
    let looks = stage.see(CLAIM, &auditor).await;
    assert!(!looks.text.contains("Go on to freeze"), "an auditor looks");
    let path = format!("{CLAIM}/freeze");
    let page = stage.see(&path, &treasurer).await;
    let total = hidden(&page.text, "total");
    let stale = stage.send(&path, "total=1", &treasurer).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        stale.text.contains("not to what you looked at"),
        "{}",
        stale.text
    );
    let done = stage
        .send(&path, &format!("total={total}"), &treasurer)
        .await;
    assert_eq!(done.header(header::LOCATION), CLAIM, "{}", done.text);
    let frozen = stage.see(CLAIM, &treasurer).await;
    assert!(
        frozen.text.contains("was frozen by treasurer-1"),
        "{}",
        frozen.text
    );
    let sheet = stage.see(&format!("{CLAIM}/sheet"), &treasurer).await;
    assert!(
        sheet.text.contains("is claimed for elmore-house-fit"),
        "{}",
        sheet.text
    );
    let list = stage.see("/desk/bes1/claims", &treasurer).await;
    assert!(list.text.contains("Claim 1"), "{}", list.text);
    // Days that overlap, and days that are none, are told on the page.
    let overlaps = stage
        .send(
            "/desk/bes1/claims/elmore-house-fit/2016-06-05/2016-06-12/freeze",
            "total=0",
            &treasurer,
        )
        .await;
    assert_eq!(overlaps.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nonsense = stage
        .see(
            "/desk/bes1/claims/elmore-house-fit/2016-06-10/2016-06-02",
            &treasurer,
        )
        .await;
    assert_eq!(nonsense.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        nonsense
            .text
            .contains("The last day lies before the first.")
    );
    let unknown = stage
        .see("/desk/bes1/claims/nobody/2016-06-02/2016-06-10", &treasurer)
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_old_statement_shows_what_is_lacking_and_is_taken_in_after_a_look() {
    let (stage, treasurer, auditor) = two("the-auditor-1", "auditor").await;
    // The claim is due £25 more than what came.
    let draft = stage.see(&format!("{CLAIM}/freeze"), &treasurer).await;
    let total: i64 = hidden(&draft.text, "total").parse().expect("pence");
    let paid = total - 2_500;
    let file = format!(
        "FIT ID,from,to,paid_on,kind,kwh,rate_p_per_kwh,pounds\nFIT1,2016-06-02,2016-06-10,12/06/2016,Gen,,,{}.{:02}\n",
        paid / 100,
        paid % 100
    );
    let files = [("file", "old.csv", file.as_bytes())];
    let wrong = stage
        .upload("/desk/bes1/statement", &[("dates", "")], &files, &auditor)
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("there is none for installation"),
        "{}",
        wrong.text
    );
    let fields = [
        ("dates", ""),
        ("columns", "installation = FIT ID"),
        ("installations", "FIT1 = elmore-house-fit"),
        ("kinds", "Gen = generation"),
    ];
    let file = file.replace("12/06/2016", "2016-06-12");
    let files = [("file", "old.csv", file.as_bytes())];
    let looked = stage
        .upload("/desk/bes1/statement", &fields, &files, &treasurer)
        .await;
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
    for words in [
        "£25.00 is lacking in old.csv",
        "Dear licensee",
        "Go on to take them in",
    ] {
        assert!(looked.text.contains(words), "{words}: {}", looked.text);
    }
    let bank = stage.see("/desk/bes1/bank", &treasurer).await;
    assert!(bank.text.contains("No payment has been taken in yet."));
    // Another officer cannot use the file that waits.
    let upload = hidden(&looked.text, "upload");
    let form = |action: &str| {
        format!(
            "action={action}&upload={upload}&columns=installation+%3D+FIT+ID&installations=FIT1+%3D+elmore-house-fit&kinds=Gen+%3D+generation"
        )
    };
    let preview = stage
        .send("/desk/bes1/bank/import", &form("look"), &treasurer)
        .await;
    assert!(
        preview.text.contains("One row of old.csv is new."),
        "{}",
        preview.text
    );
    let taken = stage
        .send("/desk/bes1/bank/import", &form("import"), &treasurer)
        .await;
    assert_eq!(
        taken.header(header::LOCATION),
        "/desk/bes1/bank",
        "{}",
        taken.text
    );
    let gone = stage
        .send("/desk/bes1/bank/import", &form("import"), &treasurer)
        .await;
    assert_eq!(gone.status, StatusCode::CONFLICT, "the file waits no more");
    let bank = stage.see("/desk/bes1/bank", &treasurer).await;
    assert!(
        bank.text.contains("Every payment is matched."),
        "{}",
        bank.text
    );
    let all = stage.see("/desk/bes1/paid", &treasurer).await;
    assert!(all.text.contains("£25.00 is lacking"), "{}", all.text);
}

#[tokio::test]
async fn a_bank_s_rows_are_matched_to_bills_by_a_person() {
    let (stage, treasurer, _) = two("the-auditor-1", "auditor").await;
    let file = b"paid_on,pounds,text\n2016-06-14,12.34,SOMEBODY\n";
    let fields = [("action", "look"), ("kind", "bank")];
    let files = [("file", "bank.csv", file.as_slice())];
    let looked = stage
        .upload("/desk/bes1/bank/import", &fields, &files, &treasurer)
        .await;
    let upload = hidden(&looked.text, "upload");
    let form = format!("action=import&kind=bank&upload={upload}");
    let taken = stage
        .send("/desk/bes1/bank/import", &form, &treasurer)
        .await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text);
    let page = stage.see("/desk/bes1/bank/match", &treasurer).await;
    assert!(
        page.text.contains("£12.34 on 14 June 2016"),
        "{}",
        page.text
    );
    let row = hidden(&page.text, "row");
    let form = format!("row={row}&pays=bill+1");
    let done = stage.send("/desk/bes1/bank/match", &form, &treasurer).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let bills = stage.see("/desk/bes1/bills", &treasurer).await;
    assert!(bills.text.contains("£12.34"), "{}", bills.text);
}

#[tokio::test]
async fn a_row_of_a_table_takes_two_officers_and_shows_its_file() {
    let (stage, treasurer, approver) = two("approver-number-1", "approver").await;
    let path = "/desk/bes1/tables/uplifts/extend";
    let page = page_of_a_bank();
    let fields = [
        ("action", "look"),
        ("year", "2027"),
        ("percent", "3.1"),
        ("index", "CPI"),
        ("source", "ONS, 20 January 2027"),
        ("certainty", "high"),
    ];
    let none = stage.upload(path, &fields, &[], &treasurer).await;
    assert!(
        none.text.contains("Choose the page, bill or file"),
        "{}",
        none.text
    );
    let files = [("file", page.name.as_str(), page.bytes.as_slice())];
    let looked = stage.upload(path, &fields, &files, &treasurer).await;
    assert!(
        looked.text.contains("This row can stand in"),
        "{}",
        looked.text
    );
    let upload = hidden(&looked.text, "upload");
    let form = format!(
        "action=propose&upload={upload}&year=2027&percent=3.1&index=CPI&source=ONS&certainty=high"
    );
    let made = stage.send(path, &form, &treasurer).await;
    let proposal = "/desk/bes1/proposals/2";
    assert_eq!(made.header(header::LOCATION), proposal, "{}", made.text);
    let own = format!("{proposal}/decide");
    let page = stage.see(&own, &treasurer).await;
    assert!(!page.text.contains("Approve this row"), "{}", page.text);
    let alone = stage.send(&own, "action=approve", &treasurer).await;
    assert_eq!(alone.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        alone.text.contains("expected another officer"),
        "{}",
        alone.text
    );
    let silent = stage.send(&own, "action=refuse", &approver).await;
    assert!(
        silent.text.contains("Say why it is refused."),
        "{}",
        silent.text
    );
    let done = stage.send(&own, "action=approve", &approver).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let table = stage.see("/desk/bes1/tables/uplifts", &approver).await;
    assert!(table.text.contains("1 April 2027"), "{}", table.text);
    // The file it was taken from is saved, never shown as a page of ours.
    let file = format!("/desk/bes1/files/{}", page_of_a_bank().sha256());
    let file = stage.see(&file, &approver).await;
    assert_eq!(
        file.header(header::CONTENT_TYPE),
        "application/octet-stream"
    );
    assert!(
        file.header(header::CONTENT_DISPOSITION)
            .starts_with("attachment")
    );
    let none = stage.see("/desk/bes1/files/00ff", &approver).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_read_with_a_photo_counts_when_a_second_person_saw_the_same() {
    let (stage, steward, treasurer) = {
        let (stage, treasurer, steward) = two("steward-1", "steward").await;
        (stage, steward, treasurer)
    };
    let image = photo();
    let path = "/desk/bes1/dials/take";
    // Nothing was heard of the meter for weeks before this read.
    let fields = [
        ("action", "look"),
        ("meter", "SAMPLE-BES1-1 2.8.0"),
        ("value", "49000.0"),
        ("at", "2016-05-20T10:00"),
    ];
    let another = [b"\x89PNG\r\n\x1a\n another dial".as_slice()];
    let files = [("photo", "may.png", another[0])];
    let looked = stage.upload(path, &fields, &files, &steward).await;
    assert!(
        looked
            .text
            .contains("until a second person has looked at the photo"),
        "{}",
        looked.text
    );
    let upload = hidden(&looked.text, "upload");
    let form = format!(
        "action=take&upload={upload}&meter=SAMPLE-BES1-1+2.8.0&value=49000.0&at=2016-05-20T10%3A00"
    );
    let taken = stage.send(path, &form, &steward).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text);
    let read = taken.header(header::LOCATION).to_owned();
    let desk = stage.see("/desk/bes1", &treasurer).await;
    assert!(
        desk.text.contains("waits for a second person"),
        "{}",
        desk.text
    );
    let own = stage
        .send(&read, "action=confirm&value=49000.0", &steward)
        .await;
    assert!(own.text.contains("xpected a second person"), "{}", own.text);
    let page = stage.see(&read, &treasurer).await;
    assert!(page.text.contains("<img class=\"photo\""), "{}", page.text);
    let other = stage
        .send(&read, "action=confirm&value=49010.0", &treasurer)
        .await;
    assert!(
        other.text.contains("nothing was confirmed"),
        "{}",
        other.text
    );
    let same = stage
        .send(&read, "action=confirm&value=49000.0", &treasurer)
        .await;
    assert_eq!(same.status, StatusCode::SEE_OTHER, "{}", same.text);
    let page = stage.see(&read, &treasurer).await;
    assert!(page.text.contains("it counts as agreed"), "{}", page.text);
    // One that differs is chosen by another officer.
    let differs = format!("/desk/bes1/dials/{DIAL}");
    let form = "action=agree&chosen=telemetry&reason=the+photo+is+of+another+meter&value=";
    let chosen = stage.send(&differs, form, &treasurer).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.text);
    let file = format!("/desk/bes1/files/{}", image.sha256());
    let file = stage.see(&file, &treasurer).await;
    assert_eq!(file.header(header::CONTENT_TYPE), "image/png");
    // What is no photo is told.
    let files = [("photo", "note.txt", b"text".as_slice())];
    let fields = [
        ("action", "look"),
        ("meter", "SAMPLE-BES1-1 2.8.0"),
        ("value", "49001.0"),
        ("at", "2016-05-21T10:00"),
    ];
    let no_photo = stage.upload(path, &fields, &files, &steward).await;
    assert!(no_photo.text.contains("is no photo"), "{}", no_photo.text);
}

#[tokio::test]
async fn an_outage_is_planned_after_its_warnings_and_its_notice_is_drafted() {
    let (stage, treasurer, _) = two("the-auditor-1", "auditor").await;
    let path = "/desk/bes1/outages/plan";
    let form = |action: &str, to: &str| {
        format!(
            "action={action}&site=elmore-house&from=2016-08-01&to={to}&cause=panels+off&asked_by=the+council&all_plant_removed=yes"
        )
    };
    let look = stage
        .send(path, &form("look", "2016-08-20"), &treasurer)
        .await;
    assert!(look.text.contains("decommissioned"), "{}", look.text);
    let overlaps = stage
        .send(
            path,
            &form("look", "2016-07-20").replace("2016-08-01", "2016-07-05"),
            &treasurer,
        )
        .await;
    assert_eq!(overlaps.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = stage
        .send(path, &form("plan", "2016-08-20"), &treasurer)
        .await;
    assert_eq!(
        done.header(header::LOCATION),
        "/desk/bes1/outages/2",
        "{}",
        done.text
    );
    let page = stage.see("/desk/bes1/outages/2", &treasurer).await;
    assert!(page.text.contains("What it cost so far"), "{}", page.text);
    let notice = stage.see("/desk/bes1/outages/2/notice", &treasurer).await;
    assert!(
        notice.text.contains("BEFORE anything is taken off"),
        "{}",
        notice.text
    );
    let end = stage
        .send(
            "/desk/bes1/outages/2",
            "action=end&on=2016-08-10&reason=done+early",
            &treasurer,
        )
        .await;
    assert_eq!(end.status, StatusCode::SEE_OTHER, "{}", end.text);
    let list = stage.see("/desk/bes1/outages", &treasurer).await;
    assert!(list.text.contains("10 August 2016"), "{}", list.text);
}

#[tokio::test]
async fn a_bill_is_frozen_printed_and_taken_back_whole() {
    let (stage, treasurer, _) = two("the-auditor-1", "auditor").await;
    let path = "/desk/bes1/bills/elmore-house-landlord/2016-06-02/2016-06-10";
    let draft = stage.see(path, &treasurer).await;
    assert!(
        draft.text.contains("Go on to freeze this bill"),
        "{}",
        draft.text
    );
    let page = stage.see(&format!("{path}/freeze"), &treasurer).await;
    let total = hidden(&page.text, "total");
    let form = format!("total={total}");
    let done = stage
        .send(&format!("{path}/freeze"), &form, &treasurer)
        .await;
    assert_eq!(
        done.header(header::LOCATION),
        "/desk/bes1/bill/2",
        "{}",
        done.text
    );
    let bill = stage.see("/desk/bes1/bill/2", &treasurer).await;
    assert!(bill.text.contains("is to pay by"), "{}", bill.text);
    let reminder = stage.see("/desk/bes1/bill/2/reminder", &treasurer).await;
    assert!(
        reminder.text.contains("there is nothing to write"),
        "{}",
        reminder.text
    );
    let silent = stage
        .send("/desk/bes1/bill/2/credit", "reason=", &treasurer)
        .await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let back = stage
        .send("/desk/bes1/bill/2/credit", "reason=wrong+price", &treasurer)
        .await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
    let bill = stage.see("/desk/bes1/bill/2", &treasurer).await;
    assert!(
        bill.text.contains("Credit note 1 for bill 2"),
        "{}",
        bill.text
    );
}

#[tokio::test]
async fn irradiance_is_looked_at_taken_in_and_shown_beside_income() {
    let (stage, treasurer, _) = two("the-auditor-1", "auditor").await;
    let path = "/desk/bes1/income/elmore-house/irradiance";
    let mut file = String::from("day,kwh_per_m2\n");
    for day in 1..=14 {
        file.push_str(&format!("2016-06-{day:02},5.{day:02}\n"));
    }
    let fields = [
        ("action", "look"),
        ("plane", "panels"),
        ("source", "SAMPLE sensor"),
    ];
    let files = [("file", "june.csv", file.as_bytes())];
    let looked = stage.upload(path, &fields, &files, &treasurer).await;
    assert!(looked.text.contains("14 whole days"), "{}", looked.text);
    let upload = hidden(&looked.text, "upload");
    let form = format!("action=import&plane=panels&source=SAMPLE+sensor&upload={upload}");
    let taken = stage.send(path, &form, &treasurer).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text);
    let page = stage
        .see(
            "/desk/bes1/income/elmore-house?from=2016-06-01&to=2016-06-14",
            &treasurer,
        )
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    // 120 kWh a day from 37.24 kW under about 5 kWh/m².
    assert!(page.text.contains("0.63"), "{}", page.text);
    let wrong = stage
        .upload(
            path,
            &fields,
            &[(
                "file",
                "x.csv",
                b"day,kwh_per_m2\n2016-06-01,50\n".as_slice(),
            )],
            &treasurer,
        )
        .await;
    assert!(
        wrong.text.contains("not what the sun can give"),
        "{}",
        wrong.text
    );
    let withdrawn = stage
        .send(
            path,
            "action=withdraw&number=1&reason=another+roof",
            &treasurer,
        )
        .await;
    assert_eq!(
        withdrawn.status,
        StatusCode::SEE_OTHER,
        "{}",
        withdrawn.text
    );
}

#[tokio::test]
async fn a_task_is_done_with_what_shows_it_and_an_auditor_does_nothing() {
    let (stage, treasurer, auditor) = two("the-auditor-1", "auditor").await;
    let list = stage.see("/desk/bes1/tasks", &treasurer).await;
    let (_, rest) = list
        .text
        .split_once("tasks/done?task=photo")
        .expect("a photo");
    let task = format!("photo{}", rest.split('"').next().unwrap_or_default());
    let form = format!("task={task}&on=2016-06-14&evidence=sent+to+the+licensee");
    let none = stage.send("/desk/bes1/tasks/done", &form, &auditor).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.text.contains("change nothing"), "{}", none.text);
    let image = photo();
    let files = [("file", "letter.png", image.bytes.as_slice())];
    let fields = [
        ("task", task.as_str()),
        ("on", "2016-06-14"),
        ("evidence", "sent to the licensee"),
    ];
    let done = stage
        .upload("/desk/bes1/tasks/done", &fields, &files, &treasurer)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let list = stage.see("/desk/bes1/tasks", &treasurer).await;
    assert!(
        list.text.contains("sent to the licensee (treasurer-1)"),
        "{}",
        list.text
    );
}

#[tokio::test]
async fn a_file_that_is_too_large_and_a_field_nobody_asked_for_are_told() {
    let (stage, treasurer, _) = two("the-auditor-1", "auditor").await;
    let large = vec![0_u8; 17 << 20];
    let fields = [("action", "look")];
    let files = [("file", "large.csv", large.as_slice())];
    let answer = stage
        .upload("/desk/bes1/bank/import", &fields, &files, &treasurer)
        .await;
    assert_eq!(
        answer.status,
        StatusCode::PAYLOAD_TOO_LARGE,
        "{}",
        answer.text
    );
    assert!(answer.text.contains("larger than we take"));
    let answer = stage
        .upload(
            "/desk/bes1/bank/import",
            &[("action", "look"), ("price", "1")],
            &[],
            &treasurer,
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Where no file belongs none is read.
    let files = [("file", "x.csv", b"x".as_slice())];
    let answer = stage
        .upload(
            "/desk/bes1/interest",
            &[("action", "preview")],
            &files,
            &treasurer,
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}
