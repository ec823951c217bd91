//! The files that pages load: the style, and the scripts that `src/wfe/web` builds. They are part of the program.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use sha2::{Digest as _, Sha256};

use super::problem::Problem;
use crate::protocol::ErrorCode;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: [Asset; 8] = [
    Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("icon.svg") },
    Asset { name: "widgetapp.css", kind: STYLE, text: include_str!("widgetapp.css") },
    Asset { name: "editor.css", kind: STYLE, text: include_str!("web/dist/editor.css") },
    Asset { name: "editor.js", kind: SCRIPT, text: include_str!("web/dist/editor.js") },
    Asset { name: "home.js", kind: SCRIPT, text: include_str!("web/dist/home.js") },
    Asset { name: "kept.js", kind: SCRIPT, text: include_str!("web/dist/kept.js") },
    Asset { name: "admin.js", kind: SCRIPT, text: include_str!("web/dist/admin.js") },
    Asset { name: "client.js", kind: SCRIPT, text: include_str!("web/dist/client.js") },
];

/// What tells one edition of a file from another (RFC 9110, 8.8.3), in the order of [`ASSETS`].
static EDITIONS: LazyLock<[String; ASSETS.len()]> = LazyLock::new(|| {
    ASSETS.map(|asset| format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(asset.text.as_bytes())[..12])))
});

/// `GET /assets/{name}`. Browsers keep it and ask whether it is still the same, so that a new release shows at once.
pub(super) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let (asset, edition) =
        ASSETS.iter().zip(&*EDITIONS).find(|(asset, _)| asset.name == name).ok_or(ErrorCode::NotFound)?;
    let kept = headers.get(IF_NONE_MATCH).is_some_and(|kept| kept == edition.as_str());
    let answered = [(ETAG, edition.as_str()), (CACHE_CONTROL, "no-cache")];
    if kept {
        return Ok((StatusCode::NOT_MODIFIED, answered).into_response());
    }
    Ok((answered, [(CONTENT_TYPE, asset.kind)], asset.text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_script_loads_is_served() {
        let scripts = ASSETS.iter().filter(|asset| asset.kind == SCRIPT);
        for script in scripts {
            for (_, rest) in
                script.text.match_indices("from\"./").map(|(at, found)| script.text.split_at(at + found.len()))
            {
                let loaded = rest.split('"').next().unwrap();
                assert!(ASSETS.iter().any(|asset| asset.name == loaded), "{} loads {loaded}", script.name);
            }
        }
    }

    #[test]
    fn all_together_are_less_than_200_kb() {
        let bytes: usize = ASSETS.iter().map(|asset| asset.text.len()).sum();
        assert!(bytes < 200_000, "{bytes} bytes");
    }
}
