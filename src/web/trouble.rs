//! Why a page cannot be shown, as a value: what happened, why, what to do. [`super::guard`] makes
//! the page. What is ours to mend is logged here, once, and its details stay in the log.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::view::Link;
use office::Refusal;

/// Longest piece of an address that is shown back to the reader.
const SHOWN: usize = 60;

/// A page that cannot be shown.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// The answer's status.
    pub status: StatusCode,
    /// What happened.
    pub what: String,
    /// Why, as far as we know.
    pub why: String,
    /// What the reader can do.
    pub todo: String,
    /// Where to go from here.
    pub links: Vec<Link>,
    /// When to come back, in seconds.
    pub retry_after_s: Option<u32>,
}

impl Trouble {
    fn new(
        status: StatusCode,
        what: impl Into<String>,
        why: &str,
        todo: impl Into<String>,
    ) -> Trouble {
        Trouble {
            status,
            what: what.into(),
            why: why.to_owned(),
            todo: todo.into(),
            links: Vec::new(),
            retry_after_s: None,
        }
    }

    fn missing(what: String, why: &str, todo: &str, nearest: Option<(&str, String)>) -> Trouble {
        let mut trouble = Trouble::new(StatusCode::NOT_FOUND, what, why, todo);
        if let Some((name, href)) = nearest {
            trouble.todo = format!("Did you mean “{name}”? {todo}");
            trouble.links.push(link(name, href));
        }
        trouble
    }

    /// No route has this address.
    pub fn nothing_here() -> Trouble {
        Trouble::new(
            StatusCode::NOT_FOUND,
            "There is no page at this address.",
            "The address may be mistyped, or an old link points to a page that has moved.",
            "Start from the list of societies.",
        )
    }

    /// The society is unknown.
    pub fn society(slug: &str, refusal: &Refusal) -> Trouble {
        let nearest = nearest(refusal).map(|name| (name, format!("/s/{name}")));
        Trouble::missing(
            format!("There is no society called “{}” here.", shown(slug)),
            "The address may be mistyped, or the society's pages are kept somewhere else.",
            "Choose the society from the list.",
            nearest,
        )
    }

    /// The roof is unknown.
    pub fn site(slug: &str, site: &str, refusal: &Refusal) -> Trouble {
        let nearest = nearest(refusal).map(|name| (name, format!("/s/{slug}/sites/{name}")));
        let mut trouble = Trouble::missing(
            format!("There is no roof called “{}” here.", shown(site)),
            "The address may be mistyped, or the roof belongs to another society.",
            "Choose the roof from its society's page.",
            nearest,
        );
        trouble
            .links
            .push(link("The society's page", format!("/s/{slug}")));
        trouble
    }

    /// No report can be made of this period.
    pub fn period(text: &str, why: &str, back: String) -> Trouble {
        let mut trouble = Trouble::new(
            StatusCode::NOT_FOUND,
            format!("There is no report for “{}”.", shown(text)),
            why,
            "Ask for a year (2013), a month (2013-06) or days from and to (2013-06-01..2013-06-30).",
        );
        trouble.links.push(link("Choose a year", back));
        trouble
    }

    /// The office refused for a reason that lies in the question.
    pub fn refused(refusal: Refusal) -> Trouble {
        match refusal {
            Refusal::Caller(why) => {
                let (why, hint) = why
                    .split_once("\nhint: ")
                    .unwrap_or((&why, "Start from the list of societies."));
                let what = "This page cannot be made from what the society has told us.";
                Trouble::new(StatusCode::NOT_FOUND, what, &sentence(why), sentence(hint))
            }
            Refusal::Ours(why) => Trouble::ours(why),
        }
    }

    /// Something of ours failed.
    pub fn ours(error: impl std::fmt::Display) -> Trouble {
        tracing::error!(%error, "a page could not be made");
        Trouble::failed()
    }

