//! The schedule of retries.

use chrono::TimeDelta;
use kernel::{Channel, Class, SeededEntropy};

use crate::retry::{ATTEMPTS_MAX, wait};

#[test]
fn waits_follow_the_schedule_within_their_jitter() {
    let entropy = SeededEntropy::new(1);
    for (n, seconds) in [(1_u8, 30_i64), (2, 120), (3, 600), (4, 1_800), (5, 7_200), (6, 21_600)] {
        for _ in 0..100 {
            let wait = wait(Channel::Email, Class::Service, n, None, &entropy).unwrap();
            let least = if n == 1 { 0 } else { seconds * 800 };
            let most = if n == 1 { seconds * 1_000 } else { seconds * 1_200 };
            assert!((least..=most).contains(&wait.num_milliseconds()), "{n} {wait}");
        }
    }
    assert_eq!(wait(Channel::Email, Class::Service, 7, None, &entropy), None);
    assert_eq!(wait(Channel::Email, Class::Marketing, 5, None, &entropy), None);
}

#[test]
fn what_the_provider_asks_for_is_the_least() {
    let entropy = SeededEntropy::new(1);
    let asked = Some(TimeDelta::hours(1));
    assert_eq!(wait(Channel::Sms, Class::Service, 1, asked, &entropy), asked);
}

#[test]
fn a_delivery_is_tried_so_often_and_no_more() {
    let entropy = SeededEntropy::new(1);
    for channel in Channel::ALL {
        assert_eq!(wait(*channel, Class::Service, ATTEMPTS_MAX, None, &entropy), None);
        assert_eq!(wait(*channel, Class::Service, 0, None, &entropy), None);
    }
    assert!(wait(Channel::Webhook, Class::Service, 9, None, &entropy).is_some());
    assert!(wait(Channel::Webhook, Class::Service, 10, None, &entropy).is_none());
}
