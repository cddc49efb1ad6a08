//! Situations a treasurer could check by hand, through the real command line.

mod commands;
mod desk;
mod evidence;
mod figures;
mod imports;
