//! The HTTP body: reads the log of a turn, and says something when there is nothing to say.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::log::TurnLog;

/// Proxies cut connections on which nothing moves, CloudFront after 30 s.
const SILENCE: Duration = Duration::from_secs(15);

/// A body that never fails: an error here would be written into the stream as text by the Lambda runtime.
pub(crate) struct LogBody {
    log: TurnLog,
    /// Keeps the process from ending before the body is sent.
    _token: TaskTrackerToken,
    offset: usize,
    /// When something was last sent. The timer is moved only when it fires, not with every piece.
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl LogBody {
    /// Sends the log from its start to its end; counts as one of `tasks` until it is sent or given up.
    pub(crate) fn new(log: TurnLog, tasks: &TaskTracker) -> Self {
        Self {
            log,
            _token: tasks.token(),
            offset: 0,
            last: Instant::now(),
            timer: Box::pin(tokio::time::sleep(SILENCE)),
        }
    }
}

impl Body for LogBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Poll::Ready(piece) = self.log.poll_read(self.offset, context) {
            self.offset += piece.as_ref().map_or(0, Bytes::len);
            self.last = Instant::now();
            return Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))));
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let silent_until = self.last + SILENCE;
            if silent_until <= Instant::now() {
                self.last = Instant::now();
                let next = self.last + SILENCE;
                self.timer.as_mut().reset(next);
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(ui_stream::PING)))));
            }
            self.timer.as_mut().reset(silent_until);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::log::turn_log;

    async fn next(body: &mut LogBody) -> Option<Bytes> {
        body.frame()
            .await
            .map(|frame| frame.expect("never fails").into_data().expect("only data"))
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_comments_until_more_comes() {
        let (writer, log) = turn_log();
        let mut body = LogBody::new(log, &TaskTracker::new());
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
