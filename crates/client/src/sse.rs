//! Reads an event stream piece by piece, as the HTML standard says, with a bound on its memory.

use std::mem;

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The last id that the stream gave; `None` when it gave none yet.
    pub id: Option<String>,
    /// `message` when the stream did not say.
    pub event: String,
    /// Its data lines, joined by line feeds.
    pub data: String,
}

/// A stream that cannot be one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event has more than {bytes_max} bytes")]
pub struct SseError {
    /// The longest frame that is read, in bytes.
    pub bytes_max: usize,
}

/// An incremental reader: feed it bytes as they come, in pieces of any size.
#[derive(Debug)]
pub struct SseParser {
    line: Vec<u8>,
    /// The line ended with a carriage return; a line feed right after it belongs to it.
    after_cr: bool,
    at_start: bool,
    event: String,
    data: String,
    has_data: bool,
    id: Option<String>,
    retry_ms: Option<u64>,
    bytes_max: usize,
}

impl Default for SseParser {
    fn default() -> Self {
        Self::with_bytes_max(Self::BYTES_MAX)
    }
}

impl SseParser {
    /// Largest event that is read, in bytes: four times the largest request that could be echoed in one.
    pub const BYTES_MAX: usize = 4 << 20;

    /// A reader with a bound of one's own on an event's size.
    pub const fn with_bytes_max(bytes_max: usize) -> Self {
        Self {
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            event: String::new(),
            data: String::new(),
            has_data: false,
            id: None,
            retry_ms: None,
            bytes_max,
        }
    }

    /// How long the server asks to wait before a reconnect, in milliseconds.
    pub const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes the next bytes; returns the events that they complete. After an error the stream is of no more use.
    ///
    /// # Errors
    /// A frame longer than the parser's bound.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, SseError> {
        let mut frames = Vec::new();
        for &byte in bytes {
            let ends_crlf = mem::take(&mut self.after_cr) && byte == b'\n';
            if ends_crlf {
                continue;
            }
            match byte {
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    frames.extend(self.end_line());
                }
                _ if self.line.len() + self.data.len() >= self.bytes_max => {
                    return Err(SseError { bytes_max: self.bytes_max });
                }
                _ => self.line.push(byte),
            }
        }
        Ok(frames)
    }

    fn end_line(&mut self) -> Option<Frame> {
        let bytes = mem::take(&mut self.line);
        let first = mem::take(&mut self.at_start);
        let text = String::from_utf8_lossy(&bytes);
        let line = if first { text.strip_prefix('\u{feff}').unwrap_or(&text) } else { &text };
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        self.field(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    fn field(&mut self, name: &str, value: &str) {
        match name {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id = (!value.is_empty()).then(|| value.to_owned()),
            "retry" => self.retry_ms = value.parse().ok().or(self.retry_ms),
            // Comments (an empty name) and fields of a later standard.
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Frame> {
        let (event, data) = (mem::take(&mut self.event), mem::take(&mut self.data));
        mem::take(&mut self.has_data).then(|| Frame {
            id: self.id.clone(),
            event: if event.is_empty() { "message".to_owned() } else { event },
            data,
        })
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use proptest::prelude::*;

    fn frame(id: &str, event: &str, data: &str) -> Frame {
        Frame { id: Some(id.into()), event: event.into(), data: data.into() }
    }

    #[test]
    fn reads_frames_with_comments_and_all_line_ends() {
        let mut parser = SseParser::default();
        let text = "\u{feff}: hello\nid: 1-1\nevent: status\ndata: {}\n\n:\r\nid:1-2\r\nevent:log\r\ndata:a\r\ndata: b\r\n\r\nid: 1-3\rdata\r\r";
        let frames = parser.push(text.as_bytes()).unwrap();
        assert_eq!(
            frames,
            [frame("1-1", "status", "{}"), frame("1-2", "log", "a\nb"), frame("1-3", "message", "")]
        );
    }

    #[test]
    fn a_frame_without_data_is_none_and_an_unfinished_one_waits() {
        let mut parser = SseParser::default();
        assert_eq!(parser.push(b"event: status\n\ndata: x\n").unwrap(), []);
        assert_eq!(
            parser.push(b"\n").unwrap(),
            [Frame { id: None, event: "message".into(), data: "x".into() }]
        );
    }

    #[test]
    fn an_id_stays_until_another_comes_and_one_with_nul_is_passed_over() {
        let mut parser = SseParser::default();
        let frames = parser.push(b"id: 7\ndata: a\n\nid: 8\0\ndata: b\n\nretry: 250\nretry: x\n\n").unwrap();
        assert_eq!(frames, [frame("7", "message", "a"), frame("7", "message", "b")]);
        assert_eq!(parser.retry_ms(), Some(250));
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut endless_line = SseParser::with_bytes_max(100);
        assert!(endless_line.push(&[b'x'; 101]).is_err());
        let mut endless_data = SseParser::with_bytes_max(100);
        assert!(endless_data.push("data: 12345\n".repeat(30).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            lines in prop::collection::vec(prop_oneof![
                Just("\n".to_owned()), Just("\r\n".to_owned()), Just("\r".to_owned()),
                "(id|data|event|retry|)(: ?[a-zä0-9]{0,5})?(\n|\r|\r\n)",
            ], 0..20),
            cut in 1_usize..9,
        ) {
            let text = lines.concat();
            let whole = SseParser::default().push(text.as_bytes()).unwrap();
            let mut parser = SseParser::default();
            let pieces: Vec<_> = text.as_bytes().chunks(cut).flat_map(|piece| parser.push(piece).unwrap()).collect();
            prop_assert_eq!(whole, pieces);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = SseParser::with_bytes_max(64).push(&bytes);
        }
    }
}
