//! A generation report as a treasurer reads it: each form, whole, and each thing that must be said.

mod charts;
mod forms;
mod payments;
mod support {
    pub mod samples;
}
mod words;
