//! Witnesses: what ours remembers, in files; those of others, over HTTP.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use audit::{
    note::{Checkpoint, NOTE_BYTES_MAX, Origin},
    ports::{Witness, WitnessStore, Witnessed},
    witness::AddCheckpoint,
};
use kernel::{Digest, Fault};
use reqwest::{StatusCode, header};
use url::Url;

use crate::http::{Egress, Exceptions};

/// How long a witness may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The head of each log cosigned last, one file a log, in a directory one process holds.
#[derive(Debug)]
pub struct FileWitnessStore {
    directory: PathBuf,
    // Reading the last head and keeping the next is one step: a witness that is asked twice at once
    // must not go back.
    turn: Mutex<()>,
    _held: File,
}

impl FileWitnessStore {
    /// The heads in this directory; made if need be, and refused while another process holds it.
    pub fn open(directory: &Path) -> Result<Self, Fault> {
        let what = "opening what a witness remembers";
        let open = || -> io::Result<File> {
            fs::create_dir_all(directory)?;
            let held = File::create(directory.join("lock"))?;
            held.try_lock()?;
            Ok(held)
        };
        let held = open().map_err(|it| Fault::escalate(what).because(it))?;
        Ok(Self { directory: directory.to_path_buf(), turn: Mutex::default(), _held: held })
    }

    fn path(&self, log: &Origin) -> PathBuf {
        let name = Digest::of(log.as_str().as_bytes()).to_string().replace(':', "-");
        self.directory.join(format!("{name}.checkpoint"))
    }

    fn read(&self, log: &Origin) -> io::Result<Option<Checkpoint>> {
        let body = match fs::read_to_string(self.path(log)) {
            Ok(body) => body,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let kept = Checkpoint::parse(&body).ok().filter(|it| it.origin == *log);
        kept.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a head"))
    }

    fn write(&self, head: &Checkpoint) -> io::Result<()> {
        let path = self.path(&head.origin);
        let draft = path.with_extension("new");
        let mut file = File::create(&draft)?;
        file.write_all(head.body().as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(&self.directory)?.sync_all()
    }
}

#[async_trait]
impl WitnessStore for FileWitnessStore {
    async fn latest(&self, log: &Origin) -> Result<Option<Checkpoint>, Fault> {
        self.read(log).map_err(|it| Fault::escalate("reading a cosigned head").because(it))
    }

    async fn advance(
        &self,
        before: Option<&Checkpoint>,
        after: &Checkpoint,
    ) -> Result<bool, Fault> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = |it| Fault::escalate("keeping a cosigned head").because(it);
        if self.read(&after.origin).map_err(fault)?.as_ref() != before {
            return Ok(false);
        }
        self.write(after).map_err(fault)?;
        Ok(true)
    }
}

/// A witness over HTTP (C2SP tlog-witness).
#[derive(Debug)]
pub struct HttpWitness {
    egress: Egress,
    url: Url,
}

impl HttpWitness {
    /// The witness below this prefix, which the operator names: it may be on a private network.
    pub fn new(prefix: &Url) -> Result<Self, Fault> {
        let what = "reading where a witness is";
        let host = prefix.host_str().ok_or(Fault::escalate(what))?;
        let port = prefix.port_or_known_default().ok_or(Fault::escalate(what))?;
        let egress = Egress::new(Exceptions::new([(host.to_owned(), port)]))?;
        let url = format!("{}/add-checkpoint", prefix.as_str().trim_end_matches('/'));
        let url = egress.vet(&url).map_err(|it| Fault::escalate(what).because(it))?;
        Ok(Self { egress, url })
    }
}

#[async_trait]
impl Witness for HttpWitness {
    async fn add_checkpoint(&self, request: &AddCheckpoint) -> Result<Witnessed, Fault> {
        let what = "asking a witness";
        let fault = |it: reqwest::Error| Fault::retry(what).because(it.without_url());
        let asked = self.egress.post(self.url.clone()).timeout(ANSWER_TIMEOUT);
        let mut answer = asked.body(request.to_text()).send().await.map_err(fault)?;
        let status = answer.status();
        let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(fault)? {
            body.extend_from_slice(&chunk);
            if body.len() > NOTE_BYTES_MAX {
                return Err(Fault::retry(what));
            }
        }
        let text = String::from_utf8(body).map_err(|it| Fault::retry(what).because(it))?;
        match status {
            StatusCode::OK => Ok(Witnessed::Cosigned(text)),
            StatusCode::CONFLICT if kind.is_some_and(|it| it == "text/x.tlog.size") => {
                let size = text.trim_end().parse().map_err(|it| Fault::retry(what).because(it))?;
                Ok(Witnessed::At(size))
            }
            // Another root at a size that was cosigned: the protocol gives no number then.
            StatusCode::CONFLICT => Ok(Witnessed::At(request.old)),
            _ if status.is_client_error() => Ok(Witnessed::Refused),
            _ => Err(Fault::retry(what)),
        }
    }
}
