//! The network between a server and its database, as a test wants it: slow, deaf in one direction, silent, cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::fixture::{pause_ms, spawn};

/// What a driver sends to end a transaction.
const COMMIT: &[u8] = b"COMMIT";

/// What the network does with what is sent over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Open,
    /// Each packet takes so many milliseconds more.
    Late(u64),
    /// What the database answers is held back.
    Deaf,
    /// The same from a connection's first COMMIT on, which still arrives.
    LostCommits,
    /// Nothing gets through in either direction; held back, as a network does that is asked again and again.
    Silent,
}

/// The present, for every connection at once.
#[derive(Clone, Copy)]
struct State {
    mood: Mood,
    /// Connections with a lower number are broken.
    cut_below: u64,
    /// Connections with a lower number stay silent for ever.
    forgotten_below: u64,
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

impl State {
    fn mood_of(self, connection: u64, way: Way) -> Mood {
        match self.mood {
            _ if connection < self.forgotten_below => Mood::Silent,
            Mood::Deaf if way == Way::Back => Mood::Silent,
            Mood::Deaf | Mood::LostCommits => Mood::Open,
            mood => mood,
        }
    }
}

/// The network. It ends with the test.
pub struct Line {
    state: watch::Sender<State>,
    connections: Arc<AtomicU64>,
}

impl Line {
    /// To a database on this machine; its URL over this line is the second answer.
    pub async fn to(url: &str) -> (Self, String) {
        let (host, name) = url.rsplit_once('/').unwrap();
        let (user, address) = host.rsplit_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let start = State { mood: Mood::Open, cut_below: 0, forgotten_below: 0 };
        let (state, seen) = watch::channel(start);
        let connections = Arc::new(AtomicU64::new(0));
        let (address, count) = (address.to_owned(), connections.clone());
        drop(spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (address, seen) = (address.clone(), seen.clone());
                let number = count.fetch_add(1, Ordering::SeqCst);
                drop(spawn(async move { connection(client, &address, (number, seen)).await }));
            }
        }));
        let over = format!("{user}@127.0.0.1:{port}/{name}");
        (Self { state, connections }, over)
    }

    /// From now on, for connections that are and those to come.
    pub fn is(&self, mood: Mood) {
        self.state.send_modify(|state| state.mood = mood);
    }

    /// Breaks every connection that there is; what was held back is lost.
    pub fn cut(&self) {
        let all = self.connections.load(Ordering::SeqCst);
        self.state.send_modify(|state| state.cut_below = all);
    }

    /// Every connection that there is says nothing any more, and nobody is told; new ones work. A router between that
    /// was started anew does this.
    pub fn forget(&self) {
        let all = self.connections.load(Ordering::SeqCst);
        self.state.send_modify(|state| state.forgotten_below = all);
    }
}

async fn connection(client: TcpStream, address: &str, (number, seen): (u64, watch::Receiver<State>)) {
    let Ok(database) = TcpStream::connect(address).await else { return };
    let _ = (client.set_nodelay(true), database.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_database, to_database) = database.into_split();
    let mut cuts = seen.clone();
    let lost = Arc::new(AtomicBool::new(false));
    let end = |way| End { number, way, lost: lost.clone() };
    tokio::select! {
        () = pump((from_client, to_database), end(Way::There), seen.clone()) => {}
        () = pump((from_database, to_client), end(Way::Back), seen) => {}
        _ = cuts.wait_for(|state| number < state.cut_below) => {}
    }
}

/// One direction of one connection.
struct End {
    number: u64,
    way: Way,
    /// A COMMIT went there whose answer is not to come back.
    lost: Arc<AtomicBool>,
}

impl End {
    fn mood(&self, state: State, bytes: &[u8]) -> Mood {
        let commits = || bytes.windows(COMMIT.len()).any(|window| window == COMMIT);
        match self.way {
            Way::There if state.mood == Mood::LostCommits && commits() => {
                self.lost.store(true, Ordering::SeqCst)
            }
            Way::Back if self.lost.load(Ordering::SeqCst) => return Mood::Silent,
            _ => {}
        }
        state.mood_of(self.number, self.way)
    }
}

async fn pump(
    (mut from, mut to): (OwnedReadHalf, OwnedWriteHalf),
    end: End,
    mut seen: watch::Receiver<State>,
) {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let Ok(len @ 1..) = from.read(&mut bytes).await else { return };
        loop {
            let state = *seen.borrow_and_update();
            match end.mood(state, &bytes[..len]) {
                Mood::Silent => {
                    if seen.changed().await.is_err() {
                        return;
                    }
                }
                Mood::Late(ms) => break pause_ms(ms).await,
                Mood::Open | Mood::Deaf | Mood::LostCommits => break,
            }
        }
        if to.write_all(&bytes[..len]).await.is_err() {
            return;
        }
    }
}
