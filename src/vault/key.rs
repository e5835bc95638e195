//! The encryption key of secrets: set in the settings, or created on first use in a file that only the server's account may
//! read.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::VaultError;
use crate::domain::secret::Secret;
use crate::i18n::message;
use crate::private_files;

const KEY_BYTES: usize = 32;

/// Where the key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// From the settings: 32 bytes in base64.
    Given(Secret),
    /// A file, created when the first secret is stored.
    File(PathBuf),
}

/// A parsed key. AES-256-GCM-SIV (RFC 8452) stays safe should a random nonce ever repeat.
pub(super) struct Key(RandomizedNonceKey);

impl KeySource {
    /// The key; `None` if the file does not exist yet.
    pub(super) fn read(&self) -> Result<Option<Key>, VaultError> {
        match self {
            KeySource::Given(text) => Key::parse(text.reveal()).map(Some),
            KeySource::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Key::parse(text.trim()).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => {
                    Err(VaultError::Key(message!("vault.key_unreadable", file = shown(path), error = error.to_string())))
                }
            },
        }
    }

    /// The key; the file is created if it does not exist.
    pub(super) fn read_or_create(&self) -> Result<Key, VaultError> {
        if let Some(key) = self.read()? {
            return Ok(key);
        }
        let KeySource::File(path) = self else { return Err(VaultError::Key(message!("vault.key_missing"))) };
        let text = STANDARD.encode(random::<KEY_BYTES>()?);
        match write_private(path, &text) {
            // Another process was first: its key is used.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(VaultError::Key(message!("vault.key_unwritable", file = shown(path), error = error.to_string())));
            }
            Ok(()) => {
                tracing::info!(file = %path.display(), "created the encryption key for secrets; store a copy with your backups")
            }
        }
        self.read()?.ok_or_else(|| VaultError::Key(message!("vault.key_deleted", file = shown(path))))
    }
}

impl Key {
    fn parse(text: &str) -> Result<Key, VaultError> {
        let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, &bytes);
        key.map(Key).map_err(|_| VaultError::Key(message!("vault.key_invalid", bytes = KEY_BYTES)))
    }

    /// Encrypts a value. It can be decrypted only under the same name.
    pub fn seal(&self, name: &str, value: &str) -> Result<String, VaultError> {
        let mut sealed = value.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(name), &mut sealed);
        let nonce = nonce.map_err(|_| VaultError::Sealed(name.to_owned()))?;
        Ok(STANDARD.encode([nonce.as_ref().as_slice(), &sealed].concat()))
    }

    /// Decrypts a value.
    pub fn open(&self, name: &str, sealed: &str) -> Result<String, VaultError> {
        let cannot_decrypt = || VaultError::Sealed(name.to_owned());
        let mut bytes = STANDARD.decode(sealed).map_err(|_| cannot_decrypt())?;
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>().ok_or_else(cannot_decrypt)?;
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(name), sealed);
        let opened = opened.map_err(|_| cannot_decrypt())?;
        String::from_utf8(opened.to_vec()).map_err(|_| cannot_decrypt())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Writes a new file that only its owner may read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private_files::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::Key(message!("vault.no_random", error = error.to_string())))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_requires_the_same_name_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let source = |name: &str| KeySource::File(folder.path().join(name));
        assert!(source("a").read().unwrap().is_none(), "created on first use");
        let (a, b) = (source("a").read_or_create().unwrap(), source("b").read_or_create().unwrap());
        let sealed = a.seal("token", "值").unwrap();
        assert_eq!(source("a").read_or_create().unwrap().open("token", &sealed).unwrap(), "值", "the same key is read again");
        assert!(a.open("other", &sealed).is_err());
        assert!(b.open("token", &sealed).is_err());
        assert!(a.open("token", "AAAA").is_err());
        assert_ne!(sealed, a.seal("token", "值").unwrap(), "each nonce is random");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join("a")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn read_rejects_an_invalid_key() {
        let source = KeySource::Given(Secret::new("short"));
        assert!(source.read().err().unwrap().to_string().contains("32 bytes in base64"));
    }
}
