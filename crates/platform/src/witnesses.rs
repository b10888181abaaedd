//! The witnesses an operator names: a file of keys and where they are asked.

use std::{path::Path, sync::Arc};

use adapters::witness::HttpWitness;
use anyhow::{Context as _, Result};
use audit::{note::WitnessKey, service::KnownWitness};
use url::Url;

/// The most witnesses of a log.
pub const WITNESSES_MAX: usize = 16;

/// Reads the file: a line each, `vkey url`; empty lines and lines that begin with `#` say nothing.
pub fn read(path: &Path) -> Result<Vec<KnownWitness>> {
    let named = || format!("reading the witnesses in `{}`", path.display());
    let text = std::fs::read_to_string(path).with_context(named)?;
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let witnesses = lines.map(witness).collect::<Result<Vec<_>>>().with_context(named)?;
    anyhow::ensure!(witnesses.len() <= WITNESSES_MAX, "at most {WITNESSES_MAX} witnesses");
    Ok(witnesses)
}

fn witness(line: &str) -> Result<KnownWitness> {
    let said = || format!("`{line}` is not a witness's key and URL");
    let (key, url) = line.split_once(' ').with_context(said)?;
    let key: WitnessKey = key.parse().with_context(said)?;
    let url = Url::parse(url.trim()).with_context(said)?;
    Ok(KnownWitness { key, witness: Arc::new(HttpWitness::new(&url).with_context(said)?) })
}

#[cfg(test)]
mod tests {
    use audit::note::Origin;

    use super::*;

    fn file(text: &str) -> Result<Vec<KnownWitness>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witnesses");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn witnesses_are_read_up_to_their_limit() {
        let key = WitnessKey::new(Origin::new("witness.example/w1").unwrap(), [5; 32]);
        let line = format!("{key} http://127.0.0.1:9/v1/audit/witness\n");
        assert_eq!(file(&format!("# ours\n\n{line}")).unwrap().len(), 1);
        assert_eq!(file(&line.repeat(WITNESSES_MAX)).unwrap().len(), WITNESSES_MAX);
        assert!(file(&line.repeat(WITNESSES_MAX + 1)).is_err());
        for wrong in [key.to_string(), format!("{key} nowhere"), "key http://x".to_owned()] {
            assert!(file(&wrong).is_err(), "{wrong}");
        }
        assert!(read(Path::new("/nowhere")).is_err());
    }
}
