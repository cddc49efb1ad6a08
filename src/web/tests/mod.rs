//! Pages as a reader asks for them: whole requests against an office in an empty folder.

mod api;
mod council;
mod desk;
mod doors;
mod explore;
mod headline;
mod live;
mod matrix;
mod pages;
mod reports;
mod returns;
mod rules;
mod stage;
mod work;
