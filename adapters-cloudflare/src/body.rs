//! Bodies of requests, read with a limit.

use futures::StreamExt;
use worker::Request;

use skewguard_ports::wire::ErrorCode;

/// The largest body, in bytes: 64 KiB.
const LARGEST_BODY: usize = 64 * 1024;

/// Reads the body of `request`, of which no more than 64 KiB is ever held.
///
/// # Errors
/// [`ErrorCode::PayloadTooLarge`] if it is declared or found to be larger;
/// [`ErrorCode::InvalidJson`] if it breaks off.
pub(crate) async fn read_body(request: &mut Request) -> Result<Vec<u8>, ErrorCode> {
    let declared = request.headers().get("Content-Length").ok().flatten();
    let declared = declared.and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| length > LARGEST_BODY as u64) {
        return Err(ErrorCode::PayloadTooLarge);
    }
    if request.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let mut chunks = request.stream().map_err(|_| ErrorCode::InvalidJson)?;
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ErrorCode::InvalidJson)?;
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(ErrorCode::PayloadTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether the request says that its body is JSON.
pub(crate) fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_the_essence_of_the_content_type() {
        assert!(is_json(Some("application/json")));
        assert!(is_json(Some("Application/JSON; charset=utf-8")));
        assert!(!is_json(Some("text/plain; a=application/json")));
        assert!(!is_json(Some("application/jsonp")));
        assert!(!is_json(None));
    }
}
