//! A council's stake as a dossier: the same figures for the page, the sheet and the download.

use domain::{calendar::LocalDay, money::Pence};
use report::{
    dossier::{Amount, Dossier, DossierTable, Figure, Section},
    words,
};
use rust_decimal::Decimal;

use super::{Building, SocietyStake, StakeReport, SupportLine};
use crate::outcomes::{GROUPS, OutcomeLine};

impl SocietyStake {
    /// Interest of the period.
    #[must_use]
    pub fn interest_pence(&self) -> Pence {
        Pence(self.interest.iter().map(|line| line.pence.0).sum())
    }

    /// What hosts saved in the period, as far as it is known.
    #[must_use]
    pub fn savings_pence(&self) -> Pence {
        let lines = self.buildings.iter().flat_map(|one| &one.savings);
        Pence(lines.filter_map(|line| line.saved).map(|p| p.0).sum())
    }

    /// The council's support in kind.
    #[must_use]
    pub fn support_pence(&self) -> Pence {
        Pence(self.support.iter().map(|line| line.worth.0).sum())
    }

    /// Carbon avoided, kg; none where nothing is known of any building.
    #[must_use]
    pub fn co2_kg(&self) -> Option<Decimal> {
        let mut known = self
            .buildings
            .iter()
            .filter_map(|one| one.co2_kg)
            .peekable();
        known.peek()?;
        Some(known.sum())
    }

    fn figure(
        &self,
        what: impl Into<String>,
        amount: Amount,
        evidence: impl Into<String>,
    ) -> Figure {
        Figure {
            what: what.into(),
            amount,
            evidence: evidence.into(),
            href: None,
            sample: self.sample,
        }
    }

    fn at(&self, page: &str) -> Option<String> {
        Some(format!("/s/{}{page}", self.slug))
    }

    /// Where the council's own officers open what stands behind a figure of the stake.
    fn stake_at(&self, part: &str) -> Option<String> {
        Some(format!("/council/{}/evidence#{part}", self.slug))
    }
}

/// The dossier of a stake.
#[must_use]
pub fn sheet_of(report: &StakeReport) -> Dossier {
    let (first, last) = (report.period.first_day(), report.period.last_day());
    let several = report.societies.len() > 1;
    let mut sections = Vec::new();
    let mut notes = Vec::new();
    for society in &report.societies {
        let name = |heading: &str| match several {
            true => format!("{}: {heading}", society.name),
            false => heading.to_owned(),
        };
        let mut add = |heading: &str, text: Vec<String>, figures: Vec<Figure>, tables| {
            sections.push(Section {
                heading: name(heading),
                text,
                chart: None,
                figures,
                tables,
            });
        };
        add(
            "Capital, votes and interest",
            capital_text(society),
            capital(society),
            Vec::new(),
        );
        let lent = money_lent(society);
        if !lent.is_empty() {
            add("Loans and guarantees", Vec::new(), lent, schedules(society));
        }
        add(
            "Roofs and spaces lent",
            Vec::new(),
            spaces(society),
            Vec::new(),
        );
        add("By building", Vec::new(), buildings(society), Vec::new());
        let kind = support(society, &society.support, "support");
        if !kind.is_empty() {
            add(
                "Support in kind by the council",
                Vec::new(),
                kind,
                Vec::new(),
            );
        }
        add(
            "Carbon",
            Vec::new(),
            carbon(society, report),
            restated(society),
        );
        add(
            "Outcomes",
            outcome_text(society),
            people(society),
            outcome_tables(&society.outcomes),
        );
        notes.extend(society.left_out.iter().map(|why| match several {
            true => format!("{}: {why}", society.name),
            false => why.clone(),
        }));
    }
    notes.extend(
        [
            "Capital and votes are of the last day of the period, or of today where it is not over, from the register of members and shares. Nothing of any other member is in this paper.",
            "Interest and savings count by the last day of a frozen run or bill.",
            "Support in kind is hours times a dated unit value with its source, times the part that may be claimed. The same hours are counted once. What residents and others gave stands under outcomes and is no part of the council's stake.",
            "Carbon is energy times the factor of the calendar year that holds most of the period. The restated view puts earlier years at the same factor: what is left of a change is a change of energy.",
        ]
        .map(str::to_owned),
    );
    let sample = report.societies.iter().any(|one| one.sample)
        || sections
            .iter()
            .flat_map(|s: &Section| &s.figures)
            .any(|figure| figure.sample);
    Dossier {
        author: report.council.clone(),
        heading: format!(
            "The stake of {}, {}",
            report.council,
            words::span(first, last)
        ),
        on: report.drawn_up,
        sentence: sentence(report),
        sections,
        notes,
        signatures: Vec::new(),
        sample,
    }
}

