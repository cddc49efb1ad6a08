//! What officers, members and a council do on their pages.

use axum::http::{StatusCode, header};

use super::stage::{HELD, PASSWORD, Stage};

/// Elmore House with its roll, a read that waits, a run that waits and a silent meter.
fn business() -> Stage {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.with_business();
    stage.user("admin-1", &["administrator"]);
    stage
}

#[tokio::test]
async fn the_desk_says_what_waits_the_oldest_first_and_leads_there() {
    let stage = business();
    let secret = stage.user("treasurer-1", &["treasurer"]);
    let cookie = stage.log_in("treasurer-1", Some(&secret)).await;
    let desk = stage.see("/desk", &cookie).await;
    for words in [
        "One read is held and counts for nothing until somebody decides.",
        "Meter SAMPLE-BES1-1 says nothing.",
        "was prepared by somebody and waits for another officer.",
        "href=\"/desk/bes1/held\"",
        "href=\"/desk/bes1/interest/1\"",
        "href=\"/desk/bes1/alerts/1\"",
        "Read the meter and claim for elmore-house-fit.",
    ] {
        assert!(desk.text.contains(words), "{words}: {}", desk.text);
    }
    let claim = desk
        .text
        .find("claim for elmore-house-fit")
        .expect("a claim");
    let held = desk.text.find("One read is held").expect("a read");
    assert!(claim < held, "a claim of the year before comes first");
    // Seen, an alert leaves.
    let seen = stage
        .send("/desk/bes1/alerts/1", "note=the+engineer+comes", &cookie)
        .await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.text);
    let desk = stage.see("/desk", &cookie).await;
    assert!(!desk.text.contains("says nothing."));
}

#[tokio::test]
async fn a_held_read_is_decided_with_its_consequences_shown() {
    let stage = business();
    let secret = stage.user("steward-1", &["steward"]);
    let cookie = stage.log_in("steward-1", Some(&secret)).await;
    let path = format!("/desk/bes1/held/{HELD}");
    let page = stage.see(&path, &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for words in [
        "showed 60,000 kWh, and that read waits for you.",
        "This read counts.",
        "This read never counts.",
        "kWh are known from the last read before it",
        "at the generation rate of that day",
        "over a connection",
        "Refuse this read",
    ] {
        let typed = words == "over a connection";
        assert!(typed || page.text.contains(words), "{words}: {}", page.text);
    }
    let silent = stage.send(&path, "action=refuse&reason=+", &cookie).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        silent.text.contains("A decision needs a reason"),
        "{}",
        silent.text
    );
    let done = stage
        .send(&path, "action=refuse&reason=the+dial+shows+less", &cookie)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let list = stage.see("/desk/bes1/held", &cookie).await;
    assert!(
        list.text
            .contains("No read of Brixton Energy Solar 1 waits"),
        "{}",
        list.text
    );
    let page = stage.see(&path, &cookie).await;
    assert!(
        page.text.contains("steward-1 decided about it"),
        "{}",
        page.text
    );
    // An auditor looks and has no button.
    let secret = stage.user("the-auditor-1", &["auditor"]);
    let auditor = stage.log_in("the-auditor-1", Some(&secret)).await;
    let page = stage.see(&path, &auditor).await;
    assert!(!page.text.contains("<button>Accept"), "{}", page.text);
    let audit = stage.see("/desk/bes1/audit", &auditor).await;
    assert!(audit.text.contains("a held read was decided"));
    assert!(audit.text.contains("the dial shows less"), "{}", audit.text);
}

