//! What the decisions about members and shares add up to.
//!
//! Taking a decision never asks whether it is allowed: that was asked before it was journaled, by
//! the rules of its day. An import is taken when its last record names its parts; parts of one that
//! was never closed stay aside.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    calendar::{Instant, LocalDay},
    membership::{
        Application, Line, Member, MemberKind, MemberNo, MovementKind, Request, ShareRegister,
        Source, Suspension,
    },
    money::Pence,
};
use records::{
    decision::What,
    estate::CaseStep,
    roll::{
        HistoryRow, InterestConverted, MemberEntered, MovedLine, Payment, Rest, WithdrawalsFrom,
    },
};

use super::{
    super::answer::{Answer, OrOurs, Refusal},
    cases::Case,
    estate::Nomination,
};

/// The kinds of decision that the roll is made of.
pub(crate) const KINDS: [&str; 24] = [
    "letter-acted/1",
    "member-entered/1",
    "members-imported/1",
    "shares-imported/1",
    "import-closed/1",
    "member-changed/1",
    "member-bank/1",
    "member-died/1",
    "member-ended/1",
    "member-erased/1",
    "case-opened/1",
    "case-noted/1",
    "case-step/1",
    "nomination-made/1",
    "nomination-ended/1",
    "shares-applied/1",
    "application-ended/1",
    "withdrawal-asked/1",
    "withdrawal-ended/1",
    "withdrawals-suspended/1",
    "withdrawals-resumed/1",
    "shares-moved/1",
    "interest-converted/1",
    "member-tax/1",
];

/// What is known of a member beside its shares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What becomes of interest.
    pub payment: Payment,
    /// What becomes of less than a share.
    pub rest: Rest,
    /// Hash of the row that says who it is.
    pub person: String,
    /// Hashes of sealed bank details, with the first instant at which money may go there.
    pub bank: Vec<(String, Instant)>,
    /// Every row of the people file that a decision names.
    pub rows: BTreeSet<String>,
    /// Those of them that are notes on letters.
    pub letters: BTreeSet<String>,
    /// Per cent of income tax to deduct from its interest.
    pub tax: Option<String>,
    /// The import it came with, and its row there.
    pub from: Option<(u32, u32)>,
    /// True when its personal data are gone.
    pub erased: bool,
}

/// The roll of one society.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    /// Members and shares.
    pub register: ShareRegister,
    /// What else is known of each member.
    pub facts: BTreeMap<MemberNo, Facts>,
    /// Cases, by number.
    pub cases: Vec<Case>,
    /// The nomination book, by number.
    pub nominations: Vec<Nomination>,
    /// Number of the last import, closed or not.
    pub imports: u32,
    /// First and last movement of each import of movements, and its number.
    imported: Vec<(u32, u32, u32)>,
    aside: BTreeMap<u32, Aside>,
}

/// Parts of an import that is not closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Aside {
    members: Vec<MemberEntered>,
    movements: Vec<HistoryRow>,
}