fn sentence(report: &StakeReport) -> String {
    let held = report
        .societies
        .iter()
        .filter_map(|one| one.capital.as_ref());
    let (mut own, mut all) = (0, 0);
    let mut places = Vec::new();
    for (society, capital) in report
        .societies
        .iter()
        .filter_map(|s| Some((s, s.capital.as_ref()?)))
    {
        own += capital.own.0;
        all += capital.all.0;
        places.push(society.name.clone());
    }
    let roofs = report.societies.iter().flat_map(|s| &s.spaces).count();
    let roofs = words::count(
        u32::try_from(roofs).unwrap_or(u32::MAX),
        "roof or space",
        "roofs and spaces",
    );
    match held.count() {
        0 => format!("{} lends {roofs}.", report.council),
        _ => format!(
            "{} holds {} of {} in {}, and lends {roofs}.",
            report.council,
            words::pounds(own),
            words::pounds(all),
            words::list(&places)
        ),
    }
}

fn capital_text(society: &SocietyStake) -> Vec<String> {
    let Some(capital) = &society.capital else {
        return Vec::new();
    };
    let percent =
        |of: Option<Decimal>| of.map_or_else(|| "no part".to_owned(), |of| format!("{of} %"));
    vec![format!(
        "On {}, {} of {} is {} of the capital; one vote of {} is {} of the votes.",
        words::date(capital.on),
        words::pounds(capital.own.0),
        words::pounds(capital.all.0),
        percent(capital.percent),
        capital.voters,
        percent(capital.vote_percent),
    )]
}

fn capital(society: &SocietyStake) -> Vec<Figure> {
    let Some(capital) = &society.capital else {
        let why = match society.left_out.is_empty() {
            true => "The council is no member of this society.",
            false => "Not shown to an officer of some buildings.",
        };
        return vec![society.figure(
            "Share capital",
            Amount::Words(why.to_owned()),
            "The register of members",
        )];
    };
    let on = words::date(capital.on);
    let roll = format!("Register of shares, member {}, on {on}", capital.member);
    let mut figures = vec![
        society.figure(
            "Share capital of the council",
            Amount::Pounds(capital.own),
            roll,
        ),
        society.figure(
            "Share capital of all members",
            Amount::Pounds(capital.all),
            format!("Register of shares on {on}"),
        ),
    ];
    let part = |of: Option<Decimal>| {
        of.map_or_else(
            || Amount::Unknown("nobody holds anything".to_owned()),
            Amount::Percent,
        )
    };
    figures.push(society.figure(
        "Part of the capital",
        part(capital.percent),
        "The first by the second",
    ));
    figures.push(society.figure(
        "Votes",
        Amount::Words(format!("1 of {}", words::whole(i64::from(capital.voters)))),
        format!("Register of members on {on}: one member, one vote"),
    ));
    figures.push(society.figure(
        "Part of the votes",
        part(capital.vote_percent),
        "One by the number of members",
    ));
    for figure in &mut figures {
        figure.href = society.stake_at("capital");
    }
    if society.interest.is_empty() {
        figures.push(society.figure(
            "Interest received",
            Amount::Pounds(Pence::ZERO),
            "No interest run that ends in the period is frozen",
        ));
    }
    for line in &society.interest {
        let mut figure = society.figure(
            format!("Interest for {}", words::span(line.days.0, line.days.1)),
            Amount::Pounds(line.pence),
            format!("Frozen interest run {}", line.run),
        );
        figure.href = society.stake_at("interest");
        figures.push(figure);
    }
    figures
}