#[tokio::test]
async fn two_officers_make_an_interest_run_and_one_cannot() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("treasurer-1", &["treasurer"]);
    let one = stage.log_in("treasurer-1", Some(&secret)).await;
    let secret = stage.user("approver-number-1", &["approver"]);
    let other = stage.log_in("approver-number-1", Some(&secret)).await;
    let form = "from=2013-01-01&to=2013-12-31&rate=3.25";
    let list = "/desk/bes1/interest";
    let look = stage
        .send(list, &format!("{form}&action=preview"), &one)
        .await;
    assert_eq!(look.status, StatusCode::OK, "{}", look.text);
    assert!(
        look.text.contains("What it would come to: £1,885.30"),
        "{}",
        look.text
    );
    assert!(
        stage
            .see(list, &one)
            .await
            .text
            .contains("No interest has been declared yet.")
    );
    let made = stage
        .send(list, &format!("{form}&action=prepare"), &one)
        .await;
    assert_eq!(
        made.header(header::LOCATION),
        "/desk/bes1/interest/1",
        "{}",
        made.text
    );
    let run = "/desk/bes1/interest/1";
    let own = stage.see(run, &one).await;
    assert!(
        own.text
            .contains("You prepared it, so another officer has to approve it.")
    );
    let hash = |page: &str| {
        let (_, rest) = page.split_once("name=\"hash\" value=\"").expect("a hash");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let page = stage.see(run, &other).await;
    let hash = hash(&page.text);
    let alone = stage
        .send(&format!("{run}/approve"), &format!("hash={hash}"), &one)
        .await;
    assert_eq!(alone.status, StatusCode::CONFLICT);
    assert!(
        alone.text.contains("expected another officer"),
        "{}",
        alone.text
    );
    let early = stage
        .send(&format!("{run}/freeze"), &format!("hash={hash}"), &one)
        .await;
    assert_eq!(early.status, StatusCode::CONFLICT, "not approved yet");
    let forged = stage
        .send(&format!("{run}/approve"), "hash=00", &other)
        .await;
    assert_eq!(forged.status, StatusCode::CONFLICT);
    let done = stage
        .send(&format!("{run}/approve"), &format!("hash={hash}"), &other)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let not_theirs = stage
        .send(&format!("{run}/freeze"), &format!("hash={hash}"), &other)
        .await;
    assert_eq!(
        not_theirs.status,
        StatusCode::FORBIDDEN,
        "an approver freezes nothing"
    );
    let done = stage
        .send(&format!("{run}/freeze"), &format!("hash={hash}"), &one)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let page = stage.see(run, &one).await;
    assert!(page.text.contains("is frozen."), "{}", page.text);
}

#[tokio::test]
async fn a_member_sees_their_own_and_another_members_page_is_not_there() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    stage.member("member-4", "bes1", 4);
    let cookie = stage.log_in("member-4", None).await;
    let mine = stage.see("/my", &cookie).await;
    assert_eq!(mine.status, StatusCode::OK);
    let words = "You hold 250 shares of Brixton Energy Solar 1, worth £250.00; no interest has been declared on them yet.";
    assert!(mine.text.contains(words), "{}", mine.text);
    assert!(
        mine.text
            .contains("Member 004, member 4 of Brixton Energy Solar 1")
    );
    let data = stage.see("/my/bes1/4/data.json", &cookie).await;
    let data: serde_json::Value = serde_json::from_str(&data.text).expect("JSON");
    assert_eq!(data["member"], 4);
    assert_eq!(data["movements"][0]["shares"], 250);
    let missing = stage.see("/my/bes1/9999", &cookie).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    for other in (1..=103).filter(|other| *other != 4) {
        for below in ["", "/data.json", "/payment"] {
            let theirs = stage
                .see(&format!("/my/bes1/{other}{below}"), &cookie)
                .await;
            assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{other}{below}");
            assert_eq!(
                theirs.text, missing.text,
                "the same as one that is not there"
            );
        }
    }
    for path in ["/desk", "/desk/bes1", "/council"] {
        assert_eq!(
            stage.see(path, &cookie).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_member_chooses_where_interest_goes_and_new_bank_details_wait_a_week() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    stage.member("member-4", "bes1", 4);
    let cookie = stage.log_in("member-4", None).await;
    let path = "/my/bes1/4/payment";
    let page = stage.see(path, &cookie).await;
    assert!(
        page.text.contains("value=\"cheque\" checked"),
        "{}",
        page.text
    );
    let none = stage.send(path, "payment=bank", &cookie).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        none.text.contains("no bank details of yours yet"),
        "{}",
        none.text
    );
    let fund = stage.send(path, "payment=fund", &cookie).await;
    assert_eq!(fund.status, StatusCode::SEE_OTHER, "{}", fund.text);
    let mine = stage.see("/my", &cookie).await;
    assert!(mine.text.contains("you give it to the community fund"));
    let form = "payment=bank&sort_code=12-34-56&account=12345678&name=";
    let bank = stage.send(path, form, &cookie).await;
    assert_eq!(bank.status, StatusCode::SEE_OTHER, "{}", bank.text);
    let mine = stage.see("/my", &cookie).await;
    assert!(mine.text.contains("From 22 June 2016"), "{}", mine.text);
    assert!(mine.text.contains("ending in 678"), "{}", mine.text);
    assert!(
        !mine.text.contains("12345678"),
        "the whole number is on no page"
    );
}