impl Roll {
    /// Takes a decision.
    ///
    /// # Errors
    /// When its words are not ours; it was written by something else.
    pub fn take(&mut self, at: Instant, what: &What) -> Answer<()> {
        match what {
            What::MemberEntered(member) => self.take_member(member)?,
            What::MembersImported(part) => {
                self.imports = self.imports.max(part.import);
                let aside = self.aside.entry(part.import).or_default();
                aside.members.extend(part.rows.iter().cloned());
            }
            What::SharesImported(part) => {
                self.imports = self.imports.max(part.import);
                let aside = self.aside.entry(part.import).or_default();
                aside.movements.extend(part.rows.iter().cloned());
            }
            What::ImportClosed(closed) => {
                self.imports = self.imports.max(closed.import);
                self.close_import(at, closed.import)?;
            }
            What::MemberChanged(changed) => {
                let facts = self.facts_of(changed.member);
                if let Some(hash) = &changed.person {
                    facts.rows.insert(hash.clone());
                    facts.person.clone_from(hash);
                }
                facts.payment = changed.payment.unwrap_or(facts.payment);
                facts.rest = changed.rest.unwrap_or(facts.rest);
            }
            What::MemberBank(bank) => {
                let facts = self.facts_of(bank.member);
                facts.rows.insert(bank.bank.clone());
                facts
                    .bank
                    .push((bank.bank.clone(), Instant(bank.in_force_ms)));
            }
            What::MemberTax(tax) => {
                let percent = Some(tax.percent.clone());
                self.facts_of(tax.member).tax = percent.filter(|text| !text.is_empty());
            }
            What::MemberDied(died) => {
                self.register
                    .take_death(MemberNo(died.member), day(&died.on)?);
            }
            What::MemberEnded(ended) => {
                self.register
                    .take_end(MemberNo(ended.member), day(&ended.on)?);
            }
            What::MemberErased(erased) => {
                let facts = self.facts_of(erased.member);
                facts.erased = true;
                facts.rows.clear();
                facts.bank.clear();
                facts.person.clear();
            }
            What::CaseOpened(opened) => {
                self.facts_of(opened.member)
                    .rows
                    .insert(opened.note.clone());
                let on = day(&opened.on)?;
                self.cases.push(Case {
                    number: opened.case,
                    member: MemberNo(opened.member),
                    kind: opened.kind.clone(),
                    on,
                    reply_by: opened.reply_by.as_deref().map(day).transpose()?,
                    closed: None,
                    steps: Vec::new(),
                    notes: vec![(on, opened.note.clone())],
                });
            }
            What::CaseNoted(noted) => {
                let on = day(&noted.on)?;
                let found = self.cases.iter_mut().find(|case| case.number == noted.case);
                if let Some(case) = found {
                    case.notes.push((on, noted.note.clone()));
                    case.closed = noted.closes.then_some(on);
                    let member = case.member.0;
                    self.facts_of(member).rows.insert(noted.note.clone());
                }
            }
            What::CaseStep(step) => {
                let on = day(&step.on)?;
                let found = self.cases.iter_mut().find(|case| case.number == step.case);
                if let Some(case) = found {
                    case.steps.push((on, CaseStep::clone(step)));
                    let member = case.member.0;
                    self.facts_of(member).rows.extend(step.person.clone());
                }
            }
            What::NominationMade(made) => {
                self.facts_of(made.member).rows.insert(made.nominee.clone());
                self.nominations.push(Nomination {
                    on: day(&made.on)?,
                    made: made.clone(),
                    ended: None,
                });
            }
            What::NominationEnded(ended) => {
                let on = day(&ended.on)?;
                let found = self
                    .nominations
                    .iter_mut()
                    .find(|n| n.made.number == ended.number);
                if let Some(nomination) = found {
                    nomination.ended = Some((on, ended.reason.clone()));
                }
            }
            What::SharesApplied(asked) => {
                let class = self.class(&asked.class)?;
                self.register.take_application(Application {
                    number: asked.number,
                    offer: asked.offer.as_deref().map(Into::into),
                    class,
                    member: MemberNo(asked.member),
                    shares: asked.shares,
                    on: day(&asked.on)?,
                    allotted: 0,
                    ended: false,
                });
            }
            What::LetterActed(acted) => {
                let facts = self.facts_of(acted.member);
                facts.rows.insert(acted.note.clone());
                facts.letters.insert(acted.note.clone());
            }
            What::ApplicationEnded(ended) => self.register.take_application_ended(ended.number),
            What::WithdrawalAsked(asked) => {
                let class = self.class(&asked.class)?;
                self.register.take_request(Request {
                    number: asked.number,
                    member: MemberNo(asked.member),
                    class,
                    shares: asked.shares,
                    asked: day(&asked.on)?,
                    notice_ends: day(&asked.notice_ends)?,
                    paid: 0,
                    ended: false,
                });
            }
            What::WithdrawalEnded(ended) => self.register.take_request_ended(ended.number),
            What::WithdrawalsSuspended(from) => self.take_suspension(from)?,
            What::WithdrawalsResumed(from) => {
                let class = self.class(&from.class)?;
                self.register.take_resumption(class, day(&from.from)?);
            }
            What::SharesMoved(moved) => {
                let lines: Answer<Vec<Line>> =
                    moved.lines.iter().map(|line| self.line(line)).collect();
                self.register.enter(&lines?, at);
            }
            What::InterestConverted(made) => self.take_conversion(at, made)?,
            _ => {}
        }
        Ok(())
    }

    fn facts_of(&mut self, member: u32) -> &mut Facts {
        self.facts.entry(MemberNo(member)).or_default()
    }

    fn take_member(&mut self, entered: &MemberEntered) -> Answer<()> {
        let kind = MemberKind::of_word(&entered.kind)
            .ok_or_else(|| strange("kind of member", &entered.kind))?;
        let number = MemberNo(entered.number);
        let mut member = Member::new(number, kind, day(&entered.joined)?);
        member.ended = entered.ended.as_deref().map(day).transpose()?;
        member.holders = entered.holders.iter().copied().map(MemberNo).collect();
        self.register.take_member(member);
        let rows = std::iter::once(&entered.person).chain(&entered.bank);
        self.facts.insert(
            number,
            Facts {
                payment: entered.payment,
                rest: entered.rest,
                person: entered.person.clone(),
                bank: entered
                    .bank
                    .iter()
                    .map(|hash| (hash.clone(), Instant(i64::MIN)))
                    .collect(),
                rows: rows.cloned().collect(),
                letters: BTreeSet::new(),
                tax: None,
                from: None,
                erased: false,
            },
        );
        Ok(())
    }

