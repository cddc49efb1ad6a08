//! Sparkplug B: nodes that name their metrics once, at birth, and then send numbers.
//!
//! The topic is `spBv1.0/<group>/<type>/<node>[/<device>]`. A birth (NBIRTH, DBIRTH) lists every
//! metric with its name and, mostly, an alias; data (NDATA, DDATA) may carry the alias alone. All
//! messages of a node count up one sequence, 0 to 255 and round again, from its NBIRTH on. A gap in
//! it, data before a birth, or an alias no birth named mean that something was lost: the node is
//! then asked to be born again ([`rebirth`]). A death (NDEATH) ends what its birth began, told apart
//! from an older session's by `bdSeq`.
//!
//! A metric marked historical was stored by the node and keeps its own time however old; a null
//! metric gives nothing. Floats (datatypes 9 and 10) are taken as the shortest decimal that gives
//! the same float, and that decimal exactly; integers as they are. What is kept between messages is
//! a [`Node`], which the caller stores.

mod node;
mod wire;

pub use node::{Node, SparkplugRead};
pub use wire::{Metric, NotSparkplug, Payload, rebirth};

/// What every topic begins with.
pub const NAMESPACE: &str = "spBv1.0";

/// The parts of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic<'a> {
    /// The group of nodes.
    pub group: &'a str,
    /// What the message is: `NBIRTH`, `DDATA`, …
    pub kind: &'a str,
    /// The edge node.
    pub node: &'a str,
    /// The device behind it; empty for the node itself.
    pub device: &'a str,
}

impl<'a> Topic<'a> {
    /// Takes a topic apart; `None` when it is not of this namespace.
    #[must_use]
    pub fn read(topic: &'a str) -> Option<Topic<'a>> {
        let mut parts = topic.split('/');
        if parts.next()? != NAMESPACE {
            return None;
        }
        let (group, kind, node) = (parts.next()?, parts.next()?, parts.next()?);
        let device = parts.next().unwrap_or_default();
        let proper = !group.is_empty() && !node.is_empty() && parts.next().is_none();
        proper.then_some(Topic {
            group,
            kind,
            node,
            device,
        })
    }

    /// Where the node takes commands.
    #[must_use]
    pub fn command(&self) -> String {
        format!("{NAMESPACE}/{}/NCMD/{}", self.group, self.node)
    }
}

/// `group/node` of a topic, which names a [`Node`].
#[must_use]
pub fn node_of(topic: &str) -> Option<String> {
    Topic::read(topic).map(|t| format!("{}/{}", t.group, t.node))
}
