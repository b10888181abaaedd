//! The parts of a link as bytes.

use kernel::{Channel, TenantId};
use uuid::Uuid;

/// A channel in one byte, for ever.
pub(super) const fn channel(it: Channel) -> u8 {
    match it {
        Channel::Email => 1,
        Channel::Sms => 2,
        Channel::Push => 3,
        Channel::Web => 4,
        Channel::App => 5,
        Channel::HumanTask => 6,
        Channel::Webhook => 7,
    }
}

/// Reads what was written, and nothing past its end.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    pub(super) fn uuid(&mut self) -> Option<Uuid> {
        self.take().map(Uuid::from_bytes)
    }

    pub(super) fn channel(&mut self) -> Option<Channel> {
        let [code] = self.take()?;
        Channel::ALL.iter().copied().find(|it| channel(*it) == code)
    }

    pub(super) fn tenant(&mut self) -> Option<TenantId> {
        let [length] = self.take()?;
        let (name, tail) = self.0.split_at_checked(usize::from(length))?;
        self.0 = tail;
        TenantId::new(std::str::from_utf8(name).ok()?).ok()
    }

    pub(super) const fn remains(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn rest(&mut self) -> Option<&'a str> {
        std::str::from_utf8(std::mem::take(&mut self.0)).ok()
    }

    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
