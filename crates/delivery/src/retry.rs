//! When a failed hand-off is tried again: a schedule per channel, with jitter.

use chrono::TimeDelta;
use kernel::{Channel, Class, Entropy};

/// The most attempts of one delivery.
pub const ATTEMPTS_MAX: u8 = 12;
/// How long an ambiguous hand-off may stay unknown before a person must look.
pub const UNKNOWN_HORIZON: TimeDelta = TimeDelta::hours(72);

const WEBHOOK: &[i64] = &[5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const EMAIL: &[i64] = &[30, 120, 600, 1_800, 7_200, 21_600];
const EMAIL_MARKETING: &[i64] = &[30, 120, 600, 1_800];
const SMS: &[i64] = &[15, 60, 300, 900];
const PUSH: &[i64] = &[5, 30, 120, 600];

/// How long to wait after the `n`th attempt (from 1) failed; `None` is no longer.
///
/// The first wait is anywhere up to its length, so that a provider that comes back is not met by
/// everybody at once; later ones vary by a fifth. What the provider asked for is the least.
pub fn wait(
    channel: Channel,
    class: Class,
    n: u8,
    asked: Option<TimeDelta>,
    entropy: &dyn Entropy,
) -> Option<TimeDelta> {
    if n >= ATTEMPTS_MAX {
        return None;
    }
    let schedule = match channel {
        Channel::Webhook => WEBHOOK,
        Channel::Email if class == Class::Marketing => EMAIL_MARKETING,
        Channel::Email => EMAIL,
        Channel::Sms => SMS,
        Channel::Push | Channel::Web | Channel::App | Channel::HumanTask => PUSH,
    };
    let micros = schedule.get(usize::from(n.checked_sub(1)?)).copied()? * 1_000_000;
    let mut bytes = [0_u8; 4];
    entropy.fill(&mut bytes);
    let per_mille = i64::from(u32::from_le_bytes(bytes) % 1_001);
    let jittered = if n == 1 {
        micros / 1_000 * per_mille
    } else {
        micros / 1_000 * (800 + per_mille * 2 / 5)
    };
    let jittered = TimeDelta::microseconds(jittered);
    Some(asked.map_or(jittered, |it| it.max(jittered)))
}
