//! The small tables: imported energy.

use commonwatt_store::series::IntervalEnergy;
use domain::{
    calendar::{HalfHour, HalfHours},
    metering::Quality,
    quantity::WattHours,
};

use crate::roof::Place;

#[test]
fn a_later_import_of_the_same_half_hour_counts() {
    let place = Place::new(100);
    let mut store = place.open();
    let row = |half, wh| IntervalEnergy {
        subject: "2000012345672".into(),
        half_hour: HalfHour(half),
        wh: WattHours(wh),
        quality: Quality::Estimated,
    };
    store
        .apply_intervals(1, [row(10, 100), row(11, 200), row(12, 300)])
        .unwrap();
    store.flush().unwrap();
    store.apply_intervals(4, [row(11, 250)]).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let found = reader
        .intervals("2000012345672", HalfHours::new(HalfHour(10), HalfHour(12)))
        .unwrap();
    assert_eq!(found, [row(10, 100), row(11, 250)]);
    assert_eq!((store.position(), reader.position().unwrap()), (4, 4));
}
