//! What a request says besides its path and body: `If-Match`, and which page.

use skewguard_domain::Epoch;
use skewguard_ports::wire::ErrorCode;
use skewguard_ports::{AuditPage, Precondition};

/// The epoch as an entity tag (RFC 9110, section 8.8.3).
pub(crate) fn etag(epoch: Epoch) -> String {
    format!("\"{}\"", epoch.get())
}

/// Reads `If-Match`: `*`, or one or more epochs as entity tags.
///
/// # Errors
/// [`ErrorCode::InvalidIfMatch`] if it is neither. A weak tag matches nothing there, and so is an
/// error too.
pub(crate) fn precondition(if_match: Option<&str>) -> Result<Precondition, ErrorCode> {
    let Some(value) = if_match.map(str::trim).filter(|value| *value != "*") else {
        return Ok(Precondition::None);
    };
    let epochs = value.split(',').map(|tag| {
        let tag = tag.trim();
        let number = tag.strip_prefix('"')?.strip_suffix('"')?;
        // A number can be written in many ways, and a tag only in one.
        number.parse().ok().map(Epoch::new).filter(|epoch| etag(*epoch) == tag)
    });
    let epochs: Option<Vec<_>> = epochs.collect();
    epochs.map(Precondition::Epochs).ok_or(ErrorCode::InvalidIfMatch)
}

/// The query of a URL, with its question mark; nothing, if there is none.
pub(crate) fn query(url: &str) -> &str {
    let url = url.split('#').next().unwrap_or_default();
    url.find('?').map_or("", |start| &url[start..])
}

/// Reads `before` and `limit` from a query. Others are ignored.
///
/// # Errors
/// [`ErrorCode::InvalidPage`] if one of them is no number in range.
pub(crate) fn audit_page(query: &str) -> Result<AuditPage, ErrorCode> {
    let mut page = AuditPage { before: None, limit: AuditPage::DEFAULT };
    for pair in query.trim_start_matches('?').split('&') {
        match pair.split_once('=') {
            Some(("before", value)) => {
                let before = value.parse().map_err(|_| ErrorCode::InvalidPage)?;
                page.before = Some(Epoch::new(before));
            }
            Some(("limit", value)) => {
                let limit = value.parse().ok();
                let limit = limit.filter(|limit| (1..=AuditPage::LARGEST).contains(limit));
                page.limit = limit.ok_or(ErrorCode::InvalidPage)?;
            }
            _ => {}
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(numbers: &[u64]) -> Result<Precondition, ErrorCode> {
        Ok(Precondition::Epochs(numbers.iter().copied().map(Epoch::new).collect()))
    }

    #[test]
    fn if_match_names_epochs_as_etag_writes_them() {
        assert_eq!(precondition(Some(&etag(Epoch::new(7)))), epochs(&[7]));
        assert_eq!(precondition(Some("\"7\", \"8\"")), epochs(&[7, 8]));
    }

    #[test]
    fn without_if_match_or_with_a_star_any_epoch_will_do() {
        assert_eq!(precondition(None), Ok(Precondition::None));
        assert_eq!(precondition(Some(" * ")), Ok(Precondition::None));
    }

    #[test]
    fn what_is_no_strong_tag_of_an_epoch_is_an_error() {
        for value in [
            "",
            "7",
            "\"\"",
            "\"x\"",
            "W/\"7\"",
            "\"7\",",
            "\"-1\"",
            "\"+7\"",
            "\"07\"",
            "\"7\" \"8\"",
        ] {
            assert_eq!(precondition(Some(value)), Err(ErrorCode::InvalidIfMatch), "{value}");
        }
    }

    #[test]
    fn a_page_is_the_latest_where_nothing_else_is_said() {
        let latest = AuditPage { before: None, limit: AuditPage::DEFAULT };
        for nothing in ["", "?", "?other=x", "?before"] {
            assert_eq!(audit_page(nothing), Ok(latest), "{nothing}");
        }
    }

    #[test]
    fn a_page_can_be_told_where_to_begin_and_how_long_to_be() {
        let expected = AuditPage { before: Some(Epoch::new(9)), limit: 200 };
        assert_eq!(audit_page("?before=9&limit=200"), Ok(expected));
    }

    #[test]
    fn a_page_out_of_range_is_an_error() {
        for wrong in ["?before=x", "?before=-1", "?limit=0", "?limit=201", "?limit="] {
            assert_eq!(audit_page(wrong), Err(ErrorCode::InvalidPage), "{wrong}");
        }
    }

    #[test]
    fn a_query_is_what_stands_between_question_mark_and_fragment() {
        assert_eq!(query("https://a/b?c=d&e=f#g?h"), "?c=d&e=f");
        assert_eq!(query("https://a/b#g?h"), "");
        assert_eq!(query("https://a/b"), "");
    }
}
