//! The layer as one process has it: its charter under a lease, its servers, reading and filling.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use ::redis::{Client, RedisError};
use kernel::{Entropy, Fault};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::Mutex, time::Instant};

use super::{
    Timing,
    change::Kind,
    codec,
    homes::Homes,
    scripts,
    server::{Call, Session},
    state::{Held, Serving, State},
    tag::Tag,
};
use crate::sql::activation::{Charter, Phase, SqlCharter, SqlMemberships};

/// Where the layer is and how long it may take.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server, or any server of the cluster.
    pub url: String,
    /// What every key of this deployment begins with.
    pub prefix: String,
    /// The durations.
    pub timing: Timing,
}

/// What the layer goes by.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The charter, in the system of record.
    pub charter: Arc<SqlCharter>,
    /// Who belongs with whom, there: a change names nodes, and keys are named by people.
    pub memberships: Arc<SqlMemberships>,
    /// Tokens and marks.
    pub entropy: Arc<dyn Entropy>,
}

/// Why a layer cannot be.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The address is none.
    #[error("reading the address of the activation layer")]
    Address(#[source] RedisError),
    /// The prefix would change the slots of keys.
    #[error("`{0}` is not a prefix: letters, digits, `:`, `_`, `.` and `-` only")]
    Prefix(String),
}

/// The layer as one process has it; clones share it.
#[derive(Clone)]
pub struct Layer {
    pub(super) parts: Parts,
    pub(super) timing: Timing,
    prefix: Arc<str>,
    client: Client,
    state: Arc<RwLock<State>>,
    connecting: Arc<Mutex<()>>,
    pub(super) homes: Arc<Homes>,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layer")
    }
}

/// Where a value is, and what it rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) tag: &'a Tag,
    pub(super) field: &'a str,
    pub(super) kinds: &'a [Kind],
}

/// What was found there.
#[derive(Debug)]
pub(super) enum Found<T> {
    /// This, and nothing it rests on had moved.
    Hit(T),
    /// Nothing that can be used; what is read now may be kept under this lease.
    Miss(Stamp),
    /// Nothing, and nothing may be kept.
    Off,
}

/// A lease to fill, taken before the source is read.
#[derive(Debug)]
pub(super) struct Stamp {
    epoch: u64,
    tokens: Vec<Vec<u8>>,
}

impl<T> Found<T> {
    /// The value, or else the lease, if there is one.
    pub(super) fn or_lease(self) -> Result<T, Option<Stamp>> {
        match self {
            Self::Hit(it) => Ok(it),
            Self::Miss(stamp) => Err(Some(stamp)),
            Self::Off => Err(None),
        }
    }
}

impl Layer {
    /// The layer there; it is not asked before the first [`beat`](Self::beat).
    pub fn new(settings: &Settings, parts: Parts) -> Result<Self, LayerError> {
        let legal = |it: char| it.is_ascii_alphanumeric() || ":_.-".contains(it);
        if !settings.prefix.chars().all(legal) {
            return Err(LayerError::Prefix(settings.prefix.clone()));
        }
        Ok(Self {
            parts,
            timing: settings.timing,
            prefix: settings.prefix.as_str().into(),
            client: Client::open(settings.url.as_str()).map_err(LayerError::Address)?,
            state: Arc::default(),
            connecting: Arc::default(),
            homes: Arc::default(),
        })
    }

    /// Renews the lease and the connections, and moves the charter on where it is time. Due well
    /// within every [`Timing::lease`]; a process that does not beat does not serve.
    pub async fn beat(&self) -> Result<(), Fault> {
        self.renew().await?;
        self.connect(None).await;
        self.advance().await
    }

    /// Beats if less than half of a lease is left: for work that has no beat beside it.
    pub async fn beat_if_due(&self) -> Result<(), Fault> {
        let soon = Instant::now() + self.timing.lease / 2;
        if self.read_state(|it| it.serving(soon)).is_some() { Ok(()) } else { self.beat().await }
    }

