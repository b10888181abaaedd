//! Secrets in files only their owner can read: the log's signing key and the key of keys.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use audit::{
    key::{self, Key, KeyOwner, Kid, WrapError},
    ports::Signer,
    seal,
};
use ed25519_dalek::{Signer as _, SigningKey};
use kernel::{Entropy, Fault, TenantId};
use zeroize::Zeroizing;

/// Owner reads and writes; nobody else does anything.
const MODE: u32 = 0o600;

/// The secret in a file; made there, durably, where there is none.
///
/// Processes that start together over one directory get one secret: it is published whole, under
/// a name that only the first can take.
pub fn secret(path: &Path, entropy: &dyn Entropy) -> io::Result<Zeroizing<[u8; 32]>> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => publish(path, entropy)?,
        answer => return answer,
    }
    read(path)
}

fn read(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    let mut secret = Zeroizing::new([0; 32]);
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.permissions().mode() & 0o077 != 0 || metadata.len() != 32 {
        let what = "not 32 bytes that only their owner can read";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    file.read_exact(secret.as_mut())?;
    Ok(secret)
}

fn publish(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let mut secret = Zeroizing::new([0; 32]);
    entropy.fill(secret.as_mut());
    let mut unique = [0; 8];
    entropy.fill(&mut unique);
    let draft = path.with_extension(format!("{:016x}", u64::from_be_bytes(unique)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&draft)?;
    file.write_all(secret.as_ref())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// The key that wraps all keys, in a file apart from them.
pub struct FileKek {
    key: Key,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for FileKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKek")
    }
}

impl FileKek {
    /// The key in this file; made there where there is none.
    pub fn open(path: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, Fault> {
        let secret = secret(path, &*entropy)
            .map_err(|it| Fault::escalate("opening the key-encryption key").because(it))?;
        Ok(Self { key: Key::new(Kid::from_bytes([0; 16]), *secret), entropy })
    }

    /// A key as it may be kept, bound to its owner.
    pub fn wrap(&self, key: &Key, owner: &[u8; 32]) -> Result<Vec<u8>, WrapError> {
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        key::wrap(self.key.secret(), nonce, key, owner)
    }

    /// A key that was kept.
    pub fn unwrap(&self, kid: Kid, wrapped: &[u8], owner: &[u8; 32]) -> Result<Key, WrapError> {
        key::unwrap(self.key.secret(), kid, wrapped, owner)
    }

    /// An owner, so that the key store alone names nobody.
    pub fn blind(&self, tenant: &TenantId, owner: &KeyOwner) -> [u8; 32] {
        let label = [b"owner\0", tenant.as_str().as_bytes(), b"\0", &owner.label()].concat();
        seal::derived(&self.key, &label)
    }
}

/// The log's Ed25519 key in a file.
pub struct FileSigner {
    key: SigningKey,
}

impl fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileSigner")
    }
}

impl FileSigner {
    /// The key in this file; made there where there is none.
    pub fn open(path: &Path, entropy: &dyn Entropy) -> Result<Self, Fault> {
        let secret = secret(path, entropy)
            .map_err(|it| Fault::escalate("opening the signing key").because(it))?;
        Ok(Self { key: SigningKey::from_bytes(&secret) })
    }
}

#[async_trait]
impl Signer for FileSigner {
    async fn public_key(&self) -> Result<[u8; 32], Fault> {
        Ok(self.key.verifying_key().to_bytes())
    }

    async fn sign(&self, body: &[u8]) -> Result<[u8; 64], Fault> {
        Ok(self.key.sign(body).to_bytes())
    }
}
