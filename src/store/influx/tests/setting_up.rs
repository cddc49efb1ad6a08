//! A bucket and a token of our own, on a new server and on one that is there.

use influx::{
    Target, Trouble,
    setup::{FirstOperator, set_up},
};

use super::peers::stub::{BUCKET, OPERATOR, ORG, Stub, TOKEN};

fn target(url: &str, token: &str) -> Target {
    Target {
        url: url.to_owned(),
        org: ORG.to_owned(),
        bucket: BUCKET.to_owned(),
        token: token.to_owned(),
        authority: Vec::new(),
    }
}

#[test]
fn a_new_server_gets_an_operator_a_bucket_and_a_token_for_that_bucket() {
    let stub = Stub::start_new();
    let to = target(&stub.url, "");
    assert_eq!(set_up(&to, None, 0).err(), Some(Trouble::New));
    let first = FirstOperator {
        name: "operator".into(),
        password: "long enough".into(),
    };
    let made = set_up(&to, Some(&first), 0).unwrap();
    assert!(made.onboarded && made.bucket_made);
    assert_eq!(made.token, TOKEN);
    let again = set_up(&target(&stub.url, OPERATOR), None, 0).unwrap();
    assert!(!again.onboarded && !again.bucket_made);
}

#[test]
fn a_server_that_is_there_gets_a_bucket_once() {
    let stub = Stub::start();
    stub.state().buckets.clear();
    let made = set_up(&target(&stub.url, TOKEN), None, 0).unwrap();
    assert!(made.bucket_made && !made.onboarded);
    let wrong = set_up(&target(&stub.url, "wrong"), None, 0);
    assert!(matches!(wrong, Err(Trouble::Denied { status: 401, .. })));
    let mut nowhere = target(&stub.url, TOKEN);
    nowhere.org = "somebody else".into();
    assert!(matches!(
        set_up(&nowhere, None, 0),
        Err(Trouble::Denied { status: 404, .. })
    ));
}
