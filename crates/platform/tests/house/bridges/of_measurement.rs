//! What measurement asks: how nodes are measured, and who is who without saying who.

use kernel::{Class, JourneyNode, Period, TenantId};
use measurement::{
    contract::SourceFixture,
    plan::{Direction, Kpi, NodePlan},
    ports::{PlanSource, UnitSource},
};
use platform::journeys;
use service::bridge::measure::{NodePlans, Pseudonyms};

use super::{ASKED, house};
use crate::world::House;

/// Plans as the live nodes have them, and pseudonyms.
struct Measured {
    house: House,
    plans: NodePlans,
    units: Pseudonyms,
}

async fn measured() -> Measured {
    let house = house(ASKED).await;
    house.release(&journeys::shipped()).await.unwrap();
    let plans = NodePlans::new(house.assent.app.live.clone());
    Measured { house, plans, units: Pseudonyms::new([7; 32]) }
}

fn plan(
    node: &str,
    (class, holdback_ppm): (Class, u32),
    (metric, days, direction): (&str, u32, Direction),
) -> NodePlan {
    NodePlan {
        node: JourneyNode::new(node).unwrap(),
        class,
        holdback_ppm,
        kpi: Kpi {
            name: metric.to_owned(),
            events: vec![format!("{metric}.v1")],
            horizon: Period::days(days),
            direction,
        },
    }
}

impl SourceFixture for Measured {
    fn plans(&self) -> &dyn PlanSource {
        &self.plans
    }

    fn units(&self) -> &dyn UnitSource {
        &self.units
    }

    fn planned(&self) -> (TenantId, Vec<NodePlan>) {
        use Direction::{Down, Up};
        let (obligation, service) = ((Class::Obligation, 0), |ppm| (Class::Service, ppm));
        let plans = vec![
            plan("claim.status", obligation, ("claim.status_calls", 7, Down)),
            plan("onboarding.stalled", service(100_000), ("onboarding.completed", 14, Up)),
            plan("renewal.day90", (Class::Marketing, 100_000), ("policy.renewed", 100, Up)),
            plan("service.recovery", service(50_000), ("account.closed", 60, Down)),
        ];
        (self.house.tenant.clone(), plans)
    }
}

measurement::source_suite!(neighbours_tell_measurement_what_it_counts, super::measured());