    /// What the layer is, as far as this process knows: for operators and tests.
    pub fn charter(&self) -> Option<Charter> {
        self.read_state(|it| it.held(Instant::now())).map(|it| it.charter)
    }

    /// Whether this process may serve from the layer now.
    pub fn is_serving(&self) -> bool {
        self.serving().is_some()
    }

    /// The charter, read again if its lease has run out.
    pub(super) async fn hold(&self) -> Result<Held, Fault> {
        if let Some(held) = self.read_state(|it| it.held(Instant::now())) {
            return Ok(held);
        }
        self.renew().await?;
        self.read_state(|it| it.held(Instant::now()))
            .ok_or(Fault::retry("reading the charter within its lease"))
    }

    /// Reads the charter again.
    pub(super) async fn renew(&self) -> Result<(), Fault> {
        let began = Instant::now();
        let charter = self.parts.charter.read().await?;
        self.write_state(|it| it.learn(charter, began, self.timing.lease));
        Ok(())
    }

    /// Moves the charter on, unless somebody else has.
    pub(super) async fn amend(&self, from: &Charter, to: Charter) -> Result<(), Fault> {
        let began = Instant::now();
        if !self.parts.charter.amend(from, &to).await? {
            return self.renew().await;
        }
        tracing::info!(
            epoch = to.epoch,
            phase = to.phase.as_str(),
            "the activation layer moved on"
        );
        self.write_state(|it| it.learn(to, began, self.timing.lease));
        Ok(())
    }

    /// Opens a rested layer, serves from an opening one, and shuts one that is elsewhere.
    async fn advance(&self) -> Result<(), Fault> {
        let held = self.hold().await?;
        let Some(session) = self.read_state(State::session) else { return Ok(()) };
        let charter = &held.charter;
        match charter.phase {
            Phase::Opening | Phase::Open if session.identity() != charter.servers => {
                tracing::warn!("the activation layer is not the one that was opened");
                self.amend(charter, charter.shut()).await
            }
            Phase::Opening if held.since.elapsed() >= self.timing.grace() => {
                self.amend(charter, charter.open()).await
            }
            Phase::Shut if held.since.elapsed() >= self.timing.rest.max(self.timing.grace()) => {
                self.amend(charter, charter.opening(session.identity().to_owned())).await
            }
            _ => Ok(()),
        }
    }

    /// Makes sure of the connections; `lost` are known to be of no use.
    pub(super) async fn connect(&self, lost: Option<&Arc<Session>>) {
        if let Some(lost) = lost {
            self.forget(lost);
        }
        let _one_at_a_time = self.connecting.lock().await;
        let began = Instant::now();
        let sound = match self.read_state(State::session) {
            // Somebody else has connected meanwhile.
            Some(_) if lost.is_some() => return,
            Some(old) if old.is_sound().await => Some(old),
            Some(old) => {
                self.forget(&old);
                None
            }
            None => None,
        };
        let session = match sound {
            Some(session) => session,
            None => match Session::open(&self.client, self.timing).await {
                Ok(opened) => Arc::new(opened),
                Err(error) => {
                    tracing::warn!(kind = ?error.kind(), "no activation layer to be had");
                    return;
                }
            },
        };
        self.write_state(|it| it.vouch(session, began, self.timing.lease));
    }

    /// These connections are of no use any more.
    pub(super) fn forget(&self, session: &Arc<Session>) {
        self.write_state(|it| it.lose(session));
    }

    fn serving(&self) -> Option<Serving> {
        self.read_state(|it| it.serving(Instant::now()))
    }

    fn still(&self, serving: &Serving) -> bool {
        self.serving().is_some_and(|it| {
            it.epoch == serving.epoch && Arc::ptr_eq(&it.session, &serving.session)
        })
    }

