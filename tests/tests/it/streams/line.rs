//! A proxy that collects answers before it passes them on, as many do, unless the answer asks it not to.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::spawn;

/// What it collects before it passes anything on, in bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// The line. It ends with the test.
pub struct Line {
    pub url: String,
}

impl Line {
    /// A line to the server at `url`. `heeds`: it looks for `X-Accel-Buffering: no`; else it is one that does not know it.
    pub async fn to(url: &str, heeds: bool) -> Self {
        let server = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        drop(spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = server.clone();
                drop(spawn(async move { pass(client, &server, heeds).await }));
            }
        }));
        Self { url: own }
    }
}

/// Passes requests on as they come, answers as they may be.
async fn pass(client: TcpStream, server: &str, heeds: bool) -> Option<()> {
    let server = TcpStream::connect(server).await.ok()?;
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    drop(spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await }));
    let mut held = Vec::new();
    let mut flows = false;
    loop {
        let ended = from_server.read_buf(&mut held).await.ok()? == 0;
        let head = String::from_utf8_lossy(&held).to_ascii_lowercase();
        flows |= heeds && head.contains("x-accel-buffering: no\r\n") && head.contains("\r\n\r\n");
        if flows || ended || held.len() > BUFFER_BYTES {
            to_client.write_all(&held).await.ok()?;
            held.clear();
        }
        if ended {
            return Some(());
        }
    }
}
