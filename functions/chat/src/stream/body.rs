//! The response body: reads the stream buffer of a turn and sends keep-alive comments while it is
//! silent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::stream::buffer::StreamBuffer;

/// The longest silence of a response. Proxies cut idle connections, CloudFront after 30 s.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The response body of a stream. It never fails: the Lambda runtime would write an error into the
/// stream as text.
pub(crate) struct StreamBody {
    buffer: StreamBuffer,
    /// Keeps the process from ending before the body is sent.
    _token: TaskTrackerToken,
    offset: usize,
    /// The time of the last frame. The timer is moved only when it fires, not with every frame.
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl StreamBody {
    /// Sends the buffer from its start to its end. Counts as one of `tasks` until it is sent or
    /// dropped.
    pub(crate) fn new(buffer: StreamBuffer, tasks: &TaskTracker) -> Self {
        Self {
            buffer,
            _token: tasks.token(),
            offset: 0,
            last: Instant::now(),
            timer: Box::pin(tokio::time::sleep(KEEP_ALIVE_INTERVAL)),
        }
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Poll::Ready(piece) = self.buffer.poll_read(self.offset, context) {
            self.offset += piece.as_ref().map_or(0, Bytes::len);
            self.last = Instant::now();
            return Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))));
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let silent_until = self.last + KEEP_ALIVE_INTERVAL;
            if silent_until <= Instant::now() {
                self.last = Instant::now();
                let next = self.last + KEEP_ALIVE_INTERVAL;
                self.timer.as_mut().reset(next);
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(ui_stream::PING)))));
            }
            self.timer.as_mut().reset(silent_until);
        }
        Poll::Pending
    }
}

impl IntoResponse for StreamBody {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::new(self));
        for (name, value) in ui_stream::STREAM_HEADERS {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::stream::buffer::stream_buffer;

    async fn next(body: &mut StreamBody) -> Option<Bytes> {
        body.frame()
            .await
            .map(|frame| frame.expect("never fails").into_data().expect("only data"))
    }

    #[tokio::test(start_paused = true)]
    async fn comments_are_sent_until_more_data_comes() {
        let (writer, buffer) = stream_buffer();
        let mut body = StreamBody::new(buffer, &TaskTracker::new());
        writer.append(b"start");
        let begin = Instant::now();
        assert_eq!(next(&mut body).await.as_deref(), Some(&b"start"[..]));

        tokio::time::advance(Duration::from_secs(10)).await;
        writer.append(b"more");
        assert_eq!(next(&mut body).await.as_deref(), Some(&b"more"[..]));
        for silent in [25, 40] {
            assert_eq!(next(&mut body).await.as_deref(), Some(ui_stream::PING));
            assert_eq!(begin.elapsed().as_secs(), silent);
        }
        writer.end();
        assert_eq!(next(&mut body).await, None);
    }
}
