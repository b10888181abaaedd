//! A server of its own for one test, on a free port, with a key that may do everything.

use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Mutex,
};

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header, redirect::Policy};
use serde_json::Value;

/// A running `assent serve`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Mutex<Child>,
    client: Client,
    base: String,
    key: String,
}

impl Server {
    /// Makes a key in the data directory and starts a server on it.
    pub(crate) fn start(data: &Path) -> Self {
        Self::resume(data, &make_key(data))
    }

    /// Starts a server on a data directory whose key is known.
    pub(crate) fn resume(data: &Path, key: &str) -> Self {
        Self::resume_with(data, key, &[])
    }

    /// Starts a server with further arguments.
    pub(crate) fn resume_with(data: &Path, key: &str, arguments: &[&str]) -> Self {
        adapters::system::install_tls();
        let log = OpenOptions::new().create(true).append(true).open(data.join("test.log")).unwrap();
        let mut child = assent(data, &["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base =
            lines.find_map(|it| it.unwrap().strip_prefix("listening on ").map(str::to_owned));
        let Some(base) = base else {
            panic!("{}", std::fs::read_to_string(data.join("test.log")).unwrap());
        };
        std::thread::spawn(move || lines.for_each(drop));
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { child: Mutex::new(child), client, base, key: key.to_owned() }
    }

    /// Ends the process as a power failure would: SIGKILL.
    pub(crate) fn kill(&self) {
        self.child.lock().unwrap().kill().unwrap();
        self.child.lock().unwrap().wait().unwrap();
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) fn end(self) -> ExitStatus {
        let mut child = self.child.lock().unwrap();
        let asked = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(asked.success());
        child.wait().unwrap()
    }

    /// A request without a key.
    pub(crate) fn stranger(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A request with the key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.stranger(method, path).bearer_auth(&self.key)
    }

    /// Posts JSON and reads the JSON answer.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.post_as(path, "application/json", body).await
    }

    /// Posts JSON under a content type and reads the JSON answer.
    pub(crate) async fn post_as(
        &self,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let answer = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, content_type)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        read(answer).await
    }

    /// Reads JSON.
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        drop(child.kill());
        drop(child.wait());
    }
}

pub(crate) async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The binary on a data directory.
pub(crate) fn assent(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assent"));
    command.args(arguments).arg("--data").arg(data).env("NO_COLOR", "1");
    command
}

/// Makes a key that may do everything.
pub(crate) fn make_key(data: &Path) -> String {
    let made = assent(data, &["key", "new", "--name", "test", "--scope", "all"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}
