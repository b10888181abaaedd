//! Decision asks for arms, measurement for plans and pseudonyms; each is answered by the other side
//! of the house.

use std::fmt;

use async_trait::async_trait;
use decision::{
    node::Unit,
    ports::{ArmSource, DrawAsk},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{BucketKey, Fault, SubjectId, TenantId};
use measurement::{
    assign::{self, Arm, assign},
    plan::{Direction, Kpi, NodePlan, Pseudonym},
    ports::{PlanSource, UnitSource},
};
use sha2::Sha256;

use super::artifacts::LiveArtifacts;

/// Arms, drawn by measurement under the tenant's bucketing key.
#[derive(Debug, Clone)]
pub struct Arms {
    key: BucketKey,
}

impl Arms {
    /// Draws under this key.
    pub const fn new(key: BucketKey) -> Self {
        Self { key }
    }
}

impl ArmSource for Arms {
    fn draw(&self, _: &TenantId, ask: DrawAsk<'_>) -> decision::inputs::Draw {
        let unit = match ask.experiment.unit {
            Unit::Person => assign::Unit::Person(ask.subject),
            Unit::Occurrence => assign::Unit::Occurrence(ask.subject, &ask.occurrence),
        };
        let draw = assign(&self.key, ask.node, unit, ask.experiment.holdback_ppm);
        decision::inputs::Draw {
            arm: draw.arm.as_str().into(),
            holdout: draw.arm == Arm::Control,
            propensity_ppm: draw.propensity_ppm,
            layer: draw.layer.into(),
            seed: draw.seed.into(),
            bucket: draw.bucket,
        }
    }
}

/// How the live nodes are measured, from their own files.
#[derive(Debug, Clone)]
pub struct NodePlans {
    live: LiveArtifacts,
}

impl NodePlans {
    /// Plans of what is live.
    pub const fn new(live: LiveArtifacts) -> Self {
        Self { live }
    }
}

#[async_trait]
impl PlanSource for NodePlans {
    async fn plans(&self, tenant: &TenantId) -> Result<Vec<NodePlan>, Fault> {
        let Some(live) = self.live.current(tenant).await? else { return Ok(Vec::new()) };
        Ok(live.compiled.decision.nodes().iter().filter_map(|it| plan(it)).collect())
    }
}

/// The plan of a node's primary measure; its metric is an event type without its version.
fn plan(node: &decision::Node) -> Option<NodePlan> {
    let kpi = node.kpis.iter().find(|it| it.primary)?;
    Some(NodePlan {
        node: node.name.clone(),
        class: node.class,
        holdback_ppm: node.experiment.as_ref().map_or(0, |it| it.holdback_ppm),
        kpi: Kpi {
            name: kpi.metric.to_string(),
            events: vec![format!("{}.v1", kpi.metric)],
            horizon: kpi.horizon,
            direction: if kpi.up { Direction::Up } else { Direction::Down },
        },
    })
}

/// Pseudonyms for the purpose of measurement: they cannot be joined with any other export.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(..)")
    }
}

impl Pseudonyms {
    /// Pseudonyms under this key.
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }
}

#[async_trait]
impl UnitSource for Pseudonyms {
    async fn pseudonyms(
        &self,
        tenant: &TenantId,
        subjects: &[SubjectId],
    ) -> Result<Vec<Pseudonym>, Fault> {
        let keyed = Hmac::<Sha256>::new_from_slice(&self.key)
            .map_err(|it| Fault::escalate("keying pseudonyms").because(it))?;
        Ok(subjects
            .iter()
            .map(|it| {
                let mut mac = keyed.clone();
                mac.update(tenant.as_str().as_bytes());
                mac.update(&[0]);
                mac.update(it.uuid().as_bytes());
                Pseudonym(mac.finalize().into_bytes().into())
            })
            .collect())
    }
}
