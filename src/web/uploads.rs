//! Files that officers send: read out of the form, kept in memory while their sender looks at what
//! would follow, and given to the office when the sender decides.
//!
//! A file is looked at before anything is done with it, and a browser without JavaScript sends it
//! once. So it waits here under a random name that only its sender can use, in one society, for half
//! an hour at most; nothing of it reaches the disk before the decision that names it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant as Monotonic},
};

use axum::extract::{FromRequest, Multipart, Request};
use office::blobs::{Given, MAX_FILE_BYTES};

use super::{Web, trouble::Trouble, visitor::Visitor};

/// Largest form with a file.
pub const MAX_UPLOAD_BYTES: usize = MAX_FILE_BYTES + (256 << 10);
/// Most fields of one form.
const MAX_FIELDS: usize = 64;
/// Longest field that is no file.
const MAX_FIELD_BYTES: usize = 64 << 10;
/// Most files that wait at once; the oldest goes first.
const MOST_WAITING: usize = 16;
/// How long a file waits.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// Longest name of a file that is kept.
const MAX_NAME_CHARS: usize = 120;

/// Files that wait for their sender's word.
#[derive(Default)]
pub struct Uploads(Mutex<BTreeMap<String, Waiting>>);

struct Waiting {
    user: String,
    society: String,
    given: Given,
    since: Monotonic,
}

impl Uploads {
    /// Lets a file wait; gives its name.
    pub fn keep(&self, visitor: &Visitor, society: &str, given: Given) -> Result<String, Trouble> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(Trouble::ours)?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, waiting| waiting.since.elapsed() < PATIENCE);
        while table.len() >= MOST_WAITING {
            let oldest = table.iter().min_by_key(|(_, waiting)| waiting.since);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
                break;
            };
            table.remove(&oldest);
        }
        let waiting = Waiting {
            user: visitor.user.clone(),
            society: society.to_owned(),
            given,
            since: Monotonic::now(),
        };
        table.insert(name.clone(), waiting);
        Ok(name)
    }

    /// A file that waits, for its sender; another's is not there.
    pub fn get(&self, visitor: &Visitor, society: &str, name: &str) -> Option<Given> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = table.get(name)?;
        let own = waiting.user == visitor.user
            && waiting.society == society
            && waiting.since.elapsed() < PATIENCE;
        own.then(|| waiting.given.clone())
    }

    /// It has been decided about.
    pub fn forget(&self, name: &str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(name);
    }
}

/// A form, whether it was sent with a file or without.
#[derive(Default)]
pub struct Typed {
    fields: BTreeMap<String, String>,
    files: BTreeMap<String, Given>,
}

impl Typed {
    /// What was typed, without blanks around it; empty where the field was left out.
    pub fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |text| text.trim())
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// A file that was sent along.
    pub fn file(&self, name: &str) -> Option<&Given> {
        self.files.get(name)
    }

    /// The file of this form: the one that was sent, which waits from now on, or the one that waits
    /// under the name in the field `upload`. Its name, and itself.
    pub fn given(
        &self,
        web: &Web,
        visitor: &Visitor,
        society: &str,
        field: &str,
    ) -> Result<Option<(String, Given)>, Trouble> {
        if let Some(given) = self.file(field) {
            let name = web.uploads.keep(visitor, society, given.clone())?;
            return Ok(Some((name, given.clone())));
        }
        let name = self.text("upload");
        if name.is_empty() {
            return Ok(None);
        }
        match web.uploads.get(visitor, society, name) {
            Some(given) => Ok(Some((name.to_owned(), given))),
            None => Err(Trouble::upload_gone()),
        }
    }

    /// Refuses a form with a field that the page does not have, or without one that it has.
    pub fn has(self, needed: &[&str], others: &[&str]) -> Result<Typed, Trouble> {
        let known = |name: &str| needed.contains(&name) || others.contains(&name);
        let all = self.fields.keys().chain(self.files.keys());
        if let Some(other) = all.map(String::as_str).find(|name| !known(name)) {
            return Err(Trouble::form(&format!("unknown field `{other}`")));
        }
        match needed.iter().find(|name| !self.fields.contains_key(**name)) {
            Some(lacks) => Err(Trouble::form(&format!("missing field `{lacks}`"))),
            None => Ok(self),
        }
    }
}

