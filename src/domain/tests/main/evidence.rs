//! What stands behind a read decides between two of one instant, and whose meter it is.

use commonwatt_domain::{
    calendar::Instant,
    metering::{
        Decisions, Finding, Judged, Read, ReadDecision, ReadSet, Source, Verdict,
        bindings::{Bindings, Entries, GRACE_MS, GatewayEntry, MeterEntry},
        judge,
    },
};
use proptest::{collection::vec, prelude::*};

use crate::table::{at, elmore_house, kwh, read, total};

fn from(source: Source, time: &str, value: &str) -> Read {
    Read {
        source,
        ..read(time, value)
    }
}

fn verdicts(decisions: &Decisions, reads: &[Read]) -> (Judged, Vec<String>) {
    let judged = judge(&elmore_house(), decisions, &ReadSet::of(reads.to_vec()));
    let words = judged.reads.iter().map(|read| {
        let findings: Vec<_> = read.findings.iter().map(|f| f.word()).collect();
        format!(
            "{} {} {}",
            read.read.wh.kwh_text(),
            read.verdict.word(),
            findings.join(" ")
        )
        .trim_end()
        .to_owned()
    });
    let words = words.collect();
    (judged, words)
}

#[test]
fn an_unsigned_read_does_not_hold_a_signed_one() {
    let reads = [
        from(Source::Signed, "01 10:00", "100"),
        from(Source::Telemetry, "01 11:00", "109"),
        from(Source::Signed, "01 11:00", "110"),
        from(Source::Manual, "01 11:00", "111"),
        from(Source::Signed, "01 12:00", "120"),
    ];
    let (judged, words) = verdicts(&Decisions::none(), &reads);
    assert_eq!(
        words,
        [
            "100 accepted",
            "109 refused outweighed",
            "110 accepted",
            "111 refused outweighed",
            "120 accepted"
        ]
    );
    assert_eq!(total(&judged.points), kwh("20"));
    let why = judged.reads[1].findings[0].explain("E1", &judged.reads[1].read);
    assert!(
        why.contains("`110000` Wh") && why.contains("evidence G"),
        "{why}"
    );

    // A person may still say that the unsigned one is right.
    let mut decisions = Decisions::none();
    decisions.decide(at("01 11:00"), kwh("109"), ReadDecision::Accept);
    let (_, words) = verdicts(&decisions, &reads);
    assert_eq!(words[1], "109 accepted");
    assert_eq!(words[2], "110 refused conflicting_duplicate");
}

#[test]
fn a_meters_own_signature_stands_before_its_gateways() {
    let reads = [
        from(Source::MeterSigned, "01 10:00", "100"),
        from(Source::Signed, "01 10:00", "101"),
    ];
    let (_, words) = verdicts(&Decisions::none(), &reads);
    assert_eq!(words, ["100 accepted", "101 refused outweighed"]);
}

#[test]
fn two_signed_values_are_held_and_an_unsigned_third_does_not_win() {
    let reads = [
        from(Source::Signed, "01 10:00", "100"),
        from(Source::Signed, "01 10:00", "101"),
        from(Source::Telemetry, "01 10:00", "102"),
    ];
    let (_, words) = verdicts(&Decisions::none(), &reads);
    assert_eq!(
        words,
        [
            "100 held conflicting_duplicate",
            "101 held conflicting_duplicate",
            "102 held outweighed"
        ]
    );
}

#[test]
fn an_unsigned_read_does_not_change_what_a_held_signed_one_means() {
    let signed = [
        from(Source::Signed, "01 10:00", "100"),
        from(Source::Signed, "01 10:30", "900"),
        from(Source::Signed, "02 12:00", "950"),
    ];
    let alone = verdicts(&Decisions::none(), &signed).1;
    assert_eq!(
        alone[1..],
        ["900 held jump_above_ceiling", "950 held jump_above_ceiling"]
    );
    let mut with = signed.to_vec();
    with.push(from(Source::Telemetry, "01 10:30", "110"));
    let (judged, words) = verdicts(&Decisions::none(), &with);
    assert_eq!(words[1], "110 held outweighed");
    assert_eq!(words[2..], alone[1..]);
    assert_eq!(judged.points.len(), 1);
}

