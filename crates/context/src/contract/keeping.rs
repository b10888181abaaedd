//! What the stores owe.

use kernel::{Currency, Limit, Money, SeededEntropy, TenantId, Value};

use super::{
    ContextFixture,
    samples::{
        admission, application, arrivals, at, contribution, dead, event, fact, node, object, tally,
        tenant,
    },
};
use crate::{
    Code,
    freshness::Freshness,
    ports::{AnnounceError, Announcement, AppendError, ApplyError, Status},
    view::ViewVersion,
};

/// Every member of an event comes back as it was kept, and its facts with it.
pub async fn an_admission_comes_back_whole(fixture: &dyn ContextFixture) {
    let bare = crate::Event {
        object: None,
        expires_at: None,
        trace: None,
        late: false,
        identifiers: Vec::new(),
        ..event("b", 2)
    };
    let events = vec![event("a", 1), bare];
    let mut append = admission(events.clone());
    append.facts = vec![fact(1), fact(2)];
    fixture.log().admit(&append).await.unwrap();
    let ids: Vec<_> = events.iter().map(|it| it.id).collect();
    let mut found = fixture.log().events(&tenant(), &ids).await.unwrap();
    found.sort_by_key(|it| it.time);
    assert_eq!(found, events);
    let seen = fixture.log().seen(&tenant(), &[events[0].key()]).await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].event, seen[0].content), (events[0].id, events[0].content));
    assert_eq!(seen[0].key, events[0].key());
    assert_eq!(fixture.facts().await, append.facts);
}

/// A key is taken by the first that comes with it.
pub async fn an_event_is_admitted_once(fixture: &dyn ContextFixture) {
    fixture.log().admit(&admission(vec![event("a", 1)])).await.unwrap();
    let id = kernel::EventId::mint(at(9), &SeededEntropy::new(99));
    let again = crate::Event { id, ..event("a", 9) };
    let outcome = fixture.log().admit(&admission(vec![again])).await;
    assert!(matches!(outcome, Err(AppendError::Raced)));
    assert!(fixture.log().events(&tenant(), &[id]).await.unwrap().is_empty());
}

/// A raced admission leaves nothing: no event, no dead letter, no count, no fact.
pub async fn an_admission_is_kept_whole_or_not_at_all(fixture: &dyn ContextFixture) {
    fixture.log().admit(&admission(vec![event("a", 1)])).await.unwrap();
    let id = kernel::EventId::mint(at(9), &SeededEntropy::new(99));
    let mut append = admission(vec![event("b", 2), crate::Event { id, ..event("a", 1) }]);
    append.dead = vec![dead(1, 1, Code::TooLate)];
    append.tallies = vec![tally(Status::Accepted, None, 2)];
    append.arrivals = vec![arrivals(5)];
    append.facts = vec![fact(1)];
    assert!(fixture.log().admit(&append).await.is_err());
    assert!(fixture.log().seen(&tenant(), &[event("b", 2).key()]).await.unwrap().is_empty());
    assert!(fixture.dead().groups(&tenant(), Limit::MAX).await.unwrap().is_empty());
    assert!(fixture.dead().tallies(&tenant()).await.unwrap().is_empty());
    assert_eq!(fixture.board().board(&tenant()).await.unwrap().arrivals().count(), 0);
    assert!(fixture.facts().await.is_empty());
}

/// What is admitted first is pending first, and what is applied is pending no more.
pub async fn pending_events_come_in_commit_order_until_applied(fixture: &dyn ContextFixture) {
    fixture.log().admit(&admission(vec![event("b", 9), event("a", 1)])).await.unwrap();
    fixture.log().admit(&admission(vec![event("c", 5)])).await.unwrap();
    let pending = fixture.log().pending(Limit::new(2).unwrap()).await.unwrap();
    let ids: Vec<_> = pending.events.iter().map(|it| it.1.ce_id.clone()).collect();
    assert_eq!((pending.after, ids), (0, vec!["b".to_owned(), "a".to_owned()]));
    let through = pending.events[1].0;
    fixture.store().apply(&application(0, through, Vec::new())).await.unwrap();
    let rest = fixture.log().pending(Limit::MAX).await.unwrap();
    assert_eq!(rest.after, through);
    let ids: Vec<_> = rest.events.into_iter().map(|it| it.1.ce_id).collect();
    assert_eq!(ids, ["c"]);
}

/// Two workers cannot apply the same stretch: the second keeps nothing.
pub async fn an_application_moves_the_log_once(fixture: &dyn ContextFixture) {
    let one = event("a", 1);
    fixture.log().admit(&admission(vec![one.clone()])).await.unwrap();
    let through = fixture.log().pending(Limit::MAX).await.unwrap().events[0].0;
    let value = contribution(&one, node(1), "policy.status", Value::Text("active".into()));
    let mut apply = application(0, through, vec![value]);
    apply.facts = vec![fact(1)];
    fixture.store().apply(&apply).await.unwrap();
    let again = fixture.store().apply(&apply).await;
    assert!(matches!(again, Err(ApplyError::Moved)));
    assert_eq!(fixture.facts().await, [fact(1)]);
    let view = fixture.store().view(&tenant(), &[node(1)], &[]).await.unwrap();
    assert_eq!((view.version(), view.contributions().count()), (ViewVersion(1), 1));
}

