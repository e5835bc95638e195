//! Checks the fake gateways with the providers' own SDKs: accepted with the correct key, rejected with a wrong one.

use std::path::Path;

use crate::gateway::{ACCESS_KEY, Gateway, SECRET_KEY};
use crate::support::venv::venv;

const PACKAGES: [&str; 2] = ["tencentcloud-sdk-python-sms==3.1.153", "alibabacloud_dysmsapi20170525==4.6.0"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_accept_the_providers_sdks() {
    let Some(python) = tokio::task::spawn_blocking(|| venv(&PACKAGES)).await.unwrap() else { return };
    let gateway = Gateway::start().await;
    for (provider, accepted, refused) in
        [("tencent", "Ok", "AuthFailure.SignatureFailure"), ("aliyun", "OK", "SignatureDoesNotMatch")]
    {
        for (key, expected) in [(SECRET_KEY, accepted), ("another", refused)] {
            let mut command = tokio::process::Command::new(&python);
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sms/sdk.py"));
            command.args([provider, gateway.url.trim_start_matches("http://"), ACCESS_KEY, key]);
            for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
                command.env_remove(variable);
            }
            let output = command.output().await.unwrap();
            let output = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(output.contains(expected), "{provider}: {output}");
        }
    }
}
