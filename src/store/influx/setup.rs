//! A bucket and a token of our own on a server.
//!
//! A new server is onboarded and its operator token used once; on one that has been set up an
//! operator's token is given. The token that is made may read and write the one bucket and nothing
//! else. Done twice, the bucket is found and another token made.

use influxdb2::{
    api::{
        authorizations::CreateAuthorizationRequest, buckets::ListBucketsRequest,
        organization::ListOrganizationRequest,
    },
    models::{
        Permission, PostBucketRequest, Resource, RetentionRule, permission::Action,
        retention_rule::Type as RetentionType,
    },
};

use crate::server::{Server, Target, Trouble};

/// The first operator of a new server.
#[derive(Clone)]
pub struct FirstOperator {
    /// Name.
    pub name: String,
    /// Password, 8 to 72 characters.
    pub password: String,
}

/// What was made.
#[derive(Clone, PartialEq, Eq)]
pub struct Made {
    /// A token for the bucket alone.
    pub token: String,
    /// Whether the server was new.
    pub onboarded: bool,
    /// Whether the bucket was new.
    pub bucket_made: bool,
}

/// Makes a bucket and a token. `target.token` is an operator's, unless the server is new.
///
/// # Errors
/// When the server does not let us, or its answers lack what they must have.
pub fn set_up(
    target: &Target,
    first: Option<&FirstOperator>,
    keep_s: i32,
) -> Result<Made, Trouble> {
    let mut operator = target.clone();
    let mut server = Server::new(&operator)?;
    let client = server.client();
    let is_new = server.run(async move { client.is_onboarding_allowed().await })?;
    if is_new {
        let Some(first) = first.cloned() else {
            return Err(Trouble::New);
        };
        let (client, to) = (server.client(), target.clone());
        let answer = server.run(async move {
            client
                .onboarding(
                    &first.name,
                    &to.org,
                    &to.bucket,
                    Some(first.password),
                    None,
                    Some(keep_s),
                )
                .await
        })?;
        operator.token = answer
            .auth
            .and_then(|auth| auth.token)
            .ok_or_else(|| lacks("an operator token"))?;
        server = Server::new(&operator)?;
    }
    let org = organisation(&server)?;
    let (bucket, bucket_made) = match bucket(&server, &org)? {
        Some(id) => (id, false),
        None => {
            make_bucket(&server, &org, keep_s)?;
            let made = bucket(&server, &org)?;
            (
                made.ok_or_else(|| lacks("the bucket it has just made"))?,
                true,
            )
        }
    };
    let token = make_token(&server, &org, &bucket)?;
    Ok(Made {
        token,
        onboarded: is_new,
        bucket_made: bucket_made || is_new,
    })
}

fn organisation(server: &Server) -> Result<String, Trouble> {
    let (client, name) = (server.client(), server.target().org.clone());
    let wanted = name.clone();
    let answer = server.run(async move {
        let mut request = ListOrganizationRequest::new();
        request.org = Some(name);
        client.list_organizations(request).await
    })?;
    let found = answer.orgs.into_iter().find(|org| org.name == wanted);
    found.and_then(|org| org.id).ok_or_else(|| Trouble::Denied {
        status: 404,
        said: format!("organisation `{wanted}` is not there"),
    })
}

fn bucket(server: &Server, org: &str) -> Result<Option<String>, Trouble> {
    let (client, name, org) = (
        server.client(),
        server.target().bucket.clone(),
        org.to_owned(),
    );
    let wanted = name.clone();
    let found = server.run(async move {
        let request = ListBucketsRequest {
            name: Some(name),
            org_id: Some(org),
            ..ListBucketsRequest::default()
        };
        client.list_buckets(Some(request)).await
    });
    match found {
        Ok(answer) => Ok(answer
            .buckets
            .into_iter()
            .find(|bucket| bucket.name == wanted)
            .and_then(|bucket| bucket.id)),
        // Some versions answer 404 to a name that is not there.
        Err(Trouble::Denied { status: 404, .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

fn make_bucket(server: &Server, org: &str, keep_s: i32) -> Result<(), Trouble> {
    let (client, name, org) = (
        server.client(),
        server.target().bucket.clone(),
        org.to_owned(),
    );
    server.run(async move {
        let mut request = PostBucketRequest::new(org, name);
        if keep_s > 0 {
            request.retention_rules = vec![RetentionRule::new(RetentionType::Expire, keep_s)];
        }
        client.create_bucket(Some(request)).await
    })
}

fn make_token(server: &Server, org: &str, bucket: &str) -> Result<String, Trouble> {
    let (client, org, bucket) = (server.client(), org.to_owned(), bucket.to_owned());
    let answer = server.run(async move {
        let may = |action| {
            let mut resource = Resource::new(influxdb2::models::resource::Type::Buckets);
            resource.id = Some(bucket.clone());
            resource.org_id = Some(org.clone());
            Permission::new(action, resource)
        };
        let request = CreateAuthorizationRequest {
            description: Some("Commonwatt's mirror".to_owned()),
            org_id: org.clone(),
            permissions: vec![may(Action::Read), may(Action::Write)],
            ..CreateAuthorizationRequest::default()
        };
        client.create_authorization(request).await
    })?;
    answer.token.ok_or_else(|| lacks("a token"))
}

fn lacks(what: &str) -> Trouble {
    Trouble::Answer(format!("it lacks {what}"))
}
