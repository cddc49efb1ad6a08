//! `/how`: from the meter on the roof to the figure on the page.

use axum::{extract::State, response::Response};
use report::words;

use super::{Web, frame, trouble::Trouble, view::HowPage};

/// The page that explains the others.
pub async fn page(State(web): State<Web>) -> Result<Response, Trouble> {
    let societies = web.state.office.societies();
    let mut frame = frame::at(&web, "How this works", "/how");
    frame.notices = frame::all_notices(&societies);
    let cadences: Vec<u32> = societies
        .iter()
        .flat_map(|society| {
            society
                .known()
                .document
                .gateway
                .iter()
                .map(|gateway| gateway.cadence_s)
                .collect::<Vec<_>>()
        })
        .collect();
    frame::page(&HowPage {
        frame,
        cadence: cadence(&cadences),
    })
}

/// "every minute", or the shortest and the longest where roofs differ.
fn cadence(seconds: &[u32]) -> String {
    match (seconds.iter().min(), seconds.iter().max()) {
        (Some(&shortest), Some(&longest)) if shortest == longest => {
            format!("every {}", span(shortest))
        }
        (Some(&shortest), Some(&longest)) => {
            format!("every {} to every {}", span(shortest), span(longest))
        }
        _ => "every half hour or more often".to_owned(),
    }
}

fn span(seconds: u32) -> String {
    match seconds {
        60 => "minute".to_owned(),
        1_800 => "half hour".to_owned(),
        3_600 => "hour".to_owned(),
        s if s % 60 == 0 => words::count(s / 60, "minute", "minutes"),
        s => words::count(s, "second", "seconds"),
    }
}