fn money_lent(society: &SocietyStake) -> Vec<Figure> {
    let mut figures = Vec::new();
    for line in &society.loans {
        let id = &line.of.id;
        let mut all = vec![
            (
                format!("Loan {id}: lent"),
                line.of.principal_pence,
                line.of.evidence.clone(),
            ),
            (
                format!("Loan {id}: paid back"),
                line.paid.0,
                "Payments noted, each with its evidence".to_owned(),
            ),
            (
                format!("Loan {id}: interest received in the period"),
                line.interest.0,
                "Payments noted, each with its evidence".to_owned(),
            ),
            (
                format!("Loan {id}: still owed"),
                line.left.0,
                "What was lent less what was paid back".to_owned(),
            ),
        ];
        if line.behind > Pence::ZERO {
            all.push((
                format!("Loan {id}: due and not paid"),
                line.behind.0,
                "The schedule against the payments noted".to_owned(),
            ));
        }
        figures.extend(all.into_iter().map(|(what, pence, evidence)| {
            let mut figure = society.figure(what, Amount::Pounds(Pence(pence)), evidence);
            figure.sample = line.of.sample;
            figure.href = society.stake_at("loans");
            figure
        }));
    }
    for one in &society.guarantees {
        let mut figure = society.figure(
            format!(
                "Guarantee {}: {}, {} to {}",
                one.id,
                one.what,
                shown(&one.from),
                shown(&one.to)
            ),
            Amount::Pounds(Pence(one.limit_pence)),
            one.evidence.clone(),
        );
        figure.sample = one.sample;
        figures.push(figure);
    }
    figures
}

fn schedules(society: &SocietyStake) -> Vec<DossierTable> {
    let table = |line: &super::LoanLine| DossierTable {
        caption: format!(
            "Schedule of loan {}, at {} % a year",
            line.of.id, line.of.rate_percent
        ),
        head: ["Due", "Principal", "Interest", "Left"]
            .map(str::to_owned)
            .to_vec(),
        rows: line
            .schedule
            .iter()
            .map(|step| {
                vec![
                    Amount::Words(words::date(step.on)),
                    Amount::Pounds(step.principal),
                    Amount::Pounds(step.interest),
                    Amount::Pounds(step.left),
                ]
            })
            .collect(),
    };
    society.loans.iter().map(table).collect()
}

fn spaces(society: &SocietyStake) -> Vec<Figure> {
    if society.spaces.is_empty() {
        return vec![society.figure(
            "Roofs and spaces",
            Amount::Words("none noted".to_owned()),
            "No licence or lease was entered for this period",
        )];
    }
    let mut figures = Vec::new();
    for line in &society.spaces {
        let of = &line.of;
        let mut figure = society.figure(
            format!(
                "{}, {} from {} to {}: rent a year",
                of.name,
                of.under,
                shown(&of.from),
                words::date(line.until)
            ),
            Amount::Pounds(Pence(of.rent_pence_a_year)),
            of.evidence.clone(),
        );
        figure.sample = of.sample;
        figure.href = society.stake_at("spaces");
        figures.push(figure);
        let mut ends = vec![format!("on {}", words::date(line.until))];
        if !of.reverts.is_empty() {
            ends.push(of.reverts.clone());
        }
        if let Some(why) = &line.ended {
            ends.push(format!("ended before its day: {why}"));
        }
        if let Some(months) = line.warning {
            ends.push(format!("it ends within {months} months"));
        }
        let mut figure = society.figure(
            format!("{}: what happens at the end", of.name),
            Amount::Words(ends.join("; ")),
            of.evidence.clone(),
        );
        figure.sample = of.sample;
        figures.push(figure);
    }
    figures
}

