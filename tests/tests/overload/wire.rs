//! One connection of HTTP/1.1, kept open: requests written as bytes, answers read as far as the tests look at them.

use std::io::{Error, Result};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::fixture::Api;

/// A connection.
pub struct Wire {
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub retry_after: Option<u64>,
    length: Option<usize>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request as it goes over the wire.
pub fn bytes_of(request: reqwest::RequestBuilder) -> Vec<u8> {
    let request = request.build().unwrap();
    let url = request.url();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut text = format!("{} {}{query} HTTP/1.1\r\n", request.method(), url.path());
    text += &format!("host: {}\r\n", url.authority());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    text += &format!("content-length: {}\r\n\r\n", body.len());
    [text.as_bytes(), body].concat()
}

impl Wire {
    pub async fn open(api: &Api) -> Result<Self> {
        let stream = TcpStream::connect(address(api)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// A connection that can take in little before somebody reads.
    pub async fn narrow(api: &Api) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4_096)?;
        let stream = socket.connect(address(api).parse().map_err(Error::other)?).await?;
        Ok(Self { stream: BufReader::with_capacity(256, stream) })
    }

    pub async fn call(&mut self, request: &[u8]) -> Result<Reply> {
        self.send(request).await?;
        let mut reply = self.head().await?;
        reply.body = vec![0; reply.length.unwrap_or(0)];
        self.stream.read_exact(&mut reply.body).await?;
        Ok(reply)
    }

    pub async fn send(&mut self, request: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(request).await
    }

    /// An answer without its body.
    pub async fn head(&mut self) -> Result<Reply> {
        let status = self.line().await?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut reply =
            Reply { status: status.unwrap_or(0), retry_after: None, length: None, body: Vec::new() };
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(reply);
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "retry-after" => reply.retry_after = value.trim().parse().ok(),
                "content-length" => reply.length = value.trim().parse().ok(),
                _ => {}
            }
        }
    }

    /// The next line, without its end.
    pub async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(Error::other("the server closed the connection"));
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

fn address(api: &Api) -> &str {
    api.base.trim_start_matches("http://")
}
