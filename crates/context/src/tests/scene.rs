//! A person whose every field for a renewal is known, and cuts of them.

use std::sync::Arc;

use kernel::{Epoch, Reason};
use serde_json::Value as Json;

use super::world::{T0, World, compile, instant, node, purpose, shipped, tenant};
use crate::{
    Artifacts, BoundaryId, Bundle, BundleRefusal, Cut, DataAction, FieldKey, ObjectKind, ObjectRef,
    Region, Want,
    freshness::Board,
    ports::{ContextStore, FreshnessBoard, Standing},
    select::{Ground, Narrowing, select},
    view::View,
};

pub(super) fn key(text: &str) -> FieldKey {
    FieldKey::new(text).unwrap()
}

pub(super) fn want(field: &str) -> Want {
    Want { field: key(field), required: false, max_age: None }
}

pub(super) fn cut(fields: &[&str]) -> Cut {
    Cut {
        purpose: purpose("marketing.renewal"),
        action: DataAction::Read,
        boundary: BoundaryId::new("journey-renewal").unwrap(),
        narrowing: Narrowing::default(),
        object: Some(ObjectRef { kind: ObjectKind::new("policy").unwrap(), id: "P1".into() }),
        wanted: fields.iter().map(|it| want(it)).collect(),
    }
}

/// A person whose every field for a renewal is known, on the tenth of January.
pub(super) struct Scene {
    pub(super) view: View,
    pub(super) artifacts: Arc<Artifacts>,
    pub(super) standing: Standing,
    pub(super) freshness: Board,
    pub(super) region: Region,
    pub(super) as_of: kernel::Instant,
}

pub(super) const FIELDS: [&str; 8] = [
    "person.first_name",
    "person.time_zone",
    "policy.autorenew",
    "policy.renewal_on",
    "policy.status",
    "policy.tenure_months",
    "service.open_complaint",
    "person.language",
];

pub(super) async fn filled() -> World {
    let world = World::new();
    let crm = "crm_id,email,first_name,time_zone,language,needs_support,updated_at\n\
               C1,a@b.example,Ann,Europe/Berlin,de,true,2026-01-09T08:00:00Z\n";
    let policies = "policy_no,crm_id,status,renewal_on,autorenew,tenure_months,updated_at\n\
                    P1,C1,active,2026-04-10,false,24,2026-01-09T08:00:00Z\n";
    let desk = "service_no,crm_id,open_complaint,updated_at\nS1,C1,false,2026-01-09T08:00:00Z\n";
    world.neighbours.know("service_no", "S1", node(3));
    for (system, csv) in [("crm", crm), ("policy_admin", policies), ("service_desk", desk)] {
        world.imports.import(&tenant(), system, csv.as_bytes()).await.unwrap();
    }
    world.applies.run_once(100).await.unwrap();
    world
}

pub(super) fn nodes() -> [kernel::NodeId; 3] {
    [node(1), node(2), node(3)]
}

pub(super) async fn scene() -> Scene {
    let world = filled().await;
    let artifacts = super::world::release();
    let object = cut(&[]).object.unwrap();
    let as_of = instant(T0);
    Scene {
        view: world.context.view(&tenant(), &nodes(), &[object]).await.unwrap(),
        freshness: world.context.board(&tenant()).await.unwrap(),
        standing: Standing { purposes: [purpose("marketing.renewal")].into(), epoch: Epoch(4) },
        region: Region::new("EU").unwrap(),
        artifacts,
        as_of,
    }
}

impl Scene {
    pub(super) fn select(&self, cut: &Cut) -> Result<Bundle, BundleRefusal> {
        let ground = Ground {
            view: &self.view,
            artifacts: &self.artifacts,
            standing: &self.standing,
            freshness: &self.freshness,
            region: &self.region,
            as_of: self.as_of,
        };
        select(cut, ground)
    }

    pub(super) fn withheld(&self, cut: &Cut) -> Vec<Reason> {
        let bundle = self.select(cut).unwrap();
        assert!(bundle.fields.is_empty(), "{bundle:?}");
        bundle.withheld[0].1.clone()
    }
}

/// The shipped artifacts with one changed.
pub(super) fn changed(kind: &str, name: &str, change: impl FnOnce(&mut Json)) -> Arc<Artifacts> {
    let mut sources = shipped();
    change(&mut sources.iter_mut().find(|it| it.0 == kind && it.1 == name).unwrap().2);
    Arc::new(compile(&sources).unwrap())
}