fn buildings(society: &SocietyStake) -> Vec<Figure> {
    let mut figures = Vec::new();
    for one in &society.buildings {
        let page = society.at(&format!("/sites/{}", one.site));
        let mut push = |mut figure: Figure| {
            figure.sample = one.sample;
            figure.href = page.clone();
            figures.push(figure);
        };
        let unknown = || Amount::Unknown("no read covers the period".to_owned());
        let quality = known(one);
        push(society.figure(
            format!("{}: made", one.name),
            one.made.map_or_else(unknown, Amount::Energy),
            quality,
        ));
        if let Some(forecast) = one.forecast {
            push(society.figure(
                format!("{}: forecast", one.name),
                Amount::Energy(forecast),
                "The version in force at the period's end",
            ));
        }
        if let Some(kg) = one.co2_kg {
            push(society.figure(
                format!("{}: carbon avoided", one.name),
                Amount::Number(kg, "kg CO2e".to_owned()),
                "Made, times the factor of the period",
            ));
        }
        for line in &one.savings {
            push(society.figure(
                format!(
                    "{}: {} saved, {}",
                    one.name,
                    line.host,
                    words::span(line.days.0, line.days.1)
                ),
                Amount::pounds_or(line.saved, "the bill names no grid price"),
                format!(
                    "Frozen bill {}, against the grid price it names, before VAT",
                    line.bill
                ),
            ));
        }
        if one.savings.is_empty() {
            push(society.figure(
                format!("{}: bills saved", one.name),
                Amount::Unknown("no bill that ends in the period is frozen".to_owned()),
                "Frozen bills to hosts",
            ));
        }
        for line in &one.outages {
            let worth = line
                .pence
                .map_or_else(|| "not valued".to_owned(), |p| p.to_string());
            push(society.figure(
                format!(
                    "{}: lost to planned outage {}, {} ({})",
                    one.name,
                    line.number,
                    words::span(line.days.0, line.days.1),
                    line.cause
                ),
                Amount::Energy(line.lost),
                format!("Worth {worth}; what like days made"),
            ));
        }
    }
    figures
}

/// How well a building's energy is known.
fn known(one: &Building) -> String {
    let holes = match one.missing {
        0 => "no half hour is missing".to_owned(),
        n => format!(
            "{} missing",
            words::count(n, "half hour is", "half hours are")
        ),
    };
    format!(
        "Reads of its meter, quality {}; {holes}",
        one.quality.word()
    )
}

fn support(society: &SocietyStake, lines: &[SupportLine], part: &str) -> Vec<Figure> {
    let figure = |line: &SupportLine| {
        let of = &line.of;
        let days = format!("{} to {}", shown(&of.from), shown(&of.to));
        let attributed = match of.attribution_percent.as_str() {
            "100" => String::new(),
            part => format!(", of which {part} % may be claimed"),
        };
        let mut figure = match of.part_of.is_empty() {
            true => society.figure(
                format!(
                    "{}: {} hours by {}, {days}",
                    of.activity, line.hours, of.giver
                ),
                Amount::Pounds(line.worth),
                format!(
                    "{} an hour ({}, {}){attributed}; {}",
                    Pence(of.unit_pence),
                    of.unit_source,
                    of.unit_on,
                    of.evidence
                ),
            ),
            false => society.figure(
                format!(
                    "{}: {} hours by {}, {days}",
                    of.activity, line.hours, of.giver
                ),
                Amount::Words(format!("counted in {}", of.part_of)),
                of.evidence.clone(),
            ),
        };
        figure.sample = of.sample;
        figure.href = society.stake_at(part);
        figure
    };
    lines.iter().map(figure).collect()
}

fn carbon(society: &SocietyStake, report: &StakeReport) -> Vec<Figure> {
    let kg = "kg CO2e";
    let mut figures = Vec::new();
    let (year, factor) = society.restated.last().map_or_else(
        || (report.period.last_day().year(), String::new()),
        |one| (one.year, one.factor.1.clone()),
    );
    match society.co2_kg() {
        Some(all) => {
            let tonnes = (all / Decimal::from(1_000))
                .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
            let evidence = match factor.is_empty() {
                true => "The buildings' energy, times the dated factor".to_owned(),
                false => {
                    format!("The buildings' energy, times the dated factor; of {year}: {factor}")
                }
            };
            figures.push(society.figure(
                "Carbon avoided",
                Amount::Number(tonnes, "t CO2e".to_owned()),
                evidence,
            ));
        }
        None => figures.push(society.figure(
            "Carbon avoided",
            Amount::Unknown("no energy of the period is known".to_owned()),
            "Reads of the meters",
        )),
    }
    for line in &society.claims {
        let of = &line.of;
        let about = format!("{} t over {} years", of.tonnes, of.years);
        let mut all = Vec::new();
        match line.split {
            Some(split) => {
                let evidence = format!("{about}: {}", of.evidence);
                all.push((
                    format!("Claimed a year ({about})"),
                    split.claimed_kg,
                    evidence,
                ));
                all.push((
                    "Avoided in the period".to_owned(),
                    split.actual_kg,
                    "Energy, times the dated factor".to_owned(),
                ));
                all.push((
                    "Missing because less was made".to_owned(),
                    split.less_energy_kg,
                    format!(
                        "Against {} kWh a year, at the claim's own factor",
                        of.kwh_a_year
                    ),
                ));
                all.push((
                    "Missing because the grid is cleaner".to_owned(),
                    split.cleaner_grid_kg,
                    "The rest: what was made, times the difference of the factors".to_owned(),
                ));
            }
            None => {
                let amount = Amount::Unknown(
                    "it is held against whole years of which the energy is known".to_owned(),
                );
                figures.push(society.figure(
                    format!("Claimed: {about}"),
                    amount,
                    of.evidence.clone(),
                ));
            }
        }
        figures.extend(all.into_iter().map(|(what, number, evidence)| {
            let mut figure = society.figure(what, Amount::Number(number, kg.to_owned()), evidence);
            figure.sample = of.sample || society.sample;
            figure
        }));
    }
    figures
}