    /// As [`Trouble::ours`], when it is logged already.
    pub fn failed() -> Trouble {
        Trouble::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "We could not make this page.",
            "Something of ours failed while the figures were put together. No read is lost by it: reads are written down before anything else happens.",
            "Try again in a minute. If it stays so, tell the society's secretary this address and the time; what failed is written in our log.",
        )
    }

    /// It took too long.
    pub fn too_slow() -> Trouble {
        tracing::warn!("a page took longer than a request may");
        let mut trouble = Trouble::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "This page is taking too long.",
            "Many people are asking at once, or the period asked for is very long.",
            "Try again in a minute, or ask for a shorter period.",
        );
        trouble.retry_after_s = Some(30);
        trouble
    }

    /// All live places are taken.
    pub fn live_is_full() -> Trouble {
        let mut trouble = Trouble::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many people are watching live just now.",
            "Live figures are sent to a limited number of pages at once.",
            "The page itself is complete; open it again to see newer figures.",
        );
        trouble.retry_after_s = Some(60);
        trouble
    }

    /// A method no route has.
    pub fn method() -> Trouble {
        Trouble::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "This address cannot be asked for in that way.",
            "A page can be opened, and what a form says can be sent to the page it came from; nothing else.",
            "Open the address in a browser.",
        )
    }

    /// The address cannot be understood.
    pub fn unreadable() -> Trouble {
        Trouble::new(
            StatusCode::BAD_REQUEST,
            "This address cannot be read.",
            "It has characters in it that make no text.",
            "Start from the list of societies.",
        )
    }

    /// Somebody could listen to what is shown here.
    pub fn needs_tls() -> Trouble {
        Trouble::new(
            StatusCode::FORBIDDEN,
            "This page is not shown over a connection that others can read.",
            "It asks for passwords or shows what is not for everybody, and this connection is not encrypted. The public pages are open as they are.",
            "Whoever runs this machine can put Caddy or nginx in front of it and name that proxy under [http] trusted_proxies, or give the daemon a certificate under [http] tls_listen, tls_certificate_file and tls_key_file. On the machine itself the page opens at a loopback address.",
        )
    }

    /// The session is over, and something was sent.
    pub fn logged_out(path: &str) -> Trouble {
        let mut trouble = Trouble::new(
            StatusCode::UNAUTHORIZED,
            "You are not logged in any more; nothing was changed.",
            "A session ends when nobody uses it for an hour, and after twelve hours at the latest.",
            "Log in, and send it again.",
        );
        trouble
            .links
            .push(link("Log in", format!("/login?to={path}")));
        trouble
    }

    /// A program shows no token where one is needed, or one that is none.
    pub fn no_token() -> Trouble {
        Trouble::new(
            StatusCode::UNAUTHORIZED,
            "This is read with a token, and none that is believed was shown.",
            "A token ends on its day, when its user ends it, and when its user is shut out.",
            "Send `Authorization: Bearer TOKEN`; `commonwatt user token USER --label … --read-only` makes one.",
        )
    }

    /// What is asked for after the question mark, or of the office, makes no sense.
    pub fn asked(why: &str) -> Trouble {
        let (why, hint) = why
            .split_once("\nhint: ")
            .unwrap_or((why, "Look the address up in /api/v1/openapi.json."));
        let what = "What is asked for cannot be answered.";
        Trouble::new(
            StatusCode::BAD_REQUEST,
            what,
            &sentence(why),
            sentence(hint),
        )
    }

    /// There is none of this kind and name.
    pub fn no_such(what: &str, name: &str) -> Trouble {
        Trouble::new(
            StatusCode::NOT_FOUND,
            format!("There is no {what} “{}” here.", shown(name)),
            "The name may be mistyped, or it belongs to another society.",
            "Look it up in the list.",
        )
    }

    /// The right is not there.
    pub fn may_not(why: &Refusal) -> Trouble {
        match why {
            Refusal::Caller(why) => {
                let (why, hint) = why.split_once("\nhint: ").unwrap_or((why, ""));
                let what = "This page is not for your role.";
                Trouble::new(StatusCode::FORBIDDEN, what, &sentence(why), sentence(hint))
            }
            Refusal::Ours(why) => Trouble::ours(why),
        }
    }

    /// The user is no member.
    pub fn no_member() -> Trouble {
        Trouble::new(
            StatusCode::FORBIDDEN,
            "This page is for members.",
            "Your login is not linked to a member of any society here.",
            "Ask the society's secretary to link it.",
        )
    }

    /// A form does not say what it has to.
    pub fn form(why: &str) -> Trouble {
        Trouble::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "What was sent is not what this page sends.",
            &sentence(why),
            "Go back, open the page again, and send it from there.",
        )
    }

    /// A file could not be read to its end.
    pub fn upload(why: &axum::extract::multipart::MultipartError) -> Trouble {
        let status = why.status();
        let mut trouble = Trouble::form(&why.body_text());
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            trouble.status = status;
            trouble.what = "This file is larger than we take.".to_owned();
            trouble.why = "A file may have 16 MiB.".to_owned();
            trouble.todo = "Send the photo in a smaller size, or a shorter file.".to_owned();
        }
        trouble
    }

    /// A file that was looked at waits no more.
    pub fn upload_gone() -> Trouble {
        Trouble::new(
            StatusCode::CONFLICT,
            "The file you looked at waits no more; nothing was changed.",
            "A file waits for half an hour, and not over a restart of the machine.",
            "Go back, choose the file again, and send it.",
        )
    }

    /// Another site's page sent it.
    pub fn from_elsewhere() -> Trouble {
        Trouble::new(
            StatusCode::FORBIDDEN,
            "This was sent from a page of another site; nothing was changed.",
            "Only our own pages may send something here, so that no other site can act in your name.",
            "If you sent it from a page of ours: a proxy in between must pass Host and Origin on unchanged.",
        )
    }

    /// What was asked is refused by a rule; nothing was changed.
    pub fn ruled_out(refusal: Refusal) -> Trouble {
        match refusal {
            Refusal::Caller(why) => {
                let (why, hint) = why
                    .split_once("\nhint: ")
                    .unwrap_or((&why, "Go back and look at the page again."));
                let what = "This was not done; nothing was changed.";
                Trouble::new(StatusCode::CONFLICT, what, &sentence(why), sentence(hint))
            }
            Refusal::Ours(why) => Trouble::ours(why),
        }
    }

    /// Only for programs on this machine.
    pub fn not_from_there() -> Trouble {
        Trouble::new(
            StatusCode::FORBIDDEN,
            "This address answers only to the machine it runs on.",
            "It holds figures about the machinery and none about energy.",
            "Ask whoever runs this machine.",
        )
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut answer = self.status.into_response();
        answer.extensions_mut().insert(self);
        answer
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        Trouble::refused(refusal)
    }
}

fn link(text: &str, href: String) -> Link {
    Link {
        text: text.to_owned(),
        href,
        current: false,
    }
}

/// The name a refusal proposes.
fn nearest(refusal: &Refusal) -> Option<&str> {
    let (Refusal::Caller(text) | Refusal::Ours(text)) = refusal;
    let (_, after) = text.split_once("did you mean `")?;
    after.split_once('`').map(|(name, _)| name)
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An error's text as a sentence for a page.
pub fn sentence(text: &str) -> String {
    let text = text.replace('`', "");
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
