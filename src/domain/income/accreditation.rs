//! What can end or touch an accreditation under the Feed-in Tariff, said before it is done.
//!
//! The words are ours; the rules are Ofgem's for generators ("Feed-in Tariffs (FIT): generators",
//! questions on changed, repaired and replaced equipment, seen November 2026): if at any time all of
//! the plant up to the point of grid connection is removed, the installation counts as
//! decommissioned and its accreditation ends.

/// Where the rules stand.
pub const SOURCE: &str =
    "Ofgem, Feed-in Tariffs (FIT): generators, \"I've made a change to my installation\"";

/// What is about to be done to an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Panels or other plant come off for a while.
    Outage {
        /// Whether all of it up to the grid connection comes off.
        all_plant_removed: bool,
    },
    /// A generation or export meter is replaced.
    Meter,
    /// A battery is connected.
    Battery,
}

impl Change {
    /// What has to be known before it is done, the gravest first.
    #[must_use]
    pub fn warnings(self) -> Vec<&'static str> {
        match self {
            Change::Outage {
                all_plant_removed: true,
            } => vec![
                "This can end the accreditation: if at any time all of the plant up to the point of grid connection is removed, Ofgem counts the installation as decommissioned, and the scheme is closed to new ones since 1 April 2019. Have the licensee's consent in writing, and leave connected what can stay, before anything comes off.",
                Self::SAME_PLACE,
            ],
            Change::Outage {
                all_plant_removed: false,
            } => vec![
                "Not all of the plant may come off at any time: if everything up to the point of grid connection is removed, even for a day, Ofgem counts the installation as decommissioned and the accreditation ends.",
                Self::SAME_PLACE,
            ],
            Change::Meter => vec![
                "The licensee must be told when a generation or export meter is replaced or removed. Nothing is paid from the last good read until the new meter is there; reads of an inverter are not taken in its place. Keep a photo of the last dial with its serial number.",
            ],
            Change::Battery => vec![
                "The licensee must be told when a battery is connected. The generation meter may count only what the panels make and the export meter only what comes from them: power that the battery took from the grid and gives back must pass neither of them as generation or export.",
            ],
        }
    }

    const SAME_PLACE: &'static str = "Plant may be repaired or replaced where it stands. It may not be moved to another place, and a change of its total capacity must be told to the licensee.";
}
