//! A keep-alive HTTP/1.1 client of a few hundred instructions a call, for the load generator alone.
//!
//! The generator shares the machine with the server it measures, so what it spends it takes from the
//! figures. A general client spends ten times as much. This one speaks exactly what our server speaks:
//! one request at a time on a connection, answers with a length or in chunks, no redirects.

use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Largest answer that is read, in bytes: a batch of 1,000 leases stays far below.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("`{addr}` cannot be reached: {source}")]
    Connect { addr: SocketAddr, source: std::io::Error },
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    #[error("the server closed the connection")]
    Closed,
    #[error("the server answered something that is not HTTP/1.1: {0}")]
    Malformed(&'static str),
    #[error("`{0}` is not an address such as `http://127.0.0.1:8080`")]
    Url(String),
}

/// An answer; its body lives in the connection until the next call.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) addr: SocketAddr,
    host: String,
}

impl Target {
    /// The server at a plain `http://` address without a path.
    pub(super) async fn of(url: &str) -> Result<Self, HttpError> {
        let wrong = || HttpError::Url(url.to_owned());
        let host = url.strip_prefix("http://").ok_or_else(wrong)?.trim_end_matches('/');
        if host.contains('/') {
            return Err(wrong());
        }
        let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let addr = tokio::net::lookup_host(with_port).await.ok().and_then(|mut found| found.next());
        Ok(Self { addr: addr.ok_or_else(wrong)?, host: host.to_owned() })
    }

    /// A whole request.
    pub(super) fn request(&self, method: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
        let mut request = self.head(method, path, key, body.len());
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body.as_bytes());
        request
    }

    /// A `POST` that lacks only its idempotency key.
    pub(super) fn keyed(&self, path: &str, key: &str, body: &str) -> Keyed {
        let mut head = self.head("POST", path, key, body.len());
        head.extend_from_slice(b"Idempotency-Key: ");
        Keyed { head, tail: format!("\r\n\r\n{body}").into_bytes() }
    }

    /// All lines up to the empty one.
    fn head(&self, method: &str, path: &str, key: &str, len: usize) -> Vec<u8> {
        let host = &self.host;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {len}\r\n"
        )
        .into_bytes()
    }
}

/// A prebuilt request with room for its idempotency key.
#[derive(Debug)]
pub(super) struct Keyed {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Keyed {
    /// Writes the request under this key over what was in `into`.
    pub(super) fn write(&self, key: &str, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(&self.head);
        into.extend_from_slice(key.as_bytes());
        into.extend_from_slice(&self.tail);
    }
}

/// One connection, opened at the first call and again when the server closed it.
#[derive(Debug)]
pub(super) struct Connection {
    addr: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) const fn new(addr: SocketAddr) -> Self {
        Self { addr, stream: None, buffer: Vec::new() }
    }

    /// Sends a request and reads its answer.
    ///
    /// A kept connection that turns out to be closed before the first byte is opened anew, once: every request
    /// here is safe to repeat, by its idempotency key or by its lease.
    pub(super) async fn call(&mut self, request: &[u8]) -> Result<Answer<'_>, HttpError> {
        let kept = self.stream.is_some();
        let mut result = self.attempt(request).await;
        if kept && matches!(result, Err(HttpError::Closed | HttpError::Broken(_))) && self.buffer.is_empty() {
            self.stream = None;
            result = self.attempt(request).await;
        }
        if result.is_err() {
            self.stream = None;
        }
        let (status, body) = result?;
        Ok(Answer { status, body: self.buffer.get(body).unwrap_or_default() })
    }

    async fn attempt(&mut self, request: &[u8]) -> Result<(u16, Range<usize>), HttpError> {
        self.buffer.clear();
        let stream = match &mut self.stream {
            Some(stream) => stream,
            empty => empty.insert(connect(self.addr).await?),
        };
        stream.write_all(request).await?;
        let head = loop {
            match find(&self.buffer, b"\r\n\r\n", 0) {
                Some(end) => break Head::read(&self.buffer, end)?,
                None => more(stream, &mut self.buffer).await?,
            }
        };
        let body = match head.len {
            Some(len) => {
                let end = head.end.checked_add(len).filter(|end| *end <= ANSWER_BYTES_MAX);
                let end = end.ok_or(HttpError::Malformed("a body beyond all bounds"))?;
                self.buffer.reserve(end.saturating_sub(self.buffer.len()));
                while self.buffer.len() < end {
                    more(stream, &mut self.buffer).await?;
                }
                head.end..end
            }
            None => dechunk(stream, &mut self.buffer, head.end).await?,
        };
        if head.closes {
            self.stream = None;
        }
        Ok((head.status, body))
    }
}

