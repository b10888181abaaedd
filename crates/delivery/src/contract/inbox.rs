//! The laws of [`Inbox`](crate::ports::Inbox).

use kernel::{Limit, TenantId};

use super::{
    DeskFixture,
    sample::{delivery, noon, person, request, tenant},
};
use crate::ports::Letter;

fn letter(i: u64) -> Letter {
    let person = person(i);
    let delivery = delivery(i, &person);
    Letter {
        tenant: tenant(),
        delivery: delivery.id,
        decision: delivery.decision,
        subject: person.subject,
        channel: delivery.channel,
        to: "a…@example.test".to_owned(),
        message: request(&delivery, &person).message,
        at: noon(),
    }
}

/// A letter is read back whole.
pub async fn a_letter_comes_back_with_every_member(fixture: &dyn DeskFixture) {
    let letter = letter(1);
    assert!(fixture.inbox().get(&tenant(), letter.delivery).await.unwrap().is_none());
    fixture.inbox().put(letter.clone()).await.unwrap();
    let read = fixture.inbox().get(&tenant(), letter.delivery).await.unwrap();
    assert_eq!(read, Some(letter));
}

/// A repeated hand-off leaves the first letter.
pub async fn a_letter_is_kept_once(fixture: &dyn DeskFixture) {
    let first = letter(1);
    let mut again = first.clone();
    "Again.".clone_into(&mut again.message.text);
    fixture.inbox().put(first.clone()).await.unwrap();
    fixture.inbox().put(again).await.unwrap();
    let page = fixture.inbox().page(&tenant(), None, None, Limit::MAX).await.unwrap();
    assert_eq!(page.items, [first]);
}

/// Pages, newest first, hold each letter once; a subject's page holds theirs.
pub async fn pages_of_letters_meet_without_gaps(fixture: &dyn DeskFixture) {
    let letters: Vec<_> = (0..3).map(letter).collect();
    for letter in &letters {
        fixture.inbox().put(letter.clone()).await.unwrap();
    }
    let limit = Limit::new(2).unwrap();
    let first = fixture.inbox().page(&tenant(), None, None, limit).await.unwrap();
    assert_eq!(first.items, [letters[2].clone(), letters[1].clone()]);
    let rest = fixture.inbox().page(&tenant(), None, first.next, limit).await.unwrap();
    assert_eq!((rest.items, rest.next), (vec![letters[0].clone()], None));
    let subject = Some(letters[1].subject);
    let theirs = fixture.inbox().page(&tenant(), subject, None, limit).await.unwrap();
    assert_eq!(theirs.items, [letters[1].clone()]);
}

/// One tenant's letters are not another's.
pub async fn letters_of_tenants_do_not_meet(fixture: &dyn DeskFixture) {
    let letter = letter(1);
    fixture.inbox().put(letter.clone()).await.unwrap();
    let other = TenantId::new("other").unwrap();
    assert!(fixture.inbox().get(&other, letter.delivery).await.unwrap().is_none());
    let page = fixture.inbox().page(&other, None, None, Limit::MAX).await.unwrap();
    assert!(page.items.is_empty());
}
