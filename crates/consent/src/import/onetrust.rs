//! `{"Identifier": .., "Purposes": [{"Name", "Status", "LastTransactionDate"}]}`.

use serde_json::Value;

use super::{Idle, Naming, Row, Said, meant, named, text, when};
use crate::{ChannelSet, EventKind, PurposeScope};

pub(super) fn row(naming: &Naming, row: &Value) -> Row {
    let purposes = row.get("Purposes").and_then(Value::as_array);
    let said = purposes.into_iter().flatten().map(|it| purpose(naming, it)).collect();
    Row { person: named(&naming.namespace, text(row, "/Identifier")), said }
}

fn purpose(naming: &Naming, it: &Value) -> Result<Said, Idle> {
    let key = meant(naming, text(it, "/Name").ok_or(Idle::Unnamed)?)?;
    let (scope, channels) = (PurposeScope::Under(key), ChannelSet::ALL);
    let kind = match text(it, "/Status").ok_or(Idle::NoAction)?.to_ascii_uppercase().as_str() {
        "WITHDRAWN" | "OPT_OUT" => EventKind::Withdrawn { scope, channels },
        "NO_CONSENT" | "NOTGIVEN" | "HARD_OPT_OUT" => EventKind::Refused { scope, channels },
        // An export says that there is a yes, and not to which words.
        "ACTIVE" | "CONFIRMED" | "OPT_IN" => return Err(Idle::NoProof),
        // Asked and not answered, or over: what is not granted needs no taking away.
        "PENDING" | "EXPIRED" | "CREATED" => return Err(Idle::NoAction),
        _ => return Err(Idle::UnknownAction),
    };
    let at = when(it, &["/WithdrawalDate", "/LastTransactionDate", "/LastUpdatedDate"])?;
    Ok(Said { kind, at })
}