/// Values of every type, of the person and of an object, come back with every member.
pub async fn fields_come_back_with_every_member(fixture: &dyn ContextFixture) {
    let one = event("a", 1);
    fixture.log().admit(&admission(vec![one.clone()])).await.unwrap();
    let through = fixture.log().pending(Limit::MAX).await.unwrap().events[0].0;
    let money = Money { currency: "EUR".parse::<Currency>().unwrap(), minor: 7 };
    let values = [
        ("a.bool", Value::Bool(true)),
        ("b.int", Value::Int(-3)),
        ("c.text", Value::Text("Zoë".into())),
        ("d.at", Value::At(at(4))),
        ("e.date", Value::Date("2026-02-28".parse().unwrap())),
        ("f.money", Value::Money(money)),
        ("g.list", Value::List(vec![Value::Int(1), Value::Bool(false)])),
    ];
    let mut kept: Vec<_> = values
        .into_iter()
        .map(|(field, value)| contribution(&one, node(1), field, value))
        .collect();
    kept[1].object = Some(object("P1"));
    fixture.store().apply(&application(0, through, kept.clone())).await.unwrap();
    let view = fixture.store().view(&tenant(), &[node(1)], &[object("P1")]).await.unwrap();
    assert_eq!(view.contributions().cloned().collect::<Vec<_>>(), kept);
}

/// An object's fields are read through its own person's nodes, and only where it is asked for.
pub async fn another_persons_object_reads_as_missing(fixture: &dyn ContextFixture) {
    let one = event("a", 1);
    fixture.log().admit(&admission(vec![one.clone()])).await.unwrap();
    let through = fixture.log().pending(Limit::MAX).await.unwrap().events[0].0;
    let mut value = contribution(&one, node(1), "policy.status", Value::Text("active".into()));
    value.object = Some(object("P1"));
    fixture.store().apply(&application(0, through, vec![value])).await.unwrap();
    for (whose, objects, n) in [
        (node(1), vec![object("P1")], 1),
        (node(1), vec![object("P2"), object("P1")], 1),
        (node(1), vec![object("P2")], 0),
        (node(1), Vec::new(), 0),
        (node(2), vec![object("P1")], 0),
    ] {
        let view = fixture.store().view(&tenant(), &[whose], &objects).await.unwrap();
        assert_eq!(view.contributions().count(), n);
    }
}

/// A node's version rises by one per event that says something about it.
pub async fn versions_count_the_events_of_a_node(fixture: &dyn ContextFixture) {
    let (one, two) = (event("a", 1), event("b", 2));
    fixture.log().admit(&admission(vec![one.clone(), two.clone()])).await.unwrap();
    let pending = fixture.log().pending(Limit::MAX).await.unwrap().events;
    let say = |event, of, field| contribution(event, of, field, Value::Bool(true));
    let first = vec![say(&one, node(1), "a.b"), say(&one, node(1), "a.c")];
    fixture.store().apply(&application(0, pending[0].0, first)).await.unwrap();
    let second = vec![say(&two, node(1), "a.b"), say(&two, node(2), "a.b")];
    let through = pending[1].0;
    fixture.store().apply(&application(pending[0].0, through, second)).await.unwrap();
    let nodes = [node(1), node(2), node(3)];
    let versions = fixture.store().versions(&tenant(), &nodes).await.unwrap();
    assert_eq!(versions.into_iter().collect::<std::collections::BTreeSet<_>>(), {
        [(node(1), 2), (node(2), 1)].into_iter().collect()
    });
    let view = fixture.store().view(&tenant(), &nodes, &[]).await.unwrap();
    assert_eq!(view.version(), ViewVersion(3));
}

/// Groups are by type, code and pointer, the largest first, whoever put them aside.
pub async fn dead_letters_that_look_alike_are_one_group(fixture: &dyn ContextFixture) {
    let one = event("a", 1);
    let mut append = admission(vec![one]);
    append.dead = vec![
        dead(1, 5, Code::TooLate),
        dead(2, 3, Code::SchemaViolation),
        dead(3, 4, Code::SchemaViolation),
    ];
    let bare = crate::ports::DeadLetter {
        source: None,
        kind: None,
        ce_id: None,
        raw: None,
        ..dead(4, 6, Code::BadEncoding)
    };
    append.dead.push(bare);
    fixture.log().admit(&append).await.unwrap();
    let through = fixture.log().pending(Limit::MAX).await.unwrap().events[0].0;
    let mut apply = application(0, through, Vec::new());
    apply.dead = vec![(tenant(), dead(5, 9, Code::SchemaViolation))];
    fixture.store().apply(&apply).await.unwrap();
    let groups = fixture.dead().groups(&tenant(), Limit::MAX).await.unwrap();
    let largest = (groups[0].code, groups[0].n, groups[0].first_at, groups[0].last_at);
    assert_eq!(largest, (Code::SchemaViolation, 3, at(3), at(9)));
    assert_eq!(groups[0].pointer, "/data/policy_no");
    assert_eq!(groups.len(), 3);
    assert!(groups.iter().any(|it| it.kind.is_none() && it.code == Code::BadEncoding));
    let first = fixture.dead().groups(&tenant(), Limit::new(1).unwrap()).await.unwrap();
    assert_eq!(first, groups[..1]);
}

