//! Situations a treasurer could check by hand, through the real command line.

mod desk;
mod evidence;
mod figures;
mod imports;
mod commands;
