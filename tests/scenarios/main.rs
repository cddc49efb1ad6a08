//! Situations a treasurer could check by hand, through the real command line.

mod accounts;
mod alerts;
mod ballots;
mod carried;
mod commands;
mod council;
mod decisions;
mod desk;
mod dials;
mod evidence;
mod figures;
mod imports;
mod income;
mod interest;
mod members_paid;
mod payments;
mod roll;
mod roll_people;
mod roofs;
mod sales;
mod statements;
mod tables;
mod treasurer;
mod users;
mod year;
