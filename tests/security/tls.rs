//! TLS: certificates from files, their reload, secure cookies and HSTS.

use std::path::PathBuf;
use std::sync::Arc;

use belfry::config::Settings;
use belfry::net::Tls;
use reqwest::Method;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::rig::{Belfry, PASSWORD, cookies, rest, status};

/// Files with a self-signed certificate and its key.
struct Files {
    folder: tempfile::TempDir,
}

/// A certificate and its key in PEM format, and the certificate in DER.
struct Pair {
    certificate: String,
    key: String,
    der: Vec<u8>,
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn pair() -> Pair {
    let generated = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
    Pair {
        certificate: pem("CERTIFICATE", generated.cert.der()),
        key: pem("PRIVATE KEY", &generated.signing_key.serialize_der()),
        der: generated.cert.der().to_vec(),
    }
}

impl Files {
    fn new(pair: &Pair) -> Files {
        let files = Files { folder: tempfile::tempdir().expect("a folder") };
        files.put(&pair.certificate, &pair.key);
        files
    }

    fn put(&self, certificate: &str, key: &str) {
        std::fs::write(self.certificate(), certificate).expect("writes");
        std::fs::write(self.key(), key).expect("writes");
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("tls.crt")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("tls.key")
    }

    fn set(&self, settings: &mut Settings) {
        settings.server.http.tls_certificate = Some(self.certificate());
        settings.server.http.tls_key = Some(self.key());
    }
}

/// Accepts any certificate; the tests compare which one was used.
#[derive(Debug)]
struct AcceptAny(rustls::crypto::WebPkiSupportedAlgorithms);

impl rustls::client::danger::ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.supported_schemes()
    }
}

