//! Delivery asks what a message is made of; rollout and the log of decisions answer.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use decision::{ports::Journal, record::FieldEntry};
use delivery::ports::Content;
use kernel::{DecisionId, Digest, Fault, Instant, Known, SystemId, TenantId, Value, Why};

use super::artifacts::LiveArtifacts;

/// Templates by release, and values by the decision's own record.
#[derive(Debug, Clone)]
pub struct RecordedContent {
    live: LiveArtifacts,
    journal: Arc<dyn Journal>,
}

impl RecordedContent {
    /// Answered from these.
    pub fn new(live: LiveArtifacts, journal: Arc<dyn Journal>) -> Self {
        Self { live, journal }
    }
}

#[async_trait]
impl Content for RecordedContent {
    async fn released(
        &self,
        tenant: &TenantId,
        release: &Digest,
    ) -> Result<Option<Arc<delivery::Artifacts>>, Fault> {
        Ok(self.live.bundle(tenant, *release).await?.map(|it| it.delivery.clone()))
    }

    async fn values(
        &self,
        tenant: &TenantId,
        decision: DecisionId,
    ) -> Result<BTreeMap<String, Known<Value>>, Fault> {
        let Some(stored) = self.journal.get(tenant, decision).await? else {
            return Ok(BTreeMap::new());
        };
        let record = stored
            .parse()
            .map_err(|it| Fault::escalate("reading a decision record").because(it))?;
        // Only the acting node's own cut: two nodes never see each other's fields.
        let acting = record.outcome.action.as_ref().map(|it| &it.node);
        let cut = record.inputs.nodes.iter().find(|it| Some(&it.node) == acting);
        Ok(cut.map(|it| &it.fields).into_iter().flatten().map(named).collect())
    }
}

fn named(field: &FieldEntry) -> (String, Known<Value>) {
    let value = match (&field.value, &field.source, field.as_of_us) {
        (Some(value), Some(source), Some(as_of)) => Known::Is {
            value: value.clone(),
            source: SystemId::new(source.as_str()),
            as_of: Instant::from_micros(as_of),
        },
        _ => Known::Unknown(match &*field.state {
            "missing" => Why::Missing,
            "stale" => Why::Stale,
            "malformed" => Why::Malformed,
            "source_down" => Why::SourceDown,
            "overflow" => Why::Overflow,
            _ => Why::Withheld,
        }),
    };
    (field.name.to_string(), value)
}
