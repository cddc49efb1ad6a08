//! `/desk/{slug}/files/{sha256}`: a photo or document that a decision names, as it was kept. What holds
//! personal data is sealed and never shown here.

use axum::{
    extract::{Path, State},
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};

use super::{Web, society::named, trouble::Trouble, visitor::Visitor};

/// The first bytes of pictures that a browser may show beside the page, and their kinds.
const PICTURES: [(&[u8], &str); 2] = [
    (&[0xFF, 0xD8, 0xFF], "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
];

/// The file.
pub async fn file(
    State(web): State<Web>,
    _: Visitor,
    Path((slug, sha256)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let found = society.kept_file(&sha256);
        let (kept, bytes) = found.map_err(|why| match why {
            office::Refusal::Caller(_) => Trouble::nothing_here(),
            ours => ours.into(),
        })?;
        let picture = PICTURES
            .iter()
            .find(|(begins, _)| bytes.starts_with(begins))
            .map(|(_, kind)| *kind)
            .or_else(|| (bytes.get(8..12) == Some(b"WEBP")).then_some("image/webp"));
        // Anything that is no picture is only ever saved: nothing of it runs beside our pages.
        let headers: [(HeaderName, String); 2] = [
            (
                header::CONTENT_TYPE,
                picture.unwrap_or("application/octet-stream").to_owned(),
            ),
            (
                header::CONTENT_DISPOSITION,
                match picture {
                    Some(_) => "inline".to_owned(),
                    None => format!("attachment; filename=\"{}\"", plain(&kept.name)),
                },
            ),
        ];
        Ok((headers, bytes).into_response())
    })
    .await
}

/// A file's name as a header can carry it.
fn plain(name: &str) -> String {
    let letters = name.chars();
    letters
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => letter,
            _ => '_',
        })
        .collect()
}
