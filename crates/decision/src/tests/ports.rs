//! The suites of every port, on its memory implementation.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Digest, EventId, Fact, PersonAt, SubjectId, memory::MemoryFeed};
use uuid::Uuid;

use super::world::{acme, at, compile, person, shipped};
use crate::{
    contract::{
        journal::JournalFixture,
        sources::{
            ArmFixture, ContextFixture, HistoryFixture, PermissionFixture, PersonFixture,
            ReleaseFixture,
        },
        timetable::TimetableFixture,
    },
    memory::{
        MemoryArms, MemoryContext, MemoryHistory, MemoryJournal, MemoryPermission, MemoryPersons,
        MemoryReleases, MemoryTimetable,
    },
    ports::{
        ArmSource, ContactHistory, ContextSource, EventData, Identifier, Journal, PermissionSource,
        PersonSource, ReleaseSource, Timetable,
    },
};

struct Memory {
    feed: Arc<MemoryFeed>,
    timetable: Arc<MemoryTimetable>,
    journal: MemoryJournal,
    releases: MemoryReleases,
    persons: MemoryPersons,
    context: MemoryContext,
    permission: MemoryPermission,
    history: MemoryHistory,
}

async fn memory() -> Memory {
    let feed = Arc::new(MemoryFeed::default());
    let timetable = Arc::new(MemoryTimetable::new(Arc::clone(&feed)));
    Memory {
        journal: MemoryJournal::new(Arc::clone(&timetable), Arc::clone(&feed)),
        feed,
        timetable,
        releases: MemoryReleases::default(),
        persons: MemoryPersons::default(),
        context: MemoryContext::default(),
        permission: MemoryPermission::default(),
        history: MemoryHistory::default(),
    }
}

#[async_trait]
impl TimetableFixture for Memory {
    fn timetable(&self) -> &dyn Timetable {
        &*self.timetable
    }

    async fn facts(&self) -> Vec<Fact> {
        self.feed.facts()
    }
}

#[async_trait]
impl JournalFixture for Memory {
    fn journal(&self) -> &dyn Journal {
        &self.journal
    }

    fn timetable(&self) -> &dyn Timetable {
        &*self.timetable
    }

    async fn facts(&self) -> Vec<Fact> {
        self.feed.facts()
    }

    async fn person(&self) -> (PersonAt, kernel::Epochs) {
        (person(1), kernel::Epochs::default())
    }
}

#[async_trait]
impl ReleaseFixture for Memory {
    fn source(&self) -> &dyn ReleaseSource {
        &self.releases
    }

    async fn activate(&self) -> Digest {
        let digest = Digest::of(b"bundle");
        let artifacts = compile(&[shipped("renewal.day90")]).unwrap();
        self.releases.activate(&acme(), digest, Arc::new(artifacts));
        digest
    }
}

#[async_trait]
impl PersonFixture for Memory {
    fn source(&self) -> &dyn PersonSource {
        &self.persons
    }

    async fn person(&self, user_id: &str) -> SubjectId {
        let at = person(user_id.bytes().fold(7, |sum, it| sum * 31 + u128::from(it)));
        let subject = at.subject;
        let identifier = Identifier { namespace: "user_id".into(), value: user_id.into() };
        self.persons.put(&acme(), at, &[identifier]);
        subject
    }
}

#[async_trait]
impl ContextFixture for Memory {
    fn source(&self) -> &dyn ContextSource {
        &self.context
    }

    async fn person(&self) -> PersonAt {
        person(1)
    }

    async fn event(&self, _: &PersonAt) -> EventData {
        let event = EventData {
            id: EventId::from_uuid(Uuid::from_u128(42)),
            event_type: "policy.issued.v1".into(),
            at: at("2026-09-01T00:00:00Z"),
            objects: Vec::new(),
            data: serde_json::json!({ "policy_no": "P-1" }),
        };
        self.context.put(&acme(), event.clone());
        event
    }
}

#[async_trait]
impl PermissionFixture for Memory {
    fn source(&self) -> &dyn PermissionSource {
        &self.permission
    }

    async fn person(&self) -> PersonAt {
        person(1)
    }
}

#[async_trait]
impl HistoryFixture for Memory {
    fn history(&self) -> &dyn ContactHistory {
        &self.history
    }

    async fn person(&self) -> PersonAt {
        person(1)
    }
}

impl ArmFixture for Memory {
    fn arms(&self) -> &dyn ArmSource {
        &MemoryArms
    }
}

crate::timetable_suite!(timetable, super::memory());
crate::journal_suite!(journal, super::memory());
crate::release_source_suite!(releases, super::memory());
crate::person_source_suite!(persons, super::memory());
crate::context_source_suite!(context, super::memory());
crate::permission_source_suite!(permission, super::memory());
crate::contact_history_suite!(history, super::memory());
crate::arm_source_suite!(arms, super::memory());
