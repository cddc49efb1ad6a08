//! A council's officer of one building, notes on pages, and a vote in a browser of sorts.

use axum::http::{Method, StatusCode};
use records::council::{BuildingOfficer, StakeNote};

use super::stage::Stage;

#[tokio::test]
async fn an_officer_of_one_building_sees_nothing_of_another() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("council-2", &["council"]);
    let cookie = stage.log_in("council-2", Some(&secret)).await;
    let here = "/council/bes1/roofs/elmore-house";
    assert_eq!(stage.see(here, &cookie).await.status, StatusCode::OK);
    // From now on another building, which is not this society's at all, is all they see.
    let society = stage.office.societies().remove(0);
    let space = |site: &str, id: &str| {
        let of = format!(
            "[[space]]\nid = \"{id}\"\ncouncil = \"Sample Council\"\nsite = \"{site}\"\nname = \"Space {id}\"\nunder = \"licence\"\nfrom = \"2012-04-23\"\nto = \"2037-04-22\"\nrent_pounds_a_year = \"1\"\nevidence = \"Licence {id}\"\n"
        );
        let notes = office::notes::notes_of_toml(&of, &["space"]).expect("notes");
        society
            .note_stake(notes, "secretary", stage.now)
            .expect("noted");
    };
    space("elmore-house", "roof");
    space("", "hall");
    let whole = stage.see("/council/bes1", &cookie).await;
    assert!(whole.text.contains("Space hall") && whole.text.contains("£10,000"));
    let only = StakeNote::Officer(BuildingOfficer {
        user: "council-2".into(),
        sites: vec!["elmore-house".into()],
    });
    society
        .note_stake(vec![only], "admin-1", stage.now)
        .expect("limited");
    for path in ["/council", "/council/bes1", "/council/bes1/evidence", here] {
        let page = stage.see(path, &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text.contains("Space hall"), "{path}: {}", page.text);
        assert!(
            !page.text.contains("£10,000"),
            "{path}: the whole society's capital"
        );
        assert!(
            page.text.contains("Space roof") || path.ends_with("evidence"),
            "{path}"
        );
    }
    let csv = stage.see("/council/bes1/stake/2016.csv", &cookie).await;
    assert!(
        !csv.text.contains("Space hall") && csv.text.contains("Space roof"),
        "{}",
        csv.text
    );
    for path in ["/council/bes1/outcomes", "/council/bes1/roofs/other"] {
        assert_eq!(
            stage.see(path, &cookie).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_outcome_is_noted_on_the_desk_and_shown_to_the_council() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("secretary-1", &["secretary"]);
    let cookie = stage.log_in("secretary-1", Some(&secret)).await;
    let form = "id=interns&group=social&wanted=Skills&activity=Paid+internships&partner=A+trainer&partner_kind=other+provider&service=&measure=Internships&unit=people&baseline=0&proposed=16&by=2018-12-31&attribution_percent=&evidence=Plan";
    let sent = stage.send("/desk/bes1/note/outcome", form, &cookie).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let wrong = form
        .replace("proposed=16", "proposed=sixteen")
        .replace("id=interns", "id=more");
    let sent = stage.send("/desk/bes1/note/outcome", &wrong, &cookie).await;
    assert_eq!(sent.status, StatusCode::CONFLICT);
    assert!(
        sent.text.contains("sixteen") && sent.text.contains("role=\"alert\""),
        "{}",
        sent.text
    );
    let page = stage.see("/desk/bes1/outcomes", &cookie).await;
    assert!(
        page.text.contains("Paid internships, with A trainer"),
        "{}",
        page.text
    );
    let secret = stage.user("council-1", &["council"]);
    let council = stage.log_in("council-1", Some(&secret)).await;
    let page = stage.see("/council/bes1/outcomes", &council).await;
    assert!(page.text.contains("Skills (Internships)"), "{}", page.text);
}

#[tokio::test]
async fn a_budget_is_voted_on_with_the_code_on_the_letter_and_nothing_else() {
    let stage = Stage::elmore_house();
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("secretary-1", &["secretary"]);
    let cookie = stage.log_in("secretary-1", Some(&secret)).await;
    let list: String = (1..=3).map(|n| format!("{n}%0A")).collect();
    let form = format!(
        "title=The+fund&text=How+shall+it+be+shared%3F&electorate=residents&record_day=2016-06-15&opens=2016-06-15&closes=2016-06-15&quorum=2&proxy_limit=0&majority=&pot_pounds=10000&options=garden%3B+A+garden%3B+2000%0Asurveys%3B+Energy+surveys%3B+8000&ages=&residence=&list=number%0A{list}"
    );
    let sent = stage.send("/desk/bes1/note/ballot", &form, &cookie).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let codes = stage
        .send("/desk/bes1/ballot-codes/1", "elector=", &cookie)
        .await;
    assert_eq!(codes.status, StatusCode::OK, "{}", codes.text);
    let codes: Vec<&str> = codes
        .text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(1))
        .collect();
    assert_eq!(codes.len(), 3);
    let nobody = stage.with(Method::GET, "/vote/bes1/1", "", "", &[]).await;
    assert!(nobody.text.contains("At most £8,000.00"), "{}", nobody.text);
    let vote = |code: &str, garden: &str, surveys: &str| {
        format!(
            "action=vote&code={}&option-garden={garden}&option-surveys={surveys}",
            code.replace(' ', "+")
        )
    };
    let over = stage
        .send("/vote/bes1/1", &vote(codes[0], "2001", ""), "")
        .await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    assert!(over.text.contains("its limit is"), "{}", over.text);
    let mut papers = Vec::new();
    for code in &codes {
        let said = stage
            .send("/vote/bes1/1", &vote(code, "1,500", "4000"), "")
            .await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        let paper = said
            .text
            .split("<code>")
            .nth(1)
            .and_then(|rest| rest.split("</code>").next());
        papers.push(paper.expect("a paper's code").to_owned());
    }
    let again = stage
        .send("/vote/bes1/1", &vote(codes[0], "1", "1"), "")
        .await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    let closed = stage
        .send("/desk/bes1/note/ballot-close", "ballot=1", &cookie)
        .await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.text);
    let list = stage.see("/s/bes1/ballots", "").await;
    assert!(
        list.text.contains("£1,500.00  garden (3 voters)"),
        "{}",
        list.text
    );
    let find = format!("action=check&paper={}", papers[1].replace(' ', "+"));
    let found = stage.send("/vote/bes1/1", &find, "").await;
    assert!(
        found
            .text
            .contains("Your paper was counted: garden=1500,surveys=4000"),
        "{}",
        found.text
    );
    let published = stage.see("/s/bes1/ballots/1.json", "").await;
    let published: serde_json::Value = serde_json::from_str(&published.text).expect("JSON");
    assert_eq!(published["tally"]["kept_pence"], 450_000);
}
