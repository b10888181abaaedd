//! The webhook sender against a receiver that keeps to Standard Webhooks.

#![expect(clippy::indexing_slicing, reason = "a broken law panics")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use adapters::{
    channel::webhook::{Endpoint, WebhookSender, sign},
    http::Egress,
};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use delivery::{
    contract::{sample, sender::SenderFixture},
    ports::Sender,
};
use kernel::ManualClock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const SECRET: &[u8] = b"twenty-four bytes or more";

/// What a receiver has taken: text by `webhook-id`, in order of arrival.
type Taken = Arc<Mutex<Vec<(String, String)>>>;

struct Webhook {
    sender: Arc<dyn Sender>,
    taken: Taken,
    _receiver: JoinSet<()>,
}

async fn plain() -> Webhook {
    webhook(|it| Arc::new(it)).await
}

/// As composed: its route is traced.
async fn traced() -> Webhook {
    webhook(|it| it.route().sender).await
}

/// A receiver on a port of its own, and a sender whose operator allows exactly it.
async fn webhook(wrap: fn(WebhookSender) -> Arc<dyn Sender>) -> Webhook {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Taken::default();
    let kept = Arc::clone(&taken);
    let mut receiver = JoinSet::new();
    receiver.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            receive(stream, &kept).await;
        }
    });
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    let endpoint = Endpoint::new(&format!("http://127.0.0.1:{port}/in"), [&*secret]).unwrap();
    let egress = Egress::new(endpoint.exception()).unwrap();
    let endpoints = BTreeMap::from([(sample::tenant(), endpoint)]);
    let clock = Arc::new(ManualClock::at(sample::noon()));
    let sender = wrap(WebhookSender::new(egress, endpoints, clock));
    Webhook { sender, taken, _receiver: receiver }
}

/// Takes one request, checks its signature and keeps a message it has not seen.
async fn receive(mut stream: TcpStream, taken: &Taken) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut buffer = [0; 1_024];
        let n = stream.read(&mut buffer).await.unwrap();
        assert!(n > 0, "the request broke off");
        bytes.extend_from_slice(&buffer[..n]);
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length: usize = header(&head, "content-length").parse().unwrap();
            if bytes.len() >= end + 4 + length {
                break (head, length);
            }
        }
    };
    let body = &bytes[bytes.len() - length..];
    let id = header(&head, "webhook-id");
    let timestamp = header(&head, "webhook-timestamp").parse().unwrap();
    assert_eq!(header(&head, "webhook-signature"), sign(SECRET, &id, timestamp, body));
    assert_eq!(header(&head, "content-type"), "application/cloudevents+json");
    let event: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(event["id"], id);
    let text = event["data"]["text"].as_str().unwrap().to_owned();
    {
        let mut taken = taken.lock().unwrap();
        if taken.iter().all(|(known, _)| *known != id) {
            taken.push((id, text));
        }
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
}

fn header(head: &str, name: &str) -> String {
    head.lines()
        .filter_map(|it| it.split_once(": "))
        .find(|(it, _)| it.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
        .unwrap()
}

#[async_trait]
impl SenderFixture for Webhook {
    fn sender(&self) -> &dyn Sender {
        &*self.sender
    }

    async fn arrived(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }
}

delivery::sender_suite!(webhook_sender, super::plain());
delivery::sender_suite!(traced_webhook_sender, super::traced());
