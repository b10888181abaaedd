//! The dry run: any question at any time, explained; nothing is written.

use std::sync::Arc;

use kernel::{Fault, Instant, PersonAt, TenantId};

use crate::{
    Artifacts, Ask, Case, Explanation, NodeLog,
    ports::{ArtifactSource, Ledger, PersonSource, PolicyHead},
};

/// Explains answers from the system of record.
#[derive(Debug)]
pub struct ExplainService {
    ledger: Arc<dyn Ledger>,
    people: Arc<dyn PersonSource>,
    artifacts: Arc<dyn ArtifactSource>,
    policy: Arc<dyn PolicyHead>,
}

impl ExplainService {
    /// Explanations over these ports, of which it only reads.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        people: Arc<dyn PersonSource>,
        artifacts: Arc<dyn ArtifactSource>,
        policy: Arc<dyn PolicyHead>,
    ) -> Self {
        Self { ledger, people, artifacts, policy }
    }

    /// The answers to several questions about one person, in order, each with every reason and
    /// what would have to change.
    ///
    /// For an instant gone by the logs are read as they stood then; for one to come, as they stand
    /// now. Who the person is, how they can be reached and the registry are always today's.
    pub async fn explain(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: impl IntoIterator<Item = Ask>,
        as_of: Instant,
    ) -> Result<Vec<Explanation>, Fault> {
        // The epoch first: a registry that moves in between makes the stamp too old, never too new.
        let policy = self.policy.policy(tenant).await?;
        let artifacts = self.artifacts.live(tenant).await?;
        let members = self.people.members(tenant, person).await?;
        let logs = self.ledger.logs(tenant, &person.nodes).await?;
        let logs: Vec<NodeLog> = logs.into_iter().map(|it| it.as_it_stood(as_of)).collect();
        let explained = asks.into_iter().map(|ask| {
            let case = Case {
                tenant: tenant.clone(),
                person: person.clone(),
                members: members.clone(),
                logs: logs.clone(),
                artifacts: artifacts.clone(),
                ask,
                as_of,
            };
            let mut explained = case.explain()?;
            explained.verdict = explained.verdict.under(policy);
            Ok(explained)
        });
        explained
            .collect::<Result<_, kernel::CanonicalError>>()
            .map_err(|it| Fault::escalate("explaining a verdict").because(it))
    }

    /// The registry questions are asked against.
    pub async fn registry(&self, tenant: &TenantId) -> Result<Arc<Artifacts>, Fault> {
        self.artifacts.live(tenant).await
    }
}
