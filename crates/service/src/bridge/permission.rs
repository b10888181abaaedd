//! Decision and delivery ask for permission; consent answers.

use std::sync::Arc;

use async_trait::async_trait;
use consent::{BundleFacts, Signals, service::VerdictService};
use kernel::{Digest, Fault, Instant, Known, PersonAt, RuleId, TenantId};

/// Answers permission from consent; give delivery one over the system of record.
#[derive(Debug, Clone)]
pub struct ConsentPermission {
    verdicts: Arc<VerdictService>,
}

impl ConsentPermission {
    /// Answered by these verdicts.
    pub const fn new(verdicts: Arc<VerdictService>) -> Self {
        Self { verdicts }
    }
}

/// What kinds of data take part; the catalogue refuses special ones before they reach a bundle, so
/// what is left is of no special kind.
fn ordinary() -> Known<BundleFacts> {
    Known::NotApplicable(RuleId::new("context.no_special_fields"))
}

/// What a browser sends is recorded before it is asked, so that the choices at hand hold it.
fn recorded() -> Known<Signals> {
    Known::NotApplicable(RuleId::new("signals.recorded_before"))
}

#[async_trait]
impl decision::ports::PermissionSource for ConsentPermission {
    async fn verdicts(
        &self,
        tenant: &TenantId,
        person: &PersonAt,
        asks: &[decision::ports::PermissionAsk],
        as_of: Instant,
    ) -> Result<Vec<decision::inputs::Verdict>, Fault> {
        let asks: Vec<_> = asks
            .iter()
            .map(|it| consent::Ask {
                channel: Some(it.channel),
                bundle: ordinary(),
                signals: recorded(),
                ..consent::Ask::about(it.purpose.clone(), person)
            })
            .collect();
        let verdicts = self.verdicts.verdicts(tenant, person, &asks, as_of).await?;
        verdicts.into_iter().map(decided).collect()
    }
}

fn decided(verdict: consent::Verdict) -> Result<decision::inputs::Verdict, Fault> {
    use decision::inputs::Permission;
    let digest = digest(&verdict)?;
    let ground = verdict.grounds.first();
    let mut obligations = Vec::new();
    if verdict.obligations.one_click_unsubscribe {
        obligations.push("one_click_unsubscribe".into());
    }
    if verdict.obligations.human_review {
        obligations.push("human_review".into());
    }
    Ok(decision::inputs::Verdict {
        permission: match verdict.outcome {
            consent::Outcome::Permitted => Permission::Permitted,
            consent::Outcome::Held { until } => Permission::Held { until },
            consent::Outcome::Refused => Permission::Refused,
        },
        basis: ground.map(|it| it.basis.as_str().into()),
        jurisdiction: ground.map(|it| it.jurisdiction.as_str().into()),
        epochs: verdict.epochs,
        good_until: Some(verdict.good_until),
        evidence: Some(digest),
        obligations,
        reasons: verdict.reasons,
    })
}

#[async_trait]
impl delivery::ports::PermissionSource for ConsentPermission {
    async fn verdict(
        &self,
        tenant: &TenantId,
        ask: &delivery::permission::Ask,
    ) -> Result<delivery::permission::Verdict, Fault> {
        let question = consent::Ask {
            channel: Some(ask.channel),
            address: ask.address,
            bundle: ordinary(),
            signals: recorded(),
            ..consent::Ask::about(ask.purpose.clone(), &ask.person)
        };
        let verdict = self.verdicts.verdict(tenant, &ask.person, &question, ask.as_of).await?;
        sent(verdict)
    }
}

fn sent(verdict: consent::Verdict) -> Result<delivery::permission::Verdict, Fault> {
    use delivery::permission::{Obligation, Outcome, Verdict};
    let digest = digest(&verdict)?;
    let mut obligations = Vec::new();
    if verdict.obligations.one_click_unsubscribe {
        obligations.push(Obligation::Unsubscribe);
        obligations.push(Obligation::SenderIdentity);
    }
    if verdict.obligations.human_review {
        obligations.push(Obligation::HumanReview);
    }
    for limit in verdict.obligations.limits.iter() {
        obligations.push(Obligation::Frequency { limit: limit.contacts_max, window: limit.window });
    }
    Ok(Verdict {
        outcome: match verdict.outcome {
            consent::Outcome::Permitted => Outcome::Permitted,
            consent::Outcome::Held { until } => Outcome::Held { until },
            consent::Outcome::Refused => Outcome::Refused,
        },
        reasons: verdict.reasons,
        epochs: verdict.epochs,
        good_until: verdict.good_until,
        obligations,
        digest,
    })
}

/// Names a verdict by its canonical content.
fn digest(verdict: &consent::Verdict) -> Result<Digest, Fault> {
    Digest::of_canonical(verdict).map_err(|it| Fault::escalate("naming a verdict").because(it))
}