async fn connect(address: std::net::SocketAddr) -> (TlsStream<TcpStream>, Vec<u8>) {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let verifier = Arc::new(AcceptAny(provider.signature_verification_algorithms));
    let config = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions().expect("versions");
    let config = config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    let stream = TcpStream::connect(address).await.expect("connects");
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("completes the handshake");
    let shown = stream.get_ref().1.peer_certificates().and_then(|all| all.first()).map(|cert| cert.to_vec()).unwrap_or_default();
    (stream, shown)
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> u16 {
    use tokio::io::AsyncReadExt;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("writes");
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.expect("answers");
    status(&String::from_utf8_lossy(&head))
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_responses_have_secure_cookies_and_hsts() {
    let files = Files::new(&pair());
    let belfry = Belfry::start_with(|s| files.set(s)).await;
    assert_eq!(belfry.scheme, "https");
    let signed = belfry
        .anonymous(Method::POST, "/login")
        .form(&[("name", "admin"), ("password", PASSWORD)])
        .send()
        .await
        .expect("answers");
    assert_eq!(signed.status(), 303);
    assert!(cookies(&signed).iter().all(|cookie| cookie.contains("; Secure")), "{:?}", cookies(&signed));
    for path in ["/login", "/api/v1/tasks", "/healthz", "/static/css/belfry.css"] {
        let answer = belfry.anonymous(Method::GET, path).send().await.expect("answers");
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000", "{path}");
        assert_eq!(answer.version(), reqwest::Version::HTTP_2, "{path}");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_on_the_tls_port_gets_400_without_a_redirect() {
    let files = Files::new(&pair());
    let belfry = Belfry::start_with(|s| files.set(s)).await;
    let answer = belfry.raw("GET /tasks HTTP/1.1\r\nhost: evil.test\r\n\r\n").await;
    assert_eq!(status(&answer), 400);
    assert!(answer.contains("https://") && !answer.contains("evil") && !answer.to_lowercase().contains("location"), "{answer}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_handshakes_are_closed() {
    let files = Files::new(&pair());
    let belfry = Belfry::start_with(|s| {
        files.set(s);
        s.server.http.header_timeout = std::time::Duration::from_millis(300);
    })
    .await;
    for begun in [&b""[..], &[22, 3, 1, 2][..]] {
        let mut stream = belfry.connect().await;
        stream.write_all(begun).await.expect("writes");
        rest(&mut stream).await;
    }
    assert_eq!(belfry.anonymous(Method::GET, "/healthz").send().await.expect("answers").status(), 200);
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn valid_files_are_reloaded_for_new_connections_and_invalid_ones_rejected() {
    let (first, second) = (pair(), pair());
    let files = Files::new(&first);
    let tls = Arc::new(Tls::load(&files.certificate(), &files.key()).expect("loads"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let (address, shutdown) = (listener.local_addr().expect("an address"), tokio_util::sync::CancellationToken::new());
    let options = belfry::net::ServerOptions { tls: Some(tls.clone()), ..Default::default() };
    let answers = poem::EndpointExt::map_to_response(poem::endpoint::make_sync(|_| "well"));
    let running = tokio::spawn(belfry::net::serve(listener, options, answers, shutdown.clone()));

    let (mut before, shown) = connect(address).await;
    assert_eq!((shown, ask(&mut before).await), (first.der.clone(), 200));
    assert_eq!(tls.run_once(), belfry::net::ReloadOutcome::Unchanged);
    for (certificate, key) in
        [("", ""), ("nonsense", &*first.key), (&*second.certificate, &*first.key), (&*second.certificate, "")]
    {
        files.put(certificate, key);
        assert_eq!(tls.run_once(), belfry::net::ReloadOutcome::Rejected, "{certificate} {key}");
        assert_eq!(tls.run_once(), belfry::net::ReloadOutcome::Unchanged, "reported once");
        assert_eq!(connect(address).await.1, first.der, "the previous certificate stays");
    }
    std::fs::remove_file(files.key()).expect("removes");
    assert_eq!(tls.run_once(), belfry::net::ReloadOutcome::Rejected);
    files.put(&second.certificate, &second.key);
    assert_eq!(tls.run_once(), belfry::net::ReloadOutcome::Reloaded);
    assert_eq!(connect(address).await.1, second.der);
    let mut left = [0; 512];
    let _ = tokio::io::AsyncReadExt::read(&mut before, &mut left).await.expect("is open"); // the rest of the first response
    assert_eq!(ask(&mut before).await, 200, "an open connection is kept");
    shutdown.cancel();
    running.await.expect("ends").expect("serves");
}

#[tokio::test]
async fn invalid_files_fail_the_start_and_are_named() {
    let (one, other) = (pair(), pair());
    let files = Files::new(&one);
    let start_error =
        async |settings: Settings| belfry::app::App::start(settings).await.err().map(|e| e.to_string()).unwrap_or_default();
    let settings = |folder: &tempfile::TempDir| {
        let mut settings = Settings { data_dir: folder.path().join("data"), ..Settings::default() };
        settings.server.listen = "127.0.0.1:0".into();
        files.set(&mut settings);
        settings
    };
    let folder = tempfile::tempdir().expect("a folder");
    files.put("", &one.key);
    assert!(
        start_error(settings(&folder)).await.contains("server.tls_certificate: ")
            && start_error(settings(&folder)).await.contains("no certificate")
    );
    files.put(&one.certificate, "");
    assert!(start_error(settings(&folder)).await.contains("contains no private key"));
    files.put(&one.certificate, &other.key);
    assert!(start_error(settings(&folder)).await.contains("cannot be used together"));
    let alone = Settings { ..settings(&folder) };
    let mut half = alone.clone();
    half.server.http.tls_key = None;
    assert!(start_error(half).await.contains("server.tls_key is not"));
    let mut missing = alone;
    missing.server.http.tls_certificate = Some(folder.path().join("none.crt"));
    let message = start_error(missing).await;
    assert!(message.contains("none.crt") && message.contains("no such file"), "{message}");
    assert!(!folder.path().join("data").exists(), "a failed start leaves nothing behind");
}
