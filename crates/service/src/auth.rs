//! Who is calling: API keys with scopes, hashed at rest.

use std::{fmt, str::FromStr, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{StatusCode, header, request::Parts},
};
use kernel::{Digest, Entropy, TenantId};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Post events and import records.
    #[serde(rename = "ingest")]
    Ingest,
    /// Record choices; withdraw, object, set preferences.
    #[serde(rename = "consent")]
    Consent,
    /// Ask for decisions.
    #[serde(rename = "decide")]
    Decide,
    /// Read people, decisions, receipts, the console.
    #[serde(rename = "read")]
    Read,
    /// Submit, activate and roll back releases; unmerge people.
    #[serde(rename = "steward")]
    Steward,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::Ingest, Self::Consent, Self::Decide, Self::Read, Self::Steward];

    /// The name, as on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Consent => "consent",
            Self::Decide => "decide",
            Self::Read => "read",
            Self::Steward => "steward",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a scope"))
    }
}

/// A key at rest: its hash, never itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// What people call it.
    pub name: String,
    /// SHA-256 of the key; keys are 256 random bits, so a fast hash is enough.
    pub hash: Digest,
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The event sources it may speak for; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<String>>,
}

/// A key as printed once, when it is made.
pub struct PlainKey(String);

impl PlainKey {
    /// A fresh key of 256 random bits.
    pub fn mint(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0_u8; 32];
        entropy.fill(&mut bytes);
        Self(format!("ask_{}", hex::encode(bytes)))
    }

    /// The key itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainKey(..)")
    }
}

/// The keys a process knows, and whether its console is open to everyone on this machine.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys {
    keys: Arc<[ApiKey]>,
    open_console: Option<TenantId>,
}

impl ApiKeys {
    /// These keys.
    pub fn new(keys: Vec<ApiKey>) -> Self {
        Self { keys: keys.into(), open_console: None }
    }

    /// The same keys; console pages read this tenant without one (the demo, on the loopback only).
    #[must_use]
    pub fn with_open_console(mut self, tenant: TenantId) -> Self {
        self.open_console = Some(tenant);
        self
    }

    /// The caller behind a key.
    pub fn caller(&self, key: &str) -> Option<Caller> {
        let hash = Digest::of(key.as_bytes());
        let found = self.keys.iter().find(|it| it.hash == hash)?;
        Some(Caller {
            name: found.name.clone(),
            tenant: found.tenant.clone(),
            scopes: found.scopes.clone(),
            sources: found.sources.clone(),
        })
    }

    /// The visitor of an open console.
    pub fn visitor(&self) -> Option<Caller> {
        self.open_console.clone().map(|tenant| Caller {
            name: "visitor".to_owned(),
            tenant,
            scopes: vec![Scope::Read],
            sources: None,
        })
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The key's name.
    pub name: String,
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The event sources it may speak for.
    pub sources: Option<Vec<String>>,
}

impl Caller {
    /// Refuses a caller without the scope.
    pub fn must(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "auth", "scope-missing")
            .because(format!("this key lacks the scope `{}`", scope.as_str())))
    }
}

/// The name of the cookie a signed-in console visitor carries.
pub const COOKIE: &str = "assent_key";

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    ApiKeys: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let keys = ApiKeys::from_ref(state);
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        match header.map(|it| it.split_once(' ')) {
            Some(Some((scheme, key))) if scheme.eq_ignore_ascii_case("bearer") => {
                keys.caller(key.trim()).ok_or_else(|| {
                    Problem::new(StatusCode::UNAUTHORIZED, "auth", "unknown-key")
                        .because("this key is not known")
                })
            }
            Some(_) => Err(Problem::new(StatusCode::UNAUTHORIZED, "auth", "bad-scheme")
                .because("send `Authorization: Bearer <key>`")),
            None => Err(Problem::new(StatusCode::UNAUTHORIZED, "auth", "key-missing")
                .because("send `Authorization: Bearer <key>`")),
        }
    }
}

/// A visitor of the console: signed in by cookie, by key, or let in by an open console.
#[derive(Debug, Clone)]
pub struct Visitor(pub Caller);

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    ApiKeys: FromRef<S>,
{
    type Rejection = axum::response::Redirect;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let keys = ApiKeys::from_ref(state);
        let cookie = parts
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(';'))
            .filter_map(|it| it.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE)
            .and_then(|(_, key)| keys.caller(key));
        let caller = match cookie {
            Some(caller) => Some(caller),
            None => Caller::from_request_parts(parts, state).await.ok().or_else(|| keys.visitor()),
        };
        caller
            .filter(|it| it.must(Scope::Read).is_ok())
            .map(Self)
            .ok_or_else(|| axum::response::Redirect::to("/console/sign-in"))
    }
}
