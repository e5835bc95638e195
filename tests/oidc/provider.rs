//! The real provider: `provider.mjs`, run by Node.js. Tests are skipped if it is not installed, except under CI.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use reqwest::{Client, Response, Url, redirect::Policy};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub struct RealProvider {
    pub issuer: String,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    child: Child,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc")
}

impl RealProvider {
    /// Starts it on this port (0: any) with new keys; `None` if it is not installed.
    pub async fn start(port: u16, algorithm: &str) -> Option<RealProvider> {
        let node = std::process::Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
        if !node || !folder().join("node_modules/oidc-provider").exists() {
            let reason = "node or oidc-provider is not installed: run npm ci in tests/oidc";
            assert!(std::env::var_os("CI").is_none(), "the provider is required under CI: {reason}");
            eprintln!("skipped: {reason}");
            return None;
        }
        let mut child = Command::new("node")
            .args(["provider.mjs", &port.to_string(), &format!("{}/login/oidc/callback", crate::PUBLIC), algorithm])
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let input = child.stdin.take().expect("an input");
        let mut output = BufReader::new(child.stdout.take().expect("an output")).lines();
        let issuer = output.next_line().await.expect("reads").expect("the provider prints its issuer");
        Some(RealProvider { issuer, input, output, child })
    }

    /// Changes the groups of an account.
    pub async fn regroup(&mut self, account: &str, groups: &str) {
        self.input.write_all(format!("{account} {groups}\n").as_bytes()).await.expect("writes");
        let done = format!("groups of {account}");
        // The provider prints other lines as well.
        while self.output.next_line().await.expect("reads").expect("the provider is running") != done {}
    }

    /// Stops it; returns its port.
    pub async fn stop(mut self) -> u16 {
        self.child.kill().await.expect("ends");
        self.issuer.parse::<Url>().expect("a URL").port().expect("a port")
    }
}

/// A minimal browser for the provider's pages.
pub struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new() -> Browser {
        let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().tls_certs_only([]).build().expect("a client");
        Browser { client, cookies: BTreeMap::new() }
    }

    /// Follows the redirect to the provider, signs in as `account`, consents, and returns the URL of the redirect back.
    pub async fn sign_in(&mut self, url: &str, account: &str) -> Url {
        let mut url: Url = url.parse().expect("a URL");
        for _ in 0..20 {
            let answer = self.send(self.client.get(url.clone())).await;
            let to = match answer.headers().get("location") {
                Some(place) => url.join(place.to_str().expect("text")).expect("a URL"),
                None => self.fill_in(&url, answer, account).await,
            };
            if to.as_str().starts_with(crate::PUBLIC) {
                return to;
            }
            url = to;
        }
        panic!("too many redirects at the provider");
    }

    /// Submits the form of the page and returns the redirect.
    async fn fill_in(&mut self, url: &Url, page: Response, account: &str) -> Url {
        let (status, html) = (page.status(), page.text().await.expect("a page"));
        let between = |from: &str, to: &str| {
            html.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(found, _)| found.to_owned())
        };
        let prompt = between("name=\"prompt\" value=\"", "\"").unwrap_or_else(|| panic!("no form, but {status}: {html}"));
        let action = url.join(&between("action=\"", "\"").expect("a form")).expect("a URL");
        let form = [("prompt", prompt.as_str()), ("login", account), ("password", "any")];
        let answer = self.send(self.client.post(action.clone()).form(&form)).await;
        action.join(answer.headers()["location"].to_str().expect("text")).expect("a URL")
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Response {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", cookies.join("; ")).send().await.expect("the provider answers");
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            match value {
                "" => drop(self.cookies.remove(name)),
                _ => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        answer
    }
}
