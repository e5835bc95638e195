//! TLS certificates from files: checked for changes at an interval and reloaded for new connections. Open connections are kept;
//! invalid files are rejected and the previous certificate stays.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::i18n::{Message, message};

/// How often the files are checked for changes.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// An invalid certificate or key, as one line that names setting and file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(Message);

impl TlsError {
    /// What to tell the user.
    #[must_use]
    pub fn message(&self) -> Message {
        self.0.clone()
    }
}

/// The current certificate and its key.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    state: RwLock<State>,
}

struct State {
    acceptor: TlsAcceptor,
    /// The hash of the files at the last check, whether they were valid or not.
    last_digest: [u8; 32],
}

/// The outcome of a check of the files.
#[derive(Debug, PartialEq, Eq)]
pub enum ReloadOutcome {
    Unchanged,
    /// New connections use the new certificate.
    Reloaded,
    /// The files changed and are invalid.
    Rejected,
}

impl Tls {
    /// Loads the files.
    pub fn load(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let files = Files::read(certificate, key)?;
        let acceptor = files.acceptor(certificate, key)?;
        let state = RwLock::new(State { acceptor, last_digest: files.digest() });
        Ok(Tls { certificate: certificate.to_owned(), key: key.to_owned(), state })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.state.read().unwrap_or_else(PoisonError::into_inner).acceptor.clone()
    }

    /// Checks the files at an interval until the shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            }
            let tls = self.clone();
            let _ = tokio::task::spawn_blocking(move || tls.run_once()).await; // a panic is logged by the panic hook
        }
    }

    /// Checks the files once. Invalid files are logged once for each change.
    pub fn run_once(&self) -> ReloadOutcome {
        let files = Files::read(&self.certificate, &self.key);
        let digest = files.as_ref().map(Files::digest).unwrap_or_default();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.last_digest == digest {
            return ReloadOutcome::Unchanged;
        }
        state.last_digest = digest;
        match files.and_then(|files| files.acceptor(&self.certificate, &self.key)) {
            Ok(acceptor) => {
                state.acceptor = acceptor;
                tracing::info!(certificate = %self.certificate.display(), "reloaded TLS certificate");
                ReloadOutcome::Reloaded
            }
            Err(error) => {
                tracing::error!(%error, "failed to load TLS certificate; keeping the previous one");
                ReloadOutcome::Rejected
            }
        }
    }
}

/// The content of both files.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Files, TlsError> {
        Ok(Files { certificate: read("server.tls_certificate", certificate)?, key: read("server.tls_key", key)? })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((self.certificate.len() as u64).to_be_bytes());
        hash.update(&self.certificate);
        hash.update(&self.key);
        hash.finalize().into()
    }

    fn acceptor(&self, certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
        let empty = |setting, path: &Path, what: Message| {
            TlsError(message!("tls.empty", path = path.display().to_string(), what).of(setting))
        };
        let unfit = |error: rustls::Error| TlsError(message!("tls.unfit", error = error.to_string()));
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&self.certificate).filter_map(Result::ok).collect();
        if chain.is_empty() {
            return Err(empty("server.tls_certificate", certificate, message!("tls.certificate")));
        }
        let unreadable = |_| empty("server.tls_key", key, message!("tls.key"));
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(unreadable)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = versions.map_err(unfit)?.with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.map_err(unfit)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let reason = |error: std::io::Error| error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase();
    std::fs::read(path).map_err(|error| {
        TlsError(message!("setting.unreadable", path = path.display().to_string(), reason = reason(error)).of(setting))
    })
}