#[test]
fn a_read_of_another_gateway_waits_and_touches_nothing() {
    let reads = [
        from(Source::Telemetry, "01 10:00", "100"),
        from(Source::OtherGatewaySigned, "01 11:00", "999"),
        from(Source::Telemetry, "01 11:00", "110"),
        from(Source::OtherGateway, "01 11:30", "112"),
        from(Source::Telemetry, "01 12:00", "120"),
    ];
    let (judged, words) = verdicts(&Decisions::none(), &reads);
    assert_eq!(
        words,
        [
            "100 accepted",
            "110 accepted",
            "999 held other_gateway",
            "112 held other_gateway",
            "120 accepted"
        ]
    );
    assert_eq!(judged.reads[2].findings, [Finding::OtherGateway]);
    assert_eq!(total(&judged.points), kwh("20"));
    let mut decisions = Decisions::none();
    decisions.decide(at("01 11:30"), kwh("112"), ReadDecision::Accept);
    let (judged, words) = verdicts(&decisions, &reads);
    assert_eq!(words[3], "112 accepted other_gateway");
    assert_eq!(judged.points.len(), 4);
}

#[test]
fn who_sends_a_read_first_takes_nothing_from_its_owner() {
    let early = Read {
        received: at("01 09:00"),
        ..from(Source::OtherGateway, "01 10:00", "100")
    };
    let unsigned = Read {
        source: Source::Telemetry,
        ..early
    };
    let own = from(Source::Signed, "01 10:00", "100");
    for before in [early, unsigned] {
        let set = ReadSet::of(vec![before, own]);
        assert_eq!(set.as_slice(), [own]);
        let mut set = ReadSet::default();
        set.insert(before);
        set.insert(own);
        set.insert(before);
        assert_eq!(set.as_slice(), [own]);
    }
}

fn site(name: &str, from: Option<Instant>) -> GatewayEntry {
    GatewayEntry {
        sites: name.split_whitespace().map(Into::into).collect(),
        from,
        ..GatewayEntry::default()
    }
}

/// Gateways by id and sites, and two meters, `A` on `a` and `B` on `b`.
fn document(gateways: &[(&str, GatewayEntry)]) -> Entries {
    let meter = |site: &str| MeterEntry {
        site: site.into(),
        ..MeterEntry::default()
    };
    Entries {
        binds: true,
        gateways: gateways
            .iter()
            .map(|(id, entry)| ((*id).into(), entry.clone()))
            .collect(),
        meters: [("A".into(), meter("a")), ("B".into(), meter("b"))].into(),
    }
}

const DAY: i64 = 86_400_000;

fn day(n: i64) -> Instant {
    Instant(n * DAY)
}

/// Whether a read made on that day and sent at once counts.
fn owns(bindings: &Bindings, gateway: &str, meter: &str, on: i64) -> bool {
    bindings.is_own(gateway, meter, day(on), day(on))
}

#[test]
fn a_gateway_that_moved_keeps_what_it_read_where_it_was() {
    let mut bindings = Bindings::none();
    bindings.take(&document(&[("g", site("a", None))]), day(10));
    let before = bindings.clone();
    assert!(owns(&bindings, "g", "A", 1) && !owns(&bindings, "g", "B", 1));

    // Moved on day 20, said on day 30.
    bindings.take(&document(&[("g", site("b", Some(day(20))))]), day(30));
    assert!(owns(&bindings, "g", "A", 19) && !owns(&bindings, "g", "B", 19));
    assert!(owns(&bindings, "g", "B", 20) && !owns(&bindings, "g", "A", 20));
    assert_eq!(bindings.changed_since(&before), Some(day(20)));

    // What it sends late is still of its old site.
    assert!(bindings.is_own("g", "A", day(19), day(40)));
    assert!(!bindings.is_own("g", "B", day(19), day(40)));

    // The same said again, and said without the day: nothing changes.
    let then = bindings.clone();
    bindings.take(&document(&[("g", site("b", Some(day(20))))]), day(50));
    bindings.take(&document(&[("g", site("b", None))]), day(51));
    assert_eq!((bindings.changed_since(&then), &bindings), (None, &then));

    // Without a day the change begins a minute after it was said.
    bindings.take(&document(&[("g", site("a", None))]), day(60));
    assert_eq!(
        bindings.changed_since(&then),
        Some(day(60).plus_ms(GRACE_MS))
    );
    assert!(owns(&bindings, "g", "B", 60) && owns(&bindings, "g", "A", 61));
}

