//! `shares import|holdings|movements|apply|applications|allot|withdraw|withdrawals|pay|suspend|resume|cancel|transfer|reverse|convert|repay|certificate`; the register has a file of its own.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domain::{calendar::LocalDay, money::Pence};
use serde_json::json;

use super::{
    Desk,
    members::{Download, ImportOf, columns, done, imported},
};
use office::{
    Answer, SocietyOffice,
    answer::{OrCaller, OrOurs, refuse},
    roll::{AllotOf, ApplyOf, ConvertOf, PayoutOf, TransferOf},
};

mod lists;
mod register;

use lists::{applications, holdings, movements, show_moved, withdrawals};
pub use register::{Register, register};

/// `shares …`
#[derive(Clone, Debug, Subcommand)]
pub enum Shares {
    /// Import share movements of an earlier register: all of it or nothing
    Import(ImportOf),
    /// Who holds what at the end of a day
    Holdings {
        /// The day
        #[arg(long)]
        on: LocalDay,
        /// Only this member's
        #[arg(long)]
        member: Option<u32>,
        /// The society
        #[arg(long)]
        society: Option<String>,
        /// As a table to read, or a download
        #[arg(long, value_enum, default_value_t = Download::Text)]
        format: Download,
        /// Write a download to this file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List the movements, in the order in which they were entered
    Movements {
        /// Only this member's
        #[arg(long)]
        member: Option<u32>,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Enter an application
    Apply {
        /// Who applies
        #[arg(long)]
        member: u32,
        /// How many shares
        #[arg(long)]
        shares: i64,
        /// The share offer it answers to
        #[arg(long)]
        offer: Option<String>,
        /// The class, the day and the society
        #[command(flatten)]
        place: Place,
    },
    /// List the applications
    Applications {
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Allot what waits, with certificate numbers
    Allot {
        /// Everything that waits for this offer
        #[arg(
            long,
            conflicts_with = "application",
            required_unless_present = "application"
        )]
        offer: Option<String>,
        /// One application
        #[arg(long)]
        application: Option<u32>,
        /// The day; today by itself
        #[arg(long)]
        on: Option<LocalDay>,
        /// Show what would be allotted
        #[arg(long)]
        preview: bool,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Enter a request to withdraw
    Withdraw {
        /// Whose
        #[arg(long)]
        member: u32,
        /// How many shares; all that are free by itself
        #[arg(long)]
        shares: Option<i64>,
        /// The class, the day and the society
        #[command(flatten)]
        place: Place,
    },
    /// List the requests to withdraw, in the order of the queue
    Withdrawals {
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Pay out what waits, within the year's limit
    Pay {
        /// The most there is money for, in pounds
        #[arg(long, value_name = "POUNDS")]
        at_most: Option<String>,
        /// Show what would be paid
        #[arg(long)]
        preview: bool,
        /// The class, the day and the society
        #[command(flatten)]
        place: Place,
    },
    /// Suspend withdrawals from a day on; the queue stands
    Suspend {
        /// Why
        #[arg(long)]
        reason: String,
        /// The class, the day and the society
        #[command(flatten)]
        place: Place,
    },
    /// Pay withdrawals again from a day on
    Resume {
        /// Why
        #[arg(long)]
        reason: String,
        /// The class, the day and the society
        #[command(flatten)]
        place: Place,
    },
    /// Take an application or a request back, or decline it
    Cancel {
        /// The application
        #[arg(long, conflicts_with = "request", required_unless_present = "request")]
        application: Option<u32>,
        /// The request to withdraw
        #[arg(long)]
        request: Option<u32>,
        /// Why
        #[arg(long)]
        reason: String,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Transfer shares to another member
    Transfer {
        /// Whose they are
        #[arg(long)]
        from: u32,
        /// Whose they become
        #[arg(long)]
        to: u32,
        /// How many
        #[arg(long)]
        shares: i64,
        /// The one who holds them died
        #[arg(long)]
        on_death: bool,
        /// Why
        #[arg(long)]
        reason: String,
        /// The class, the day and the society
        #[command(flatten)]
        place: Place,
    },
    /// Take a movement back that was a mistake; both stay visible
    Reverse {
        /// The movement's number
        movement: u32,
        /// Why
        #[arg(long)]
        reason: String,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Turn a member's interest into whole shares
    Convert {
        /// Whose
        #[arg(long)]
        member: u32,
        /// The interest, in pounds
        #[arg(long, value_name = "POUNDS")]
        interest: String,
        /// The class, the day and the society
        #[command(flatten)]
        place: Place,
    },
    /// Pay the same part of every holding back
    Repay {
        /// The part, per cent
        #[arg(long)]
        percent: String,
        /// Show what would be paid
        #[arg(long)]
        preview: bool,
        /// The class, the day and the society
        #[command(flatten)]
        place: Place,
    },
    /// Print a share certificate
    Certificate {
        /// Its number
        certificate: u32,
        /// As text or as a page
        #[arg(long, value_enum, default_value_t = Page::Text)]
        format: Page,
        /// Write a typeset sheet to this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
}

/// A class, a day and a society.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The class of shares, where there are several
    #[arg(long)]
    pub class: Option<String>,
    /// The day; today by itself
    #[arg(long)]
    pub on: Option<LocalDay>,
    /// The society
    #[arg(long)]
    pub society: Option<String>,
}

/// Text or a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// Text.
    Text,
    /// A page.
    Html,
    /// A typeset sheet.
    Pdf,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Shares) -> Answer<()> {
    match command {
        Shares::Import(of) => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "importing shares")?;
            let made = society.import_shares(&columns(desk, of)?, &by, desk.now)?;
            imported(desk, &made, society.is_sample())
        }
        Shares::Holdings {
            on,
            member,
            society,
            format,
            out,
        } => {
            let society = desk.society(society.as_deref())?;
            holdings(desk, &society, *on, *member, *format, out.as_deref())
        }
        Shares::Movements { member, society } => {
            let society = desk.society(society.as_deref())?;
            let rows = society.movements(*member)?;
            movements(desk, &rows)
        }
        Shares::Apply {
            member,
            shares,
            offer,
            place,
        } => {
            let (society, by, on) = act(desk, place, "an application")?;
            let of = ApplyOf {
                member: *member,
                class: place.class.clone(),
                offer: offer.clone(),
                shares: *shares,
                on,
            };
            let number = society.apply_for_shares(&of, &by, desk.now)?;
            if desk.json() {
                return desk.document(
                    &json!({ "application": number, "member": member, "shares": shares }),
                );
            }
            desk.voice.data(&format!("application {number}\n"));
            Ok(())
        }
        Shares::Applications { society } => applications(desk, society.as_deref()),
        Shares::Allot {
            offer,
            application,
            on,
            preview,
            society,
        } => {
            let place = Place {
                class: None,
                on: *on,
                society: society.clone(),
            };
            let (society, by, on) = act(desk, &place, "an allotment")?;
            let of = match (offer, application) {
                (Some(offer), _) => AllotOf::Offer(offer.clone()),
                (None, Some(number)) => AllotOf::Application(*number),
                (None, None) => return refuse("say what to allot: --offer or --application"),
            };
            let (_, moved) = society.allot(&of, on, *preview, &by, desk.now)?;
            show_moved(desk, &moved, json!({}))
        }
        Shares::Withdraw {
            member,
            shares,
            place,
        } => {
            let (society, by, on) = act(desk, place, "a withdrawal")?;
            let class = place.class.as_deref();
            let line = society.ask_withdrawal(*member, class, *shares, on, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({
                    "request": line.number,
                    "member": line.member,
                    "class": line.class,
                    "shares": line.shares,
                    "asked": line.asked.to_string(),
                    "notice_ends": line.notice_ends.to_string(),
                }));
            }
            desk.voice.data(&format!(
                "request {}: {} shares, to be paid from {} on\n",
                line.number, line.shares, line.notice_ends
            ));
            Ok(())
        }
        Shares::Withdrawals { society } => withdrawals(desk, society.as_deref()),
        Shares::Pay {
            at_most,
            preview,
            place,
        } => {
            let (society, by, on) = act(desk, place, "paying withdrawals")?;
            let of = PayoutOf {
                class: place.class.clone(),
                on,
                at_most: at_most.as_deref().map(str::parse).transpose().or_caller()?,
                preview: *preview,
            };
            super::books::warn_apart(desk, &society)?;
            let (plan, moved) = society.pay_withdrawals(&of, &by, desk.now)?;
            let more = json!({
                "base_shares": plan.base,
                "limit_shares": plan.limit,
                "withdrawn_before_shares": plan.used,
                "asked_shares": plan.asked,
                "paid_shares": plan.paid(),
                "requests": plan.lines.iter().map(|line| json!({
                    "request": line.request,
                    "member": line.member.0,
                    "shares": line.shares,
                    "pence": line.pence.0,
                    "waiting": line.waiting,
                })).collect::<Vec<_>>(),
            });
            show_moved(desk, &moved, more)
        }
        Shares::Suspend { reason, place } => suspend(desk, place, reason, false),
        Shares::Resume { reason, place } => suspend(desk, place, reason, true),
        Shares::Cancel {
            application,
            request,
            reason,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "taking it back")?;
            match (application, request) {
                (Some(number), _) => {
                    society.end_application(*number, reason, &by, desk.now)?;
                    done(desk, &format!("application {number} was taken back"))
                }
                (None, Some(number)) => {
                    society.end_withdrawal(*number, reason, &by, desk.now)?;
                    done(desk, &format!("request {number} was taken back"))
                }
                (None, None) => refuse("say what to take back: --application or --request"),
            }
        }
        Shares::Transfer {
            from,
            to,
            shares,
            on_death,
            reason,
            place,
        } => {
            let (society, by, on) = act(desk, place, "a transfer")?;
            let of = TransferOf {
                from: *from,
                to: *to,
                class: place.class.clone(),
                shares: *shares,
                on,
                on_death: *on_death,
                reason: reason.clone(),
            };
            let moved = society.transfer_shares(&of, &by, desk.now)?;
            show_moved(desk, &moved, json!({}))
        }
        Shares::Reverse {
            movement,
            reason,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "a reversal")?;
            let moved = society.reverse_movement(*movement, reason, &by, desk.now)?;
            show_moved(desk, &moved, json!({}))
        }
        Shares::Convert {
            member,
            interest,
            place,
        } => {
            let (society, by, on) = act(desk, place, "turning interest into shares")?;
            let of = ConvertOf {
                member: *member,
                class: place.class.clone(),
                interest: interest.parse().or_caller()?,
                on,
            };
            let made = society.convert_interest(&of, &by, desk.now)?;
            if desk.json() {
                return desk.document(&made);
            }
            desk.voice.data(&format!(
                "{} shares for {} and {} kept from the last time; {} {}\n",
                made.shares,
                of.interest,
                Pence(made.carried_pence),
                Pence(made.rest_pence),
                super::members::rest_words(made.rest)
            ));
            Ok(())
        }
        Shares::Repay {
            percent,
            preview,
            place,
        } => {
            let (society, by, on) = act(desk, place, "repaying capital")?;
            let class = place.class.as_deref();
            let moved = society.repay_capital(class, percent, on, *preview, &by, desk.now)?;
            show_moved(desk, &moved, json!({}))
        }
        Shares::Certificate {
            certificate,
            format,
            out,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let made = society.certificate(*certificate)?;
            let text = match format {
                Page::Text => made.to_text(),
                Page::Html => made.to_html().or_ours("the certificate")?,
                Page::Pdf => return super::paper::set(desk, &made.paper(), out.as_deref()),
            };
            desk.voice.data(&text);
            Ok(())
        }
    }
}

/// The society, the officer and the day of a decision.
fn act(
    desk: &Desk<'_>,
    place: &Place,
    what: &str,
) -> Answer<(std::sync::Arc<SocietyOffice>, String, LocalDay)> {
    let society = desk.society(place.society.as_deref())?;
    let by = desk.officer(&society, what)?;
    let on = place
        .on
        .unwrap_or_else(|| society.known().zone.day_of(desk.now));
    Ok((society, by, on))
}

fn suspend(desk: &mut Desk<'_>, place: &Place, reason: &str, again: bool) -> Answer<()> {
    let (society, by, from) = act(desk, place, "suspending withdrawals")?;
    society.suspend_withdrawals(place.class.as_deref(), from, again, reason, &by, desk.now)?;
    let words = if again {
        "are paid again"
    } else {
        "are suspended; the queue stands"
    };
    done(desk, &format!("from {from} withdrawals {words}"))
}
