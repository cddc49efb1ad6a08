//! What the first sentence says, and that it takes back what turned out to be wrong.

use domain::{
    metering::{EventKind, Obis},
    quantity::WattHours,
};
use records::import::Layout;

use super::stage::Stage;
use office::{
    import::ImportRequest,
    meters::EventRequest,
    reads::{DecidedRead, ReadAction},
};

const METER: &str = "SAMPLE-BES1-1";

fn import(stage: &Stage, reads: &[(&str, i64)]) {
    let mut text = String::from("meter,register,time,value,unit,source\n");
    for (at, wh) in reads {
        text.push_str(&format!("{METER},2.8.0,{at},{wh},Wh,\n"));
    }
    let request = ImportRequest {
        file: "reads.csv".into(),
        text,
        layout: Layout::register_reads(None),
        by: "secretary".into(),
    };
    let society = stage.office.societies().remove(0);
    society
        .import(&request, stage.now, &mut |_, _, _| {})
        .expect("imported");
}

async fn says(stage: &Stage, words: &str) {
    let society = stage.office.societies().remove(0);
    society.projector().flush().expect("flushed");
    let page = stage.get("/s/bes1").await.text.replace('\u{a0}', " ");
    let start = page.find("<h1").expect("a headline");
    let headline = &page[start..start + page[start..].find("</h1>").expect("its end")];
    assert!(headline.contains(words), "{headline}\nexpected: {words}");
}

#[tokio::test]
async fn a_read_that_a_person_refuses_leaves_the_headline() {
    let stage = Stage::elmore_house();
    says(&stage, "has made 65.0 kWh today").await;
    let society = stage.office.societies().remove(0);
    let last = society.faces("elmore-house").unwrap().remove(0).last;
    let (at, wh) = last.expect("a last read");
    let later = at.plus_ms(600_000);
    import(&stage, &[(&later.to_string(), wh.0 + 3_000)]);
    says(&stage, "has made 68.0 kWh today").await;
    let refused = DecidedRead {
        meter: METER.into(),
        register: "2.8.0".into(),
        read_at_ms: later.0,
        wh: wh.0 + 3_000,
        action: ReadAction::Refuse,
        corrected_wh: None,
        reason: "the display was misread".into(),
    };
    society
        .decide_read(&refused, "secretary", stage.now)
        .expect("decided");
    says(&stage, "has made 65.0 kWh today").await;
}

#[tokio::test]
async fn a_register_that_was_set_back_counts_on_from_the_event() {
    let stage = Stage::elmore_house();
    let society = stage.office.societies().remove(0);
    let last = society.faces("elmore-house").unwrap().remove(0).last;
    let (at, wh) = last.expect("a last read");
    import(&stage, &[(&at.plus_ms(600_000).to_string(), 2_000)]);
    says(&stage, "has made 65.0 kWh today").await;
    let event = EventRequest {
        kind: EventKind::Reset,
        meter: METER.into(),
        register: Obis::EXPORT,
        closed_at: at,
        final_wh: Some(wh),
        next_meter: None,
        opened_at: at.plus_ms(60_000),
        opening_wh: WattHours(1_000),
        reason: "new display".into(),
    };
    society
        .record_event(&event, "secretary", stage.now)
        .expect("recorded");
    says(&stage, "has made 66.0 kWh today").await;
}

#[tokio::test]
async fn where_nothing_is_known_yet_it_says_so_and_shows_no_zero() {
    let stage = Stage::without_reads();
    says(
        &stage,
        "No read of Brixton Energy Solar 1 has reached us today",
    )
    .await;
    import(&stage, &[("2016-06-15T09:00:00Z", 50_000_000)]);
    says(&stage, "today is not known yet").await;
    import(&stage, &[("2016-06-15T10:00:00Z", 50_004_000)]);
    says(&stage, "has made 4.0 kWh today (SAMPLE)").await;
}

#[tokio::test]
async fn an_advance_over_midnight_after_a_long_silence_is_derived() {
    let stage = Stage::without_reads();
    let reads = [
        ("2016-06-14T11:00:00Z", 50_000_000),
        ("2016-06-15T11:00:00Z", 50_024_000),
    ];
    import(&stage, &reads);
    says(&stage, "has made 12.0 kWh today (derived, SAMPLE)").await;
}
