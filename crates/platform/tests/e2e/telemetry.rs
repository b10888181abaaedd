//! One trace from an event to the letter it led to, read by a collector in the test.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use reqwest::{Method, StatusCode, header};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    server::{Server, make_key},
    world::{eventually, letters, overdue_claim, settle_in},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// What was exported: names of spans of the trace, and how many exports of metrics.
#[derive(Debug, Default)]
struct Exported {
    spans: BTreeSet<String>,
    metrics: usize,
    bytes: Vec<u8>,
}

type Shared = Arc<Mutex<Exported>>;

/// Members of a protobuf message: number and bytes of each length-delimited one.
fn members(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut out = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let width = match tag & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            5 => 4,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            other => panic!("wire type {other}"),
        };
        let (member, rest) = message.split_at(width);
        message = rest;
        if tag & 7 == 2 {
            out.push((tag >> 3, member));
        }
    }
    out
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut out = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        out |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    out
}

fn at(messages: Vec<&[u8]>, number: u64) -> Vec<&[u8]> {
    let all = messages.into_iter().flat_map(members);
    all.filter(|it| it.0 == number).map(|it| it.1).collect()
}

/// The spans of an `ExportTraceServiceRequest`: trace id and name.
fn spans(request: &[u8]) -> Vec<(String, String)> {
    // resource_spans = 1, scope_spans = 2, spans = 2; trace_id = 1, name = 5.
    at(at(at(vec![request], 1), 2), 2)
        .into_iter()
        .map(|span| {
            let member = |number| at(vec![span], number).first().copied().unwrap_or_default();
            let trace = u128::from_be_bytes(member(1).try_into().unwrap());
            (format!("{trace:032x}"), String::from_utf8(member(5).to_vec()).unwrap())
        })
        .collect()
}

async fn traces(State(exported): State<Shared>, body: Bytes) {
    let mut exported = exported.lock().unwrap();
    exported.bytes.extend_from_slice(&body);
    exported.spans.extend(spans(&body).into_iter().filter(|it| it.0 == TRACE).map(|it| it.1));
}

async fn metrics(State(exported): State<Shared>, body: Bytes) {
    let mut exported = exported.lock().unwrap();
    exported.bytes.extend_from_slice(&body);
    exported.metrics += 1;
}

/// A collector on a free port: where it listens, and the task that does.
async fn collector(exported: Shared) -> (String, JoinSet<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(metrics))
        .with_state(exported);
    let mut task = JoinSet::new();
    task.spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), task)
}

/// Whether a letter in the sandbox carries out a decision of `claim.status`.
async fn is_told_of_claim(server: &Server) -> bool {
    for letter in letters(server).await {
        let decision = letter["decision"].as_str().unwrap();
        let record = server.get(&format!("/v1/decisions/{decision}")).await.1;
        if record["outcome"]["action"]["node"] == "claim.status" {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_event_to_action() {
    let exported = Shared::default();
    let (endpoint, _collecting) = collector(exported.clone()).await;
    let data = tempfile::tempdir().unwrap();
    let key = make_key(data.path());
    let server = Server::resume_with(data.path(), &key, &["--otlp", &endpoint]);
    settle_in(&server, 1).await;
    let answer = server
        .request(Method::POST, "/v1/events")
        .header(header::CONTENT_TYPE, "application/cloudevents+json")
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .body(overdue_claim(0, "K-traced").to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    eventually("the letter about the claim is there", async || is_told_of_claim(&server).await)
        .await;
    // Ending sends what is left.
    assert!(server.end().success());
    let exported = exported.lock().unwrap();
    for name in ["http.request", "relay.observe", "decision.append", "delivery.sender.hand_off"] {
        assert!(exported.spans.contains(name), "no `{name}` among {:?}", exported.spans);
    }
    assert!(exported.metrics > 0, "no metrics");
    let text = String::from_utf8_lossy(&exported.bytes);
    for personal in ["mail.example", "Byron", "crm_id", "K-traced"] {
        assert!(!text.contains(personal), "`{personal}` was exported");
    }
}
