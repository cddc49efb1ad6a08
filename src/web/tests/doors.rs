//! In and out: what begins a session, what ends one, and who is kept out.

use axum::http::{Method, StatusCode, header};

use super::stage::{PASSWORD, Stage};
use office::doors::{Shown, Whence};

fn shown(password: &str, code: &str) -> Shown {
    Shown::Password {
        password: password.to_owned(),
        code: code.to_owned(),
    }
}

#[tokio::test]
async fn password_and_code_open_the_door_and_a_code_opens_it_once() {
    let stage = Stage::without_reads();
    let secret = stage.user("admin-1", &["administrator"]);
    let code = secret.code(stage.now.0);
    let form = format!("user=admin-1&password={PASSWORD}&code={code}&to=/me").replace(' ', "+");
    let entered = stage.send("/login", &form, "").await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
    assert_eq!(entered.header(header::LOCATION), "/me");
    let cookie = entered.header(header::SET_COOKIE);
    for word in ["commonwatt=", "Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "this machine, without TLS");
    let page = stage.see("/me", cookie.split(';').next().unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text
            .contains("You are logged in as admin-1 here and nowhere else.")
    );
    assert_eq!(page.header(header::CACHE_CONTROL), "no-store");
    let again = stage.send("/login", &form, "").await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(again.text.contains("is taken once"), "{}", again.text);
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_the_host_and_a_plain_one_is_not_taken() {
    let stage = Stage::behind_proxy();
    let secret = stage.user("admin-1", &["administrator"]);
    let code = secret.code(stage.now.0);
    let form = format!("user=admin-1&password={PASSWORD}&code={code}").replace(' ', "+");
    let tls = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
    ];
    let entered = stage.with(Method::POST, "/login", &form, "", &tls).await;
    let cookie = entered.header(header::SET_COOKIE).to_owned();
    assert!(cookie.starts_with("__Host-commonwatt="), "{cookie}");
    assert!(cookie.contains("; Secure"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let page = stage.with(Method::GET, "/me", "", cookie, &tls).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("203.0.113.9"), "{}", page.text);
    let plain = cookie.trim_start_matches("__Host-");
    let page = stage.with(Method::GET, "/me", "", plain, &tls).await;
    assert_eq!(
        page.status,
        StatusCode::SEE_OTHER,
        "a plain cookie over TLS"
    );
}

#[tokio::test]
async fn where_others_can_listen_no_private_page_is_shown_and_the_page_says_how() {
    let stage = Stage::without_reads();
    for path in ["/login", "/set-up", "/me"] {
        let far = stage.get(path).await;
        assert_eq!(far.status, StatusCode::FORBIDDEN, "{path}");
        for word in ["Caddy", "trusted_proxies", "tls_certificate_file"] {
            assert!(far.text.contains(word), "{path}: {}", far.text);
        }
        let claims = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
        ];
        let unnamed = stage.with(Method::GET, path, "", "", &claims).await;
        assert_eq!(unnamed.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(stage.get("/s/bes1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_somebody_planted_is_worth_nothing_after_login() {
    let stage = Stage::without_reads();
    let secret = stage.user("admin-1", &["administrator"]);
    // The attacker's own session, planted into the victim's browser.
    let attacker = stage.user("steward-with-another-name", &["steward"]);
    let planted = stage
        .log_in("steward-with-another-name", Some(&attacker))
        .await;
    let code = secret.code(stage.now.0);
    let form = format!("user=admin-1&password={PASSWORD}&code={code}").replace(' ', "+");
    let entered = stage.send("/login", &form, &planted).await;
    let cookie = entered.header(header::SET_COOKIE);
    assert!(!cookie.starts_with(&planted), "a new token at login");
    let page = stage.see("/me", &planted).await;
    assert_eq!(
        page.status,
        StatusCode::SEE_OTHER,
        "the planted one has ended"
    );
    // One that was made up opens nothing, and is never taken over.
    let made_up = format!("commonwatt={}", "a".repeat(64));
    assert_eq!(
        stage.see("/me", &made_up).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn after_logging_out_the_token_opens_nothing() {
    let stage = Stage::without_reads();
    let secret = stage.user("admin-1", &["administrator"]);
    let cookie = stage.log_in("admin-1", Some(&secret)).await;
    let out = stage.send("/log-out", "", &cookie).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"));
    let page = stage.see("/me", &cookie).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.header(header::LOCATION), "/login?to=/me");
    let sent = stage.send("/me", "session=x", &cookie).await;
    assert_eq!(sent.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ends_when_idle_when_old_and_when_its_user_changes() {
    let stage = Stage::without_reads();
    let office = &stage.office;
    stage.user("admin-1", &["administrator"]);
    let secret = stage.user("treasurer-1", &["treasurer"]);
    let enter = |minutes: i64| {
        let now = stage.now.plus_ms(minutes * 60_000);
        let shown = shown(PASSWORD, &secret.code(now.0));
        let token = office.log_in("treasurer-1", &shown, Whence::Machine, ("", None), now);
        token.expect("in")
    };
    let open = |token: &str, minutes: i64| {
        let now = stage.now.plus_ms(minutes * 60_000);
        office.session(token, now).expect("read").is_some()
    };
    let token = enter(0);
    assert!(open(&token, 59));
    assert!(open(&token, 59 + 59), "used within the hour");
    assert!(!open(&token, 59 + 59 + 60), "idle for an hour");
    assert!(!open(&token, 59 + 59), "and it does not come back");
    let token = enter(200);
    let mut at = 200;
    while at + 50 < 200 + 720 {
        at += 50;
        assert!(open(&token, at), "{at}");
    }
    assert!(!open(&token, 200 + 720), "twelve hours");
    let token = enter(2_000);
    assert!(open(&token, 2_000));
    let roles = vec![records::users::UserRole {
        role: "auditor".to_owned(),
        society: None,
    }];
    office
        .set_user_roles("treasurer-1", roles, "admin-1", stage.now)
        .expect("changed");
    assert!(!open(&token, 2_000), "another role, another session");
    let token = enter(2_010);
    office
        .disable_user("treasurer-1", "left", "admin-1", stage.now)
        .expect("disabled");
    assert!(!open(&token, 2_010));
}

#[tokio::test]
async fn what_another_site_sends_is_refused_and_no_page_stands_in_a_frame() {
    let stage = Stage::without_reads();
    let secret = stage.user("admin-1", &["administrator"]);
    let cookie = stage.log_in("admin-1", Some(&secret)).await;
    for headers in [
        [
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ],
        [("origin", "https://evil.example"), ("accept", "*/*")],
        [("origin", "null"), ("sec-fetch-site", "same-site")],
    ] {
        let sent = stage
            .with(Method::POST, "/log-out", "", &cookie, &headers)
            .await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(
            sent.text.contains("from a page of another site"),
            "{}",
            sent.text
        );
    }
    let page = stage.see("/me", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "still logged in");
    let policy = page.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
    assert_eq!(page.header(header::X_FRAME_OPTIONS), "DENY");
    let ours = [
        ("origin", "http://127.0.0.1:8080"),
        ("sec-fetch-site", "same-origin"),
    ];
    let sent = stage
        .with(Method::POST, "/log-out", "", &cookie, &ours)
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_a_form_does_not_have_is_told_of_by_name() {
    let stage = Stage::without_reads();
    let sent = stage
        .send("/login", "user=a&password=b&role=administrator", "")
        .await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(sent.text.contains("unknown field role"), "{}", sent.text);
}

#[tokio::test]
async fn nobody_learns_whether_a_user_exists() {
    let stage = Stage::without_reads();
    stage.user("admin-1", &["administrator"]);
    for n in 0..4 {
        for user in ["admin-1", "admin-2"] {
            let form = format!("user={user}&password=wrong+{n}&code=000000");
            let answer = stage.send("/login", &form, "").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            let other = stage
                .send("/login", &form.replace(user, "nobody-else"), "")
                .await;
            // The fifth try of a name waits; the text is the same until then.
            if other.status == StatusCode::FORBIDDEN {
                assert_eq!(
                    answer.text.replace(user, "X"),
                    other.text.replace("nobody-else", "X")
                );
            }
        }
    }
    for user in ["admin-1", "admin-2"] {
        let form = format!("user={user}&password=wrong&code=000000");
        let answer = stage.send("/login", &form, "").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{user}");
        assert!(!answer.header(header::RETRY_AFTER).is_empty());
        assert!(answer.text.contains("nobody is locked out"));
    }
}

#[test]
fn ten_thousand_guesses_in_an_hour_are_fewer_than_a_hundred_and_the_owner_gets_in() {
    let stage = Stage::without_reads();
    let secret = stage.user("treasurer-1", &["administrator"]);
    let office = &stage.office;
    let home = Whence::Address("198.51.100.20".parse().unwrap());
    let enter = |whence: Whence, now: domain::calendar::Instant| {
        let right = shown(PASSWORD, &secret.code(now.0));
        office.log_in("treasurer-1", &right, whence, ("", None), now)
    };
    enter(home, stage.now).expect("from home, before");
    let (mut heard, mut now) = (0, stage.now.plus_ms(60_000));
    for guess in 0..10_000_u32 {
        // From ten thousand addresses.
        let far: std::net::Ipv4Addr = (0x0A00_0000 + guess).into();
        let wrong = shown(&format!("guess number {guess}"), "000000");
        let whence = Whence::Address(far.into());
        let why = office.log_in("treasurer-1", &wrong, whence, ("", None), now);
        let why = why.expect_err("wrong").to_string();
        if !why.starts_with("too many wrong tries") {
            heard += 1;
        }
        now = now.plus_ms(360);
        if guess == 5_000 {
            enter(home, now).expect("the owner gets in from home while it goes on");
        }
    }
    assert!((40..100).contains(&heard), "{heard} were heard");
    enter(Whence::Machine, now).expect("and at the machine");
    // From a place never seen before the wait is a minute, not for ever.
    let away = Whence::Address("203.0.113.77".parse().unwrap());
    enter(away, now.plus_ms(65_000)).expect("from anywhere a minute later");
}

#[test]
fn what_was_tried_and_used_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let now: domain::calendar::Instant = super::stage::NOW.parse().unwrap();
    let (secret, code) = {
        let stage = Stage::in_folder(folder.path());
        let secret = stage.user("admin-1", &["administrator"]);
        let code = secret.code(now.0);
        let right = shown(PASSWORD, &code);
        let far = Whence::Address("203.0.113.9".parse().unwrap());
        stage
            .office
            .log_in("admin-1", &right, Whence::Machine, ("", None), now)
            .expect("in");
        for _ in 0..5 {
            let wrong = shown("wrong", "000000");
            let _ = stage.office.log_in("admin-1", &wrong, far, ("", None), now);
        }
        (secret, code)
    };
    let stage = Stage::in_folder(folder.path());
    let far = Whence::Address("203.0.113.9".parse().unwrap());
    let enter = |code: &str, whence| {
        let right = shown(PASSWORD, code);
        let token = stage
            .office
            .log_in("admin-1", &right, whence, ("", None), now);
        token.map(|_| ()).map_err(|why| why.to_string())
    };
    assert!(
        enter(&code, Whence::Machine)
            .unwrap_err()
            .contains("is taken once")
    );
    let later = secret.code(now.0 + 30_000);
    assert!(
        enter(&later, far)
            .unwrap_err()
            .contains("too many wrong tries")
    );
    enter(&later, Whence::Machine).expect("the machine's own count is another one");
}

#[tokio::test]
async fn a_one_time_code_becomes_a_login_on_two_plain_forms() {
    let stage = Stage::without_reads();
    let roles = Some(vec![records::users::UserRole {
        role: "administrator".to_owned(),
        society: None,
    }]);
    let office = &stage.office;
    let code = office
        .invite_user("admin-1", roles, "owner", stage.now)
        .unwrap();
    let wrong = stage
        .send("/set-up", "user=admin-1&invitation=ABCD", "")
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("Ask an officer to invite again"),
        "{}",
        wrong.text
    );
    let first = format!("user=admin-1&invitation={code}");
    let second = stage.send("/set-up", &first, "").await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    assert!(second.text.contains("<svg class=\"qr\""));
    let (_, rest) = second
        .text
        .split_once("name=\"secret\" value=\"")
        .expect("the secret");
    let secret = identity::Secret::of_base32(rest.split('"').next().unwrap()).expect("base32");
    let digits = secret.code(stage.now.0);
    let typed = secret.base32();
    let rest = format!("secret={typed}&password=kettle+orchard+violin&again=kettle+orchard");
    let differ = stage
        .send("/set-up", &format!("{first}&{rest}&code={digits}"), "")
        .await;
    assert_eq!(differ.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(differ.text.contains("The two passwords differ"));
    assert!(differ.text.contains(&typed), "the same secret again");
    let rest = rest.replace("&again=kettle+orchard", "&again=kettle+orchard+violin");
    let without = rest.replace(&format!("secret={typed}&"), "");
    let without = stage
        .send("/set-up", &format!("{first}&{without}"), "")
        .await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        without.text.contains("needs a second factor"),
        "{}",
        without.text
    );
    let done = stage
        .send("/set-up", &format!("{first}&{rest}&code={digits}"), "")
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(done.text.matches("<li class=\"code\">").count(), 8);
    let used = stage
        .send("/set-up", &format!("{first}&{rest}&code={digits}"), "")
        .await;
    assert_eq!(
        used.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "the code works once"
    );
}