    fn close_import(&mut self, at: Instant, import: u32) -> Answer<()> {
        let aside = self.aside.remove(&import).unwrap_or_default();
        for member in &aside.members {
            self.take_member(member)?;
            self.facts_of(member.number).from = member.row.map(|row| (import, row));
        }
        let lines: Answer<Vec<Line>> = aside
            .movements
            .iter()
            .map(|(row, member, class, on, shares, kind, certificate)| {
                Ok(Line {
                    member: MemberNo(*member),
                    class: self.class(class)?,
                    on: day(on)?,
                    shares: *shares,
                    kind: kind_of(kind)?,
                    source: Source::Row(*row),
                    certificate: *certificate,
                    paired: false,
                })
            })
            .collect();
        let lines = lines?;
        if let Some(more) = u32::try_from(lines.len())
            .ok()
            .and_then(|n| n.checked_sub(1))
        {
            let first = self.register.next_movement();
            self.imported
                .push((first, first.saturating_add(more), import));
        }
        self.register.enter(&lines, at);
        Ok(())
    }

    /// The import that a movement came with.
    pub(super) fn import_of(&self, movement: u32) -> Option<u32> {
        let found = self
            .imported
            .iter()
            .find(|(first, last, _)| (*first..=*last).contains(&movement));
        found.map(|(_, _, import)| *import)
    }

    /// The rows of imported files that a member's decisions came from: kind of file, import, row.
    pub(super) fn rows_of(&self, member: MemberNo) -> Vec<(&'static str, u32, u32)> {
        let own = self.facts.get(&member).and_then(|facts| facts.from);
        let moved = self.register.movements().iter().filter_map(|movement| {
            let Source::Row(row) = movement.line.source else {
                return None;
            };
            let own = movement.line.member == member;
            let import = self.import_of(movement.number).filter(|_| own)?;
            Some(("shares", import, row))
        });
        own.map(|(import, row)| ("members", import, row))
            .into_iter()
            .chain(moved)
            .collect()
    }

    fn take_suspension(&mut self, from: &WithdrawalsFrom) -> Answer<()> {
        let class = self.class(&from.class)?;
        self.register.take_suspension(Suspension {
            class,
            from: day(&from.from)?,
            until: None,
            reason: from.reason.clone(),
        });
        Ok(())
    }

    fn take_conversion(&mut self, at: Instant, made: &InterestConverted) -> Answer<()> {
        let class = self.class(&made.class)?;
        let member = MemberNo(made.member);
        if made.shares > 0 {
            let line = Line {
                member,
                class,
                on: day(&made.on)?,
                shares: made.shares,
                kind: MovementKind::Conversion,
                source: Source::None,
                certificate: made.certificate.unwrap_or(0),
                paired: false,
            };
            self.register.enter(&[line], at);
        }
        let kept = match made.rest {
            Rest::Carried => Pence(made.rest_pence),
            Rest::Paid => Pence::ZERO,
        };
        self.register.take_carried(member, class, kept);
        Ok(())
    }

    fn line(&self, line: &MovedLine) -> Answer<Line> {
        Ok(Line {
            member: MemberNo(line.member),
            class: self.class(&line.class)?,
            on: day(&line.on)?,
            shares: line.shares,
            kind: kind_of(&line.kind)?,
            source: match (line.application, line.request, line.reverses) {
                (_, _, Some(movement)) => Source::Movement(movement),
                (Some(application), ..) => Source::Application(application),
                (_, Some(request), _) => Source::Request(request),
                _ => Source::None,
            },
            certificate: line.certificate.unwrap_or(0),
            paired: line.paired,
        })
    }

    fn class(&self, id: &str) -> Answer<u16> {
        self.register.class_named(id).or_ours("the roll")
    }
}

fn day(text: &str) -> Answer<LocalDay> {
    text.parse().or_ours("a day of the roll")
}

fn kind_of(word: &str) -> Answer<MovementKind> {
    MovementKind::of_word(word).ok_or_else(|| strange("kind of movement", word))
}

fn strange(what: &str, word: &str) -> Refusal {
    Refusal::Ours(format!("`{word}` is no {what} that this version knows"))
}
