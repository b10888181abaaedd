//! Delivery asks for links in messages; the sealer mints them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use delivery::ports::{LinkAsk, Links, MessageLinks};
use kernel::{Clock, Fault, TenantId};

use crate::links::{About, Link, LinkSealer, PreferencesLink, UnsubscribeLink, WhyLink};

/// How long a preference link in a message opens the page.
const PREFERENCES_DAYS: i64 = 30;

/// Mints links under the deployment's address.
#[derive(Debug, Clone)]
pub struct SealedLinks {
    sealer: LinkSealer,
    base: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl SealedLinks {
    /// Links that begin with this address.
    pub fn new(sealer: LinkSealer, base: &str, clock: Arc<dyn Clock>) -> Self {
        Self { sealer, base: base.trim_end_matches('/').into(), clock }
    }

    fn links(&self, tenant: &TenantId, ask: &LinkAsk) -> Option<MessageLinks> {
        let (tenant, subject) = (tenant.clone(), ask.subject);
        let one_click = UnsubscribeLink {
            tenant: tenant.clone(),
            subject,
            delivery: Some(ask.delivery),
            purpose: ask.purpose.clone(),
            channel: ask.channel,
        };
        let expires_at = self.clock.now().plus(TimeDelta::days(PREFERENCES_DAYS));
        let preferences = PreferencesLink { tenant: tenant.clone(), subject, expires_at };
        let why = WhyLink { tenant, about: About::Delivery(ask.delivery) };
        Some(MessageLinks {
            one_click: self.url("o", &one_click)?,
            preferences: self.url("p", &preferences)?,
            why: self.url("w", &why)?,
        })
    }

    fn url(&self, path: &str, link: &impl Link) -> Option<String> {
        Some(format!("{}/{path}/{}", self.base, self.sealer.seal(link)?))
    }
}

#[async_trait]
impl Links for SealedLinks {
    async fn mint(&self, tenant: &TenantId, asks: &[LinkAsk]) -> Result<Vec<MessageLinks>, Fault> {
        asks.iter()
            .map(|it| self.links(tenant, it).ok_or(Fault::escalate("minting a link")))
            .collect()
    }
}
