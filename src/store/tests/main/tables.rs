//! The small tables: imported energy and history.

use commonwatt_store::series::{HistoryMonth, IntervalEnergy};
use domain::{
    calendar::{HalfHour, HalfHours},
    metering::Quality,
    quantity::WattHours,
};

use crate::roof::Place;

#[test]
fn a_later_import_of_the_same_half_hour_or_month_counts() {
    let place = Place::new(100);
    let mut store = place.open();
    let row = |half, wh| IntervalEnergy {
        subject: "2000012345672".into(),
        half_hour: HalfHour(half),
        wh: WattHours(wh),
        quality: Quality::Estimated,
    };
    let month = |wh| HistoryMonth {
        subject: "bes1".into(),
        year: 2012,
        month: 4,
        wh: WattHours(wh),
        source: "annual report 2013".into(),
    };
    store
        .apply_intervals(1, [row(10, 100), row(11, 200), row(12, 300)])
        .unwrap();
    store.apply_months(2, [month(1)]).unwrap();
    store.flush().unwrap();
    store.apply_intervals(3, [row(11, 250)]).unwrap();
    store.apply_months(4, [month(2)]).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let found = reader
        .intervals("2000012345672", HalfHours::new(HalfHour(10), HalfHour(12)))
        .unwrap();
    assert_eq!(found, [row(10, 100), row(11, 250)]);
    assert_eq!(reader.history_months("bes1").unwrap(), [month(2)]);
    assert_eq!((store.position(), reader.position().unwrap()), (4, 4));
}
