//! A fuzz target for every decoder: each takes any bytes, must not panic, and holds what it claims.
//!
//! A target's `run` answers whether the input was accepted, which makes it worth mutating again. It
//! panics when a claim is broken: bytes that are accepted are written back the same where there is
//! one spelling, what is read again is the same, and no record of a journal is ever a wrong one.
//!
//! Checksums keep random bytes out of the parsers behind them. The targets of the journal and the
//! store therefore also make the checksums right ("sealed"), so that what lies behind is reached.
//!
//! The driver in `main.rs` runs on stable Rust; `coverage/` has the same targets for cargo-fuzz.

mod dialects;
mod files;
mod gateways;
mod journals;
mod meters;
mod mqtt;
pub mod mutate;
mod payloads;
mod stores;
mod texts;
mod wires;

/// One decoder under test.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Gives it one input; whether the input was accepted.
    pub run: fn(&[u8]) -> bool,
    /// Inputs to begin with; most are accepted.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub static TARGETS: &[Target] = &[
    Target {
        name: "journal_open",
        run: journals::open,
        seeds: journals::open_seeds,
    },
    Target {
        name: "journal_sealed",
        run: journals::sealed,
        seeds: journals::sealed_seeds,
    },
    Target {
        name: "journal_packed",
        run: journals::packed,
        seeds: journals::packed_seeds,
    },
    Target {
        name: "journal_segment",
        run: journals::segment,
        seeds: journals::segment_seeds,
    },
    Target {
        name: "journal_group",
        run: journals::group,
        seeds: journals::group_seeds,
    },
    Target {
        name: "journal_frame",
        run: journals::frame,
        seeds: journals::frame_seeds,
    },
    Target {
        name: "journal_index",
        run: journals::index,
        seeds: journals::index_seeds,
    },
    Target {
        name: "journal_mark",
        run: journals::mark,
        seeds: journals::mark_seeds,
    },
    Target {
        name: "message_record",
        run: payloads::message,
        seeds: payloads::message_seeds,
    },
    Target {
        name: "digest_record",
        run: payloads::digest,
        seeds: payloads::digest_seeds,
    },
    Target {
        name: "own_payload",
        run: payloads::own,
        seeds: payloads::own_seeds,
    },
    Target {
        name: "decision_record",
        run: payloads::decision,
        seeds: payloads::decision_seeds,
    },
    Target {
        name: "import_record",
        run: files::import_record,
        seeds: files::import_record_seeds,
    },
    Target {
        name: "import_layout",
        run: files::layout,
        seeds: files::layout_seeds,
    },
    Target {
        name: "import_lines",
        run: files::lines,
        seeds: files::lines_seeds,
    },
    Target {
        name: "register_reads_csv",
        run: files::register_reads,
        seeds: files::register_reads_seeds,
    },
    Target {
        name: "mqtt_v4",
        run: mqtt::v4,
        seeds: mqtt::v4_seeds,
    },
    Target {
        name: "mqtt_v5",
        run: mqtt::v5,
        seeds: mqtt::v5_seeds,
    },
    Target {
        name: "mqtt_topic",
        run: mqtt::topic,
        seeds: mqtt::topic_seeds,
    },
    Target {
        name: "receipt_text",
        run: payloads::receipt,
        seeds: payloads::receipt_seeds,
    },
    Target {
        name: "receipt_tracker",
        run: payloads::tracker,
        seeds: payloads::tracker_seeds,
    },
    Target {
        name: "wire_note",
        run: wires::note,
        seeds: wires::note_seeds,
    },
    Target {
        name: "wire_enrolment",
        run: wires::enrolment,
        seeds: wires::enrolment_seeds,
    },
    Target {
        name: "wire_key_text",
        run: wires::key_text,
        seeds: wires::key_text_seeds,
    },
    Target {
        name: "wire_frame",
        run: wires::frame,
        seeds: wires::frame_seeds,
    },
    Target {
        name: "mapped_message",
        run: dialects::mapped,
        seeds: dialects::mapped_seeds,
    },
    Target {
        name: "mapping_form",
        run: dialects::form,
        seeds: dialects::form_seeds,
    },
    Target {
        name: "discovery",
        run: dialects::discover,
        seeds: dialects::discover_seeds,
    },
    Target {
        name: "sparkplug",
        run: dialects::sparkplug,
        seeds: dialects::sparkplug_seeds,
    },
    Target {
        name: "store_block",
        run: stores::block,
        seeds: stores::block_seeds,
    },
    Target {
        name: "store_day",
        run: stores::day,
        seeds: stores::day_seeds,
    },
    Target {
        name: "store_findings",
        run: stores::findings,
        seeds: stores::findings_seeds,
    },
    Target {
        name: "fold_state",
        run: stores::fold_state,
        seeds: stores::fold_state_seeds,
    },
    Target {
        name: "energy_text",
        run: texts::energy,
        seeds: texts::energy_seeds,
    },
    Target {
        name: "time_text",
        run: texts::time,
        seeds: texts::time_seeds,
    },
    Target {
        name: "period_text",
        run: texts::period,
        seeds: texts::period_seeds,
    },
    Target {
        name: "code_text",
        run: texts::code,
        seeds: texts::code_seeds,
    },
    Target {
        name: "half_hours_file",
        run: files::half_hours,
        seeds: files::half_hours_seeds,
    },
    Target {
        name: "factors_toml",
        run: files::factors,
        seeds: files::factors_seeds,
    },
    Target {
        name: "society_toml",
        run: files::society,
        seeds: files::society_seeds,
    },
    Target {
        name: "optical_head",
        run: meters::optical_head,
        seeds: meters::optical_head_seeds,
    },
    Target {
        name: "optical_data",
        run: meters::optical_data,
        seeds: meters::optical_data_seeds,
    },
    Target {
        name: "p1_stream",
        run: meters::p1_stream,
        seeds: meters::p1_stream_seeds,
    },
    Target {
        name: "p1_sealed",
        run: meters::p1_sealed,
        seeds: meters::p1_sealed_seeds,
    },
    Target {
        name: "sml_stream",
        run: meters::sml_stream,
        seeds: meters::sml_stream_seeds,
    },
    Target {
        name: "sml_file",
        run: meters::sml_file,
        seeds: meters::sml_file_seeds,
    },
    Target {
        name: "sml_sealed",
        run: meters::sml_sealed,
        seeds: meters::sml_sealed_seeds,
    },
    Target {
        name: "emon_stream",
        run: meters::emon_stream,
        seeds: meters::emon_stream_seeds,
    },
    Target {
        name: "emon_line",
        run: meters::emon_line,
        seeds: meters::emon_line_seeds,
    },
    Target {
        name: "gateway_toml",
        run: gateways::configuration,
        seeds: gateways::configuration_seeds,
    },
    Target {
        name: "register_map_toml",
        run: gateways::register_map,
        seeds: gateways::register_map_seeds,
    },
    Target {
        name: "sunspec_model",
        run: gateways::sunspec_model,
        seeds: gateways::sunspec_model_seeds,
    },
    Target {
        name: "kept_note",
        run: gateways::kept_note,
        seeds: gateways::kept_note_seeds,
    },
    Target {
        name: "replay_csv",
        run: gateways::replay_csv,
        seeds: gateways::replay_csv_seeds,
    },
    Target {
        name: "dial_text",
        run: gateways::dial,
        seeds: gateways::dial_seeds,
    },
];

/// The text of an input; `None` when it is not UTF-8, which every caller has refused before.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}
