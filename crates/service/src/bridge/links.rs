//! Delivery asks for links in messages; the sealer mints them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use delivery::ports::{LinkAsk, Links, MessageLinks};
use kernel::{Clock, Fault, PurposeRef, TenantId};

use crate::links::{Link, LinkSealer, Opens};

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
        let link = |opens, expires_at| Link {
            opens,
            tenant: tenant.clone(),
            subject: ask.subject,
            delivery: Some(ask.delivery),
            decision: Some(ask.decision),
            purpose: Some(PurposeRef { key: ask.purpose.clone(), version: 0 }),
            channel: Some(ask.channel),
            expires_at,
        };
        let until = self.clock.now().plus(TimeDelta::days(PREFERENCES_DAYS));
        let url = |path: &str, it: &Link| {
            self.sealer.seal(it).map(|token| format!("{}/{path}/{token}", self.base))
        };
        Some(MessageLinks {
            one_click: url("o", &link(Opens::Unsubscribe, None))?,
            preferences: url("p", &link(Opens::Preferences, Some(until)))?,
            why: url("w", &link(Opens::Why, None))?,
        })
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