fn restated(society: &SocietyStake) -> Vec<DossierTable> {
    if society.restated.is_empty() {
        return Vec::new();
    }
    let kg = |number| Amount::Number(number, "kg".to_owned());
    vec![DossierTable {
        caption: format!(
            "Carbon by year, {}: with each year's own factor, and restated with the factor of this period",
            society.name
        ),
        head: ["Year", "Made", "Factor, kg a kWh", "Avoided", "Restated"]
            .map(str::to_owned)
            .to_vec(),
        rows: society
            .restated
            .iter()
            .map(|year| {
                vec![
                    Amount::Words(year.year.to_string()),
                    Amount::Energy(year.made),
                    Amount::Number(year.factor.0, String::new()),
                    kg(year.kg),
                    kg(year.restated_kg),
                ]
            })
            .collect(),
    }]
}

fn people(society: &SocietyStake) -> Vec<Figure> {
    let mut figures = Vec::new();
    for one in &society.reached {
        let mut figure = society.figure(
            format!(
                "Residents reached: {}, {} to {}",
                one.activity,
                shown(&one.from),
                shown(&one.to)
            ),
            Amount::count(one.people, "residents"),
            one.evidence.clone(),
        );
        figure.sample = one.sample;
        figures.push(figure);
    }
    figures.extend(support(society, &society.others_support, "outcomes"));
    figures
}

fn outcome_text(society: &SocietyStake) -> Vec<String> {
    let all = society.outcomes.len();
    if all == 0 {
        return Vec::new();
    }
    let met = society.outcomes.iter().filter(|line| line.met).count();
    let late = society.outcomes.iter().filter(|line| line.late).count();
    let mut text = format!(
        "Of {} proposed, {met} are delivered in full",
        words::count(
            u32::try_from(all).unwrap_or(u32::MAX),
            "outcome",
            "outcomes"
        )
    );
    if late > 0 {
        text.push_str(&format!("; {late} are past their day and are not"));
    }
    vec![format!("{text}.")]
}

/// Repowering's table: outcome, proposed, delivered, in three groups.
#[must_use]
pub fn outcome_tables(outcomes: &[OutcomeLine]) -> Vec<DossierTable> {
    let mut tables = Vec::new();
    for group in GROUPS {
        let lines: Vec<&OutcomeLine> = outcomes
            .iter()
            .filter(|line| line.of.group == group)
            .collect();
        if lines.is_empty() {
            continue;
        }
        let row = |line: &&OutcomeLine| {
            let of = &line.of;
            let mark = if of.sample { "SAMPLE: " } else { "" };
            let number = |text: &str| {
                text.parse().map_or_else(
                    |_| Amount::Words(text.to_owned()),
                    |number| Amount::Number(number, of.unit.clone()),
                )
            };
            let shows: Vec<&str> = line
                .deliveries
                .iter()
                .map(|d| d.evidence.as_str())
                .collect();
            vec![
                Amount::Words(format!("{mark}{} ({})", of.wanted, of.measure)),
                Amount::Words(format!(
                    "{}, with {}, {}",
                    of.activity, of.partner, of.partner_kind
                )),
                number(&of.baseline),
                number(&of.proposed),
                Amount::Words(shown(&of.by)),
                Amount::Number(line.delivered, of.unit.clone()),
                Amount::Number(line.delivered_ever, of.unit.clone()),
                Amount::Words(match shows.is_empty() {
                    true => of.evidence.clone(),
                    false => shows.join("; "),
                }),
            ]
        };
        let head = [
            "Outcome",
            "How and with whom",
            "Before",
            "Proposed",
            "By",
            "Delivered in the period",
            "Delivered in all",
            "What shows it",
        ];
        tables.push(DossierTable {
            caption: format!(
                "{}{} outcomes: proposed and delivered",
                group[..1].to_uppercase(),
                &group[1..]
            ),
            head: head.map(str::to_owned).to_vec(),
            rows: lines.iter().map(row).collect(),
        });
    }
    tables
}