impl FromRequest<Web> for Typed {
    type Rejection = Trouble;

    async fn from_request(request: Request, web: &Web) -> Result<Typed, Trouble> {
        let kind = request.headers().get(axum::http::header::CONTENT_TYPE);
        let is_multipart =
            kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"));
        let mut typed = Typed::default();
        if !is_multipart {
            let form = axum::Form::<Vec<(String, String)>>::from_request(request, web).await;
            let axum::Form(pairs) = form.map_err(|why| Trouble::form(&why.body_text()))?;
            for (name, value) in pairs {
                typed.put(name, value)?;
            }
            return Ok(typed);
        }
        let wrong = |why: axum::extract::multipart::MultipartError| Trouble::upload(&why);
        let parts = Multipart::from_request(request, web).await;
        let mut parts = parts.map_err(|why| Trouble::form(&why.body_text()))?;
        let mut seen = 0;
        while let Some(part) = parts.next_field().await.map_err(wrong)? {
            seen += 1;
            if seen > MAX_FIELDS {
                return Err(Trouble::form("it has too many fields"));
            }
            let name = part.name().unwrap_or_default().to_owned();
            let file = part.file_name().map(bare);
            let bytes = part.bytes().await.map_err(wrong)?;
            match file {
                // An empty file field: nothing was chosen.
                Some(file) if file.is_empty() && bytes.is_empty() => {}
                Some(file) => {
                    let given = Given {
                        name: file,
                        bytes: bytes.to_vec(),
                    };
                    if typed.files.insert(name.clone(), given).is_some() {
                        return Err(Trouble::form(&format!("`{name}` is there twice")));
                    }
                }
                None if bytes.len() > MAX_FIELD_BYTES => {
                    return Err(Trouble::form(&format!("`{name}` is too long")));
                }
                None => match String::from_utf8(bytes.to_vec()) {
                    Ok(text) => typed.put(name, text)?,
                    Err(_) => return Err(Trouble::form(&format!("`{name}` is no text"))),
                },
            }
        }
        Ok(typed)
    }
}

impl Typed {
    fn put(&mut self, name: String, value: String) -> Result<(), Trouble> {
        match self.fields.insert(name.clone(), value) {
            Some(_) => Err(Trouble::form(&format!("`{name}` is there twice"))),
            None => Ok(()),
        }
    }
}

/// A file's name without folders, controls, and more letters than anybody reads.
fn bare(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|letter| !letter.is_control());
    kept.take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(user: &str) -> Visitor {
        Visitor {
            user: user.to_owned(),
            session: String::new(),
            token: String::new(),
        }
    }

    #[test]
    fn a_file_waits_for_its_sender_in_its_society_and_for_nobody_else() {
        let uploads = Uploads::default();
        let given = Given {
            name: "may.csv".to_owned(),
            bytes: b"x".to_vec(),
        };
        let kept = uploads.keep(&visitor("treasurer-1"), "bes1", given);
        let Ok(name) = kept else { panic!("kept") };
        assert!(
            uploads
                .get(&visitor("treasurer-1"), "bes1", &name)
                .is_some()
        );
        assert!(
            uploads
                .get(&visitor("treasurer-1"), "bes2", &name)
                .is_none()
        );
        assert!(uploads.get(&visitor("steward-1"), "bes1", &name).is_none());
        uploads.forget(&name);
        assert!(
            uploads
                .get(&visitor("treasurer-1"), "bes1", &name)
                .is_none()
        );
    }

    #[test]
    fn more_files_than_may_wait_push_the_oldest_out() {
        let uploads = Uploads::default();
        let keep = |n: usize| {
            let given = Given {
                name: n.to_string(),
                bytes: vec![1],
            };
            uploads.keep(&visitor("a"), "s", given).unwrap_or_default()
        };
        let names: Vec<String> = (0..=MOST_WAITING).map(keep).collect();
        assert!(uploads.get(&visitor("a"), "s", &names[0]).is_none());
        assert!(
            uploads
                .get(&visitor("a"), "s", &names[MOST_WAITING])
                .is_some()
        );
    }

    #[test]
    fn a_file_s_name_has_no_folders() {
        assert_eq!(bare("C:\\Users\\x\\may.csv"), "may.csv");
        assert_eq!(bare("../../etc/passwd"), "passwd");
    }
}
