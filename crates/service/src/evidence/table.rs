//! The decisions of a pack as a table (RFC 4180), for whoever counts.

use kernel::Fault;

use super::{Told, broken};
use crate::words;

/// The columns, in order.
const COLUMNS: [&str; 10] =
    ["index", "record", "kind", "at", "node", "outcome", "action", "channel", "reason", "basis"];

/// The table of these records.
pub(super) fn write(told: &[Told<'_>]) -> Result<Vec<u8>, Fault> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(broken)?;
    for it in told {
        let text = |group: &str, pointer: &str| {
            let value = it.opened.group(group).and_then(|it| it.pointer(pointer));
            value.and_then(|it| it.as_str()).unwrap_or_default().to_owned()
        };
        let ground = it.record.as_ref().and_then(crate::page::record::ground);
        let node = match text("outcome", "/action/node") {
            none if none.is_empty() => text("core", "/nodes/0"),
            some => some,
        };
        let row = [
            it.opened.index.to_string(),
            it.opened.record.uuid().to_string(),
            it.opened.kind.to_string(),
            it.opened.at.to_string(),
            node,
            text("outcome", "/kind"),
            text("outcome", "/action/action"),
            text("outcome", "/action/channel"),
            text("outcome", "/reason"),
            ground
                .and_then(|it| it.basis.as_deref())
                .map(words::basis)
                .unwrap_or_default()
                .to_owned(),
        ];
        writer.write_record(row.map(inert)).map_err(broken)?;
    }
    writer.into_inner().map_err(|it| broken(it.to_string()))
}

/// A cell no spreadsheet takes for a formula.
fn inert(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(inert("=cmd()".to_owned()), "'=cmd()");
        assert_eq!(inert("renewal.day90".to_owned()), "renewal.day90");
    }
}