#[test]
fn a_replaced_gateway_keeps_its_reads_and_gets_no_new_ones() {
    let mut bindings = Bindings::none();
    bindings.take(&document(&[("old", site("a", None))]), day(10));
    bindings.take(&document(&[("new", site("a", Some(day(20))))]), day(20));
    assert!(owns(&bindings, "old", "A", 19) && !owns(&bindings, "old", "A", 21));
    assert!(owns(&bindings, "new", "A", 20) && !owns(&bindings, "new", "A", 19));
}

#[test]
fn a_gateway_of_several_sites_and_a_meter_that_names_its_own() {
    let mut named = document(&[("g", site("a b", None)), ("h", site("b", None))]);
    let mut bindings = Bindings::none();
    bindings.take(&named, day(1));
    assert!(
        ["A", "B"]
            .iter()
            .all(|meter| owns(&bindings, "g", meter, 5))
    );
    let b = named.meters.get_mut("B").unwrap();
    (b.gateway, b.from) = (Some("h".into()), Some(day(7)));
    bindings.take(&named, day(8));
    assert!(owns(&bindings, "g", "B", 6) && !owns(&bindings, "g", "B", 7));
    assert!(owns(&bindings, "h", "B", 7) && owns(&bindings, "g", "A", 7));

    // What a mapping calls by its serial is its gateway's wherever it hangs.
    let mut entry = site("a", None);
    entry.meters.insert("B".into());
    let mut bindings = Bindings::none();
    bindings.take(&document(&[("shelly", entry)]), day(1));
    assert!(owns(&bindings, "shelly", "B", 2));
}

#[test]
fn a_free_gateway_sends_anything_until_it_has_a_site_and_no_date_is_a_way_around() {
    let mut old = document(&[("g", site("a", None))]);
    old.binds = false;
    let mut bindings = Bindings::none();
    bindings.take(&old, day(1));
    assert!(owns(&bindings, "g", "B", 5));
    let before = bindings.clone();
    bindings.take(&document(&[("g", site("a", None))]), day(10));
    // What came before stays, so nothing is made again.
    assert_eq!(bindings.changed_since(&before), None);
    assert!(owns(&bindings, "g", "B", 9));
    assert!(!owns(&bindings, "g", "B", 11));
    assert!(!bindings.is_own("g", "B", day(5), day(11)));
    assert!(bindings.is_own("g", "A", day(5), day(11)));
    // One that names no site is as it was, and one that nobody ever entered too.
    bindings.take(
        &document(&[("g", site("a", None)), ("h", site("", None))]),
        day(12),
    );
    assert!(owns(&bindings, "h", "A", 13) && owns(&bindings, "nobody", "A", 13));
}

/// Reads of three instants from every kind of sender, some of them equal in value.
fn any_reads() -> impl Strategy<Value = Vec<Read>> {
    let one = (0..3_i64, 0..4_i64, 0..8_u8, 0..3_i64).prop_map(|(n, wh, source, delay)| {
        let at = at("01 10:00").plus_ms(n * 3_600_000);
        Read {
            at,
            wh: kwh(&format!("{}", 100 + n * 10 + wh)),
            received: at.plus_ms(delay * 1_000),
            source: Source::of_code(source).unwrap(),
        }
    });
    vec(one, 1..24)
}

proptest! {
    #[test]
    fn no_order_of_arrival_and_no_lighter_read_changes_what_stands(
        reads in any_reads(),
        seed in any::<u64>(),
    ) {
        let judged = judge(&elmore_house(), &Decisions::none(), &ReadSet::of(reads.clone()));
        let mut shuffled = reads.clone();
        let mut state = seed | 1;
        for n in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(n, (state >> 33) as usize % (n + 1));
        }
        let mut set = ReadSet::default();
        for read in shuffled.iter().chain(&reads) {
            set.insert(*read);
        }
        prop_assert_eq!(&judge(&elmore_house(), &Decisions::none(), &set), &judged);

        // Without the unsigned reads of instants that have a signed one, and without those of other
        // gateways, the same stands.
        let signed = |at: Instant| {
            reads.iter().any(|r| r.at == at && r.source.weight() < 2)
        };
        let fewer = reads.iter().filter(|r| {
            !r.source.is_of_other_gateway() && (r.source.weight() < 2 || !signed(r.at))
        });
        let fewer = judge(&elmore_house(), &Decisions::none(), &ReadSet::of(fewer.copied().collect()));
        prop_assert_eq!(&fewer.points, &judged.points);
        for read in &judged.reads {
            if read.read.source.is_of_other_gateway() {
                prop_assert_eq!(read.verdict, Verdict::Held);
            }
        }
    }
}