/// Counts of one source, type, status and code are one number.
pub async fn counts_add_up(fixture: &dyn ContextFixture) {
    for n in [2, 3] {
        let mut append = admission(Vec::new());
        append.tallies =
            vec![tally(Status::Accepted, None, n), tally(Status::Parked, Some(Code::TooLate), 1)];
        fixture.log().admit(&append).await.unwrap();
    }
    let tallies = fixture.dead().tallies(&tenant()).await.unwrap();
    let expected =
        [tally(Status::Accepted, None, 5), tally(Status::Parked, Some(Code::TooLate), 2)];
    assert_eq!(tallies, expected);
}

/// An older arrival moves nothing back, and keeps what was announced.
pub async fn arrivals_only_move_forward(fixture: &dyn ContextFixture) {
    for seconds in [5, 9, 7] {
        let mut append = admission(Vec::new());
        append.arrivals = vec![arrivals(seconds)];
        fixture.log().admit(&append).await.unwrap();
    }
    let board = fixture.board().board(&tenant()).await.unwrap();
    assert_eq!(board.arrivals().cloned().collect::<Vec<_>>(), [arrivals(9)]);
    assert_eq!(fixture.board().tenants().await.unwrap(), [tenant()]);
}

/// A change is announced by the first who saw it, with its facts.
pub async fn an_announcement_is_made_once(fixture: &dyn ContextFixture) {
    let mut append = admission(Vec::new());
    append.arrivals = vec![arrivals(5)];
    fixture.log().admit(&append).await.unwrap();
    let announcement = Announcement {
        tenant: tenant(),
        source: arrivals(5).source,
        kind: arrivals(5).kind,
        from: Freshness::Fresh,
        to: Freshness::Stale,
        facts: vec![fact(1)],
    };
    fixture.board().announce(&announcement).await.unwrap();
    let again = fixture.board().announce(&announcement).await;
    assert!(matches!(again, Err(AnnounceError::Moved)));
    assert_eq!(fixture.facts().await, [fact(1)]);
    let board = fixture.board().board(&tenant()).await.unwrap();
    assert_eq!(board.arrivals().next().unwrap().announced, Freshness::Stale);
}

/// What one tenant keeps, another neither reads nor counts nor collides with.
pub async fn tenants_do_not_see_each_other(fixture: &dyn ContextFixture) {
    let other = TenantId::new("zenith").unwrap();
    let one = event("a", 1);
    let mut append = admission(vec![one.clone()]);
    append.dead = vec![dead(1, 1, Code::TooLate)];
    append.tallies = vec![tally(Status::Accepted, None, 1)];
    append.arrivals = vec![arrivals(1)];
    fixture.log().admit(&append).await.unwrap();
    let through = fixture.log().pending(Limit::MAX).await.unwrap().events[0].0;
    let value = contribution(&one, node(1), "a.b", Value::Bool(true));
    fixture.store().apply(&application(0, through, vec![value])).await.unwrap();
    assert!(fixture.log().seen(&other, &[one.key()]).await.unwrap().is_empty());
    assert!(fixture.log().events(&other, &[one.id]).await.unwrap().is_empty());
    assert!(fixture.dead().groups(&other, Limit::MAX).await.unwrap().is_empty());
    assert!(fixture.dead().tallies(&other).await.unwrap().is_empty());
    assert_eq!(fixture.board().board(&other).await.unwrap().arrivals().count(), 0);
    let view = fixture.store().view(&other, &[node(1)], &[]).await.unwrap();
    assert_eq!((view.version(), view.contributions().count()), (ViewVersion(0), 0));
    let id = kernel::EventId::mint(at(9), &SeededEntropy::new(99));
    let mut append = admission(vec![crate::Event { id, tenant: other.clone(), ..one }]);
    append.tenant = other;
    fixture.log().admit(&append).await.unwrap();
}

/// Nothing kept is an empty answer, never an error.
pub async fn absence_is_an_empty_answer(fixture: &dyn ContextFixture) {
    assert!(fixture.log().seen(&tenant(), &[]).await.unwrap().is_empty());
    assert!(fixture.log().events(&tenant(), &[event("a", 1).id]).await.unwrap().is_empty());
    assert!(fixture.log().pending(Limit::MAX).await.unwrap().events.is_empty());
    let view = fixture.store().view(&tenant(), &[], &[object("P1")]).await.unwrap();
    assert_eq!(view.contributions().count(), 0);
    assert!(fixture.store().versions(&tenant(), &[node(1)]).await.unwrap().is_empty());
    assert!(fixture.dead().groups(&tenant(), Limit::MAX).await.unwrap().is_empty());
    assert!(fixture.board().tenants().await.unwrap().is_empty());
}
