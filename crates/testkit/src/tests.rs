//! The server records faithfully and misbehaves on demand; the process starts and dies.

use std::path::Path;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{Process, Reply, Sink, free_address};

async fn connect(sink: &Sink) -> TcpStream {
    let url = sink.url("");
    TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap()
}

async fn post(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    let head = format!("POST /in?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

async fn status(stream: &mut TcpStream) -> String {
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer.to_vec()).unwrap()
}

#[tokio::test]
async fn requests_are_recorded_in_order_with_every_byte() {
    let sink = Sink::start().await.unwrap();
    let mut stream = connect(&sink).await;
    post(&mut stream, "one").await;
    assert_eq!(status(&mut stream).await, "HTTP/1.1 200");
    post(&mut stream, "").await;
    let received = sink.received(2).await.unwrap();
    assert_eq!(received, sink.so_far());
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/in?x=1"));
    assert_eq!(received[0].header("host"), Some("x"));
    assert_eq!(received[0].header("cookie"), None);
    assert_eq!((received[0].body.as_slice(), received[1].body.len()), (&b"one"[..], 0));
}

#[tokio::test]
async fn chunks_are_put_together() {
    let sink = Sink::start().await.unwrap();
    let mut stream = connect(&sink).await;
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let text = format!("{head}3\r\none\r\na\r\n0123456789\r\n0\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    assert_eq!(sink.received(1).await.unwrap()[0].body, b"one0123456789");
}

#[tokio::test]
async fn answers_are_as_told() {
    let sink = Sink::start().await.unwrap();
    sink.answer(Reply::Status(503));
    let mut stream = connect(&sink).await;
    post(&mut stream, "x").await;
    assert_eq!(status(&mut stream).await, "HTTP/1.1 503");
    sink.answer(Reply::Close);
    let mut stream = connect(&sink).await;
    post(&mut stream, "x").await;
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    sink.answer(Reply::Hang);
    let mut stream = connect(&sink).await;
    post(&mut stream, "x").await;
    sink.received(3).await.unwrap();
    let mut answer = [0];
    tokio::select! {
        biased;
        _ = stream.read(&mut answer) => panic!("it must not answer"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test]
async fn a_body_past_the_limit_is_not_recorded() {
    let sink = Sink::start().await.unwrap();
    post(&mut connect(&sink).await, &"x".repeat(crate::sink::BODY_BYTES_MAX)).await;
    assert_eq!(sink.received(1).await.unwrap()[0].body.len(), crate::sink::BODY_BYTES_MAX);
    let mut stream = connect(&sink).await;
    let length = crate::sink::BODY_BYTES_MAX + 1;
    let head = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(sink.so_far().len(), 1);
}

#[tokio::test]
async fn a_free_address_is_nobody_elses_and_can_be_listened_on() {
    let mut given = std::collections::HashSet::new();
    for _ in 0..100 {
        let address = free_address().await.unwrap();
        assert!(given.insert(address), "{address} was given twice");
        assert!(TcpStream::connect(address).await.is_err());
    }
    for address in given {
        tokio::net::TcpListener::bind(address).await.unwrap();
    }
}

#[tokio::test]
async fn a_process_is_quoted_with_its_last_lines() {
    let address = free_address().await.unwrap();
    let log = std::env::temp_dir().join(format!("testkit-{}", address.port()));
    let args = ["-c", "seq 1 13; exit 3"];
    let error = Process::start(Path::new("/bin/sh"), args, address, &log).await.unwrap_err();
    assert!(error.to_string().contains("it said: 2\n3\n"), "{error}");
    assert!(error.to_string().ends_with("\n13"), "{error}");
    std::fs::remove_file(log).unwrap();
}

#[tokio::test]
async fn a_process_that_ends_before_it_answers_is_told() {
    let address = free_address().await.unwrap();
    let log = std::env::temp_dir().join(format!("testkit-{}", address.port()));
    let args = ["-c", "echo no; exit 3"];
    let error = Process::start(Path::new("/bin/sh"), args, address, &log).await.unwrap_err();
    assert!(error.to_string().contains("exit status: 3; it said: no"), "{error}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "no\n");
    std::fs::remove_file(log).unwrap();
}

#[tokio::test]
async fn a_process_is_started_and_killed() {
    // A server that is already there answers for the process: what is tested is its death.
    let sink = Sink::start().await.unwrap();
    let address = sink.url("").strip_prefix("http://").unwrap().parse().unwrap();
    let log = Path::new("/dev/null");
    let process = Process::start(Path::new("/bin/cat"), ["/dev/zero"], address, log).await.unwrap();
    assert_eq!(process.url("/x"), sink.url("/x"));
    process.kill().await.unwrap();
}
