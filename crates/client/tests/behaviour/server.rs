//! A server of a few lines on a loopback port: answers what the test says and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// `METHOD path`, for matching.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What the server does with a request.
pub enum Reply {
    Json(u16, Value),
    Bytes(Vec<u8>),
    /// An event stream that ends after this text.
    Events(String),
    /// The connection breaks without an answer.
    Break,
}

/// A problem of this code and status.
pub fn problem(status: u16, code: &str) -> Reply {
    Reply::Json(status, json!({"type": "t", "title": "t", "status": status, "detail": "d", "code": code}))
}

/// A running server. Its threads end with the test's process.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers with `reply`, which also gets how many requests with the same line came before.
    pub fn start(reply: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::<Request>::new()));
        let (reply, log) = (Arc::new(reply), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, log) = (Arc::clone(&reply), Arc::clone(&log));
                std::thread::spawn(move || {
                    converse(stream, |request| {
                        let before = {
                            let mut log = log.lock().unwrap();
                            let before =
                                log.iter().filter(|earlier| earlier.line() == request.line()).count();
                            log.push(request.clone());
                            before
                        };
                        reply(request, before)
                    })
                });
            }
        });
        Self { url, seen }
    }

    /// The requests so far whose line starts with this.
    pub fn seen(&self, line: &str) -> Vec<Request> {
        self.seen.lock().unwrap().iter().filter(|request| request.line().starts_with(line)).cloned().collect()
    }
}

/// Reads requests off one connection and answers them until either side ends it.
fn converse(mut stream: TcpStream, reply: impl Fn(&Request) -> Reply) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read_request(&mut reader) {
        let (status, kind, body) = match reply(&request) {
            Reply::Json(status, value) => {
                let kind = if status < 400 { "application/json" } else { "application/problem+json" };
                (status, kind, value.to_string().into_bytes())
            }
            Reply::Bytes(bytes) => (200, "application/octet-stream", bytes),
            Reply::Events(text) => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(format!("{head}{text}").as_bytes());
                return;
            }
            Reply::Break => return,
        };
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.into_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut request = Request { method, path, headers, body: Vec::new() };
    let len = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    request.body.resize(len, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// A whole job as the server shows it.
pub fn job(id: &str, status: &str) -> Value {
    json!({
        "id": id, "workspace": "acme", "member": null, "action": "image.generate", "params": {}, "pool": "image",
        "tier": "free", "status": status, "attempt": 1, "max_attempts": 3,
        "credits": {"quoted": 8, "held": 0, "settled": 8, "released": 0, "lines": []},
        "progress": {"fraction": 1.0, "stage": null, "message": null, "at": null}, "outputs": [], "queue": null,
        "error": null, "metadata": null, "created_at": "2026-01-01T00:00:00.000Z", "started_at": null,
        "finished_at": null, "deadline_at": null, "urls": {"self": "/s", "events": "/e", "cancel": "/c"},
    })
}