    fn read_state<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write_state(&self, write: impl FnOnce(&mut State)) {
        write(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The hash of a tag at an epoch, and the marks beside it.
    pub(super) fn keys(&self, epoch: u64, tag: &Tag) -> [String; 2] {
        let hash = format!("{}{epoch}:{{{}}}", self.prefix, tag.as_str());
        let marks = format!("{hash}:x");
        [hash, marks]
    }

    /// Bytes nobody else has.
    pub(super) fn chance(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        self.parts.entropy.fill(&mut bytes);
        bytes
    }

    /// What is at a place, if `usable` can make something of it.
    pub(super) async fn find<R: DeserializeOwned, T>(
        &self,
        place: Place<'_>,
        usable: impl FnOnce(R) -> Option<T>,
    ) -> Found<T> {
        let Some(serving) = self.serving() else { return Found::Off };
        let [hash, _] = self.keys(serving.epoch, place.tag);
        let tokens = place.kinds.iter().map(|it| it.token());
        let fields: Vec<_> = [place.field].into_iter().chain(tokens).collect();
        let mut values = match serving.session.fields(place.tag, &hash, &fields).await {
            Ok(values) => values.into_iter(),
            Err(error) => return self.unreachable(&serving, &error),
        };
        // Asked after the reply: what was read was vouched for when it was read.
        if !self.still(&serving) {
            return Found::Off;
        }
        let value = values.next().flatten();
        if let Some(it) = value.and_then(|it| codec::decode(place.tag, place.field, &it))
            && let Some(it) = usable(it)
        {
            return Found::Hit(it);
        }
        match values.collect::<Option<Vec<_>>>() {
            Some(tokens) => Found::Miss(Stamp { epoch: serving.epoch, tokens }),
            None => self.lease(&serving, place).await,
        }
    }

    async fn lease<T>(&self, serving: &Serving, place: Place<'_>) -> Found<T> {
        let keep = self.timing.keep.as_millis();
        let jitter = keep / 4 * u128::from(u32::from_be_bytes(self.chance4())) / (1 << 32);
        let letters: Vec<u8> = place.kinds.iter().map(|it| it.letter()).collect();
        let mut arguments =
            vec![self.chance().to_vec(), (keep + jitter).to_string().into_bytes(), letters];
        arguments.extend(place.kinds.iter().map(|it| it.token().as_bytes().to_vec()));
        let keys = self.keys(serving.epoch, place.tag).to_vec();
        let call = Call { script: &scripts::LEASE, tag: place.tag.clone(), keys, arguments };
        match serving.session.ask::<Vec<Vec<u8>>>(&call).await {
            Ok(tokens) if tokens.len() == place.kinds.len() => {
                Found::Miss(Stamp { epoch: serving.epoch, tokens })
            }
            Ok(_) => Found::Off,
            Err(error) => self.unreachable(serving, &error),
        }
    }

    fn chance4(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.chance();
        [a, b, c, d]
    }

    /// Keeps what was read under a lease, if the lease still stands; what cannot be kept is not.
    pub(super) async fn fill<R: Serialize + Sync>(
        &self,
        place: Place<'_>,
        value: &R,
        stamp: Stamp,
    ) {
        let Some(serving) = self.serving().filter(|it| it.epoch == stamp.epoch) else { return };
        let Some(bytes) = codec::encode(place.tag, place.field, value) else { return };
        let [hash, _] = self.keys(serving.epoch, place.tag);
        let mut arguments = vec![place.field.as_bytes().to_vec(), bytes];
        for (kind, token) in place.kinds.iter().zip(stamp.tokens) {
            arguments.extend([kind.token().as_bytes().to_vec(), token]);
        }
        let (script, tag) = (&*scripts::FILL, place.tag.clone());
        let call = Call { script, tag, keys: vec![hash], arguments };
        if let Err(error) = serving.session.ask::<()>(&call).await {
            let _: Found<()> = self.unreachable(&serving, &error);
        }
    }

    /// A reply that did not come in time may come yet; any other error ends the connections.
    fn unreachable<T>(&self, serving: &Serving, error: &RedisError) -> Found<T> {
        if !error.is_timeout() {
            tracing::warn!(kind = ?error.kind(), "the activation layer failed a read");
            self.forget(&serving.session);
        }
        Found::Off
    }
}