async fn connect(addr: SocketAddr) -> Result<TcpStream, HttpError> {
    let stream = TcpStream::connect(addr).await.map_err(|source| HttpError::Connect { addr, source })?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), HttpError> {
    if buffer.len() > ANSWER_BYTES_MAX {
        return Err(HttpError::Malformed("an answer beyond all bounds"));
    }
    buffer.reserve(4096);
    match stream.read_buf(buffer).await? {
        0 => Err(HttpError::Closed),
        _ => Ok(()),
    }
}

/// What the lines before the body say.
struct Head {
    status: u16,
    /// Where the body starts.
    end: usize,
    /// Its length; `None` when it comes in chunks.
    len: Option<usize>,
    closes: bool,
}

impl Head {
    fn read(buffer: &[u8], end: usize) -> Result<Self, HttpError> {
        let text = buffer.get(..end).and_then(|head| std::str::from_utf8(head).ok());
        let mut lines = text.ok_or(HttpError::Malformed("its head is not text"))?.split("\r\n");
        let first = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = first.and_then(|line| line.get(..3)).and_then(|digits| digits.parse().ok());
        let status = status.ok_or(HttpError::Malformed("its first line"))?;
        let mut head = Self { status, end: end + 4, len: Some(0), closes: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                let len = value.parse().map_err(|_| HttpError::Malformed("its content length"))?;
                head.len = Some(len);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.len = None;
            } else if name.eq_ignore_ascii_case("connection") {
                head.closes = value.eq_ignore_ascii_case("close");
            }
        }
        Ok(head)
    }
}

/// Reads chunks to the last one and moves them together; returns where the body then stands.
async fn dechunk(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    start: usize,
) -> Result<Range<usize>, HttpError> {
    const WRONG: HttpError = HttpError::Malformed("a chunk");
    let (mut at, mut end) = (start, start);
    loop {
        let line_end = loop {
            match find(buffer, b"\r\n", at) {
                Some(line_end) => break line_end,
                None => more(stream, buffer).await?,
            }
        };
        let line = buffer.get(at..line_end).and_then(|line| std::str::from_utf8(line).ok()).ok_or(WRONG)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let len =
            usize::from_str_radix(digits, 16).ok().filter(|len| *len <= ANSWER_BYTES_MAX).ok_or(WRONG)?;
        let next = line_end + 2 + len + 2;
        while buffer.len() < next {
            more(stream, buffer).await?;
        }
        if len == 0 {
            return Ok(start..end);
        }
        buffer.copy_within(line_end + 2..next - 2, end);
        (at, end) = (next, end + len);
    }
}

fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let found = haystack.get(from..)?.windows(needle.len()).position(|window| window == needle)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each connection with the next text, piece by piece, and closes it.
    async fn serve(listener: TcpListener, answers: Vec<Vec<&'static str>>) {
        for pieces in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    }

    async fn asked(answers: Vec<Vec<&'static str>>, calls: usize) -> Vec<(u16, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut connection = Connection::new(listener.local_addr().unwrap());
        let ask = async {
            let mut seen = Vec::new();
            for _ in 0..calls {
                let answer = connection.call(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
                seen.push((answer.status, String::from_utf8(answer.body.to_vec()).unwrap()));
            }
            seen
        };
        tokio::join!(serve(listener, answers), ask).1
    }

    #[tokio::test]
    async fn a_body_is_read_by_length_or_by_chunks_however_it_is_cut() {
        let by_length = vec!["HTTP/1.1 20", "1 Created\r\nContent-LENGTH: 5\r", "\n\r\nhe", "llo"];
        assert_eq!(asked(vec![by_length], 1).await, [(201, "hello".to_owned())]);
        let chunks = vec![
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab",
            "c\r\nA;x=1\r\n0123456789\r\n0\r",
            "\n\r\n",
        ];
        assert_eq!(asked(vec![chunks], 1).await, [(200, "abc0123456789".to_owned())]);
        assert_eq!(asked(vec![vec!["HTTP/1.1 204 No Content\r\n\r\n"]], 1).await, [(204, String::new())]);
    }

    #[tokio::test]
    async fn a_kept_connection_that_was_closed_is_opened_again() {
        let answer = vec!["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", "x"];
        let seen = asked(vec![answer.clone(), answer], 2).await;
        assert_eq!(seen, [(200, "x".to_owned()), (200, "x".to_owned())]);
    }

    #[tokio::test]
    async fn an_address_with_a_path_or_another_scheme_is_refused() {
        for url in ["https://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1/v1"] {
            assert!(matches!(Target::of(url).await, Err(HttpError::Url(_))), "{url}");
        }
        let target = Target::of("http://127.0.0.1:8080/").await.unwrap();
        assert_eq!(target.addr.port(), 8080);
        let mut request = Vec::new();
        target.keyed("/x", "k", "{}").write("one", &mut request);
        let text = String::from_utf8(request).unwrap();
        assert!(text.starts_with("POST /x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"), "{text}");
        assert!(text.ends_with("Content-Length: 2\r\nIdempotency-Key: one\r\n\r\n{}"), "{text}");
    }
}
