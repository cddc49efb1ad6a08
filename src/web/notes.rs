//! `/desk/{slug}/note/{kind}` and its like: one form for each kind of note about stakes, outcomes,
//! projects and the fund. What the fields are stands in [`FORMS`]; what they mean is the office's
//! affair. What touches the fund's money has addresses of its own, for who may do that.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use office::{Refusal, SocietyOffice};

use super::{
    Web, frame,
    society::named,
    trouble::{Trouble, sentence},
    view::{NoteField, NotePage},
    visitor::{Sent, Visitor, see},
};

/// How a field is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
    /// A line.
    Line,
    /// A paragraph, or several lines.
    Lines,
    /// A day.
    Day,
    /// A number.
    Number,
    /// One of these.
    OneOf(&'static [&'static str]),
}

use Typed::{Day, Line, Lines, Number, OneOf};

/// A field: its key, its label, a line of help, how it is typed, and whether it may be left empty.
type Field = (&'static str, &'static str, &'static str, Typed, bool);

/// A form.
struct Form {
    /// The kind of note.
    kind: &'static str,
    /// Where it is, below the society's desk: who may send it stands in the policy.
    under: &'static str,
    /// What is done, as verb and object.
    title: &'static str,
    /// What follows from it.
    follows: &'static str,
    /// The page it belongs to, below the society's desk.
    back: (&'static str, &'static str),
    /// Its fields.
    fields: &'static [Field],
}

const ID: Field = (
    "id",
    "Short name",
    "Small letters, digits and hyphens; it is never used again for something else.",
    Line,
    false,
);
const FROM: Field = ("from", "First day", "", Day, false);
const TO: Field = ("to", "Last day", "", Day, false);
const SITE: Field = (
    "site",
    "Building",
    "The roof’s short name; leave it empty for the whole society.",
    Line,
    true,
);
const PROJECT: Field = ("project", "Project", "Its short name.", Line, false);
const EVIDENCE: Field = (
    "evidence",
    "What shows it",
    "The document, minute, page or register. The auditor will ask.",
    Line,
    false,
);
const COUNCIL: Field = (
    "council",
    "Council",
    "Its name as the register of members has it.",
    Line,
    false,
);

/// Every form there is.
const FORMS: &[Form] = &[
    Form {
        under: "note/",
        kind: "space",
        title: "Note a roof or space that a council lends",
        follows: "It shows in the council’s stake from its first day on; officers are warned 24, 12 and 3 months before it ends.",
        back: ("Council", "/council"),
        fields: &[
            ID,
            COUNCIL,
            SITE,
            ("name", "What it is", "", Line, false),
            (
                "under",
                "Lent under",
                "",
                OneOf(&["licence", "lease", "use"]),
                false,
            ),
            FROM,
            TO,
            (
                "rent_pounds_a_year",
                "Rent a year, pounds",
                "0 where none is asked.",
                Number,
                false,
            ),
            ("reverts", "What reverts to whom at the end", "", Line, true),
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "loan",
        title: "Note a loan of a council",
        follows: "Its schedule is reckoned and shown; payments are noted one by one.",
        back: ("Council", "/council"),
        fields: &[
            ID,
            COUNCIL,
            ("drawn", "Drawn on", "", Day, false),
            ("principal_pounds", "Lent, pounds", "", Number, false),
            (
                "rate_percent",
                "Interest, per cent a year",
                "",
                Number,
                false,
            ),
            ("first_instalment", "First instalment on", "", Day, false),
            (
                "every_months",
                "Months between instalments",
                "1 to 12.",
                Number,
                false,
            ),
            ("instalments", "How many instalments", "", Number, false),
            (
                "repaid",
                "Repaid",
                "In equal parts, or all at the end.",
                OneOf(&["equal", "at-end"]),
                false,
            ),
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "loan-payment",
        title: "Note a payment of a loan",
        follows: "What is owed of the loan is less by the principal.",
        back: ("Council", "/council"),
        fields: &[
            ("loan", "Loan", "Its short name.", Line, false),
            ("on", "Paid on", "", Day, false),
            ("principal_pounds", "Principal, pounds", "", Number, false),
            ("interest_pounds", "Interest, pounds", "", Number, false),
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "guarantee",
        title: "Note a guarantee of a council",
        follows: "It shows in the council’s stake.",
        back: ("Council", "/council"),
        fields: &[
            ID,
            COUNCIL,
            ("what", "For what", "", Line, false),
            ("limit_pounds", "At most, pounds", "", Number, false),
            FROM,
            TO,
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "support",
        title: "Note hours that were given",
        follows: "A council’s hours show in its stake; those of residents and others under outcomes. The same hours are never counted twice.",
        back: ("Council", "/council"),
        fields: &[
            ID,
            (
                "giver",
                "Who gave them",
                "The council’s name, or residents.",
                Line,
                false,
            ),
            SITE,
            ("activity", "For what", "", Line, false),
            FROM,
            TO,
            ("hours", "Hours", "", Number, false),
            (
                "unit_pounds",
                "What an hour is worth, pounds",
                "",
                Number,
                false,
            ),
            ("unit_on", "The day of that value", "", Day, false),
            (
                "unit_source",
                "Where that value is printed",
                "",
                Line,
                false,
            ),
            (
                "attribution_percent",
                "The part that may be claimed, per cent",
                "100 where it is left empty.",
                Number,
                true,
            ),
            (
                "part_of",
                "Counted already in",
                "The short name of the other line, to list these hours without counting them.",
                Line,
                true,
            ),
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "carbon-claim",
        title: "Note carbon that was promised",
        follows: "Each whole year is held against it: less energy and a cleaner grid are told apart.",
        back: ("Council", "/council"),
        fields: &[
            ID,
            SITE,
            ("tonnes", "Tonnes of CO2e in all", "", Number, false),
            ("years", "Over how many years", "", Number, false),
            (
                "kwh_a_year",
                "For how many kWh a year",
                "The energy that was promised with it.",
                Number,
                false,
            ),
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "reached",
        title: "Note residents who were reached",
        follows: "They show beside the outcomes.",
        back: ("Council", "/council"),
        fields: &[
            ID,
            SITE,
            ("activity", "By what", "", Line, false),
            FROM,
            TO,
            ("people", "How many, each once", "", Number, false),
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "outcome",
        title: "Note an outcome that is wanted",
        follows: "It shows as proposed, with nothing delivered, to the council and on the desk.",
        back: ("Outcomes", "/outcomes"),
        fields: &[
            ID,
            (
                "group",
                "Group",
                "",
                OneOf(&["environmental", "social", "financial"]),
                false,
            ),
            ("wanted", "What do we want to see?", "", Line, false),
            ("activity", "How do we want to achieve it?", "", Line, false),
            ("partner", "Who can help us?", "", Line, false),
            (
                "partner_kind",
                "Which is a",
                "",
                OneOf(&[
                    "local organisation",
                    "public service",
                    "local people",
                    "other provider",
                ]),
                false,
            ),
            (
                "service",
                "Commissioned service",
                "Where the outcome is one of a service that is paid for as a whole.",
                Line,
                true,
            ),
            ("measure", "What is counted", "", Line, false),
            (
                "unit",
                "In what",
                "People, hours, tonnes, pounds.",
                Line,
                false,
            ),
            ("baseline", "Where it stood before", "", Number, false),
            ("proposed", "How much is proposed", "", Number, false),
            ("by", "By when", "", Day, false),
            (
                "attribution_percent",
                "The part that may be claimed, per cent",
                "100 where it is left empty: claim only your share.",
                Number,
                true,
            ),
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "delivery",
        title: "Note what was delivered",
        follows: "It counts once, in the year of its last day, with its cost.",
        back: ("Outcomes", "/outcomes"),
        fields: &[
            ID,
            ("outcome", "Outcome", "Its short name.", Line, false),
            FROM,
            TO,
            (
                "amount",
                "How much",
                "In the outcome’s unit.",
                Number,
                false,
            ),
            ("cost_pounds", "What it cost, pounds", "", Number, true),
            ("resources", "What it took besides", "", Line, true),
            EVIDENCE,
        ],
    },
    Form {
        under: "note/",
        kind: "project",
        title: "Propose a project",
        follows: "It shows on the public list of residents’ projects at once.",
        back: ("Projects", "/projects"),
        fields: &[
            ID,
            ("name", "What it is called", "", Line, false),
            (
                "about",
                "What it is",
                "A few sentences. Name no person.",
                Lines,
                false,
            ),
            (
                "group",
                "The group that proposes it",
                "No person’s name.",
                Line,
                false,
            ),
            ("proposed", "Proposed on", "", Day, false),
        ],
    },
    Form {
        under: "note/",
        kind: "agreed",
        title: "Say that a project goes ahead",
        follows: "It shows as going on.",
        back: ("Projects", "/projects"),
        fields: &[
            PROJECT,
            ("on", "Agreed on", "", Day, false),
            ("what", "What was agreed", "", Line, false),
        ],
    },
    Form {
        under: "note/",
        kind: "session",
        title: "Note a session",
        follows: "Its people and hours count in the yearly page. No names are taken.",
        back: ("Projects", "/projects"),
        fields: &[
            ID,
            PROJECT,
            ("on", "Day", "", Day, false),
            ("people", "How many took part", "", Number, false),
            (
                "new_people",
                "How many of them for the first time in this project",
                "",
                Number,
                false,
            ),
            ("hours", "How long it was, hours", "", Number, false),
            ("what", "What was done", "", Line, true),
        ],
    },
    Form {
        under: "note/",
        kind: "place",
        title: "Note a place that is lent to a project",
        follows: "It shows beside the project.",
        back: ("Projects", "/projects"),
        fields: &[
            ID,
            PROJECT,
            ("place", "Which place", "", Line, false),
            ("lender", "Who lends it", "", Line, false),
            FROM,
            TO,
        ],
    },
    Form {
        under: "note/",
        kind: "result",
        title: "Say what happened",
        follows: "It shows on the public list and the yearly page.",
        back: ("Projects", "/projects"),
        fields: &[
            PROJECT,
            ("on", "Day", "", Day, false),
            ("what", "What happened", "Name no person.", Lines, false),
        ],
    },
    Form {
        under: "note/",
        kind: "ended",
        title: "Say that a project is over",
        follows: "It takes no more sessions.",
        back: ("Projects", "/projects"),
        fields: &[
            ("id", "Project", "Its short name.", Line, false),
            ("on", "Its last day", "", Day, false),
            ("reason", "Why", "", Line, false),
        ],
    },
    Form {
        under: "fund/",
        kind: "rule",
        title: "Enter a rule of the fund",
        follows: "Frozen runs whose period begins then or later can bring that part of their interest.",
        back: ("Community fund", "/fund"),
        fields: &[
            (
                "from",
                "For runs whose period begins on this day or later",
                "",
                Day,
                false,
            ),
            (
                "part_of_interest",
                "Part of the interest",
                "20/80 is 20 for every 80 of interest.",
                Line,
                false,
            ),
            EVIDENCE,
        ],
    },
    Form {
        under: "fund/",
        kind: "grant",
        title: "Enter a grant",
        follows: "The fund has promised it. Another officer pays it once its conditions are met.",
        back: ("Community fund", "/fund"),
        fields: &[
            ID,
            ("to", "Who gets it", "A group or a body.", Line, false),
            ("purpose", "For what", "", Line, false),
            (
                "project",
                "Project",
                "Its short name, where it is one of residents’ own.",
                Line,
                true,
            ),
            ("pounds", "How much, pounds", "", Number, false),
            ("decided", "Decided on", "", Day, false),
            (
                "conditions",
                "Conditions",
                "One a line: all must be met before anything is paid.",
                Lines,
                true,
            ),
            ("report_by", "Its receiver reports by", "", Day, true),
            EVIDENCE,
        ],
    },
    Form {
        under: "fund/",
        kind: "condition-met",
        title: "Say that a condition is met",
        follows: "Once all conditions are met, another officer can pay the grant.",
        back: ("Community fund", "/fund"),
        fields: &[
            ("grant", "Grant", "Its short name.", Line, false),
            (
                "condition",
                "Which condition",
                "Its number, from 1.",
                Number,
                false,
            ),
            ("on", "Day", "", Day, false),
            EVIDENCE,
        ],
    },
    Form {
        under: "fund/",
        kind: "reported",
        title: "Note what became of a grant",
        follows: "It shows in the fund’s report.",
        back: ("Community fund", "/fund"),
        fields: &[
            ("grant", "Grant", "Its short name.", Line, false),
            ("on", "Day", "", Day, false),
            ("what", "What happened", "", Lines, false),
            EVIDENCE,
        ],
    },
    Form {
        under: "fund/",
        kind: "bring",
        title: "Bring a run’s part to the fund",
        follows: "The part that the rule in force gives is posted in the books today, once.",
        back: ("Community fund", "/fund"),
        fields: &[(
            "run",
            "Interest run",
            "Its number; it is frozen.",
            Number,
            false,
        )],
    },
    Form {
        under: "note/",
        kind: "ballot",
        title: "Call a ballot",
        follows: "Its electors are fixed from the roll of the record day, or from the list; from then on votes are taken on its days.",
        back: ("Ballots", "/ballots"),
        fields: &[
            ("title", "A short name", "", Line, false),
            ("text", "The words that are decided on", "", Lines, false),
            (
                "electorate",
                "Who decides",
                "Residents are asked and do not bind the society.",
                OneOf(&["members", "residents"]),
                false,
            ),
            (
                "record_day",
                "The day whose roll or list it is",
                "",
                Day,
                false,
            ),
            ("opens", "First day of voting", "", Day, false),
            ("closes", "Last day of voting", "", Day, false),
            (
                "quorum",
                "Quorum",
                "A number of voters such as 12, or 10 %.",
                Line,
                false,
            ),
            (
                "proxy_limit",
                "For how many others one elector may vote",
                "0 where nobody may.",
                Number,
                true,
            ),
            (
                "majority",
                "Majority of a resolution",
                "simple or three-quarters; leave it empty for a budget.",
                Line,
                true,
            ),
            (
                "pot_pounds",
                "What a budget shares out, pounds",
                "Leave it empty for a resolution.",
                Number,
                true,
            ),
            (
                "options",
                "What a budget may go to",
                "One a line: id; name; most it can use in pounds.",
                Lines,
                true,
            ),
            (
                "ages",
                "Only of these ages",
                "11..24, both included.",
                Line,
                true,
            ),
            (
                "residence",
                "Only of this residence on the list",
                "",
                Line,
                true,
            ),
            (
                "list",
                "The list of residents",
                "Pasted with its heads: number, age, residence. It is not kept; its SHA-256 is.",
                Lines,
                true,
            ),
        ],
    },
    Form {
        under: "note/",
        kind: "ballot-proxy",
        title: "Let one elector vote for another",
        follows: "The holder can vote for the elector, within the ballot’s limit.",
        back: ("Ballots", "/ballots"),
        fields: &[
            ("ballot", "Ballot", "Its number.", Number, false),
            (
                "elector",
                "Whose vote it is",
                "Their number.",
                Number,
                false,
            ),
            ("holder", "Who may cast it", "Their number.", Number, false),
        ],
    },
    Form {
        under: "note/",
        kind: "ballot-close",
        title: "Close a ballot",
        follows: "It is counted and published, and the box is destroyed.",
        back: ("Ballots", "/ballots"),
        fields: &[(
            "ballot",
            "Ballot",
            "Its number; its time is over, or everybody has voted.",
            Number,
            false,
        )],
    },
    Form {
        under: "note/",
        kind: "ballot-cancel",
        title: "Give a ballot up",
        follows: "What was voted is destroyed uncounted.",
        back: ("Ballots", "/ballots"),
        fields: &[
            ("ballot", "Ballot", "Its number.", Number, false),
            ("reason", "Why", "", Line, false),
        ],
    },
    Form {
        under: "papers/",
        kind: "ballot-papers",
        title: "Enter paper votes",
        follows: "They count when a second officer, who is not shown what you enter, has entered the same.",
        back: ("Ballots", "/ballots"),
        fields: &[
            ("ballot", "Ballot", "Its number.", Number, false),
            (
                "voters",
                "Whose envelopes were opened",
                "Numbers, with commas between them; three at least.",
                Lines,
                false,
            ),
            (
                "choices",
                "What stood on the papers",
                "One a line, in any order: for, against, abstain; or option=pounds,option=pounds.",
                Lines,
                false,
            ),
        ],
    },
    Form {
        under: "papers/",
        kind: "ballot-papers-back",
        title: "Take your own paper votes back",
        follows: "Your entry is gone; nothing of it counted.",
        back: ("Ballots", "/ballots"),
        fields: &[("ballot", "Ballot", "Its number.", Number, false)],
    },
    Form {
        under: "ballot-codes/",
        kind: "",
        title: "Hand out the voting codes",
        follows: "A file with one code an elector comes back, for the letters. It is shown this once; each code goes to its elector and nowhere else.",
        back: ("Ballots", "/ballots"),
        fields: &[(
            "elector",
            "Only for this elector",
            "Where a letter was lost: the old code ends. Leave it empty for all.",
            Number,
            true,
        )],
    },
    Form {
        under: "",
        kind: "fund-payment",
        title: "Pay a grant",
        follows: "The payment is posted in the books. Whoever entered the grant cannot pay it.",
        back: ("Community fund", "/fund"),
        fields: &[
            ("grant", "Grant", "Its short name.", Line, false),
            ("pounds", "How much, pounds", "", Number, false),
            ("on", "Paid on", "", Day, false),
            EVIDENCE,
        ],
    },
];

/// The page of an empty form.
pub async fn page(
    web: State<Web>,
    visitor: Visitor,
    Path((slug, kind)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    empty(web, visitor, slug, "note/", kind).await
}

/// The page of an empty form about the fund.
pub async fn fund_page(
    web: State<Web>,
    visitor: Visitor,
    Path((slug, kind)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    empty(web, visitor, slug, "fund/", kind).await
}

/// The page on which a grant is paid.
pub async fn payment_page(
    web: State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    empty(web, visitor, slug, "", "fund-payment".to_owned()).await
}

/// The page on which paper votes are entered.
pub async fn papers_page(
    web: State<Web>,
    visitor: Visitor,
    Path((slug, kind)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    empty(web, visitor, slug, "papers/", kind).await
}

/// Paper votes are entered.
pub async fn papers_sent(
    web: State<Web>,
    visitor: Visitor,
    Path((slug, kind)): Path<(String, String)>,
    fields: Sent<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    enter(web, visitor, slug, ("papers/", kind), fields).await
}

/// The page before the codes of a ballot are handed out.
pub(super) fn codes_page(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    ballot: u32,
    trouble: Option<String>,
) -> NotePage {
    let mut forms = FORMS.iter().filter(|form| form.under == "ballot-codes/");
    let form = forms.next().unwrap_or(&FORMS[0]);
    let mut page = filled(web, visitor, society, form, &BTreeMap::new(), trouble);
    page.here = format!("/desk/{}/ballot-codes/{ballot}", society.slug());
    page
}

/// A form that was sent.
pub async fn sent(
    web: State<Web>,
    visitor: Visitor,
    Path((slug, kind)): Path<(String, String)>,
    fields: Sent<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    enter(web, visitor, slug, ("note/", kind), fields).await
}

/// A form about the fund that was sent.
pub async fn fund_sent(
    web: State<Web>,
    visitor: Visitor,
    Path((slug, kind)): Path<(String, String)>,
    fields: Sent<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    enter(web, visitor, slug, ("fund/", kind), fields).await
}

/// A grant is paid.
pub async fn payment_sent(
    web: State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    fields: Sent<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    enter(web, visitor, slug, ("", "fund-payment".to_owned()), fields).await
}

async fn empty(
    State(web): State<Web>,
    visitor: Visitor,
    slug: String,
    under: &'static str,
    kind: String,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let form = form(under, &kind)?;
        frame::page(&filled(
            web,
            &visitor,
            &society,
            form,
            &BTreeMap::new(),
            None,
        ))
    })
    .await
}

async fn enter(
    State(web): State<Web>,
    visitor: Visitor,
    slug: String,
    (under, kind): (&'static str, String),
    Sent(fields): Sent<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let form = form(under, &kind)?;
        if fields.is_empty() {
            return Err(Trouble::form("the form is empty"));
        }
        let known = |key: &str| form.fields.iter().any(|field| field.0 == key);
        if let Some(other) = fields.keys().find(|key| !known(key)) {
            return Err(Trouble::form(&format!(
                "`{other}` is no field of this form"
            )));
        }
        let now = web.state.clock.now();
        match society.enter_note(&kind, &fields, &visitor.user, now) {
            Ok(_) => Ok(see(&back(&slug, form))),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                let page = filled(web, &visitor, &society, form, &fields, Some(why));
                Ok((StatusCode::CONFLICT, frame::page(&page)?).into_response())
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

/// Links to the forms of a page.
pub(super) fn ways(slug: &str, back: &str) -> Vec<super::view::Link> {
    let own = FORMS
        .iter()
        .filter(|form| form.back.1 == back && form.under != "ballot-codes/");
    own.map(|form| frame::link(form.title, &here(slug, form)))
        .collect()
}

fn form(under: &str, kind: &str) -> Result<&'static Form, Trouble> {
    let mut forms = FORMS.iter();
    forms
        .find(|form| form.under == under && form.kind == kind)
        .ok_or_else(Trouble::nothing_here)
}

fn here(slug: &str, form: &Form) -> String {
    format!("/desk/{slug}/{}{}", form.under, form.kind)
}

fn back(slug: &str, form: &Form) -> String {
    format!("/desk/{slug}{}", form.back.1)
}

fn filled(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    form: &'static Form,
    typed: &BTreeMap<String, String>,
    trouble: Option<String>,
) -> NotePage {
    let slug = society.slug();
    let here = here(slug, form);
    let field = |(key, label, help, how, may_lack): &Field| NoteField {
        key,
        label,
        help,
        value: typed.get(*key).cloned().unwrap_or_default(),
        needed: !may_lack,
        kind: match how {
            Line => "line",
            Lines => "lines",
            Day => "day",
            Number => "number",
            OneOf(_) => "one",
        },
        choices: match how {
            OneOf(words) => words,
            _ => &[],
        },
    };
    NotePage {
        frame: frame::of_visitor(web, visitor, form.title, &here),
        kicker: vec![
            frame::link(
                &format!("The desk of {}", society.known().document.society.name),
                &format!("/desk/{slug}"),
            ),
            frame::link(form.back.0, &back(slug, form)),
        ],
        here,
        title: form.title,
        follows: form.follows,
        fields: form.fields.iter().map(field).collect(),
        trouble,
    }
}
