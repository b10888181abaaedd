//! The laws of context's ports, for every implementation and every wrapper.
//!
//! Events, fields, dead letters and arrivals share transactions, so one fixture gives all four.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken law panics")]

mod keeping;
mod neighbours;
mod samples;

pub use keeping::*;
pub use neighbours::*;

use async_trait::async_trait;
use kernel::Fact;

use crate::ports::{
    ArtifactSource, ContextStore, DeadLetters, EventLog, FreshnessBoard, StandingSource,
    SubjectResolver,
};

/// The stores under test, over one set of rows, and what they told the feed.
#[async_trait]
pub trait ContextFixture: Send + Sync {
    /// The log.
    fn log(&self) -> &dyn EventLog;
    /// The fields.
    fn store(&self) -> &dyn ContextStore;
    /// The dead letters.
    fn dead(&self) -> &dyn DeadLetters;
    /// The arrivals.
    fn board(&self) -> &dyn FreshnessBoard;
    /// Every fact told so far, in order.
    async fn facts(&self) -> Vec<Fact>;
}

/// Neighbours under test, who know one person by one identifier.
#[async_trait]
pub trait NeighbourFixture: Send + Sync {
    /// Identity's answer.
    fn resolver(&self) -> &dyn SubjectResolver;
    /// Consent's answer.
    fn standing(&self) -> &dyn StandingSource;
    /// Rollout's answer.
    fn artifacts(&self) -> &dyn ArtifactSource;
    /// An identifier that leads to somebody.
    async fn known(&self) -> crate::Identifier;
}

/// The suite of [`EventLog`], [`ContextStore`], [`DeadLetters`] and [`FreshnessBoard`]:
/// `context_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! context_suite {
    ($module:ident, $fixture:expr) => {
        $crate::context_suite!(@laws $module $fixture;
            an_admission_comes_back_whole
            an_event_is_admitted_once
            an_admission_is_kept_whole_or_not_at_all
            pending_events_come_in_commit_order_until_applied
            an_application_moves_the_log_once
            fields_come_back_with_every_member
            another_persons_object_reads_as_missing
            versions_count_the_events_of_a_node
            dead_letters_that_look_alike_are_one_group
            counts_add_up
            arrivals_only_move_forward
            an_announcement_is_made_once
            tenants_do_not_see_each_other
            absence_is_an_empty_answer
        );
    };
    (@laws $module:ident $fixture:expr; $($law:ident)+) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $law() {
                    let fixture = $fixture.await;
                    $crate::contract::$law(&fixture).await;
                }
            )+
        }
    };
}

/// The suite of [`SubjectResolver`], [`StandingSource`] and [`ArtifactSource`]:
/// `neighbour_suite!(module, async expression giving a fixture)`.
#[macro_export]
macro_rules! neighbour_suite {
    ($module:ident, $fixture:expr) => {
        $crate::context_suite!(@laws $module $fixture;
            each_event_is_answered_in_order
            resolving_again_finds_the_same_person
            standing_is_the_same_until_a_choice_is_made
            the_live_release_is_shared
        );
    };
}
