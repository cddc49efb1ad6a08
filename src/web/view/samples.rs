//! Pages filled with samples, for the tests.

use super::*;
use ::report::generation::Step;

pub fn frame(title: &str, events: Option<&str>) -> Frame {
    let link = |text: &str, href: &str| Link {
        text: text.into(),
        href: href.into(),
        current: href == "/",
    };
    Frame {
        title: title.into(),
        house: "Brixton Energy".into(),
        nav: vec![link("Societies", "/"), link("How this works", "/how")],
        notices: vec![
            "SAMPLE: the energy shown is measured output of solar panels around Bath, scaled to \
             each roof's kWp. It is not the reads of these roofs."
                .into(),
        ],
        stylesheet: "/assets/commonwatt.css".into(),
        script: "/assets/live.js".into(),
        events: events.map(str::to_owned),
    }
}

pub fn now(key: &str, kw: &str, kwh: &str, age_s: u64) -> Now {
    Now {
        key: key.into(),
        kw: Some(kw.into()),
        kwh: Some(kwh.into()),
        how: "",
        age_s: Some(age_s),
        sample: true,
    }
}

pub fn home() -> HomePage {
    let glance = |number: u32, about: &str, now: Now| Glance {
        name: format!("Brixton Energy Solar {number}"),
        href: format!("/s/bes{number}"),
        about: about.into(),
        now,
    };
    HomePage {
        frame: frame("Brixton Energy", Some("/live")),
        sentence: "Three societies with ten roofs are making 41.2 kW right now and have made \
                   312.4 kWh today."
            .into(),
        day_figure: None,
        societies: vec![
            glance(
                1,
                "Elmore House, Loughborough Estate: 37.24 kWp paid for by 103 local investors.",
                now("bes1", "12.4", "86.1", 12),
            ),
            glance(
                2,
                "Styles Gardens, Loughborough Estate: five blocks, 45 kW.",
                now("bes2", "13.1", "97.0", 31),
            ),
            glance(
                3,
                "Roupell Park: four blocks, 52 kWp.",
                Now {
                    key: "bes3".into(),
                    ..Now::default()
                },
            ),
        ],
    }
}

pub fn society(day: Option<String>, figure: String, table: String) -> SocietyPage {
    let year = |year: &str, made: &str, difference: &str, known: &str| YearLine {
        year: year.into(),
        href: format!("/s/bes2/reports/{year}"),
        made: made.into(),
        difference: difference.into(),
        known: known.into(),
    };
    let roof = |number: u32| RoofLine {
        name: format!("Styles Gardens, block {number}"),
        href: format!("/s/bes2/roofs/styles-gardens-{number}"),
        kwp: "9".into(),
        now: now(&format!("bes2/styles-gardens-{number}"), "2.6", "19.4", 12),
    };
    SocietyPage {
        frame: frame("Brixton Energy Solar 2", Some("/s/bes2/live")),
        name: "Brixton Energy Solar 2".into(),
        about: "Brixton Energy Solar 2: five blocks of Styles Gardens, Loughborough Estate, 45 kW."
            .into(),
        sentence: "Brixton Energy Solar 2 is making 13.1 kW right now and has made 97.0 kWh today."
            .into(),
        now: now("bes2", "13.1", "97.0", 31),
        day_figure: day,
        month_sentence:
            "So far in June 2013 the five roofs made 1,600 kWh of the 3,391 kWh forecast.".into(),
        month_figure: figure,
        month_table: table,
        month_href: "/s/bes2/reports/2013-06".into(),
        explore_href: "/s/bes1/explore".into(),
        years: vec![
            year("2018", "10,214", "", "129 of 365 days"),
            year("2017", "40,210", "", "341 of 365 days"),
            year("2016", "41,770", "+3.1 %", "actual"),
        ],
        roofs: (1..=5).map(roof).collect(),
        working: vec![Step {
            text: "8,640 register reads of today".into(),
            target: Some("/s/bes2/reads".into()),
        }],
    }
}

pub fn roof() -> RoofPage {
    RoofPage {
        frame: frame("Elmore House", Some("/s/bes1/live")),
        name: "Elmore House".into(),
        society: Link {
            text: "Brixton Energy Solar 1".into(),
            href: "/s/bes1".into(),
            current: false,
        },
        about: "37.24 kWp, in use since 23 April 2012".into(),
        sentence: "Elmore House is making 12.4 kW right now and has made 86.1 kWh today.".into(),
        now: now("bes1/elmore-house", "12.4", "86.1", 12),
        day_figure: None,
        month_sentence: String::new(),
        month_figure: String::new(),
        month_table: String::new(),
        month_href: "/s/bes1/roofs/elmore-house/reports/2013-06".into(),
        explore_href: "/s/bes1/explore".into(),
        years: Vec::new(),
        meters: vec![MeterLine {
            serial: "SAMPLE-BES1-1".into(),
            counts: "generation".into(),
            register: "143,210.45".into(),
            read_at: "22 November 2026, 13:05".into(),
        }],
        working: Vec::new(),
    }
}

pub fn report(fragment: String) -> ReportPage {
    let download = |text: &str, ending: &str| Download {
        text: text.into(),
        href: format!("/s/bes1/reports/2013.{ending}"),
        file_name: format!("bes1-generation-2013.{ending}"),
    };
    ReportPage {
        frame: frame("Elmore House in 2013", None),
        fragment,
        downloads: vec![
            download("The chart (SVG)", "svg"),
            download("The table (CSV)", "csv"),
            download("Every figure (JSON)", "json"),
            download("Plain text", "txt"),
            download("One page that stands alone (HTML)", "html"),
        ],
        before: None,
        after: Some(Link {
            text: "2014".into(),
            href: "/s/bes1/reports/2014".into(),
            current: false,
        }),
    }
}

pub fn how() -> HowPage {
    HowPage {
        frame: frame("How this works", None),
        cadence: "every minute".into(),
    }
}

pub fn trouble() -> TroublePage {
    TroublePage {
        frame: frame("No such roof", None),
        what: "There is no roof called “elmor-house”.".into(),
        why: "The address may be mistyped, or the roof belongs to another society.".into(),
        todo: "Choose the roof from its society’s page, or ask the society’s secretary.".into(),
        links: vec![Link {
            text: "All societies".into(),
            href: "/".into(),
            current: false,
        }],
    }
}
