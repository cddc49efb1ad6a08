//! `/metrics` in OpenMetrics text, made at each scrape from the counters of the rooms.

use ingest::Metrics;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text::encode},
    metrics::gauge::ConstGauge,
    registry::Registry,
};

use office::Office;

#[derive(Debug)]
struct Now(Vec<(String, i64)>);

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, value) in &self.0 {
            let gauge = ConstGauge::new(*value);
            let one = encoder.encode_descriptor(
                name,
                "as counted since the start",
                None,
                gauge.metric_type(),
            )?;
            gauge.encode(one)?;
        }
        Ok(())
    }
}

/// The text of one scrape.
pub fn text(office: &Office, metrics: &Metrics) -> String {
    let mut values: Vec<(String, i64)> = metrics
        .named()
        .into_iter()
        .map(|(name, value)| (format!("commonwatt_{name}"), value))
        .collect();
    for society in office.societies() {
        let slug = society.slug().replace('-', "_");
        let size = society.committer().reader().size();
        let progress = society.projector().progress();
        let lag = size.saturating_sub(progress.position.load(std::sync::atomic::Ordering::Acquire));
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        values.push((format!("commonwatt_journal_records_{slug}"), number(size)));
        values.push((format!("commonwatt_series_lag_records_{slug}"), number(lag)));
    }
    for status in office
        .mirror()
        .iter()
        .flat_map(|mirror| mirror.status(office))
    {
        let slug = status.society.replace('-', "_");
        let lag = status.size.saturating_sub(status.position);
        for (name, value) in [
            ("lag_records", lag),
            ("points", status.points),
            ("dead_letters", status.dead),
            ("waits", u64::from(status.trouble.is_some())),
        ] {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            values.push((format!("commonwatt_mirror_{name}_{slug}"), value));
        }
    }
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Now(values)));
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = encode(&mut text, &registry);
    text
}