/// A day of a note as it is printed.
pub(crate) fn shown(day: &str) -> String {
    day.parse::<LocalDay>()
        .map_or_else(|_| day.to_owned(), words::date)
}

/// The years of outcomes: delivered, paid, the cost of one, and its change.
#[must_use]
pub fn year_tables(outcomes: &[OutcomeLine]) -> Vec<DossierTable> {
    let with_cost = outcomes
        .iter()
        .filter(|line| line.years.iter().any(|year| year.cost > Pence::ZERO));
    let table = |line: &OutcomeLine| DossierTable {
        caption: format!("{}: what one of them cost, year on year", line.of.measure),
        head: [
            "Year",
            "Delivered",
            "Paid",
            "Cost of one",
            "Change on the year before",
            "What it took besides",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: line
            .years
            .iter()
            .map(|year| {
                let took: Vec<&str> = line
                    .deliveries
                    .iter()
                    .filter(|d| d.to.starts_with(&year.year.to_string()) && !d.resources.is_empty())
                    .map(|d| d.resources.as_str())
                    .collect();
                vec![
                    Amount::Words(year.year.to_string()),
                    Amount::Number(year.amount, line.of.unit.clone()),
                    Amount::Pounds(year.cost),
                    Amount::pounds_or(year.cost_of_one, "nothing was delivered"),
                    year.change_percent
                        .map_or_else(|| Amount::Words("–".to_owned()), Amount::Percent),
                    Amount::Words(took.join("; ")),
                ]
            })
            .collect(),
    };
    with_cost.map(table).collect()
}

/// Outcomes as a dossier of their own.
#[must_use]
pub fn outcome_sheet(
    society: &crate::SocietyOffice,
    period: domain::calendar::Period,
    lines: &[OutcomeLine],
    now: domain::calendar::Instant,
) -> Dossier {
    let known = society.known();
    let name = &known.document.society.name;
    let days = words::span(period.first_day(), period.last_day());
    let met = lines.iter().filter(|line| line.met).count();
    let count = words::count(
        u32::try_from(lines.len()).unwrap_or(u32::MAX),
        "outcome",
        "outcomes",
    );
    let mut sections = Vec::new();
    let mut services: Vec<&str> = lines.iter().map(|line| line.of.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    for service in services {
        let own: Vec<OutcomeLine> = lines
            .iter()
            .filter(|line| line.of.service == service)
            .cloned()
            .collect();
        let spent: i64 = own.iter().map(|line| line.cost.0).sum();
        let mut tables = outcome_tables(&own);
        tables.extend(year_tables(&own));
        let heading = match service {
            "" => "Outcomes".to_owned(),
            service => format!("Service: {service}"),
        };
        let text = match spent {
            0 => Vec::new(),
            spent => vec![format!(
                "{} was paid for these outcomes in {days}.",
                Pence(spent)
            )],
        };
        sections.push(Section {
            heading,
            text,
            tables,
            ..Section::default()
        });
    }
    Dossier {
        author: name.clone(),
        heading: format!("Outcomes, {days}"),
        on: known.zone.day_of(now),
        sentence: format!("Of {count} that {name} and its partners want to see, {met} are delivered in full."),
        sections,
        notes: vec![
            "What was delivered is the part that may be claimed: the amount noted, times the attribution of the outcome.".to_owned(),
            "A delivery counts in the year of its last day. The cost of one is what was paid by what was delivered, rounded once.".to_owned(),
        ],
        signatures: Vec::new(),
        sample: known.document.society.sample || lines.iter().any(|line| line.of.sample),
    }
}
