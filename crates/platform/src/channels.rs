//! Which sender serves which channel: the sandbox all of them, but those that are configured.

use std::{fs, path::PathBuf, sync::Arc};

use adapters::{
    channel::{
        sandbox::SandboxSender,
        webhook::{Endpoint, WebhookSender},
    },
    http::{Egress, Exceptions},
};
use anyhow::{Context as _, Result};
use clap::Args;
use delivery::{
    ports::Inbox,
    sender::{Route, Routes},
};
use kernel::{Channel, Clock, TenantId};

use crate::config::Config;

/// Where messages on the channel `webhook` are posted.
#[derive(Debug, Clone)]
pub struct Webhook {
    endpoint: Endpoint,
    egress: Egress,
}

impl Webhook {
    /// This endpoint: on the public internet, on this machine, or where the operator says that it
    /// may be private.
    pub fn new(endpoint: Endpoint, is_private: bool) -> Result<Self> {
        let is_excepted = is_private || endpoint.is_loopback();
        let exceptions = if is_excepted { endpoint.exception() } else { Exceptions::default() };
        let egress = Egress::new(exceptions).context("making the client for webhooks")?;
        egress.vet(endpoint.url()).context(
            "a webhook endpoint that is no public address on port 443 needs `--webhook-private`",
        )?;
        Ok(Self { endpoint, egress })
    }

    fn route(&self, tenant: &TenantId, clock: Arc<dyn Clock>) -> Route {
        let endpoints = [(tenant.clone(), self.endpoint.clone())].into();
        WebhookSender::new(self.egress.clone(), endpoints, clock).route()
    }
}

/// The flags that configure the channel `webhook`.
#[derive(Debug, Default, Args)]
pub struct WebhookFlags {
    /// Where messages on the channel `webhook` are posted; the sandbox keeps them, if absent.
    #[arg(long = "webhook-url", env = "ASSENT_WEBHOOK_URL", requires = "secret")]
    url: Option<String>,
    /// A file with the `whsec_` secret they are signed with; two lines while one replaces another.
    #[arg(long = "webhook-secret", env = "ASSENT_WEBHOOK_SECRET", requires = "url")]
    secret: Option<PathBuf>,
    /// The endpoint may be in a private network, or on another port than 443.
    #[arg(long = "webhook-private", env = "ASSENT_WEBHOOK_PRIVATE", requires = "url")]
    private: bool,
}

impl WebhookFlags {
    /// The webhook they ask for, with its secrets read.
    pub fn read(&self) -> Result<Option<Webhook>> {
        let (Some(url), Some(path)) = (&self.url, &self.secret) else {
            return Ok(None);
        };
        let secrets = fs::read_to_string(path)
            .with_context(|| format!("reading the webhook secret `{}`", path.display()))?;
        let secrets = secrets.lines().map(str::trim).filter(|it| !it.is_empty());
        let endpoint = Endpoint::new(url, secrets).context("configuring the webhook")?;
        Webhook::new(endpoint, self.private).map(Some)
    }
}

/// The sandbox on every channel; the configured endpoint on its own.
pub fn routes(config: &Config, inbox: Arc<dyn Inbox>, clock: &Arc<dyn Clock>) -> Routes {
    let mut routes = SandboxSender::new(inbox, clock.clone()).routes();
    if let Some(webhook) = &config.webhook {
        routes.insert(Channel::Webhook, webhook.route(&config.tenant, clock.clone()));
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn read(url: &str, secret: &str, private: bool) -> Result<(), String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, secret).unwrap();
        let flags = WebhookFlags { url: Some(url.to_owned()), secret: Some(path), private };
        flags.read().map(|it| assert!(it.is_some())).map_err(|it| format!("{it:#}"))
    }

    #[test]
    fn an_endpoint_is_public_or_on_this_machine_or_declared_private() {
        for (url, is_private, legal) in [
            ("https://hooks.example.com/in", false, true),
            ("http://127.0.0.1:9000/in", false, true),
            ("https://hooks.example.com:8443/in", false, false),
            ("https://hooks.example.com:8443/in", true, true),
            ("https://10.0.0.7/in", false, false),
            ("https://10.0.0.7/in", true, true),
            ("http://10.0.0.7/in", true, false),
            ("http://hooks.example.com/in", true, false),
        ] {
            assert_eq!(read(url, SECRET, is_private).is_ok(), legal, "{url} {is_private}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_webhook_is_said_without_its_secret() {
        let url = "https://hooks.example.com/in";
        assert_eq!(read(url, &format!("\n{SECRET}\n\n{SECRET}\n"), false), Ok(()));
        for (url, secret, expected) in [
            (url, "", "one secret, or two"),
            (url, &*format!("{SECRET}\n{SECRET}\n{SECRET}"), "one secret, or two"),
            (url, "hunter2", "`whsec_` and base64 of 24 to 64 bytes"),
            ("hooks", SECRET, "an absolute URL"),
            ("http://hooks.example.com/in", SECRET, "over HTTPS"),
            ("https://10.0.0.7/in", SECRET, "`--webhook-private`"),
        ] {
            let error = read(url, secret, false).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("MfKQ"), "{error}");
        }
        let absent = Some(PathBuf::from("/nowhere/secret"));
        let flags = WebhookFlags { url: Some(url.to_owned()), secret: absent, private: false };
        assert!(format!("{:#}", flags.read().unwrap_err()).contains("/nowhere/secret"));
        assert!(WebhookFlags::default().read().unwrap().is_none());
    }
}
