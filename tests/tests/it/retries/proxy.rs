//! A bad line to a server: it loses requests, loses answers, delays, doubles, and says 503 on its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{pause_ms, spawn};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    Pass,
    /// It never arrives.
    LoseRequest,
    /// It arrives, and nobody hears of it.
    LoseAnswer,
    /// The answer breaks off in the middle.
    HalfAnswer,
    /// It comes late.
    Delay,
    /// It arrives twice, and the second answer is the one that is heard.
    Double,
    /// The line answers by itself.
    Busy,
}

pub const TRICKS: [Trick; 7] = [
    Trick::Pass,
    Trick::LoseRequest,
    Trick::LoseAnswer,
    Trick::HalfAnswer,
    Trick::Delay,
    Trick::Double,
    Trick::Busy,
];

/// The line. It ends with the test.
pub struct Proxy {
    pub url: String,
    played: Arc<[AtomicUsize; TRICKS.len()]>,
}

impl Proxy {
    /// A line to the server at `url`. The same seed makes the same tricks in the order of requests.
    pub async fn to(url: &str, seed: u64) -> Self {
        let server = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let played: Arc<[AtomicUsize; TRICKS.len()]> = Arc::default();
        let dice = Arc::new(Mutex::new(StdRng::seed_from_u64(seed)));
        let count = played.clone();
        drop(spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let n = dice.lock().unwrap().random_range(0..TRICKS.len());
                let (server, count) = (server.clone(), count.clone());
                drop(spawn(async move {
                    // A line that breaks is what it is for.
                    if one_request(client, &server, TRICKS[n]).await.is_some() {
                        count[n].fetch_add(1, Ordering::Relaxed);
                    }
                }));
            }
        }));
        Self { url: own, played }
    }

    /// How often each trick was played.
    pub fn played(&self) -> Vec<(Trick, usize)> {
        TRICKS.into_iter().zip(self.played.iter().map(|count| count.load(Ordering::Relaxed))).collect()
    }
}

async fn one_request(mut client: TcpStream, server: &str, trick: Trick) -> Option<()> {
    let request = read_request(&mut client).await?;
    let answer = match trick {
        Trick::Pass => ask(server, &request).await?,
        Trick::LoseRequest => return Some(()),
        Trick::LoseAnswer => {
            ask(server, &request).await?;
            return Some(());
        }
        Trick::HalfAnswer => {
            let mut answer = ask(server, &request).await?;
            answer.truncate(answer.len() / 2);
            answer
        }
        Trick::Delay => {
            pause_ms(40).await;
            ask(server, &request).await?
        }
        Trick::Double => {
            ask(server, &request).await?;
            ask(server, &request).await?
        }
        Trick::Busy => {
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\
            Connection: close\r\n\r\nbusy"
                .to_vec()
        }
    };
    client.write_all(&answer).await.ok()?;
    client.shutdown().await.ok()
}

/// A request with a body of a known length, told to close its connection.
async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let head_len = loop {
        if let Some(at) = all.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if client.read_buf(&mut all).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&all[..head_len]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head_len + 4 + length.unwrap_or(0);
    while all.len() < whole {
        if client.read_buf(&mut all).await.ok()? == 0 {
            return None;
        }
    }
    let mut request = format!("{head}\r\nConnection: close\r\n\r\n").into_bytes();
    request.extend_from_slice(&all[head_len + 4..]);
    Some(request)
}

async fn ask(server: &str, request: &[u8]) -> Option<Vec<u8>> {
    let mut line = TcpStream::connect(server).await.ok()?;
    line.write_all(request).await.ok()?;
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).await.ok()?;
    Some(answer)
}
