//! Stylesheet, script and type, from inside the program. An address that names the content's hash
//! may be kept for a year; without it, it must be asked for anew.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    extract::{Path, RawQuery},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use include_dir::{Dir, include_dir};

use super::{
    guard::{has_tag, hash_of},
    trouble::Trouble,
};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/web/assets");
const STYLESHEET: &str = "commonwatt.css";
const FOR_A_YEAR: &str = "public, max-age=31536000, immutable";
const FOR_A_DAY: &str = "public, max-age=86400";
const ROBOTS: &str = "User-agent: *\nDisallow: /metrics\nDisallow: /healthz\nDisallow: /live\n";

struct Asset {
    bytes: Vec<u8>,
    kind: &'static str,
    hash: String,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let mut assets = BTreeMap::new();
    gather(&FOLDER, &mut assets);
    // The stylesheet names the type it needs; those addresses get their hashes too.
    if let Some(sheet) = assets.remove(STYLESHEET) {
        let mut text = String::from_utf8_lossy(&sheet.bytes).into_owned();
        for (name, asset) in &assets {
            text = text.replace(
                &format!("url(\"{name}\")"),
                &format!("url(\"{name}?h={}\")", asset.hash),
            );
        }
        assets.insert(
            STYLESHEET.to_owned(),
            asset_of(STYLESHEET, text.into_bytes()),
        );
    }
    assets
});

fn gather(folder: &Dir<'_>, into: &mut BTreeMap<String, Asset>) {
    for file in folder.files() {
        let name = file.path().to_string_lossy().into_owned();
        let asset = asset_of(&name, file.contents().to_vec());
        into.insert(name, asset);
    }
    for inner in folder.dirs() {
        gather(inner, into);
    }
}

fn asset_of(name: &str, bytes: Vec<u8>) -> Asset {
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("woff2") => "font/woff2",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let hash = hash_of(&bytes);
    Asset { bytes, kind, hash }
}

/// The address of an asset, with its content's hash.
pub fn address(name: &str) -> String {
    let hash = ASSETS.get(name).map_or("", |asset| asset.hash.as_str());
    format!("/assets/{name}?h={hash}")
}

/// `/assets/…`
pub async fn asset(
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = ASSETS.get(&name) else {
        return Trouble::nothing_here().into_response();
    };
    let named = query.as_deref().and_then(|query| query.strip_prefix("h=")) == Some(&asset.hash);
    answer(asset, if named { FOR_A_YEAR } else { "no-cache" }, &headers)
}

/// `/favicon.ico`, which browsers ask for whatever the page says, and `/favicon.svg`.
pub async fn favicon(headers: HeaderMap) -> Response {
    ASSETS.get("favicon.svg").map_or_else(
        || Trouble::nothing_here().into_response(),
        |icon| answer(icon, FOR_A_DAY, &headers),
    )
}

/// `/robots.txt`: pages are for everybody, machinery is not.
pub async fn robots() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, FOR_A_DAY),
    ];
    (headers, ROBOTS).into_response()
}

fn answer(asset: &'static Asset, keep: &'static str, headers: &HeaderMap) -> Response {
    let tag = format!("W/\"{}\"", asset.hash);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|theirs| has_tag(theirs, &tag))
    {
        return (
            StatusCode::NOT_MODIFIED,
            [
                (header::ETAG, tag),
                (header::CACHE_CONTROL, keep.to_owned()),
            ],
        )
            .into_response();
    }
    let head = [
        (header::CONTENT_TYPE, asset.kind.to_owned()),
        (header::CACHE_CONTROL, keep.to_owned()),
        (header::ETAG, tag),
    ];
    (head, asset.bytes.as_slice()).into_response()
}
