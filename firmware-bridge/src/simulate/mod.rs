//! Roofs that are not there: made of measured British generation, under a computed sky, or played
//! from a file.
//!
//! There is one way from a roof to a broker, [`fleet`]: `firmware-bridge simulate` and the daemon's
//! demo both make a [`fleet::Plan`] and [`meter::Meter`]s and start a [`fleet::Fleet`], whose
//! gateways publish through the session and the uplink that a real gateway has.
//!
//! A file of half-hourly output in kW per kWp, as `uk-bath-pv-halfhourly` has it, is scaled to a
//! roof's size and summed into a register, as a meter would show it. The sum is exact: decimal text
//! becomes integers, and a fraction of a Wh is cut only where the register is read.
//!
//! - [`half_hours`]: the file;
//! - [`register`]: the exact sum;
//! - [`history`]: the register over the file's own years, with its holes as holes;
//! - [`stand_in`]: one whole year of the file that stands in for any other year;
//! - [`roof`]: a register for any instant after the file, smooth within the half hour;
//! - [`sky`]: a roof under the sun's course and clouds, with an inverter that draws at night;
//! - [`replay`]: register reads of a file;
//! - [`meter`]: what a meter shows, with [`fault`]s to order;
//! - [`fleet`]: many roofs, each publishing through its own session and uplink.
//!
//! What a simulated roof shows is a sample. It says so nowhere itself: the page that shows it must.

pub mod fault;
pub mod fleet;
pub mod half_hours;
pub mod history;
pub mod meter;
pub mod register;
pub mod replay;
pub mod roof;
pub mod sky;
pub mod stand_in;

/// A half hour in ms.
pub const HALF_HOUR_MS: i64 = 1_800_000;
