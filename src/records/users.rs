//! Decisions about users, in the node's journal: who was invited with which rights, and what is kept
//! of their secrets. No name and no address stands here; a password is an argon2id string, codes and
//! tokens are hashes, and the second factor's secret is sealed with a key outside the data folder.

use serde::{Deserialize, Serialize};

/// What a user is, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRole {
    /// The role's word.
    pub role: String,
    /// The society it holds in; every society of this node when none is named.
    pub society: Option<String>,
}

/// Somebody may become a user with a one-time code, or set up anew what was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserInvited {
    /// The user's id.
    pub user: String,
    /// SHA-256 of the code.
    pub code_sha256: String,
    /// When the code stops being worth anything, ms UTC.
    pub until_ms: i64,
}

/// The user chose a password and confirmed a second factor; the code is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSetUp {
    /// The user's id.
    pub user: String,
    /// argon2id, PHC string.
    pub password: String,
    /// The second factor's secret, sealed; hex. Empty for a member who is no officer and has none.
    pub second_sealed: String,
    /// SHA-256 of each recovery code.
    pub recovery_sha256: Vec<String>,
}

/// What the user is from now on, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRoles {
    /// The user's id.
    pub user: String,
    /// Roles, none for none.
    pub roles: Vec<UserRole>,
}

/// A member of a society.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserMember {
    /// The society.
    pub society: String,
    /// The member's number there.
    pub member: u32,
}

/// Which members the user is from now on, whole: whose holding they see as their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserMembers {
    /// The user's id.
    pub user: String,
    /// Members, none for none.
    pub members: Vec<UserMember>,
}

/// The user is not believed any more, nor any token of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserDisabled {
    /// The user's id.
    pub user: String,
    /// Why.
    pub reason: String,
}

/// A token for a program that acts as the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserToken {
    /// The user's id.
    pub user: String,
    /// What it is for.
    pub label: String,
    /// SHA-256 of it.
    pub token_sha256: String,
    /// When it ends, ms UTC.
    pub until_ms: i64,
}

/// A token for a program that reads through the API: what its user may see, and no more than this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingToken {
    /// The user's id.
    pub user: String,
    /// What it is for.
    pub label: String,
    /// SHA-256 of it.
    pub token_sha256: String,
    /// When it ends, ms UTC.
    pub until_ms: i64,
    /// The only society it reads; all of the user's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub society: Option<String>,
    /// The only roof it reads, by its id in that society.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Energy in no finer steps than these: `period` (half hours), `day`, `month` or `year`.
    pub step: String,
}

/// Tokens that are believed no more: those of this label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserTokenEnded {
    /// The user's id.
    pub user: String,
    /// What it was for.
    pub label: String,
}

/// A recovery code stood in for the second factor; it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRecovered {
    /// The user's id.
    pub user: String,
    /// SHA-256 of the code.
    pub code_sha256: String,
}

/// Somebody lost password or second factor and an officer vouched; another officer's invitation
/// makes it good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserResetAsked {
    /// The user's id.
    pub user: String,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    #[test]
    fn every_decision_about_users_keeps_its_golden_bytes() {
        let user = || "treasurer-1".to_owned();
        let golden = [
            (
                What::UserInvited(UserInvited {
                    user: user(),
                    code_sha256: "00ff".into(),
                    until_ms: 5,
                }),
                r#"{"type":"user-invited/1","body":{"user":"treasurer-1","code_sha256":"00ff","until_ms":5}}"#,
            ),
            (
                What::UserSetUp(UserSetUp {
                    user: user(),
                    password: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into(),
                    second_sealed: "01".into(),
                    recovery_sha256: vec!["02".into()],
                }),
                r#"{"type":"user-set-up/1","body":{"user":"treasurer-1","password":"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA","second_sealed":"01","recovery_sha256":["02"]}}"#,
            ),
            (
                What::UserRoles(UserRoles {
                    user: user(),
                    roles: vec![
                        UserRole {
                            role: "treasurer".into(),
                            society: Some("bes1".into()),
                        },
                        UserRole {
                            role: "auditor".into(),
                            society: None,
                        },
                    ],
                }),
                r#"{"type":"user-roles/1","body":{"user":"treasurer-1","roles":[{"role":"treasurer","society":"bes1"},{"role":"auditor","society":null}]}}"#,
            ),
            (
                What::UserMembers(UserMembers {
                    user: user(),
                    members: vec![UserMember {
                        society: "bes1".into(),
                        member: 42,
                    }],
                }),
                r#"{"type":"user-members/1","body":{"user":"treasurer-1","members":[{"society":"bes1","member":42}]}}"#,
            ),
            (
                What::UserDisabled(UserDisabled {
                    user: user(),
                    reason: "left".into(),
                }),
                r#"{"type":"user-disabled/1","body":{"user":"treasurer-1","reason":"left"}}"#,
            ),
            (
                What::UserToken(UserToken {
                    user: user(),
                    label: "cron".into(),
                    token_sha256: "00ff".into(),
                    until_ms: 5,
                }),
                r#"{"type":"user-token/1","body":{"user":"treasurer-1","label":"cron","token_sha256":"00ff","until_ms":5}}"#,
            ),
            (
                What::ReadingToken(ReadingToken {
                    user: user(),
                    label: "display".into(),
                    token_sha256: "00ff".into(),
                    until_ms: 5,
                    society: Some("bes1".into()),
                    site: None,
                    step: "day".into(),
                }),
                r#"{"type":"reading-token/1","body":{"user":"treasurer-1","label":"display","token_sha256":"00ff","until_ms":5,"society":"bes1","step":"day"}}"#,
            ),
            (
                What::UserTokenEnded(UserTokenEnded {
                    user: user(),
                    label: "cron".into(),
                }),
                r#"{"type":"user-token-ended/1","body":{"user":"treasurer-1","label":"cron"}}"#,
            ),
            (
                What::UserRecovered(UserRecovered {
                    user: user(),
                    code_sha256: "00ff".into(),
                }),
                r#"{"type":"user-recovered/1","body":{"user":"treasurer-1","code_sha256":"00ff"}}"#,
            ),
            (
                What::UserResetAsked(UserResetAsked {
                    user: user(),
                    reason: "telephone lost".into(),
                }),
                r#"{"type":"user-reset-asked/1","body":{"user":"treasurer-1","reason":"telephone lost"}}"#,
            ),
        ];
        for (what, golden) in golden {
            let decision = Decision {
                at_ms: 1,
                by: "owner".into(),
                what,
            };
            let record = decision.to_record();
            let text = std::str::from_utf8(&record[2..]).unwrap();
            assert_eq!(
                text,
                format!(r#"{{"at_ms":1,"by":"owner","what":{golden}}}"#)
            );
            assert_eq!(Decision::from_record(&record).unwrap(), decision);
        }
    }
}
