//! A collector of traces: a small HTTP server that keeps what it is sent, and a reader of its encoding.
//!
//! The reader knows the wire format of protocol buffers and the numbers of a few fields, so that what is checked is what
//! went over the wire, not what the exporter's own types say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{eventually, spawn};

/// A span as it arrived; ids in hexadecimal digits.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub trace: String,
    pub span: String,
    /// Empty for the first of a trace.
    pub parent: String,
    pub name: String,
    pub start_ns: u64,
    pub end_ns: u64,
    /// Texts and numbers by name.
    pub notes: BTreeMap<String, String>,
    pub is_error: bool,
}

impl Seen {
    pub fn note(&self, name: &str) -> &str {
        self.notes.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Inside {
    bodies: Mutex<Vec<Vec<u8>>>,
    heads: Mutex<Vec<String>>,
}

/// A collector on a port of its own.
#[derive(Clone)]
pub struct Collector {
    pub url: String,
    inside: Arc<Inside>,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inside = Arc::new(Inside::default());
        let shared = inside.clone();
        drop(spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inside = shared.clone();
                drop(spawn(async move {
                    // An exporter that hangs up is no fault.
                    let _ = serve(&inside, stream).await;
                }));
            }
        }));
        Self { url, inside }
    }

    /// What it was sent, each request's head and body.
    pub fn heads(&self) -> Vec<String> {
        self.inside.heads.lock().unwrap().clone()
    }

    /// All bytes of all bodies.
    pub fn bytes(&self) -> Vec<u8> {
        self.inside.bodies.lock().unwrap().concat()
    }

    pub fn spans(&self) -> Vec<Seen> {
        let bodies = self.inside.bodies.lock().unwrap();
        bodies.iter().flat_map(|body| spans(body)).collect()
    }

    /// Waits for a span that fits.
    pub async fn sees(&self, what: &str, fits: impl Fn(&Seen) -> bool) -> Seen {
        let found = eventually(what, 30, || async { self.spans().into_iter().find(&fits) });
        found.await
    }
}

async fn serve(inside: &Inside, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        let mut body = vec![0; length.unwrap()];
        stream.read_exact(&mut body).await?;
        inside.heads.lock().unwrap().push(head);
        inside.bodies.lock().unwrap().push(body);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
    }
}

/// A value of the wire format.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => panic!("a number where bytes belong"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }

    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Bytes(_) => panic!("bytes where a number belongs"),
        }
    }

    fn hex(&self) -> String {
        hex::encode(self.bytes())
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
    }
    panic!("a number without an end");
}

/// The fields of a message, in order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let fixed = |bytes: &mut &[u8], len: usize| {
            let (head, rest) = bytes.split_at(len);
            *bytes = rest;
            head.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
        };
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)),
            1 => Value::Number(fixed(&mut bytes, 8)),
            5 => Value::Number(fixed(&mut bytes, 4)),
            2 => {
                let len = usize::try_from(varint(&mut bytes)).unwrap();
                let (head, rest) = bytes.split_at(len);
                bytes = rest;
                Value::Bytes(head)
            }
            other => panic!("a value of kind {other}"),
        };
        found.push((tag >> 3, value));
    }
    found
}

fn all(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter(move |(n, _)| *n == number).map(|(_, value)| value.bytes())
}

/// Request, resource, scope, span: 1, 2, 2.
fn spans(body: &[u8]) -> Vec<Seen> {
    let scopes = all(body, 1).flat_map(|resource| all(resource, 2));
    scopes.flat_map(|scope| all(scope, 2)).map(span).collect()
}

fn span(message: &[u8]) -> Seen {
    let mut seen = Seen::default();
    for (number, value) in fields(message) {
        match number {
            1 => seen.trace = value.hex(),
            2 => seen.span = value.hex(),
            4 => seen.parent = value.hex(),
            5 => seen.name = value.text(),
            7 => seen.start_ns = value.number(),
            8 => seen.end_ns = value.number(),
            9 => {
                let (name, value) = note(value.bytes());
                let twice = seen.notes.insert(name.clone(), value);
                assert!(twice.is_none(), "`{name}` is noted twice in `{}`", seen.name);
            }
            15 => seen.is_error = fields(value.bytes()).iter().any(|(n, code)| *n == 3 && code.number() == 2),
            _ => {}
        }
    }
    seen
}

/// A key with a text or a whole number.
fn note(message: &[u8]) -> (String, String) {
    let (mut name, mut text) = (String::new(), String::new());
    for (number, value) in fields(message) {
        match number {
            1 => name = value.text(),
            2 => {
                for (kind, value) in fields(value.bytes()) {
                    text = if kind == 1 { value.text() } else { value.number().to_string() };
                }
            }
            _ => {}
        }
    }
    (name, text)
}
