//! HTTP/1.1 as bytes on a socket, for servers that must misbehave in ways that no HTTP library
//! allows. Knows framing only.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The head of a request.
#[derive(Debug, Clone)]
pub struct Head {
    /// The method as sent, `POST` for example.
    pub method: String,
    /// The request target as sent, query included.
    pub path: String,
    /// The headers, with lower-case names.
    pub headers: HeaderMap,
    /// The head as sent, with the empty line at its end.
    pub text: String,
}

impl Head {
    /// Returns the value of a header, or `None` if it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An accepted connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    /// Wraps a socket and disables Nagle's algorithm, so that each write is sent at once.
    pub fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: BytesMut::new(),
        })
    }

    /// Reads the next request's head; returns `None` if the peer closed the connection between
    /// requests.
    pub async fn read_head(&mut self) -> Result<Option<Head>> {
        loop {
            if let Some(head) = self.parse_head()? {
                return Ok(Some(head));
            }
            if self.fill().await? == 0 {
                ensure!(
                    self.buffer.is_empty(),
                    "the peer closed inside a request head"
                );
                return Ok(None);
            }
        }
    }

    /// Reads the complete body that belongs to `head`.
    pub async fn read_body(&mut self, head: &Head) -> Result<Bytes> {
        if is_chunked(head) {
            let mut body = BytesMut::new();
            while let Some(chunk) = self.next_chunk().await? {
                body.extend_from_slice(&chunk);
            }
            return Ok(body.freeze());
        }
        let length = head.header("content-length").unwrap_or("0").parse()?;
        while self.buffer.len() < length {
            ensure!(
                self.fill().await? > 0,
                "the peer closed inside a request body"
            );
        }
        Ok(self.buffer.split_to(length).freeze())
    }

    /// Reads the next chunk of a chunked body; returns `None` after the last one.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>> {
        let (header, size) = loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete(found)) => break found,
                Ok(httparse::Status::Partial) => {
                    ensure!(self.fill().await? > 0, "the peer closed inside a body");
                }
                Err(_) => bail!("the peer sent a chunk without a size"),
            }
        };
        self.buffer.advance(header);
        if size == 0 {
            self.skip_trailers().await?;
            return Ok(None);
        }
        let size = usize::try_from(size)?;
        while self.buffer.len() < size + 2 {
            ensure!(self.fill().await? > 0, "the peer closed inside a chunk");
        }
        let chunk = self.buffer.split_to(size).freeze();
        self.buffer.advance(2);
        Ok(Some(chunk))
    }

    /// Writes and flushes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Completes when the peer has closed or reset the connection.
    pub async fn closed(&mut self) {
        while matches!(self.fill().await, Ok(read) if read > 0) {}
    }

    /// Ends the connection with FIN.
    pub async fn close(mut self) -> Result<()> {
        self.stream.shutdown().await?;
        Ok(())
    }

    /// Ends the connection with RST.
    pub fn reset(self) -> Result<()> {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?;
        Ok(())
    }

    async fn fill(&mut self) -> Result<usize> {
        Ok(self.stream.read_buf(&mut self.buffer).await?)
    }

    fn parse_head(&mut self) -> Result<Option<Head>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = request.parse(&self.buffer)? else {
            return Ok(None);
        };
        let mut head = Head {
            method: request.method.unwrap_or_default().to_owned(),
            path: request.path.unwrap_or_default().to_owned(),
            headers: HeaderMap::new(),
            text: String::from_utf8_lossy(&self.buffer[..length]).into_owned(),
        };
        for header in request.headers {
            let name = HeaderName::from_bytes(header.name.as_bytes())?;
            head.headers
                .append(name, HeaderValue::from_bytes(header.value)?);
        }
        self.buffer.advance(length);
        Ok(Some(head))
    }

    async fn skip_trailers(&mut self) -> Result<()> {
        loop {
            let Some(end) = self.buffer.windows(2).position(|window| window == b"\r\n") else {
                ensure!(
                    self.fill().await? > 0,
                    "the peer closed inside the trailers"
                );
                continue;
            };
            self.buffer.advance(end + 2);
            if end == 0 {
                return Ok(());
            }
        }
    }
}

/// Frames `bytes` as one chunk of a chunked body.
pub fn chunk(bytes: &[u8]) -> Bytes {
    let mut framed = BytesMut::from(format!("{:x}\r\n", bytes.len()).as_bytes());
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(b"\r\n");
    framed.freeze()
}

/// The end of a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

fn is_chunked(head: &Head) -> bool {
    head.headers
        .get(header::TRANSFER_ENCODING)
        .is_some_and(|value| value == "chunked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        (
            peer,
            Connection::new(listener.accept().await.unwrap().0).unwrap(),
        )
    }

    #[tokio::test]
    async fn a_request_is_read_however_its_body_is_framed() {
        let chunked = b"POST /a?b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n";
        let sized = b"POST /a?b HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde";
        for (name, wire) in [("chunked", &chunked[..]), ("sized", &sized[..])] {
            let (mut peer, mut connection) = pair().await;
            peer.write_all(wire).await.unwrap();
            let head = connection.read_head().await.unwrap().unwrap();
            assert_eq!(
                (head.method.as_str(), head.path.as_str()),
                ("POST", "/a?b"),
                "{name}"
            );
            assert_eq!(
                connection.read_body(&head).await.unwrap(),
                "abcde",
                "{name}"
            );
            drop(peer);
            assert!(connection.read_head().await.unwrap().is_none(), "{name}");
        }
    }

    #[tokio::test]
    async fn a_reset_is_no_clean_end() {
        for (name, reset) in [("close", false), ("reset", true)] {
            let (mut peer, connection) = pair().await;
            if reset {
                connection.reset().unwrap();
            } else {
                connection.close().await.unwrap();
            }
            assert_eq!(peer.read(&mut [0; 8]).await.is_err(), reset, "{name}");
        }
    }
}
