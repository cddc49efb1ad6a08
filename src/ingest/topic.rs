//! The topics of the own format and who may use them.
//!
//! `commonwatt/v1/<gateway>/reads`, `…/status` and `…/enrol` are published by that gateway alone,
//! `…/receipt` and `…/enrolled` are read by that gateway alone. Every other topic and every filter with a wildcard is refused.

/// What stands before a gateway's id in its topics.
pub const PREFIX: &str = "commonwatt/v1/";
/// Longest gateway id in bytes, as in the journal's records.
pub const MAX_GATEWAY_BYTES: usize = records::message::MAX_GATEWAY_BYTES;

/// What a gateway may publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads in the own format.
    Reads,
    /// What the gateway says about itself, also by last will.
    Status,
    /// That a key be believed.
    Enrol,
    /// What a device says in its own dialect, on a topic its mapping reads.
    Dialect,
    /// What a device says beside that: acknowledged, counted, not kept.
    Aside,
}

/// The gateway and kind of a topic to publish on; `None` for every other topic.
#[must_use]
pub fn published(topic: &[u8]) -> Option<(&str, Kind)> {
    let rest = topic.strip_prefix(PREFIX.as_bytes())?;
    let (gateway, kind) = if let Some(gateway) = rest.strip_suffix(b"/reads") {
        (gateway, Kind::Reads)
    } else if let Some(gateway) = rest.strip_suffix(b"/enrol") {
        (gateway, Kind::Enrol)
    } else {
        (rest.strip_suffix(b"/status")?, Kind::Status)
    };
    let gateway = std::str::from_utf8(gateway).ok()?;
    is_gateway_id(gateway).then_some((gateway, kind))
}

/// The gateway whose receipt a filter names; `None` for every other filter.
#[must_use]
pub fn receipt_of(filter: &str) -> Option<&str> {
    let gateway = filter.strip_prefix(PREFIX)?.strip_suffix("/receipt")?;
    is_gateway_id(gateway).then_some(gateway)
}

/// The gateway whose believed keys a filter names; `None` for every other filter.
#[must_use]
pub fn enrolled_of(filter: &str) -> Option<&str> {
    let gateway = filter.strip_prefix(PREFIX)?.strip_suffix("/enrolled")?;
    is_gateway_id(gateway).then_some(gateway)
}

/// The topic that names the keys that are believed of a gateway.
#[must_use]
pub fn enrolled(gateway: &str) -> String {
    format!("{PREFIX}{gateway}/enrolled")
}

/// The topic of a gateway's receipt.
#[must_use]
pub fn receipt(gateway: &str) -> String {
    format!("{PREFIX}{gateway}/receipt")
}

/// Whether a text can be a gateway's id: 1 to 64 of `a–z A–Z 0–9 . _ -`.
#[must_use]
pub fn is_gateway_id(text: &str) -> bool {
    (1..=MAX_GATEWAY_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_topics_are_known() {
        let reads = published(b"commonwatt/v1/elmore-1/reads");
        assert_eq!(reads, Some(("elmore-1", Kind::Reads)));
        let status = published(b"commonwatt/v1/elmore-1/status");
        assert_eq!(status, Some(("elmore-1", Kind::Status)));
        let enrol = published(b"commonwatt/v1/elmore-1/enrol");
        assert_eq!(enrol, Some(("elmore-1", Kind::Enrol)));
        for other in [
            "commonwatt/v1/elmore-1/enrolled",
            "commonwatt/v1/elmore-1/receipt",
            "commonwatt/v1//reads",
            "commonwatt/v1/a/b/reads",
            "commonwatt/v1/+/reads",
            "commonwatt/v1/reads",
            "commonwatt/v2/elmore-1/reads",
            "$SYS/broker",
            "",
        ] {
            assert_eq!(published(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn only_own_receipt_can_be_asked_for() {
        assert_eq!(receipt_of(&receipt("elmore-1")), Some("elmore-1"));
        for other in [
            "#",
            "commonwatt/v1/+/receipt",
            "$share/g/commonwatt/v1/a/receipt",
        ] {
            assert_eq!(receipt_of(other), None, "{other}");
        }
    }
}
