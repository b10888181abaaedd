//! The root secret of a deployment, and what is derived from it by name.

use std::{fmt, fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Entropy;
use sha2::Sha256;

/// Thirty-two random bytes in a file only its owner reads; every other secret is derived from them.
#[derive(Clone)]
pub struct Secrets([u8; 32]);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Secrets from these bytes.
    pub const fn new(root: [u8; 32]) -> Self {
        Self(root)
    }

    /// Reads the file, or makes it at first start.
    pub fn open(path: &Path, entropy: &dyn Entropy) -> Result<Self> {
        let root = adapters::keys::secret(path, entropy)
            .with_context(|| format!("reading the root secret `{}`", path.display()))?;
        Ok(Self(*root))
    }

    /// The first sixteen bytes of the secret of this name.
    pub fn derive16(&self, name: &str) -> [u8; 16] {
        let mut out = [0; 16];
        for (to, from) in out.iter_mut().zip(self.derive(name)) {
            *to = from;
        }
        out
    }

    /// The secret of this name: HMAC-SHA-256 under the root.
    pub fn derive(&self, name: &str) -> [u8; 32] {
        // HMAC takes keys of any length, so the error arm is never taken; it yields a fixed zero.
        Hmac::<Sha256>::new_from_slice(&self.0).map_or([0; 32], |mut mac| {
            mac.update(b"assent/secret/1\0");
            mac.update(name.as_bytes());
            mac.finalize().into_bytes().into()
        })
    }
}

/// Writes a file that only its owner reads, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let attempt = || -> std::io::Result<()> {
        let temporary = path.with_extension("new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    attempt().with_context(|| format!("writing `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use kernel::SeededEntropy;

    use super::*;

    #[test]
    fn processes_that_start_together_share_one_root() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root");
        let open = |seed| {
            let path = path.clone();
            std::thread::spawn(move || Secrets::open(&path, &SeededEntropy::new(seed)).unwrap())
        };
        let opened: Vec<_> = (0..16).map(open).collect();
        let mut derived: Vec<_> =
            opened.into_iter().map(|it| it.join().unwrap().derive("links")).collect();
        derived.dedup();
        assert_eq!(derived.len(), 1);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn secrets_survive_a_restart_and_differ_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let first = Secrets::open(&path, &SeededEntropy::new(1)).unwrap();
        let second = Secrets::open(&path, &SeededEntropy::new(2)).unwrap();
        assert_eq!(first.derive("links"), second.derive("links"));
        assert_ne!(first.derive("links"), first.derive("buckets"));
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &fs::metadata(&path).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&path, b"short").unwrap();
        assert!(Secrets::open(&path, &SeededEntropy::new(3)).is_err());
    }
}