#[tokio::test]
async fn a_council_sees_its_stake_and_nobody_elses() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("council-officer", &["council"]);
    let cookie = stage.log_in("council-officer", Some(&secret)).await;
    let today = stage.see("/council", &cookie).await;
    assert_eq!(today.status, StatusCode::OK, "{}", today.text);
    let words = "one vote of 102 is 0.98 % of the votes.";
    assert!(
        today.text.contains(words),
        "one left in 2016: {}",
        today.text
    );
    let page = stage
        .see("/council?from=2013-01-01&to=2013-12-31", &cookie)
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let words =
        "£10,000 of £58,000 is 17.24 % of the capital; one vote of 103 is 0.97 % of the votes.";
    assert!(page.text.contains(words), "{}", page.text);
    assert!(!page.text.contains("Member 0"), "no other member is named");
    for path in ["/desk", "/desk/bes1/interest", "/my"] {
        assert_eq!(
            stage.see(path, &cookie).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}

#[tokio::test]
async fn rights_are_given_by_who_may_and_only_after_being_sure() {
    let stage = Stage::elmore_house();
    let secret = stage.user("admin-1", &["administrator"]);
    let cookie = stage.log_in("admin-1", Some(&secret)).await;
    let added = stage
        .send(
            "/desk/users",
            "action=add&user=steward-9&role=steward&society=bes1",
            &cookie,
        )
        .await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    assert!(
        added.text.contains("The one-time code of steward-9"),
        "{}",
        added.text
    );
    assert!(added.text.contains("steward of Brixton Energy Solar 1"));
    let last = stage
        .send(
            "/desk/users",
            "action=disable&user=admin-1&reason=left",
            &cookie,
        )
        .await;
    assert_eq!(last.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        last.text.contains("the last one who may give rights"),
        "{}",
        last.text
    );
    let secret = stage.user("treasurer-1", &["treasurer"]);
    let other = stage.log_in("treasurer-1", Some(&secret)).await;
    let refused = stage
        .send(
            "/desk/users",
            "action=add&user=friend&role=administrator",
            &other,
        )
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    // Eleven minutes later the session is open and nobody is sure any more.
    let token = cookie.trim_start_matches("commonwatt=");
    let later = stage.now.plus_ms(11 * 60_000);
    let session = stage
        .office
        .session(token, later)
        .expect("read")
        .expect("open");
    assert!(session.sure_until <= later);
}

#[tokio::test]
async fn before_money_somebody_shows_again_who_they_are() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("treasurer-1", &["treasurer"]);
    let cookie = stage.log_in("treasurer-1", Some(&secret)).await;
    let token = cookie.trim_start_matches("commonwatt=").to_owned();
    assert!(
        stage
            .office
            .session(&token, stage.now)
            .expect("read")
            .is_some()
    );
    stage.office.forget_sure(&token).expect("forgotten");
    let form = "from=2013-01-01&to=2013-12-31&rate=3.25&action=prepare";
    let asked = stage.send("/desk/bes1/interest", form, &cookie).await;
    assert_eq!(
        asked.header(header::LOCATION),
        "/sure?to=/desk/bes1/interest"
    );
    let page = stage.see("/sure?to=/desk/bes1/interest", &cookie).await;
    assert!(page.text.contains("Show once more who you are."));
    let wrong = stage
        .send("/sure", "password=wrong&code=000000", &cookie)
        .await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let code = secret.code(stage.now.0 + 30_000);
    let right = format!("password={PASSWORD}&code={code}&to=/desk/bes1/interest").replace(' ', "+");
    let sure = stage.send("/sure", &right, &cookie).await;
    assert_eq!(
        sure.header(header::LOCATION),
        "/desk/bes1/interest",
        "{}",
        sure.text
    );
    let made = stage.send("/desk/bes1/interest", form, &cookie).await;
    assert_eq!(
        made.header(header::LOCATION),
        "/desk/bes1/interest/1",
        "{}",
        made.text
    );
}
